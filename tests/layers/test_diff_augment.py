"""The augmentations against the paper's, written anew as loops over single pixels in NumPy."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from cyclegan_keras.layers.diff_augment import DRAWS, augment, draw

ALL = ("color", "translation", "cutout")


def pictures(*shape, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, shape)


def draws(count, seed=1):
    return np.random.default_rng(seed).uniform(0, 1, (count, DRAWS)).astype("float32")


def expected_color(picture, numbers):
    brightness, saturation, contrast = (float(number) for number in numbers[:3])
    picture = picture + (brightness - 0.5)
    if picture.shape[-1] == 3:
        for row in picture:
            for pixel in row:
                pixel[:] = (pixel - pixel.mean()) * saturation * 2 + pixel.mean()
    return (picture - picture.mean()) * (contrast + 0.5) + picture.mean()


def expected_translation(picture, numbers):
    height, width, _ = picture.shape
    tall, wide = int(height * 0.125 + 0.5), int(width * 0.125 + 0.5)
    down = int(numbers[3] * (2 * tall + 1)) - tall
    right = int(numbers[4] * (2 * wide + 1)) - wide
    moved = np.zeros_like(picture)
    for row in range(height):
        for column in range(width):
            if 0 <= row + down < height and 0 <= column + right < width:
                moved[row + down, column + right] = picture[row, column]
    return moved


def expected_cutout(picture, numbers):
    height, width, _ = picture.shape
    tall, wide = int(height * 0.5 + 0.5), int(width * 0.5 + 0.5)
    top = int(numbers[5] * (height + 1 - tall % 2)) - tall // 2
    left = int(numbers[6] * (width + 1 - wide % 2)) - wide // 2
    cut = picture.copy()
    cut[max(top, 0) : top + tall, max(left, 0) : left + wide] = 0
    return cut


EXPECTED = {
    "color": expected_color,
    "translation": expected_translation,
    "cutout": expected_cutout,
}


@pytest.mark.parametrize("shape", [(16, 24, 3), (17, 9, 1), (30, 20, 5)])
@pytest.mark.parametrize("names", [("color",), ("translation",), ("cutout",), ALL])
def test_each_picture_is_changed_as_in_the_paper(names, shape):
    given, numbers = pictures(6, *shape), draws(6)
    found = np.asarray(augment(given, numbers, names))
    for picture, own_numbers, changed in zip(given, numbers, found, strict=True):
        for name in ALL:
            if name in names:
                picture = EXPECTED[name](picture, own_numbers)
        np.testing.assert_allclose(changed, picture, atol=1e-12)


def test_shifts_and_cuts_reach_both_ends_of_their_ranges():
    ones = np.ones((2, 16, 16, 1))
    ends = np.full((2, DRAWS), 0.0, "float32")
    ends[1] = 1 - 2**-24
    moved = np.asarray(augment(ones, ends, ["translation"]))[..., 0]
    np.testing.assert_array_equal(moved[0, 0], 14 * [1] + 2 * [0])  # up and to the left
    np.testing.assert_array_equal(moved[1, 15], 2 * [0] + 14 * [1])
    kept = np.asarray(augment(ones, ends, ["cutout"])).sum(axis=(1, 2, 3))
    np.testing.assert_array_equal(kept, 256 - 16)  # a quarter of the square is inside


def test_a_condition_moves_with_its_picture_and_keeps_its_colors():
    given, codes, numbers = pictures(3, 16, 16, 3), pictures(3, 16, 16, 2, seed=2), draws(3)
    together = np.asarray(augment(given, numbers, ALL, condition=codes))
    np.testing.assert_array_equal(together[..., 2:], augment(given, numbers, ALL))
    geometry = ("translation", "cutout")
    np.testing.assert_array_equal(together[..., :2], augment(codes, numbers, geometry))


def test_the_gradient_is_that_of_finite_differences():
    given, numbers, weights = pictures(2, 8, 8, 3), draws(2), pictures(2, 8, 8, 3, seed=3)

    def loss(at):
        return tf.reduce_sum(weights * augment(at, numbers, ALL) ** 2)

    at = tf.constant(given)
    with tf.GradientTape() as tape:
        tape.watch(at)
        value = loss(at)
    gradient = tape.gradient(value, at).numpy()
    assert np.any(gradient)
    direction = pictures(2, 8, 8, 3, seed=4)
    step = 1e-5 * direction
    slope = (loss(given + step) - loss(given - step)).numpy() / 2e-5
    np.testing.assert_allclose(np.sum(gradient * direction), slope, rtol=1e-8)


def test_pictures_of_any_size_pass_one_graph():
    signature = [tf.TensorSpec((None, None, None, 3)), tf.TensorSpec((None, DRAWS))]
    graph = tf.function(lambda x, d: augment(x, d, ALL), input_signature=signature)
    for shape in ((1, 16, 24, 3), (2, 9, 8, 3)):
        given, numbers = pictures(*shape).astype("float32"), draws(shape[0])
        np.testing.assert_allclose(graph(given, numbers), augment(given, numbers, ALL), atol=1e-6)


def test_half_precision_keeps_its_dtype_and_the_means_of_large_pictures():
    given = np.full((1, 300, 300, 1), 0.8, "float16")
    numbers = np.full((1, DRAWS), 0.5, "float32")  # no brightness, contrast 1
    changed = augment(given, numbers, ["color"])
    assert keras.backend.standardize_dtype(changed.dtype) == "float16"
    np.testing.assert_array_equal(changed, given)


def test_draws_are_fair_and_each_is_of_its_own():
    numbers = np.asarray(draw(2**32 - 1, step=7, stream=1, pictures=np.arange(20_000)))
    assert numbers.shape == (20_000, DRAWS)
    assert 0 <= numbers.min() < numbers.max() < 1
    np.testing.assert_allclose(numbers.mean(axis=0), 0.5, atol=0.01)
    np.testing.assert_allclose(numbers.var(axis=0), 1 / 12, atol=0.002)
    correlations = np.corrcoef(numbers.T) - np.eye(DRAWS)
    assert abs(correlations).max() < 0.03
    others = [
        draw(2**32 - 1, step=8, stream=1, pictures=np.arange(20_000)),
        draw(2**32 - 1, step=7, stream=2, pictures=np.arange(20_000)),
        draw(0, step=7, stream=1, pictures=np.arange(20_000)),
    ]
    for other in others:
        assert abs(np.corrcoef(numbers[:, 0], np.asarray(other)[:, 0])[0, 1]) < 0.03


def test_draws_of_a_picture_do_not_depend_on_the_others():
    whole = np.asarray(draw(3, step=0, stream=0, pictures=np.arange(4)))
    rest = np.asarray(draw(3, step=0, stream=0, pictures=np.arange(2, 4)))
    np.testing.assert_array_equal(whole[2:], rest)
