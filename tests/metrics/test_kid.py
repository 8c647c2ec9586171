import itertools

import numpy as np
import pytest

from cyclegan_keras.files.errors import MetricError
from cyclegan_keras.metrics.base import Evidence
from cyclegan_keras.metrics.intervals import normal_interval
from cyclegan_keras.metrics.kid import kid, kid_measures, kid_stderr, mmd2


def test_mmd2_by_the_definition():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(4, 3)), rng.normal(size=(5, 3))

    def kernel(a, b):
        return (a @ b / 3 + 1) ** 3

    within_x = np.mean([kernel(a, b) for a, b in itertools.permutations(x, 2)])
    within_y = np.mean([kernel(a, b) for a, b in itertools.permutations(y, 2)])
    between = np.mean([kernel(a, b) for a, b in itertools.product(x, y)])
    assert mmd2(x, y) == pytest.approx(within_x + within_y - 2 * between)
    assert kid(x, y, subset_size=5, subsets=3) != pytest.approx(mmd2(x, y))  # 4 of the 5
    assert kid(x, y[:4], subset_size=9, subsets=3) == pytest.approx(mmd2(x, y[:4]))


def test_gaussians_have_a_closed_form():
    """In one dimension k is 1 + 3ab + 3a^2b^2 + a^3b^3: differences of three moments."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(0, 1, (2000, 1)), rng.normal(0.5, 0.8, (2000, 1))
    moments = np.array([0, 1, 0]), np.array([0.5, 0.25 + 0.64, 0.125 + 3 * 0.5 * 0.64])
    exact = np.sum([3, 3, 1] * np.square(moments[0] - moments[1]))
    stderr = kid_stderr(x, y)
    assert abs(mmd2(x, y) - exact) < 3 * stderr
    assert abs(kid(x, y) - exact) < 3 * stderr
    assert stderr < 0.2 * exact


def test_alike_sets_are_unbiased_around_zero():
    rng = np.random.default_rng(0)
    values = [mmd2(rng.normal(size=(20, 3)), rng.normal(size=(20, 3))) for _ in range(300)]
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(300)
    assert min(values) < 0


def test_the_interval_covers_the_truth():
    rng = np.random.default_rng(0)

    def draw(n):
        return rng.normal(0, 1, (n, 16)), rng.normal(0.5, 1, (n, 16))

    x, y = draw(2000)
    truth = mmd2(x, y)
    is_covered = []
    for _ in range(60):
        x, y = draw(60)
        low, high = normal_interval(mmd2(x, y), kid_stderr(x, y))
        is_covered.append(low <= truth <= high)
    assert np.mean(is_covered) >= 0.88


def test_one_picture_has_no_distance():
    with pytest.raises(MetricError, match="not 1 and 4"):
        mmd2(np.zeros((1, 3)), np.zeros((4, 3)))


def test_measure(toy_network):
    rng = np.random.default_rng(0)
    shape = (6, 4, 4, 3)
    dark = rng.integers(0, 9, shape, "uint8")
    bright, other = rng.integers(90, 99, shape, "uint8"), rng.integers(90, 99, shape, "uint8")
    evidence = Evidence(
        inputs=dark, translated=bright, real=bright[::-1], other_real=other, network=toy_network
    )
    (measure,) = kid_measures(evidence)
    assert measure.name == "KID"
    assert measure.n == (6, 6, 6, 6)
    assert measure.features == "toy"
    assert "mean of 100 subsets of 6" in measure.protocol
    assert measure.low < measure.value < measure.high
    assert max(measure.value, measure.real_score) < measure.copy_score / 100
    with pytest.raises(MetricError, match="no further real pictures"):
        kid_measures(evidence.replace(other_real=None))
