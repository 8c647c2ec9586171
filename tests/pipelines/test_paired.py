import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines import paired
from pipelines.batches import Augmentation


def order(count=5, *, batch_size=1, seed=1, start_step=0, stop_step=20):
    window = {"start_step": start_step, "stop_step": stop_step}
    dataset = paired.order(count, batch_size=batch_size, seed=seed, **window)
    assert int(dataset.cardinality()) == (stop_step - start_step) * batch_size
    return [tuple(map(int, item)) for item in dataset]


@settings(max_examples=6, deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**31), st.integers(0, 4))
def test_every_pair_comes_once_an_epoch(count, batch_size, seed, epoch):
    batch_size = min(batch_size, count)
    steps = count // batch_size
    items = order(
        count,
        **{"batch_size": batch_size, "seed": seed},
        **{"start_step": epoch * steps, "stop_step": (epoch + 1) * steps},
    )
    indices = [index for _, index in items]
    assert len(set(indices)) == len(indices) == steps * batch_size
    assert set(indices) <= set(range(count))
    first = epoch * steps * batch_size
    assert [sample for sample, _ in items] == list(range(first, first + steps * batch_size))


def test_epochs_and_seeds_are_shuffled_anew():
    items = order(8, stop_step=24)
    assert len({tuple(index for _, index in items[i : i + 8]) for i in (0, 8, 16)}) == 3
    assert order(8, stop_step=24) == items != order(8, seed=2, stop_step=24)


@pytest.mark.parametrize(("batch_size", "start_step"), [(1, 1), (1, 13), (2, 5)])
def test_a_late_start_is_the_tail(batch_size, start_step):
    whole = order(batch_size=batch_size)
    assert order(batch_size=batch_size, start_step=start_step) == whole[start_step * batch_size :]


def load(index):
    """No two of 120 pixels are alike on either side, and each side tells the other."""
    x = (np.arange(10 * 12).reshape(10, 12, 1) + np.array([0, 40, 80])).astype(np.uint8)
    return x + np.uint8(index), 255 - (x + np.uint8(index))


def batches(start_step=0, stop_step=40, batch_size=1, **how):
    change = Augmentation(**{"seed": 1, "crop_size": 4, "flip": True, **how})
    window = {"start_step": start_step, "stop_step": stop_step, "batch_size": batch_size}
    return paired.train(load, paired.order(5, seed=1, **window), change, batch_size)


@pytest.mark.parametrize("batch_size", [1, 2])
def test_crop_and_flip_are_the_same_on_both_sides(batch_size):
    """Sides are each other's negative before, so they must be so after: -x = y in [-1, 1]."""
    seen = set()
    for batch in batches(batch_size=batch_size).as_numpy_iterator():
        np.testing.assert_allclose(batch["y"], -batch["x"], atol=1e-6)
        seen |= {(float(x[0, 0, 0]), bool(x[0, 1, 0] > x[0, 0, 0])) for x in batch["x"]}
    assert {right for _, right in seen} == {True, False}  # some are mirrored, some are not
    assert len(seen) > 30  # and places differ


def test_pixels_of_a_late_start_are_the_tail():
    whole = [*batches(stop_step=12, batch_size=2).as_numpy_iterator()]
    for late, early in zip(batches(7, 12, batch_size=2), whole[7:], strict=True):
        np.testing.assert_array_equal(late["x"], early["x"])
        np.testing.assert_array_equal(late["y"], early["y"])


def test_batches_are_floats_of_a_known_shape():
    dataset = batches(stop_step=6, batch_size=2, picture_shape=(4, 4, 3))
    spec = tf.TensorSpec((2, 4, 4, 3), tf.float32)
    assert dataset.element_spec == {"x": spec, "y": spec}
    assert int(dataset.cardinality()) == 6


def test_without_crop_and_flip_pictures_come_as_they_are():
    dataset = batches(stop_step=5, crop_size=None, flip=False)
    for batch, (_, index) in zip(dataset, order(stop_step=5), strict=True):
        for side, expected in zip("xy", load(index), strict=True):
            np.testing.assert_allclose(batch[side][0], expected / 127.5 - 1, atol=1e-6)
