"""Scaled kernels translate as before, and have the scale that the learning rate is made for."""

import keras
import numpy as np
import pytest

from cyclegan_keras.compression.kernel_scale import RMS, scale_kernels
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.models.unet_generator import UNetGenerator


def _trained(network):
    """Returns a network whose weights are none of those that it was made with."""
    random = np.random.default_rng(0)
    for variable in network.weights:
        if variable.dtype == "float32":
            low = 0.5 if "variance" in variable.name else -0.5
            variable.assign(random.uniform(low, 1, variable.shape))
    return network


@pytest.mark.parametrize(
    "network",
    [
        lambda: ResNetGenerator(ngf=4, n_blocks=1, norm="instance"),
        lambda: ResNetGenerator(ngf=4, n_blocks=1, norm="instance_affine", antialias=True),
        lambda: ResNetGenerator(ngf=4, n_blocks=1, norm="batch"),
        lambda: ResNetGenerator(ngf=4, n_blocks=1, norm="batch", test_statistics="picture"),
        lambda: ResNetGenerator(ngf=4, n_blocks=1, norm="none"),
        lambda: UNetGenerator(ngf=4, n_downs=3, norm="batch"),
    ],
    ids=["instance", "affine", "batch", "picture", "none", "unet"],
)
def test_translations_stay(network):
    network = _trained(network())
    pictures = np.random.default_rng(1).uniform(-1, 1, (1, 16, 16, 3)).astype("float32")
    before = np.asarray(network(pictures, training=False))
    scale_kernels(network)
    after = np.asarray(network(pictures, training=False))
    np.testing.assert_allclose(after, before, atol=2e-4)


def test_kernels_before_norms_have_the_scale_and_others_stay():
    network = _trained(ResNetGenerator(ngf=4, n_blocks=1))
    head = keras.ops.convert_to_numpy(network.get_layer("head_conv").kernel)
    scale_kernels(network)
    block = network.get_layer("block_1")
    convs = [block.conv_1, block.conv_2]
    convs += [network.get_layer(f"{name}_conv") for name in ("stem", "down_1", "up_1", "up_2")]
    for conv in convs:
        kernel = keras.ops.convert_to_numpy(conv.kernel)
        assert np.sqrt(np.mean(np.square(kernel))) == pytest.approx(RMS, rel=1e-5)
    np.testing.assert_array_equal(network.get_layer("head_conv").kernel, head)


def test_kernels_that_are_next_to_nothing_stay():
    network = _trained(ResNetGenerator(ngf=4, n_blocks=1))
    kernel = network.get_layer("block_1").conv_2.kernel
    kernel.assign(1e-6 * keras.ops.convert_to_numpy(kernel))
    pictures = np.random.default_rng(1).uniform(-1, 1, (1, 16, 16, 3)).astype("float32")
    before = np.asarray(network(pictures, training=False))
    scale_kernels(network)
    after = np.asarray(network(pictures, training=False))
    np.testing.assert_allclose(after, before, atol=2e-4)
