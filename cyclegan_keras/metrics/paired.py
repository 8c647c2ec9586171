"""Pictures against the one that each should equal: a known counterpart, or the input of a cycle."""

import dataclasses
import math
from collections.abc import Callable, Iterable

import numpy as np

from cyclegan_keras.files.errors import MetricError
from cyclegan_keras.images.pixels import to_float, to_uint8
from cyclegan_keras.images.values import EIGHT_BIT, Values
from cyclegan_keras.metrics.base import Evidence, Measure
from cyclegan_keras.metrics.intervals import bootstrap_interval

_WINDOW = 11  # pixels, of SSIM's window
_SIGMA = 1.5  # pixels, its standard deviation


def paired_error(
    translate: Callable[[np.ndarray], np.ndarray],
    pairs: Iterable[tuple[np.ndarray, np.ndarray]],
    values: Values = EIGHT_BIT,
    source_values: Values | None = None,
) -> dict[str, float]:
    """Returns the mean absolute error of translations against their counterparts.

    Args:
        translate: maps a batch in [-1, 1], (batch, height, width, channels), to its translation.
        pairs: (input, true counterpart) batches in [-1, 1].
        values: of the counterparts; errors are in their unit, by default gray levels of 255.
        source_values: of the inputs; the same unless given.

    Returns:
        `"translated"`: mean |translate(x) - truth|; `"copied"`: mean |x - truth|, what copying
        the input gives; `"cut"`: the share of the copying error that the translation removes. The
        last two are NaN where inputs have other channels than their counterparts, and the last one
        is NaN where inputs equal their counterparts.

    Raises:
        ValueError: `pairs` is empty.
    """
    translation_errors, copy_errors = [], []
    for source, truth in pairs:
        translation_errors.append(np.mean(np.abs(np.asarray(translate(source)) - truth)))
        has_equal_channels = source.shape[-1] == truth.shape[-1]
        copies = as_copies(source, source_values or values, values)
        copy_errors.append(np.mean(np.abs(copies - truth)) if has_equal_channels else np.nan)
    if not translation_errors:
        raise ValueError("`pairs` must hold at least one batch. Received none.")
    half_range = _range(values) / 2
    translation_error = float(np.mean(translation_errors)) * half_range
    copy_error = float(np.mean(copy_errors)) * half_range
    cut = 1 - translation_error / copy_error if copy_error else math.nan
    return {"translated": translation_error, "copied": copy_error, "cut": cut}


def as_copies(inputs: np.ndarray, source: Values, target: Values) -> np.ndarray:
    """Returns inputs as if they were translations: what copying them gives.

    Numbers of one type mean the same in both domains, and keep their meaning. Between others the
    range of the inputs is stretched to that of the target, since nothing else is known.

    Args:
        inputs: floats in [-1, 1] on the scale of the source.
        source: what their numbers mean.
        target: what numbers of translations mean.

    Returns:
        Floats on the scale of the target, which may lie outside [-1, 1].
    """
    if source == target or source.dtype != target.dtype:
        return inputs
    numbers = (inputs + 1) / 2 * _range(source) + source.low
    return (numbers - target.low) / _range(target) * 2 - 1


def l1(a: np.ndarray, b: np.ndarray, values: Values = EIGHT_BIT) -> float:
    """Returns mean |a - b| of two pictures of one shape.

    Args:
        a: uint8 where the values are levels from 0 to 255, and float32 in [-1, 1] elsewhere.
        b: likewise.
        values: what their numbers mean; the result is in their unit.
    """
    return float(np.mean(np.abs(_floats(a, values) - _floats(b, values))))


def psnr(a: np.ndarray, b: np.ndarray, values: Values = EIGHT_BIT) -> float:
    """Returns 10 log10(R^2 / mean (a - b)^2) of two pictures, in dB; infinite if equal.

    R is the range of the values, 255 for ordinary pictures; see `l1` for the arguments.
    """
    error = np.mean(np.square(_floats(a, values) - _floats(b, values)))
    return float(10 * np.log10(_range(values) ** 2 / error)) if error else float("inf")


def ssim(a: np.ndarray, b: np.ndarray, values: Values = EIGHT_BIT) -> float:
    """Returns the structural similarity of two pictures, (height, width, channels).

    In a Gaussian window around every position, ((2 m_a m_b + c_1)(2 s_ab + c_2)) over
    ((m_a^2 + m_b^2 + c_1)(s_a^2 + s_b^2 + c_2)), averaged over channels and over the
    positions whose window lies in the picture; 1 if equal. The window is 11 pixels wide, of
    standard deviation 1.5; c_1 = (0.01 R)^2, c_2 = (0.03 R)^2 with R the range of the values, 255
    for ordinary pictures; s are weighted by the window, not divided by n - 1. Means are counted
    from the lowest value, so that they are never negative.

    See `l1` for the arguments.

    Raises:
        MetricError: a side is shorter than 11 pixels.

    Reference:
        Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity",
        2004, section III.
    """
    if min(a.shape[:2]) < _WINDOW:
        raise MetricError(
            f"SSIM needs pictures of at least {_WINDOW} pixels a side, not {a.shape}."
        )
    a, b = _floats(a, values), _floats(b, values)
    mean_a, mean_b = _blur(a), _blur(b)
    variance_a, variance_b = _blur(a * a) - mean_a**2, _blur(b * b) - mean_b**2
    covariance = _blur(a * b) - mean_a * mean_b
    c1, c2 = (0.01 * _range(values)) ** 2, (0.03 * _range(values)) ** 2
    numerator = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    denominator = (mean_a**2 + mean_b**2 + c1) * (variance_a + variance_b + c2)
    return float(np.mean(numerator / denominator))


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Comparison:
    """How two pictures are compared.

    Attributes:
        name: "L1", for example.
        compare: two pictures of one shape, and their values, to a number.
        better: "lower" or "higher".
        of_equal: the number for equal pictures.
        definition: in words, for levels from 0 to 255.
        deep_definition: in words, for other values: a template with their low, high and range.
    """

    name: str
    compare: Callable[[np.ndarray, np.ndarray, Values], float]
    better: str
    of_equal: float
    definition: str
    deep_definition: str

    def words(self, values: Values) -> str:
        """Returns the definition for pictures of these values."""
        if values.is_eight_bit:
            return self.definition
        return self.deep_definition.format(
            low=f"{values.low:g}", high=f"{values.high:g}", range=f"{_range(values):g}"
        )


_COMPARISONS = (
    _Comparison(
        name="L1",
        compare=l1,
        better="lower",
        of_equal=0.0,
        definition="mean absolute difference in gray levels of 255",
        deep_definition="mean absolute difference in units of the pictures, which range from {low} "
        "to {high}",
    ),
    _Comparison(
        name="PSNR",
        compare=psnr,
        better="higher",
        of_equal=float("inf"),
        definition="10 log10(255^2 / mean squared difference) in dB",
        deep_definition="10 log10({range}^2 / mean squared difference) in dB, of pictures that "
        "range from {low} to {high}",
    ),
    _Comparison(
        name="SSIM",
        compare=ssim,
        better="higher",
        of_equal=1.0,
        definition="structural similarity in a Gaussian window of 11 pixels, sigma 1.5, mean over "
        "channels",
        deep_definition="structural similarity in a Gaussian window of 11 pixels, sigma 1.5, mean "
        "over channels, for a range of {range} counted from {low}",
    ),
)


def paired_measures(evidence: Evidence) -> list[Measure]:
    """Returns L1, PSNR and SSIM of translations against their true counterparts.

    Where inputs have other channels than their counterparts, there is no score of copies.
    """
    translated, truth = evidence.need("translated", "truth")
    input_channels, channels = evidence.inputs[0].shape[-1], truth[0].shape[-1]
    copies, note = None, ""
    if input_channels != channels:
        note = (
            f"Inputs have {input_channels} channels and their counterparts {channels}, so that "
            "copies of the inputs cannot be compared with them."
        )
    else:
        source, target = evidence.source_values, evidence.target_values
        copies = [_copy(picture, source, target) for picture in evidence.inputs]
        if source.dtype != target.dtype:
            note = (
                f"Copies are inputs whose range, {source.words}, is stretched to that of their "
                f"counterparts, {target.words}."
            )
    return [
        _measure(
            comparison,
            name=f"{comparison.name} to the truth",
            pictures=translated,
            truth=truth,
            copies=copies,
            values=evidence.target_values,
            seed=evidence.seed,
            note=note,
        )
        for comparison in _COMPARISONS
    ]


def cycle_measures(evidence: Evidence) -> list[Measure]:
    """Returns L1, PSNR and SSIM of F(G(x)) against x."""
    (cycled,) = evidence.need("cycled")
    return [
        _measure(
            comparison,
            name=f"{comparison.name} of the cycle",
            pictures=cycled,
            truth=evidence.inputs,
            copies=evidence.inputs,
            values=evidence.source_values,
            seed=evidence.seed,
            note="Copying makes a perfect cycle: read its errors together with a distance to real "
            "pictures.",
        )
        for comparison in _COMPARISONS
    ]


def _measure(comparison, *, name, pictures, truth, copies, values, seed, note):
    """Compares pictures with their truth; `copies` None: there is no score of copies."""
    results = _compare_all(comparison, pictures, truth, values)
    low, high = bootstrap_interval(results, seed=seed)
    copy_score = float("nan")
    if copies is not None:
        copy_score = float(_compare_all(comparison, copies, truth, values).mean())
    chance = None
    if len(truth) > 1 and len({picture.shape for picture in truth}) == 1:
        others = [truth[(i + 1) % len(truth)] for i in range(len(truth))]
        chance = float(_compare_all(comparison, pictures, others, values).mean())
    return Measure(
        name=name,
        value=float(results.mean()),
        low=low,
        high=high,
        real_score=comparison.of_equal,
        copy_score=copy_score,
        better=comparison.better,
        n=(len(results),),
        features="pixels",
        protocol=f"{comparison.words(values)}; mean over pictures; n counts pairs; "
        "percentile bootstrap over pairs",
        chance=chance,
        note=note,
    )


def _compare_all(comparison, pictures, truth, values):
    return np.array(
        [comparison.compare(a, b, values) for a, b in zip(pictures, truth, strict=True)]
    )


def _range(values):
    return values.high - values.low


def _copy(picture, source, target):
    """Returns an input as an array of the target's domain; see `as_copies`."""
    if source.is_eight_bit and target.is_eight_bit:
        return picture
    copy = as_copies(to_float(picture), source, target)
    return to_uint8(copy) if target.is_eight_bit else copy.astype("float32")


def _floats(picture, values):
    """Returns a picture in the unit of its values, float64, counted from the lowest one."""
    expected = np.uint8 if values.is_eight_bit else np.float32
    if picture.dtype != expected:
        raise MetricError(
            f"Pictures are compared as {np.dtype(expected)}. Received: {picture.dtype}."
        )
    if values.is_eight_bit:
        return picture.astype("float64")
    return (picture.astype("float64") + 1) * (_range(values) / 2)


def _blur(values):
    """Returns the window's mean wherever it fits, (height - 10, width - 10, channels)."""
    offsets = np.arange(_WINDOW) - _WINDOW // 2
    weights = np.exp(-(offsets**2) / (2 * _SIGMA**2))
    weights /= weights.sum()
    height, width = values.shape[0] - _WINDOW + 1, values.shape[1] - _WINDOW + 1
    blurred_down = sum(weight * values[i : i + height] for i, weight in enumerate(weights))
    return sum(weight * blurred_down[:, i : i + width] for i, weight in enumerate(weights))
