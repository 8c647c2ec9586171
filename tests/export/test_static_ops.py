import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from golden_files import load_golden

from cyclegan_keras.export import static_ops
from cyclegan_keras.layers import InstanceNormalization


def normal(*shape):
    return np.random.default_rng(sum(shape)).normal(size=shape).astype("float32")


def close(found, expected):
    np.testing.assert_allclose(found, expected, atol=2e-5)


@pytest.mark.parametrize("amount", [1, 2, 3])
def test_reflect_is_numpys(amount):
    x = normal(1, 6, 9, 2)
    pads = [(0, 0), (amount, amount), (amount, amount), (0, 0)]
    close(static_ops.reflect(x, amount), np.pad(x, pads, "reflect"))


@pytest.mark.parametrize("sides", [((0, 1), (1, 0)), ((1, 1), (1, 1)), ((0, 0), (0, 0))])
def test_edges_and_zeros_are_numpys(sides):
    x, (before, after) = normal(1, 3, 4, 2), sides
    pads = [(0, 0), (before[0], after[0]), (before[1], after[1]), (0, 0)]
    close(static_ops.repeat_edge(tf.constant(x), before, after), np.pad(x, pads, "edge"))
    close(static_ops.zeros(x, before, after), np.pad(x, pads))


@pytest.mark.parametrize(("size", "crop"), [(3, (1, 0)), (4, (1, 1))])
def test_conv_up_is_a_cropped_transposed_convolution(size, crop):
    x, layer = normal(1, 5, 7, 6), keras.layers.Conv2DTranspose(4, size, 2)
    layer.build(x.shape)
    layer.bias.assign(normal(4))
    phases = {3: static_ops.TRANSPOSED_3, 4: static_ops.TRANSPOSED_4}[size]
    kernel = np.asarray(layer.kernel).swapaxes(2, 3)
    found = static_ops.conv_up(tf.constant(x), kernel, np.asarray(layer.bias), phases)
    close(found, keras.layers.Cropping2D((crop, crop))(layer(x)))


@pytest.mark.parametrize("mode", ["reflect", "constant"])
def test_conv_up_is_a_convolution_of_doubled_pixels(mode):
    x, kernel, bias = normal(1, 5, 7, 6), normal(3, 3, 6, 4), normal(4)
    around = static_ops.repeat_edge if mode == "reflect" else static_ops.zeros
    found = static_ops.conv_up(tf.constant(x), kernel, bias, static_ops.NEAREST_3, around)
    doubled = np.pad(x.repeat(2, 1).repeat(2, 2), [(0, 0), (1, 1), (1, 1), (0, 0)], mode)
    close(found, tf.nn.conv2d(doubled, kernel, 1, "VALID") + bias)


def test_conv_few_is_the_convolution():
    x, kernel, bias = normal(1, 14, 18, 5), normal(7, 7, 5, 3), normal(3)
    close(static_ops.conv_few(x, kernel, bias), tf.nn.conv2d(x, kernel, 1, "VALID") + bias)


def test_conv_clips_its_result():
    x, kernel = normal(1, 6, 6, 5), normal(3, 3, 5, 3)
    expected = np.clip(tf.nn.conv2d(x, kernel, 1, "VALID"), -1, 1)
    close(static_ops.conv(x, kernel, None, clip=True), expected)


def test_blur_down_is_two_averages():
    x = normal(1, 8, 6, 3)
    y = np.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)], "reflect")
    y = keras.layers.AveragePooling2D(2, 1)(y)
    close(static_ops.blur_down(tf.constant(x)), keras.layers.AveragePooling2D(2, 2)(y))


@pytest.mark.parametrize("case", ["b", "d_offset"])
def test_instance_norm_is_tensorflow_addons(case):
    golden = load_golden("instance_norm_tfa.npz")
    x, gamma, beta = (golden[f"{case}/{name}"] for name in ("x", "gamma", "beta"))
    epsilon = float(golden["epsilon"])
    close(static_ops.instance_norm(tf.constant(x), gamma, beta, epsilon), golden[f"{case}/y"])
    plain = static_ops.instance_norm(tf.constant(x), None, None, 1e-5)
    close(plain, InstanceNormalization()(x))


def test_instance_norm_does_not_cancel():
    x = (300 + 1e-2 * normal(1, 64, 64, 4)).astype(
        "float32"
    )  # its variance is a ninth digit of x*x
    exact = x.astype("float64") - x.astype("float64").mean((1, 2), keepdims=True)
    exact /= np.sqrt((exact**2).mean((1, 2), keepdims=True) + 1e-5)
    found = static_ops.instance_norm(tf.constant(x), None, None, 1e-5)
    assert np.abs(found - exact).max() < 2e-2


@pytest.mark.parametrize(
    "operation",
    [
        functools.partial(static_ops.reflect, amount=3),
        functools.partial(static_ops.repeat_edge, before=(1, 0), after=(0, 1)),
        static_ops.double,
        static_ops.blur_down,
    ],
)
def test_pictures_of_unknown_size_get_the_same(operation):
    """So one graph serves every size; `double` is TensorFlow's own where the size is known."""
    x = tf.constant(normal(1, 6, 10, 2))
    of_any_size = tf.function(
        lambda image: operation(image),
        input_signature=[tf.TensorSpec((1, None, None, 2))],
        autograph=False,
    )
    close(of_any_size(x), operation(x))
