"""Pictures against the one that each should equal: a known counterpart, or the input of a cycle."""

import dataclasses
from collections.abc import Callable, Iterable

import numpy as np

from cyclegan_keras.files.errors import MetricError
from cyclegan_keras.metrics.base import Evidence, Measure
from cyclegan_keras.metrics.intervals import bootstrap_interval

_RANGE = 255.0
_WINDOW = 11  # pixels, of SSIM's window
_SIGMA = 1.5  # pixels, its standard deviation


def paired_error(
    translate: Callable[[np.ndarray], np.ndarray], pairs: Iterable[tuple[np.ndarray, np.ndarray]]
) -> dict[str, float]:
    """Returns the mean absolute error of translations against their counterparts, of 255.

    Args:
        translate: maps a batch in [-1, 1], (batch, height, width, channels), to its translation.
        pairs: (input, true counterpart) batches in [-1, 1].

    Returns:
        `"translated"`: mean |translate(x) - truth|; `"copied"`: mean |x - truth|, what copying
        the input gives; `"cut"`: the share of the copying error that the translation removes.

    Raises:
        ValueError: `pairs` is empty.
    """
    translation_errors, copy_errors = [], []
    for source, truth in pairs:
        translation_errors.append(np.mean(np.abs(np.asarray(translate(source)) - truth)))
        copy_errors.append(np.mean(np.abs(np.asarray(source) - truth)))
    if not translation_errors:
        raise ValueError("`pairs` must hold at least one batch. Received none.")
    translation_error = float(np.mean(translation_errors)) * 127.5
    copy_error = float(np.mean(copy_errors)) * 127.5
    return {
        "translated": translation_error,
        "copied": copy_error,
        "cut": 1 - translation_error / copy_error,
    }


def l1(a: np.ndarray, b: np.ndarray) -> float:
    """Returns mean |a - b| of two uint8 pictures of one shape, in gray levels of 255."""
    return float(np.mean(np.abs(_floats(a) - _floats(b))))


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    """Returns 10 log10(255^2 / mean (a - b)^2) of two uint8 pictures, in dB; infinite if equal."""
    error = np.mean(np.square(_floats(a) - _floats(b)))
    return float(10 * np.log10(_RANGE**2 / error)) if error else float("inf")


def ssim(a: np.ndarray, b: np.ndarray) -> float:
    """Returns the structural similarity of two uint8 pictures, (height, width, channels).

    In a Gaussian window around every position, ((2 m_a m_b + c_1)(2 s_ab + c_2)) over
    ((m_a^2 + m_b^2 + c_1)(s_a^2 + s_b^2 + c_2)), averaged over channels and over the
    positions whose window lies in the picture; 1 if equal. The window is 11 pixels wide, of
    standard deviation 1.5; c_1 = (0.01 255)^2, c_2 = (0.03 255)^2; s are weighted by the window,
    not divided by n - 1.

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
    a, b = _floats(a), _floats(b)
    mean_a, mean_b = _blur(a), _blur(b)
    variance_a, variance_b = _blur(a * a) - mean_a**2, _blur(b * b) - mean_b**2
    covariance = _blur(a * b) - mean_a * mean_b
    c1, c2 = (0.01 * _RANGE) ** 2, (0.03 * _RANGE) ** 2
    numerator = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    denominator = (mean_a**2 + mean_b**2 + c1) * (variance_a + variance_b + c2)
    return float(np.mean(numerator / denominator))


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Comparison:
    """How two pictures are compared.

    Attributes:
        name: "L1", for example.
        compare: two uint8 pictures of one shape to a number.
        better: "lower" or "higher".
        of_equal: the number for equal pictures.
        definition: in words.
    """

    name: str
    compare: Callable[[np.ndarray, np.ndarray], float]
    better: str
    of_equal: float
    definition: str


_COMPARISONS = (
    _Comparison(
        name="L1",
        compare=l1,
        better="lower",
        of_equal=0.0,
        definition="mean absolute difference in gray levels of 255",
    ),
    _Comparison(
        name="PSNR",
        compare=psnr,
        better="higher",
        of_equal=float("inf"),
        definition="10 log10(255^2 / mean squared difference) in dB",
    ),
    _Comparison(
        name="SSIM",
        compare=ssim,
        better="higher",
        of_equal=1.0,
        definition="structural similarity in a Gaussian window of 11 pixels, sigma 1.5, mean over "
        "channels",
    ),
)


def paired_measures(evidence: Evidence) -> list[Measure]:
    """Returns L1, PSNR and SSIM of translations against their true counterparts."""
    translated, truth = evidence.need("translated", "truth")
    return [
        _measure(
            comparison,
            name=f"{comparison.name} to the truth",
            pictures=translated,
            truth=truth,
            copies=evidence.inputs,
            seed=evidence.seed,
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
            seed=evidence.seed,
            note="Copying makes a perfect cycle: read its errors together with a distance to real "
            "pictures.",
        )
        for comparison in _COMPARISONS
    ]


def _measure(comparison, *, name, pictures, truth, copies, seed, note=""):
    values = _values(comparison, pictures, truth)
    low, high = bootstrap_interval(values, seed=seed)
    chance = None
    if len(truth) > 1 and len({picture.shape for picture in truth}) == 1:
        others = [truth[(i + 1) % len(truth)] for i in range(len(truth))]
        chance = float(_values(comparison, pictures, others).mean())
    return Measure(
        name=name,
        value=float(values.mean()),
        low=low,
        high=high,
        real_score=comparison.of_equal,
        copy_score=float(_values(comparison, copies, truth).mean()),
        better=comparison.better,
        n=(len(values),),
        features="pixels",
        protocol=f"{comparison.definition}; mean over pictures; n counts pairs; "
        "percentile bootstrap over pairs",
        chance=chance,
        note=note,
    )


def _values(comparison, pictures, truth):
    return np.array([comparison.compare(a, b) for a, b in zip(pictures, truth, strict=True)])


def _floats(picture):
    if picture.dtype != np.uint8:
        raise MetricError(f"Pictures are compared as uint8. Received: {picture.dtype}.")
    return picture.astype("float64")


def _blur(values):
    """Returns the window's mean wherever it fits, (height - 10, width - 10, channels)."""
    offsets = np.arange(_WINDOW) - _WINDOW // 2
    weights = np.exp(-(offsets**2) / (2 * _SIGMA**2))
    weights /= weights.sum()
    height, width = values.shape[0] - _WINDOW + 1, values.shape[1] - _WINDOW + 1
    blurred_down = sum(weight * values[i : i + height] for i, weight in enumerate(weights))
    return sum(weight * blurred_down[:, i : i + width] for i, weight in enumerate(weights))
