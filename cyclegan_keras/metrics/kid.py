"""The kernel distance of two sets of pictures."""

import math

import numpy as np

from cyclegan_keras.files.errors import MetricError
from cyclegan_keras.metrics.base import Evidence, Measure
from cyclegan_keras.metrics.intervals import groups, jackknife_stderr, normal_interval

_SUBSETS = 100
_SUBSET_SIZE = 100


def kid_measures(evidence: Evidence) -> list[Measure]:
    """Returns the KID of translations against real pictures, times 1000 as papers print it."""
    network, translated, real = evidence.need("network", "translated", "real")
    fake, y = evidence.features("translated"), evidence.features("real")
    x, reals = evidence.features("inputs"), evidence.compared_reals()
    same_pictures = evidence.same_pictures("translated", "real")
    value = 1000 * kid(fake, y, same_pictures=same_pictures, seed=evidence.seed)
    stderr = 1000 * kid_stderr(fake, y, same_pictures=same_pictures, seed=evidence.seed)
    low, high = normal_interval(value, stderr)
    real_score = math.nan
    if reals.are_enough:
        real_score = 1000 * kid(
            reals.first, reals.second, same_pictures=reals.same_pictures, seed=evidence.seed
        )
    copies = evidence.same_pictures("inputs", "real")
    return [
        Measure(
            name="KID",
            value=value,
            low=low,
            high=high,
            real_score=real_score,
            copy_score=1000 * kid(x, y, same_pictures=copies, seed=evidence.seed),
            better="lower",
            n=(len(translated), len(real), len(reals.first), len(x)),
            features=network.name,
            protocol="1000 times the unbiased MMD^2, kernel (a.b/d + 1)^3, no picture compared "
            f"with itself, mean of {_SUBSETS} subsets of {min(_SUBSET_SIZE, len(fake), len(y))}; n "
            "counts translated, real, other real and input pictures; "
            f"{evidence.features_protocol}; interval by a delete-a-group jackknife over pictures",
            stderr=stderr,
            note=reals.note,
        )
    ]


def kid(
    x: np.ndarray,
    y: np.ndarray,
    *,
    same_pictures: np.ndarray | None = None,
    subset_size: int = _SUBSET_SIZE,
    subsets: int = _SUBSETS,
    seed: int = 0,
) -> float:
    """Returns the mean of MMD^2 over random subsets, which the KID is; 0 for a set and itself.

    Args:
        x: features, (n, d).
        y: features, (m, d).
        same_pictures: see `mmd2`.
        subset_size: pictures of each in a subset, drawn without replacement; where there are fewer,
            all of them.
        subsets: how many to draw.
        seed: of the draws.

    Reference:
        Binkowski et al., "Demystifying MMD GANs", 2018, section 4.
    """
    if same_pictures is None:
        same_pictures = np.full(len(x), -1)
    if len(x) == len(y) and np.all(same_pictures >= 0):
        return 0.0  # as MMD^2 is of any subset and itself
    rng = np.random.default_rng(seed)
    size = min(subset_size, len(x), len(y))
    distances = []
    for _ in range(subsets):
        drawn_x = rng.permutation(len(x))[:size]
        drawn_y = rng.permutation(len(y))[:size]
        position = np.full(len(y) + 1, -1)  # in the subset of y; the last is that of no picture
        position[drawn_y] = np.arange(size)
        same = position[same_pictures[drawn_x]]
        distances.append(mmd2(x[drawn_x], y[drawn_y], same_pictures=same))
    return float(np.mean(distances))


def mmd2(x: np.ndarray, y: np.ndarray, *, same_pictures: np.ndarray | None = None) -> float:
    """Returns the unbiased squared maximum mean discrepancy, with k(a, b) = (a.b / d + 1)^3.

    mean of k(x_i, x_j) over i != j, plus the same of y, less twice the mean of k(x_i, y_j). Its
    expectation is 0 where x and y come from one distribution, so that it can be negative. Where a
    picture is in both sets, k(x_i, y_j) of it and itself is left out like k(x_i, x_i): it would
    make the sets look more alike than two samples of one distribution are.

    Args:
        x: features, (n, d).
        y: features, (m, d).
        same_pictures: which row of y is of the same picture as each row of x, -1 for none, (n,).

    Raises:
        MetricError: n or m is 1 or less.

    Reference:
        Gretton et al., "A Kernel Two-Sample Test", 2012, lemma 6 and, for sets in pairs, (4).
    """
    all_of_x, all_of_y = [np.arange(len(x))], [np.arange(len(y))]
    xx, yy = _within(x, all_of_x), _within(y, all_of_y)
    xy = _between_others(x, y, all_of_x, all_of_y, same_pictures)
    return _unbiased(xx, len(x), yy, len(y), xy)


def kid_stderr(
    x: np.ndarray, y: np.ndarray, *, same_pictures: np.ndarray | None = None, seed: int = 0
) -> float:
    """Returns the standard error of MMD^2 over the choice of pictures, by `jackknife_stderr`.

    Papers often print the spread over subsets instead. Subsets share most of their pictures, so
    that their spread says little about what other pictures would give.
    """
    x_groups, y_groups = groups(len(x), seed=seed), groups(len(y), seed=seed)
    xx, yy = _within(x, x_groups), _within(y, y_groups)
    xy = _between_others(x, y, x_groups, y_groups, same_pictures)
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
    """Returns MMD^2 from sums of the kernel, which may come in parts.

    Args:
        xx: sums over pairs of x.
        n: rows of x.
        yy: sums over pairs of y.
        m: rows of y.
        xy: sums over pairs of x and y, and how many pairs each has, (..., 2).
    """
    if min(n, m) < 2:
        raise MetricError(f"A distance needs at least two pictures of each kind, not {n} and {m}.")
    between, pairs = xy[..., 0].sum(), xy[..., 1].sum()
    return xx.sum() / (n * (n - 1)) + yy.sum() / (m * (m - 1)) - 2 * between / pairs


def _between(x, y, x_groups, y_groups):
    """Returns the kernel's sum over every pair of groups, (groups of x, groups of y)."""
    x, y = np.asarray(x, "float64"), np.asarray(y, "float64")
    sums = np.empty((len(x_groups), len(y_groups)))
    for row, x_group in enumerate(x_groups):
        for column, y_group in enumerate(y_groups):
            sums[row, column] = np.sum(_kernel(x[x_group], y[y_group]))
    return sums


def _between_others(x, y, x_groups, y_groups, same_pictures):
    """Returns `_between` without a picture and itself, and counts, (groups, groups, 2)."""
    sums = _between(x, y, x_groups, y_groups)
    x_sizes = np.array([len(group) for group in x_groups], "float64")
    y_sizes = np.array([len(group) for group in y_groups], "float64")
    counts = np.outer(x_sizes, y_sizes)
    if same_pictures is None:
        return np.stack([sums, counts], axis=-1)
    group_of_x, group_of_y = np.empty(len(x), int), np.empty(len(y), int)
    for group_of, found in ((group_of_x, x_groups), (group_of_y, y_groups)):
        for number, group in enumerate(found):
            group_of[group] = number
    (rows,) = np.nonzero(same_pictures >= 0)
    partners = same_pictures[rows]
    cells = group_of_x[rows], group_of_y[partners]
    products = np.sum(np.asarray(x[rows], "float64") * y[partners], axis=1)
    np.subtract.at(sums, cells, (products / x.shape[1] + 1) ** 3)
    np.subtract.at(counts, cells, 1)
    return np.stack([sums, counts], axis=-1)


def _within(x, x_groups):
    """Returns `_between` of x and x, without the pairs of a picture with itself."""
    with_itself = []
    for group in x_groups:
        squared_norms = np.sum(np.square(x[group], dtype="float64"), axis=1)
        with_itself.append(np.sum((squared_norms / x.shape[1] + 1) ** 3))
    return _between(x, x, x_groups, x_groups) - np.diag(with_itself)


def _kernel(a, b):
    return (a @ b.T / a.shape[1] + 1) ** 3
