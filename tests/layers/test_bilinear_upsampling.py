import keras
import numpy as np
import pytest
import tensorflow as tf

from cyclegan_keras.layers import BilinearUpsampling2D


def pictures(height=5, width=7):
    return np.random.default_rng(0).normal(size=(2, height, width, 3)).astype("float32")


@pytest.mark.parametrize("size", [(5, 7), (1, 4), (1, 1)])
def test_equals_bilinear_resizing(size):
    x = pictures(*size)
    expected = tf.image.resize(x, (2 * size[0], 2 * size[1]), "bilinear")
    np.testing.assert_allclose(BilinearUpsampling2D()(x), expected, atol=1e-6)


def test_unknown_sizes_when_the_graph_is_made():
    layer = BilinearUpsampling2D()
    double = tf.function(layer, input_signature=[tf.TensorSpec((None, None, None, 3))])
    for size in ((2, 3), (6, 4)):
        np.testing.assert_allclose(double(pictures(*size)), layer(pictures(*size)), atol=1e-6)


def test_shapes_and_precision():
    layer = BilinearUpsampling2D(dtype="mixed_float16")
    assert layer.compute_output_shape((None, None, 4, 3)) == (None, None, 8, 3)
    assert layer(pictures()).dtype == "float16"
    assert layer(pictures()).shape == (2, 10, 14, 3)


def test_round_trip():
    layer = BilinearUpsampling2D(name="double")
    assert BilinearUpsampling2D.from_config(layer.get_config()).name == "double"
    inputs = keras.Input((None, None, 3))
    assert keras.Model(inputs, layer(inputs)).output_shape == (None, None, None, 3)
