"""The choice and merge of channels against scipy and numpy."""

import numpy as np
import pytest

from cyclegan_keras.compression.channels import choose_channels, merge, regress
from cyclegan_keras.compression.gram import Gram, Regression
from cyclegan_keras.compression.resnet_inheritance import choose_blocks


@pytest.mark.parametrize("count", [1, 5, 12])
def test_choice_is_that_of_a_pivoted_qr(count):
    linalg = pytest.importorskip("scipy.linalg")
    random = np.random.default_rng(0)
    samples = random.normal(size=(40, 12)) @ random.normal(size=(12, 12))
    pivots = linalg.qr(samples, mode="r", pivoting=True)[-1]
    chosen = choose_channels(samples.T @ samples, count)
    assert chosen.tolist() == sorted(pivots[:count].tolist())


def test_choice_leaves_duplicates_and_dead_channels_to_the_last():
    random = np.random.default_rng(1)
    three = random.normal(size=(40, 3))
    samples = np.stack([three[:, 0], 0 * three[:, 0], three[:, 1], three[:, 0], three[:, 2]], 1)
    gram = samples.T @ samples
    assert choose_channels(gram, 3).tolist() in ([0, 2, 4], [2, 3, 4])
    assert choose_channels(gram, 5).tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("ridge", [1e-6, 0.3, 50.0])
def test_merge_is_least_squares_of_the_system_with_the_ridge_below(ridge):
    random = np.random.default_rng(2)
    everything = random.normal(size=(30, 7))
    kept = np.array([1, 2, 6])
    stays = everything[:, kept]
    as_it_is = np.eye(7)[kept]
    above = np.concatenate([stays, np.sqrt(ridge) * np.eye(3)])
    right = np.concatenate([everything, np.sqrt(ridge) * as_it_is])
    expected = np.linalg.lstsq(above, right, rcond=None)[0]
    result = merge(stays.T @ stays, stays.T @ everything, kept, ridge)
    np.testing.assert_allclose(result, expected, atol=1e-9)


@pytest.mark.parametrize("centered", [False, True])
def test_regression_is_exact_where_the_rest_is_a_combination(centered):
    random = np.random.default_rng(3)
    stays = random.normal(size=(50, 3)) + 1
    matrix = np.concatenate([np.eye(3), random.normal(size=(3, 2))], 1)
    offset = np.array([0, 0, 0, 2.0, -1.0]) * centered
    sums = Regression(3, 5)
    for rows in np.split(stays, 5):
        sums.add(rows, rows @ matrix + offset)
    found = regress(sums, np.arange(3), centered=centered)
    np.testing.assert_allclose(found.matrix, matrix, atol=1e-7)
    np.testing.assert_allclose(found.offset, offset, atol=1e-7)
    assert found.unexplained < 1e-9


def test_regression_on_few_noisy_places_stays_near_what_is_known():
    # Twenty unknowns from twelve places: without a ridge the noise would be fitted exactly.
    random = np.random.default_rng(4)
    truth = random.normal(size=(500, 20))
    wide = np.concatenate([truth, random.normal(size=(500, 5))], 1)
    sums = Regression(20, 25)
    sums.add(truth[:12], wide[:12])
    found = regress(sums, np.arange(20), centered=False)
    error = np.mean(np.square(truth @ found.matrix - wide))
    alone = np.mean(np.square(truth @ np.eye(20, 25) - wide))
    assert error < 1.3 * alone


@pytest.mark.parametrize("centered", [False, True])
@pytest.mark.parametrize("constant", [0.0, 0.1, -1.0, 1e4])
def test_channels_that_are_constant_are_explained_by_constants(constant, centered):
    rows = np.full((1000, 4), constant)
    sums = Regression(2, 4)
    for part in np.split(rows, 5):
        sums.add(part[:, :2], part)
    found = regress(sums, np.array([0, 2]), centered=centered)
    assert np.abs(found.matrix).max() < 2
    explained = rows[:1, :2] @ found.matrix + found.offset
    np.testing.assert_allclose(explained, rows[:1], rtol=1e-6)
    assert 0 <= found.unexplained <= 1


@pytest.mark.parametrize("constant", [0.0, 0.1, -1.0, 1e4])
def test_of_blocks_that_are_alike_as_many_stay_as_are_wanted(constant):
    contributions = Gram(4 * 2)
    contributions.add(np.full((1000, 8), constant))
    assert len(choose_blocks(contributions, 3, 1)) == 1


def test_a_block_that_does_something_stays_before_those_that_do_nothing():
    values = np.zeros((50, 4, 2))
    values[:, 2] = np.random.default_rng(5).normal(size=(50, 2))
    contributions = Gram(4 * 2)
    contributions.add(values.reshape(50, 8))
    assert choose_blocks(contributions, 3, 1) == [2]
