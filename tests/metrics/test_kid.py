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


def test_pictures_in_both_sets_are_not_compared_with_themselves():
    """Otherwise samples that share pictures would look more alike than other ones."""
    rng = np.random.default_rng(0)
    values, naive = [], []
    for _ in range(200):
        drawn = rng.normal(size=(30, 3))
        x, y = drawn[:20], drawn[10:]
        same_pictures = np.where(np.arange(20) < 10, -1, np.arange(20) - 10)
        values.append(mmd2(x, y, same_pictures=same_pictures))
        naive.append(mmd2(x, y))
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(200)
    assert np.mean(naive) < -5 * np.std(naive) / np.sqrt(200)


@pytest.mark.parametrize("n", [4, 150])
def test_a_set_and_itself(n):
    x = np.random.default_rng(0).normal(size=(n, 3))
    backward = np.arange(n)[::-1]
    assert mmd2(x, x[::-1], same_pictures=backward) == pytest.approx(0, abs=1e-12)
    assert kid(x, x[::-1], same_pictures=backward) == 0
    assert kid_stderr(x, x[::-1], same_pictures=backward) > 0
    assert kid(x, x[::-1]) < -1e-3


def test_subsets_know_the_pictures_that_they_share():
    rng = np.random.default_rng(0)
    x, others = rng.normal(size=(40, 3)), rng.normal(size=(10, 3))
    y = np.concatenate([others, x[::-1]])
    same_pictures = np.arange(49, 9, -1)
    found = kid(x, y, same_pictures=same_pictures, subset_size=20, subsets=400)
    assert found == pytest.approx(mmd2(x, y, same_pictures=same_pictures), abs=0.05)
    assert kid(x, y, subset_size=20, subsets=400) < found - 0.1


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
    assert measure.note == ""


@pytest.mark.parametrize("count", [3, 7])
def test_without_other_real_pictures_halves_are_compared(count, toy_network):
    pictures = np.random.default_rng(0).integers(0, 256, (count, 4, 4, 3), "uint8")
    evidence = Evidence(
        inputs=pictures, translated=pictures, real=pictures[::-1], network=toy_network
    )
    (measure,) = kid_measures(evidence)
    assert measure.value == measure.copy_score == 0
    assert measure.n == (count, count, (count + 1) // 2, count)
    if count == 7:
        features = evidence.features("real")
        assert measure.real_score == 1000 * kid(features[::2], features[1::2])
        assert "one half of the real pictures with the other" in measure.note
    else:
        assert np.isnan(measure.real_score)
        assert "too few real pictures" in measure.note
