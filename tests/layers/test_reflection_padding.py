import keras
import numpy as np
import pytest
import tensorflow as tf

from cyclegan_keras.layers import ReflectionPadding2D

CASES = [
    (1, ((1, 1), (1, 1))),
    (3, ((3, 3), (3, 3))),
    (0, ((0, 0), (0, 0))),
    ((2, 1), ((2, 2), (1, 1))),
    (((0, 2), (3, 1)), ((0, 2), (3, 1))),
    ([[0, 2], [3, 1]], ((0, 2), (3, 1))),
]


@pytest.mark.parametrize(("padding", "sides"), CASES)
def test_equals_numpy(padding, sides):
    images = np.random.default_rng(0).normal(size=(2, 5, 6, 3)).astype("float32")
    layer = ReflectionPadding2D(padding)
    expected = np.pad(images, ((0, 0), *sides, (0, 0)), mode="reflect")
    np.testing.assert_array_equal(layer(images), expected)
    assert layer.compute_output_shape(images.shape) == expected.shape


def test_unknown_height_and_width():
    layer = ReflectionPadding2D((1, 2))
    assert layer.compute_output_shape((None, None, None, 3)) == (None, None, None, 3)

    @tf.function(input_signature=[tf.TensorSpec((None, None, None, 3))])
    def pad(images):
        return layer(images)

    for size in (4, 7):
        assert pad(tf.zeros((1, size, size + 1, 3))).shape == (1, size + 2, size + 5, 3)


def test_gradient_counts_the_copies():
    images = tf.ones((1, 3, 3, 1))
    with tf.GradientTape() as tape:
        tape.watch(images)
        total = tf.reduce_sum(ReflectionPadding2D(1)(images))
    # Each side's reflection copies the middle: rows count 1, 3, 1, and so do columns.
    counts = np.outer([1, 3, 1], [1, 3, 1])
    np.testing.assert_array_equal(tape.gradient(total, images)[0, :, :, 0], counts)


def test_config_round_trip(tmp_path):
    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, ReflectionPadding2D(((0, 2), (3, 1)))(inputs))
    model.save(tmp_path / "model.keras")
    layer = keras.saving.load_model(tmp_path / "model.keras").layers[-1]
    assert isinstance(layer, ReflectionPadding2D)
    assert layer.padding == ((0, 2), (3, 1))


@pytest.mark.parametrize("padding", [-1, 1.0, "1", (1, 2, 3), ((1, 2), (3,)), True, None])
def test_bad_padding(padding):
    with pytest.raises(ValueError, match="Received: padding="):
        ReflectionPadding2D(padding)


def test_picture_too_small():
    with pytest.raises(ValueError, match=r"Received: shape=\(1, 3, 8, 3\)"):
        ReflectionPadding2D(3)(np.zeros((1, 3, 8, 3)))


def test_wrong_rank():
    with pytest.raises(ValueError, match="ndim=4"):
        ReflectionPadding2D(1)(np.zeros((8, 8, 3)))
