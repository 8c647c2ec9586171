"""Pictures against the one that each should equal: a known counterpart, or the input of a cycle."""

from collections.abc import Callable, Iterable

import numpy as np

from cyclegan_keras.files.errors import MetricError
from cyclegan_keras.metrics.base import Evidence, Measure
from cyclegan_keras.metrics.intervals import bootstrap_interval

_RANGE = 255.0
_TAPS, _SIGMA = 11, 1.5  # pixels; the window of SSIM


def paired_error(
    translate: Callable[[np.ndarray], np.ndarray], pairs: Iterable[tuple[np.ndarray, np.ndarray]]
) -> dict[str, float]:
    """Mean absolute error of translations against their true counterparts, on the scale 0..255.

    Args:
        translate: maps a batch in [-1, 1], (batch, height, width, channels), to its translation.
        pairs: (input, true counterpart) batches in [-1, 1].

    Returns:
        `"translated"`: mean |translate(x) - truth|; `"copied"`: mean |x - truth|, what doing
        nothing gives; `"cut"`: the share of the copying error that the translation removes.

    Raises:
        ValueError: `pairs` is empty.
    """
    translated, copied = [], []
    for source, truth in pairs:
        translated.append(np.mean(np.abs(np.asarray(translate(source)) - truth)))
        copied.append(np.mean(np.abs(np.asarray(source) - truth)))
    if not translated:
        raise ValueError("`pairs` must hold at least one batch. Received none.")
    error, floor = float(np.mean(translated)) * 127.5, float(np.mean(copied)) * 127.5
    return {"translated": error, "copied": floor, "cut": 1 - error / floor}


def l1(a: np.ndarray, b: np.ndarray) -> float:
    """Returns mean |a - b| of two uint8 pictures of one shape, in grey levels of 255."""
    return float(np.mean(np.abs(_floats(a) - _floats(b))))


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    """Returns 10 log10(255^2 / mean (a - b)^2) of two uint8 pictures, in dB; infinite if equal."""
    error = np.mean(np.square(_floats(a) - _floats(b)))
    return float(10 * np.log10(_RANGE**2 / error)) if error else float("inf")


def ssim(a: np.ndarray, b: np.ndarray) -> float:
    """Returns the structural similarity of two uint8 pictures, (height, width, channels).

    In a Gaussian window around every place, ((2 m_a m_b + c_1)(2 s_ab + c_2)) over
    ((m_a^2 + m_b^2 + c_1)(s_a^2 + s_b^2 + c_2)), averaged over the places whose window lies in the
    picture, and over channels; 1 if equal. The window is 11 pixels wide, of standard deviation 1.5;
    c_1 = (0.01 255)^2, c_2 = (0.03 255)^2; s are weighted by the window, not divided by n - 1.

    Raises:
        MetricError: a side is shorter than 11 pixels.

    Reference:
        Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity",
        2004, section III.
    """
    if min(a.shape[:2]) < _TAPS:
        raise MetricError(f"SSIM needs pictures of {_TAPS} pixels a side at least, not {a.shape}.")
    a, b = _floats(a), _floats(b)
    mean_a, mean_b = _blur(a), _blur(b)
    variance_a, variance_b = _blur(a * a) - mean_a**2, _blur(b * b) - mean_b**2
    covariance = _blur(a * b) - mean_a * mean_b
    c1, c2 = (0.01 * _RANGE) ** 2, (0.03 * _RANGE) ** 2
    above = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    below = (mean_a**2 + mean_b**2 + c1) * (variance_a + variance_b + c2)
    return float(np.mean(above / below))


# name -> (of two pictures, which way is better, its value for equal pictures, how it is defined)
_PAIRED = {
    "L1": (l1, "lower", 0.0, "mean absolute difference in grey levels of 255"),
    "PSNR": (psnr, "higher", float("inf"), "10 log10(255^2 / mean squared difference) in dB"),
    "SSIM": (ssim, "higher", 1.0, "Gaussian window of 11 pixels, sigma 1.5, mean over channels"),
}


def paired_measures(evidence: Evidence) -> list[Measure]:
    """Returns L1, PSNR and SSIM of translations against their true counterparts."""
    translated, truth = evidence.need("An error against the truth", "translated", "truth")
    copied = evidence.inputs
    return [
        _measure(f"{name} to the truth", name, translated, truth, copied, evidence.seed)
        for name in _PAIRED
    ]


def cycle_measures(evidence: Evidence) -> list[Measure]:
    """Returns L1, PSNR and SSIM of F(G(x)) against x."""
    (cycled,) = evidence.need("The cycle error", "cycled")
    inputs = evidence.inputs
    note = "Copying makes a perfect cycle: read it together with a distance to real pictures."
    return [
        _measure(f"{name} of the cycle", name, cycled, inputs, inputs, evidence.seed, note)
        for name in _PAIRED
    ]


def _measure(title, name, pictures, truth, copied, seed, note=""):
    measure, better, best, definition = _PAIRED[name]
    values = _values(measure, pictures, truth)
    low, high = bootstrap_interval(values, seed=seed)
    shifted = [truth[(i + 1) % len(truth)] for i in range(len(truth))]
    alike = len(truth) > 1 and len({picture.shape for picture in truth}) == 1
    return Measure(
        name=title,
        value=float(values.mean()),
        low=low,
        high=high,
        floor=best,
        ceiling=float(_values(measure, copied, truth).mean()),
        better=better,
        n=(len(values),),
        features="pixels",
        protocol=f"{name}, {definition}; mean over pictures; n of pairs; percentile bootstrap over "
        "pairs",
        chance=float(_values(measure, pictures, shifted).mean()) if alike else None,
        note=note,
    )


def _values(measure, pictures, truth):
    return np.array([measure(a, b) for a, b in zip(pictures, truth, strict=True)])


def _floats(picture):
    if picture.dtype != np.uint8:
        raise MetricError(f"Pictures are compared as uint8. Received: {picture.dtype}.")
    return picture.astype("float64")


def _blur(values):
    """The window's mean at every place where it fits, (height - 10, width - 10, channels)."""
    offsets = np.arange(_TAPS) - _TAPS // 2
    weights = np.exp(-(offsets**2) / (2 * _SIGMA**2))
    weights /= weights.sum()
    height, width = values.shape[0] - _TAPS + 1, values.shape[1] - _TAPS + 1
    rows = sum(weight * values[i : i + height] for i, weight in enumerate(weights))
    return sum(weight * rows[:, i : i + width] for i, weight in enumerate(weights))
