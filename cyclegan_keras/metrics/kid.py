"""The kernel distance of two sets of pictures."""

import numpy as np

from cyclegan_keras.files.errors import MetricError
from cyclegan_keras.metrics.base import Evidence, Measure
from cyclegan_keras.metrics.intervals import groups, jackknife_stderr, normal_interval

_SUBSETS = 100
_SUBSET_SIZE = 100


def kid_measures(evidence: Evidence) -> list[Measure]:
    """Returns the KID of translations against real pictures, times 1000 as papers print it."""
    network, translated, real, other = evidence.need("network", "translated", "real", "other_real")
    fake, y = evidence.features("translated"), evidence.features("real")
    other_y, x = evidence.features("other_real"), evidence.features("inputs")
    size = min(_SUBSET_SIZE, len(fake), len(y), len(other_y), len(x))
    value = 1000 * kid(fake, y, subset_size=size, seed=evidence.seed)
    stderr = 1000 * kid_stderr(fake, y, seed=evidence.seed)
    low, high = normal_interval(value, stderr)
    return [
        Measure(
            name="KID",
            value=value,
            low=low,
            high=high,
            real_score=1000 * kid(other_y, y, subset_size=size, seed=evidence.seed),
            copy_score=1000 * kid(x, y, subset_size=size, seed=evidence.seed),
            better="lower",
            n=(len(translated), len(real), len(other), len(x)),
            features=network.name,
            protocol="1000 times the unbiased MMD^2, kernel (a.b/d + 1)^3, mean of "
            f"{_SUBSETS} subsets of {size}; n counts translated, real, other real and input "
            f"pictures; {evidence.features_protocol}; interval by a delete-a-group jackknife over "
            "pictures",
            stderr=stderr,
        )
    ]


def kid(
    x: np.ndarray,
    y: np.ndarray,
    *,
    subset_size: int = _SUBSET_SIZE,
    subsets: int = _SUBSETS,
    seed: int = 0,
) -> float:
    """Returns the mean of MMD^2 over random subsets, which the KID is.

    Args:
        x: features, (n, d).
        y: features, (m, d).
        subset_size: pictures of each in a subset, drawn without replacement; where there are fewer,
            all of them.
        subsets: how many to draw.
        seed: of the draws.

    Reference:
        Binkowski et al., "Demystifying MMD GANs", 2018, section 4.
    """
    rng = np.random.default_rng(seed)
    size = min(subset_size, len(x), len(y))
    distances = []
    for _ in range(subsets):
        subset_x = x[rng.permutation(len(x))[:size]]
        subset_y = y[rng.permutation(len(y))[:size]]
        distances.append(mmd2(subset_x, subset_y))
    return float(np.mean(distances))


def mmd2(x: np.ndarray, y: np.ndarray) -> float:
    """Returns the unbiased squared maximum mean discrepancy, with k(a, b) = (a.b / d + 1)^3.

    mean of k(x_i, x_j) over i != j, plus the same of y, less twice the mean of k(x_i, y_j). Its
    expectation is 0 where x and y come from one distribution, so that it can be negative.

    Args:
        x: features, (n, d).
        y: features, (m, d).

    Raises:
        MetricError: n or m is 1 or less.

    Reference:
        Gretton et al., "A Kernel Two-Sample Test", 2012, lemma 6.
    """
    all_of_x, all_of_y = [np.arange(len(x))], [np.arange(len(y))]
    xx, yy = _within(x, all_of_x), _within(y, all_of_y)
    return _unbiased(xx, len(x), yy, len(y), _between(x, y, all_of_x, all_of_y))


def kid_stderr(x: np.ndarray, y: np.ndarray, *, seed: int = 0) -> float:
    """Returns the standard error of MMD^2 over the choice of pictures, by `jackknife_stderr`.

    Papers often print the spread over subsets instead. Subsets share most of their pictures, so
    that their spread says little about what other pictures would give.
    """
    x_groups, y_groups = groups(len(x), seed=seed), groups(len(y), seed=seed)
    xx, yy = _within(x, x_groups), _within(y, y_groups)
    xy = _between(x, y, x_groups, y_groups)
    without_x = []
    for index, group in enumerate(x_groups):
        remaining = _without_group(xx, index)
        n = len(x) - len(group)
        without_x.append(_unbiased(remaining, n, yy, len(y), np.delete(xy, index, axis=0)))
    without_y = []
    for index, group in enumerate(y_groups):
        remaining = _without_group(yy, index)
        m = len(y) - len(group)
        without_y.append(_unbiased(xx, len(x), remaining, m, np.delete(xy, index, axis=1)))
    return jackknife_stderr(without_x, without_y)


def _without_group(sums, index):
    return np.delete(np.delete(sums, index, axis=0), index, axis=1)


def _unbiased(xx, n, yy, m, xy):
    """Returns MMD^2 from sums of the kernel; the sums may come in parts."""
    if min(n, m) < 2:
        raise MetricError(f"A distance needs at least two pictures of each kind, not {n} and {m}.")
    return xx.sum() / (n * (n - 1)) + yy.sum() / (m * (m - 1)) - 2 * xy.sum() / (n * m)


def _between(x, y, x_groups, y_groups):
    """Returns the kernel's sum over every pair of groups, (groups of x, groups of y)."""
    x, y = np.asarray(x, "float64"), np.asarray(y, "float64")
    sums = np.empty((len(x_groups), len(y_groups)))
    for row, x_group in enumerate(x_groups):
        for column, y_group in enumerate(y_groups):
            sums[row, column] = np.sum(_kernel(x[x_group], y[y_group]))
    return sums


def _within(x, x_groups):
    """Returns `_between` of x and x, without the pairs of a picture with itself."""
    with_itself = []
    for group in x_groups:
        squared_norms = np.sum(np.square(x[group], dtype="float64"), axis=1)
        with_itself.append(np.sum((squared_norms / x.shape[1] + 1) ** 3))
    return _between(x, x, x_groups, x_groups) - np.diag(with_itself)


def _kernel(a, b):
    return (a @ b.T / a.shape[1] + 1) ** 3
