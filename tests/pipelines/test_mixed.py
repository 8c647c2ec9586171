import numpy as np
import pytest
import tensorflow as tf

from pipelines import mixed, unpaired
from pipelines.batches import Augmentation

X, Y, PAIRS = 7, 5, 3  # how many of each


def picture(level):
    """Its last channel tells which one it is, the others tell the place."""
    place = np.arange(8 * 8).reshape(8, 8)
    return np.stack([place, 63 - place, np.full((8, 8), level)], axis=-1).astype(np.uint8)


class Pairs:
    def __len__(self):
        return PAIRS

    def __call__(self, index):
        return picture(200 + index), picture(220 + index)


def batches(every, start_step=0, stop_step=42, batch_size=1, seed=1):
    window = {"start_step": start_step, "stop_step": stop_step, "batch_size": batch_size}
    indices = unpaired.order(X, Y, seed=seed, **window)
    change = Augmentation(seed=seed, crop_size=4, flip=True, picture_shape=(4, 4, 3))
    loads = (picture, lambda i: picture(100 + i), Pairs())
    return mixed.train(*loads, indices, change, batch_size, every)


def pixels(batch):
    return {k: np.round((batch[k] + 1) * 127.5).astype(int) for k in "xy"}


@pytest.mark.parametrize("batch_size", [1, 2])
@pytest.mark.parametrize("every", [1, 4])
def test_every_so_many_samples_one_is_a_pair(every, batch_size):
    dataset = batches(every, batch_size=batch_size)
    assert dataset.element_spec["paired"] == tf.TensorSpec((batch_size,), tf.float32)
    flags, levels = [], {"x": [], "y": []}
    apart = 0
    for batch in dataset.as_numpy_iterator():
        flags += batch["paired"].tolist()
        seen = pixels(batch)
        for side in "xy":
            levels[side] += seen[side][:, 0, 0, 2].tolist()
        same = (seen["x"][..., :2] == seen["y"][..., :2]).all(axis=(1, 2, 3))
        assert same[batch["paired"] == 1].all()  # the same place, the same way round
        apart += (~same).sum()
    assert flags == [float(sample % every == 0) for sample in range(42 * batch_size)]
    turns = [sample // every % PAIRS for sample, is_pair in enumerate(flags) if is_pair]
    for side, first, others in (("x", 200, range(X)), ("y", 220, range(100, 100 + Y))):
        shown = np.array(levels[side])
        assert shown[np.array(flags) == 1].tolist() == [first + turn for turn in turns]
        if every > 1:
            assert set(shown[np.array(flags) == 0]) == set(others)
    assert every == 1 or apart > 20  # the others are still changed each on its own


def test_what_is_no_pair_is_what_it_would_be_without_pairs():
    window = {"start_step": 0, "stop_step": 12, "batch_size": 1}
    change = Augmentation(seed=1, crop_size=4, flip=True)
    indices = unpaired.order(X, Y, seed=1, **window)
    plain = unpaired.train(picture, lambda i: picture(100 + i), indices, change, 1)
    for batch, expected in zip(batches(4), plain, strict=False):
        if not batch["paired"][0]:
            np.testing.assert_array_equal(batch["x"], expected["x"])
            np.testing.assert_array_equal(batch["y"], expected["y"])


def test_a_late_start_is_the_tail():
    whole = [*batches(4, stop_step=14, batch_size=2).as_numpy_iterator()]
    tail = [*batches(4, 5, 14, batch_size=2).as_numpy_iterator()]
    assert len(tail) == 9
    for late, early in zip(tail, whole[5:], strict=True):
        for key in ("x", "y", "paired"):
            np.testing.assert_array_equal(late[key], early[key])
