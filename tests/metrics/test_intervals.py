import numpy as np
import pytest

from cyclegan_keras.files.errors import MetricError
from cyclegan_keras.metrics.intervals import (
    bootstrap_interval,
    groups,
    jackknife_stderr,
    normal_interval,
    wilson_interval,
)


def test_bootstrap_of_a_mean_is_near_the_normal_interval():
    values = np.random.default_rng(0).normal(5, 2, 400)
    half = 1.96 * values.std() / 20
    expected = (values.mean() - half, values.mean() + half)
    assert bootstrap_interval(values) == pytest.approx(expected, abs=0.02)
    assert bootstrap_interval(values) == bootstrap_interval(values)
    assert bootstrap_interval(values) != bootstrap_interval(values, seed=1)


def test_bootstrap_equals_scipy():
    stats = pytest.importorskip("scipy.stats")
    values = np.random.default_rng(0).exponential(size=50)
    theirs = stats.bootstrap((values,), np.mean, method="percentile", rng=1, n_resamples=2000)
    assert bootstrap_interval(values, draws=2000) == pytest.approx(
        tuple(theirs.confidence_interval), abs=0.03
    )


def test_bootstrap_resamples_rows_together():
    values = np.stack([np.arange(1.0, 9), 3 * np.arange(1.0, 9)], axis=1)
    ratio = bootstrap_interval(values, lambda rows: rows[..., 1].mean(1) / rows[..., 0].mean(1))
    assert ratio == pytest.approx((3, 3))


def test_bootstrap_of_infinite_values():
    assert bootstrap_interval(np.full(3, np.inf)) == (np.inf, np.inf)


@pytest.mark.parametrize(
    ("hits", "n", "interval"),
    [(0, 10, (0, 0.27753)), (10, 10, (0.72247, 1)), (81, 263, (0.25528, 0.36620))],
)
def test_wilson_interval(hits, n, interval):
    """The last: Newcombe, "Two-sided confidence intervals for the single proportion", 1998."""
    assert wilson_interval(hits, n) == pytest.approx(interval, abs=1e-5)


def test_groups_hold_everything_once():
    parts = groups(47)
    assert sorted(np.concatenate(parts)) == list(range(47))
    assert {len(part) for part in parts} == {2, 3}
    assert [len(part) for part in groups(3)] == [1, 1, 1]
    with pytest.raises(MetricError, match="at least three pictures of each kind, not 2"):
        groups(2)


def test_jackknife_of_means_is_the_textbooks_error():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=30), rng.normal(size=12)
    left_x = [np.delete(x, i).mean() - y.mean() for i in range(30)]
    left_y = [x.mean() - np.delete(y, i).mean() for i in range(12)]
    expected = np.sqrt(x.var(ddof=1) / 30 + y.var(ddof=1) / 12)
    assert jackknife_stderr(left_x, left_y) == pytest.approx(expected)


def test_normal_interval():
    assert normal_interval(1, 2) == pytest.approx((1 - 3.92, 1 + 3.92), abs=1e-3)
