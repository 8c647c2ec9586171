import keras
import numpy as np
import pytest
import tensorflow as tf

from cyclegan_keras.layers import LeakyReLU
from cyclegan_keras.models.patch_discriminator import PatchDiscriminator
from cyclegan_keras.models.pixel_discriminator import PixelDiscriminator
from cyclegan_keras.models.unet_generator import UNetGenerator

VALUES = np.array([-3.0, -1.0, -1e-30, 0.0, 1e-30, 0.7, 5.0])


def values_and_slopes(layer, dtype):
    x = tf.constant(VALUES, dtype)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x)
    return y, tape.gradient(y, x)


@pytest.mark.parametrize("slope", [0.2, 0.3, 0.01])
def test_float64_is_exact(slope):
    y, slopes = values_and_slopes(LeakyReLU(slope, dtype="float64"), "float64")
    assert y.dtype == slopes.dtype == tf.float64
    np.testing.assert_array_equal(y, np.where(VALUES > 0, VALUES, slope * VALUES))
    np.testing.assert_array_equal(slopes, np.where(VALUES > 0, 1.0, slope))


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_other_types_have_the_bits_of_keras(dtype):
    own = values_and_slopes(LeakyReLU(0.2, dtype=dtype), dtype)
    of_keras = values_and_slopes(keras.layers.LeakyReLU(0.2, dtype=dtype), dtype)
    for mine, other in zip(own, of_keras, strict=True):
        assert mine.dtype == other.dtype == dtype
        np.testing.assert_array_equal(mine, other)


def test_float32_stays_one_operation():
    graph = tf.function(LeakyReLU(0.2)).get_concrete_function(tf.TensorSpec((None, 3))).graph
    assert "LeakyRelu" in [operation.type for operation in graph.get_operations()]


@pytest.mark.parametrize(
    "network",
    [
        lambda: PatchDiscriminator(ndf=2, n_layers=1),
        lambda: PatchDiscriminator(ndf=2, n_layers=1, antialias=True),
        lambda: PixelDiscriminator(ndf=2),
        lambda: UNetGenerator(ngf=2, n_downs=2),
    ],
)
def test_every_network_has_the_exact_layer(network):
    leaky = [layer for layer in network().layers if isinstance(layer, keras.layers.LeakyReLU)]
    assert leaky
    assert {type(layer) for layer in leaky} == {LeakyReLU}


def test_round_trip():
    layer = LeakyReLU(0.3, name="leaky")
    copy = LeakyReLU.from_config(layer.get_config())
    assert (copy.name, copy.negative_slope) == ("leaky", layer.negative_slope)
