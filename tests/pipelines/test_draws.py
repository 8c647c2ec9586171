"""Draws in numpy against TensorFlow's own."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines import draws, order
from pipelines.augmentation import BLOCK, Augmentation

WHOLE_NUMBERS = st.integers(-(2**63), 2**63 - 1)
SEEDS = st.tuples(WHOLE_NUMBERS, WHOLE_NUMBERS).map(lambda seed: np.array(seed, np.int64))
# Where words of 32 bits, their signs and those of 64 bits end.
EDGES = [0, 1, -1, 2**31 - 1, 2**31, -(2**31), 2**32 - 1, 2**32, 2**32 + 5, 2**63 - 1, -(2**63)]


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_seeds_are_folded_as_tensorflow_folds_them(dtype):
    limits = np.iinfo(dtype)
    seeds = np.array([(first, second) for first in EDGES for second in EDGES[:4]], np.int64)
    numbers = np.array([EDGES[i % len(EDGES)] for i in range(len(seeds))])
    numbers = np.clip(numbers, limits.min, limits.max).astype(dtype)
    folded = draws.fold_in(seeds, numbers)
    for seed, number, found in zip(seeds, numbers, folded, strict=True):
        np.testing.assert_array_equal(found, tf.random.fold_in(tf.constant(seed), number))


@settings(max_examples=15, deadline=None)
@given(SEEDS, st.integers(1, 9))
def test_seeds_are_split_as_tensorflow_splits_them(seed, count):
    np.testing.assert_array_equal(draws.split(seed, count), tf.random.split(seed, count))


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.integers(0, 9), st.integers(1, 2**63 - 1))
def test_whole_numbers_are_those_of_tensorflow(seed, count, stop):
    for limit in (stop, 1, 2**31, 2**32, 2**63 - 1):
        drawn = tf.random.stateless_uniform([count], seed, maxval=limit, dtype=tf.int64)
        np.testing.assert_array_equal(draws.whole_numbers(seed, count, limit), drawn)


@settings(max_examples=15, deadline=None)
@given(SEEDS, st.integers(0, 300))
def test_orders_are_those_of_tensorflow(seed, count):
    shuffled = tf.random.experimental.stateless_shuffle(tf.range(count, dtype=tf.int64), seed)
    np.testing.assert_array_equal(draws.shuffled(seed, count), shuffled)


@pytest.mark.parametrize("seed", [0, -3, 2**40])
def test_crops_and_mirrorings_are_those_of_tensorflow(seed):
    """For both pictures of samples on both sides of a block, and of far later ones."""
    image = np.arange(13 * 17 * 3).reshape(13, 17, 3).astype("float32")
    augmentation = Augmentation(seed=seed, crop_size=8, flip=True)
    for number in (0, 1, BLOCK - 1, BLOCK, 2**33 + 7):
        root = tf.random.fold_in(tf.constant([seed, 0], tf.int64), order.AUGMENTATION_STREAM)
        seeds = tf.random.split(tf.random.fold_in(root, tf.constant(number, tf.int64)), 4)
        for draw, own in zip(augmentation.draws(number), (seeds[:2], seeds[2:]), strict=True):
            np.testing.assert_array_equal(draw.seeds, own)
            expected = tf.image.stateless_random_crop(image, (8, 8, 3), own[0])
            expected = tf.image.stateless_random_flip_left_right(expected, own[1])
            np.testing.assert_array_equal(augmentation.changed(image, draw), expected)
