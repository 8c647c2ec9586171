import numpy as np
import pytest
import tensorflow as tf

from pipelines import augment

IMAGE = tf.reshape(tf.range(10 * 12 * 3), (10, 12, 3))


def corner(crop):
    """(top, left) of a crop of IMAGE, whose values tell their place."""
    return divmod(int(crop[0, 0, 0]) // 3, 12)


def test_crops_are_true_windows_and_reach_every_place():
    seen = set()
    for number in range(200):
        crop = augment.random_crop(IMAGE, 8, (1, number))
        top, left = corner(crop)
        np.testing.assert_array_equal(crop, IMAGE[top : top + 8, left : left + 8])
        seen.add((top, left))
    assert seen == {(top, left) for top in range(3) for left in range(5)}


def test_flip_is_a_fair_coin():
    flipped = 0
    for number in range(200):
        result = augment.random_flip(IMAGE, (1, number)).numpy()
        mirrored = bool((result == IMAGE[:, ::-1]).numpy().all())
        assert mirrored or (result == IMAGE).numpy().all()
        flipped += mirrored
    assert 70 < flipped < 130  # four standard deviations


@pytest.mark.parametrize(
    "change", [lambda i, s: augment.random_crop(i, 8, s), augment.random_flip], ids=["crop", "flip"]
)
def test_tf_data_gives_what_eager_gives(change):
    seeds = tf.stack([(1, number) for number in range(8)])
    inside = tf.data.Dataset.from_tensor_slices(seeds).map(lambda seed: change(IMAGE, seed))
    for result, seed in zip(inside, seeds, strict=True):
        np.testing.assert_array_equal(result, change(IMAGE, seed))
