"""The kernel distance of two sets of pictures."""

import numpy as np

from cyclegan_keras.files.errors import MetricError
from cyclegan_keras.metrics.base import Evidence, Measure
from cyclegan_keras.metrics.intervals import groups, jackknife_stderr, normal_interval

_SUBSETS = 100
_SUBSET_SIZE = 100


def kid_measures(evidence: Evidence) -> list[Measure]:
    """Returns the KID of translations against real pictures, times 1000 as papers print it."""
    network, translated, real, other = evidence.need(
        "KID", "network", "translated", "real", "other_real"
    )
    fake, y, other_y, x = map(evidence.features, ("translated", "real", "other_real", "inputs"))
    size = min(_SUBSET_SIZE, *map(len, (fake, y, other_y, x)))
    options = {"subset_size": size, "seed": evidence.seed}
    value = 1000 * kid(fake, y, **options)
    stderr = 1000 * kid_stderr(fake, y, seed=evidence.seed)
    low, high = normal_interval(value, stderr)
    return [
        Measure(
            name="KID",
            value=value,
            low=low,
            high=high,
            floor=1000 * kid(other_y, y, **options),
            ceiling=1000 * kid(x, y, **options),
            better="lower",
            n=(len(translated), len(real), len(other), len(x)),
            features=network.name,
            protocol="KID x1000: unbiased MMD^2, kernel (a.b/d + 1)^3, mean of "
            f"{_SUBSETS} subsets of {size}; n of translated, real, other real (floor) and inputs "
            f"(ceiling); {network.protocol}; interval by a delete-a-group jackknife over pictures",
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
    drawn = [
        (rng.permutation(len(x))[:size], rng.permutation(len(y))[:size]) for _ in range(subsets)
    ]
    return float(np.mean([mmd2(x[mine], y[others]) for mine, others in drawn]))


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
    whole_x, whole_y = [np.arange(len(x))], [np.arange(len(y))]
    inner_x, inner_y = _within(x, whole_x), _within(y, whole_y)
    return _unbiased(inner_x, len(x), inner_y, len(y), _between(x, y, whole_x, whole_y))


def kid_stderr(x: np.ndarray, y: np.ndarray, *, seed: int = 0) -> float:
    """Returns the standard error of MMD^2 over the choice of pictures, by `jackknife_stderr`.

    The spread over subsets, often printed in its place, tells how much the subsets differ; they
    share most of their pictures, so it tells little of what other pictures would give.
    """
    x_groups, y_groups = groups(len(x), seed=seed), groups(len(y), seed=seed)
    xx, yy = _within(x, x_groups), _within(y, y_groups)
    xy = _between(x, y, x_groups, y_groups)
    left_x, left_y = ([len(g) for g in gs] for gs in (x_groups, y_groups))
    without_x = [
        _unbiased(_less(xx, g), len(x) - out, yy, len(y), np.delete(xy, g, 0))
        for g, out in enumerate(left_x)
    ]
    without_y = [
        _unbiased(xx, len(x), _less(yy, g), len(y) - out, np.delete(xy, g, 1))
        for g, out in enumerate(left_y)
    ]
    return jackknife_stderr(without_x, without_y)


def _less(sums, group):
    return np.delete(np.delete(sums, group, 0), group, 1)


def _unbiased(xx, n, yy, m, xy):
    """MMD^2 out of sums of the kernel; the sums may come in parts."""
    if min(n, m) < 2:
        raise MetricError(f"A distance needs two pictures of each kind at least, not {n} and {m}.")
    return xx.sum() / (n * (n - 1)) + yy.sum() / (m * (m - 1)) - 2 * xy.sum() / (n * m)


def _between(x, y, x_groups, y_groups):
    """Sums of the kernel over every pair of groups, (groups of x, groups of y)."""
    x, y = np.asarray(x, "float64"), np.asarray(y, "float64")
    return np.array(
        [[np.sum(_kernel(x[mine], y[others])) for others in y_groups] for mine in x_groups]
    )


def _within(x, x_groups):
    """As `_between` x and itself, without the pairs of a picture and itself."""
    own = [
        np.sum((np.sum(np.square(x[g], dtype="float64"), 1) / x.shape[1] + 1) ** 3)
        for g in x_groups
    ]
    return _between(x, x, x_groups, x_groups) - np.diag(own)


def _kernel(a, b):
    return (a @ b.T / a.shape[1] + 1) ** 3
