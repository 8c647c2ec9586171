"""What layers compute by other kernels in bfloat16 on CPUs is what Keras' own layers compute."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from cyclegan_keras.layers import (
    InstanceNormalization,
    ReflectionPadding2D,
    on_cpu,
)
from cyclegan_keras.layers.convolution import Conv2D, Conv2DTranspose
from cyclegan_keras.layers.cropping import Cropping2D

RANDOM = np.random.default_rng(0)


def rounded(shape):
    """Numbers that bfloat16 holds exactly, so that only results are rounded."""
    return tf.cast(tf.cast(RANDOM.normal(1, 1, shape), "bfloat16"), "float32")


def output_and_gradients(layer, images, by_output):
    """Returns the output and the gradients by the images and by all weights, as float64."""
    images = tf.cast(images, layer.compute_dtype)
    with tf.GradientTape() as tape:
        tape.watch(images)
        output = layer(images, training=True)
    gradients = tape.gradient(
        output, [images, *layer.trainable_variables], tf.cast(by_output, output.dtype)
    )
    return [tf.cast(each, "float64").numpy() for each in (output, *gradients)]


def assert_close(layer, exact_layer, shape):
    """Compares a layer in bfloat16 with another in float64."""
    images = rounded(shape)
    layer.build(shape)
    exact_layer.build(shape)
    for weight, exact_weight in zip(layer.weights, exact_layer.weights, strict=True):
        weight.assign(rounded(weight.shape))
        exact_weight.assign(tf.cast(weight, "float64"))
    by_output = rounded(layer.compute_output_shape(shape))
    found = output_and_gradients(layer, images, by_output)
    expected = output_and_gradients(exact_layer, images, by_output)
    for x, y in zip(found, expected, strict=True):
        np.testing.assert_allclose(x, y, atol=2**-7 * abs(y).max())


@pytest.mark.parametrize("strides", [1, 2, (2, 1)])
@pytest.mark.parametrize("use_bias", [True, False])
def test_convolution(strides, use_bias):
    layer = Conv2D(40, (3, 4), strides, use_bias=use_bias, dtype="mixed_bfloat16")
    exact_layer = keras.layers.Conv2D(40, (3, 4), strides, use_bias=use_bias, dtype="float64")
    assert_close(layer, exact_layer, (2, 9, 8, 32))


@pytest.mark.parametrize("strides", [1, 2, (2, 1)])
def test_transposed_convolution(strides):
    layer = Conv2DTranspose(40, (3, 4), strides, dtype="mixed_bfloat16")
    exact_layer = keras.layers.Conv2DTranspose(40, (3, 4), strides, dtype="float64")
    assert_close(layer, exact_layer, (2, 5, 4, 32))


@pytest.mark.parametrize("affine", [False, True])
def test_instance_normalization(affine):
    layer = InstanceNormalization(center=affine, scale=affine, dtype="mixed_bfloat16")
    exact_layer = InstanceNormalization(center=affine, scale=affine, dtype="float64")
    assert_close(layer, exact_layer, (3, 6, 5, 16))


@pytest.mark.slow
def test_values_are_computed_anew():
    """With `keras.remat`, gradients have no static shapes."""
    network = keras.Sequential(
        [
            Conv2D(32, 3, dtype="mixed_bfloat16"),
            Conv2DTranspose(32, 3, 2, dtype="mixed_bfloat16"),
            InstanceNormalization(dtype="mixed_bfloat16"),
        ]
    )
    images = rounded((2, 6, 6, 32))
    network.build(images.shape)
    kernel = network.trainable_variables[0].value

    @tf.function
    def gradient_by(function):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.cast(function(images), "float32") ** 4)
        return tape.gradient(loss, kernel)

    def train(images):
        return network(images, training=True)

    whole = gradient_by(train)
    assert np.linalg.norm(gradient_by(keras.remat(train)) - whole) < 0.03 * np.linalg.norm(whole)


def test_statistics_of_the_normalization_are_float32():
    # In bfloat16 numbers around 200 are whole, and so would be their mean.
    images = tf.cast(RANDOM.normal(200, 2, (1, 64, 64, 16)), "bfloat16")
    normalized = InstanceNormalization(dtype="mixed_bfloat16")(images, training=True)
    exact = InstanceNormalization(dtype="float64")(tf.cast(images, "float64"))
    assert normalized.dtype == "bfloat16"
    np.testing.assert_allclose(tf.cast(normalized, "float64"), exact, atol=0.02)


@pytest.mark.parametrize("dtype", ["bfloat16", "float32", "float64"])
@pytest.mark.parametrize(
    "layer",
    [ReflectionPadding2D(((1, 2), (3, 0))), Cropping2D(((1, 0), (1, 2)))],
    ids=["padding", "cropping"],
)
def test_pixels_are_copied_exactly(layer, dtype):
    images = tf.cast(RANDOM.normal(size=(2, 6, 7, 3)), dtype)
    shape = layer.compute_output_shape(images.shape)
    by_output = tf.cast(RANDOM.normal(size=shape), dtype)
    results = []
    for training in (True, False):  # by the other kernels, and as an export computes it
        with tf.GradientTape() as tape:
            tape.watch(images)
            output = type(layer).from_config({**layer.get_config(), "dtype": dtype})(
                images, training=training
            )
        gradient = tape.gradient(output, images, by_output)
        results.append((tf.cast(output, "float64"), tf.cast(gradient, "float64")))
    np.testing.assert_array_equal(results[0][0], results[1][0])
    np.testing.assert_array_equal(results[0][1], results[1][1])


def test_second_derivatives(monkeypatch):
    """The penalties of wgangp and r1 differentiate a gradient."""
    layers = [
        Conv2D(32, 3, 2, dtype="mixed_bfloat16"),
        InstanceNormalization(dtype="mixed_bfloat16"),
        Conv2D(32, 2, dtype="mixed_bfloat16"),
    ]
    images = tf.cast(rounded((2, 8, 8, 32)), "bfloat16")
    network = keras.Sequential(layers)
    network.build(images.shape)

    def gradients_of_penalty():
        with tf.GradientTape() as outer:
            with tf.GradientTape() as tape:
                tape.watch(images)
                total = tf.reduce_sum(tf.cast(network(images, training=True), "float32") ** 2)
            slope = tf.cast(tape.gradient(total, images), "float32")
            penalty = tf.reduce_mean(slope**2)
        kernels = [layers[0].kernel, layers[2].kernel]
        return [each.numpy() for each in outer.gradient(penalty, kernels)]

    found = gradients_of_penalty()
    monkeypatch.setattr(on_cpu, "operations", lambda: None)
    for x, y in zip(found, gradients_of_penalty(), strict=True):
        assert np.linalg.norm(x - y) < 0.03 * np.linalg.norm(y)


def test_elsewhere_keras_computes_everything(monkeypatch):
    assert on_cpu.operations() is not None
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    assert on_cpu.operations() is None
