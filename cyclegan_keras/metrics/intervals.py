"""95 % intervals of a mean, of a share and of a distance of two samples."""

from collections.abc import Callable, Sequence

import numpy as np

from cyclegan_keras.files.errors import MetricError

_Z = 1.959964  # of the normal distribution, which leaves 2.5 % on either side


def bootstrap_interval(
    values: np.ndarray,
    statistic: Callable[[np.ndarray], np.ndarray] = lambda drawn: drawn.mean(axis=1),
    *,
    draws: int = 2000,
    seed: int = 0,
) -> tuple[float, float]:
    """Returns the percentile bootstrap interval of a statistic of pictures.

    Pictures are drawn with replacement, as many as there are. The interval says what other
    pictures would give; chance in training is not in it.

    Args:
        values: one row a picture, (n, ...).
        statistic: (draws, n, ...) to (draws,); the mean unless given.
        draws: the number of resamples.
        seed: of the draws.

    Reference:
        Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, section 13.3.
    """
    values = np.asarray(values)
    drawn = np.random.default_rng(seed).integers(0, len(values), (draws, len(values)))
    statistics = statistic(values[drawn])
    # One of the drawn values: a mean of two infinite ones would be NaN.
    low, high = np.percentile(statistics, (2.5, 97.5), method="inverted_cdf")
    return float(low), float(high)


def wilson_interval(hits: int, n: int) -> tuple[float, float]:
    """Returns Wilson's interval of a share, which has some width even for 0 of n and n of n.

    Reference:
        Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", 1927.
    """
    share, weight = hits / n, _Z**2 / n
    middle = (share + weight / 2) / (1 + weight)
    half = _Z / (1 + weight) * (share * (1 - share) / n + weight / (4 * n)) ** 0.5
    return max(middle - half, 0.0), min(middle + half, 1.0)


def groups(n: int, most: int = 20, seed: int = 0) -> list[np.ndarray]:
    """Returns 0..n-1, shuffled, in at most `most` groups of about one size.

    Raises:
        MetricError: n is less than 3, so that too little remains with a group left out.
    """
    if n < 3:
        raise MetricError(f"An interval needs at least three pictures of each kind, not {n}.")
    return np.array_split(np.random.default_rng(seed).permutation(n), min(n, most))


def jackknife_stderr(*left_out: Sequence[float] | np.ndarray) -> float:
    """Returns the standard error of a statistic of independent samples.

    The delete-a-group jackknife: for every sample, the values of the statistic with each of its
    groups left out. Unlike the bootstrap it repeats no picture, which a distance of two samples
    would take for agreement; its bias, the same in every value, cancels.

    Reference:
        Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, sections 11.3 and 11.5.
    """
    variances = [(len(values) - 1) * np.var(values) for values in left_out]
    return float(np.sqrt(np.sum(variances)))


def normal_interval(value: float, stderr: float) -> tuple[float, float]:
    """Returns value +- 1.96 stderr."""
    return value - _Z * stderr, value + _Z * stderr
