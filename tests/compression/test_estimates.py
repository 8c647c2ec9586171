import numpy as np
import pytest

from cyclegan_keras.compression.estimates import Estimate


def test_an_interval_is_that_of_the_normal_distribution_for_many_pictures():
    values = np.random.default_rng(0).normal(3.0, 2.0, 2000)
    estimate = Estimate.of_mean(values)
    half = 1.96 * values.std() / np.sqrt(len(values))
    assert estimate.value == values.mean()
    assert estimate.low == pytest.approx(values.mean() - half, abs=0.1 * half)
    assert estimate.high == pytest.approx(values.mean() + half, abs=0.1 * half)


def test_intervals_contain_the_true_mean_about_95_times_in_100():
    rng = np.random.default_rng(1)
    found = [Estimate.of_mean(rng.normal(5.0, 1.0, 40), seed=seed) for seed in range(100)]
    assert 88 <= sum(each.low <= 5.0 <= each.high for each in found) <= 99


def test_one_picture_has_an_interval_of_no_width():
    assert Estimate.of_mean([4.0]) == Estimate(value=4.0, low=4.0, high=4.0)
