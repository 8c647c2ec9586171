"""Every rule: any region of a layer's result equals that region of the whole result."""

import keras
import numpy as np
import pytest

from cyclegan_keras import layers
from cyclegan_keras.files.errors import TranslationError
from cyclegan_keras.translation.tiling.rules import RULES, PictureNorm

LAYERS = {
    "activation": keras.layers.Activation("tanh"),
    "average": keras.layers.AveragePooling2D(2, strides=1),
    "average, halving": keras.layers.AveragePooling2D(2, strides=2),
    "convolution": keras.layers.Conv2D(3, (3, 5)),
    "strided": keras.layers.Conv2D(3, 4, strides=2),
    "transposed": keras.layers.Conv2DTranspose(3, 3, strides=2),
    "transposed 4": keras.layers.Conv2DTranspose(3, 4, strides=2),
    "cropping": keras.layers.Cropping2D(((1, 0), (2, 1))),
    "dropout": layers.NoiseDropout(0.5),
    "noise": layers.NoiseDropout(0.5, at_test=True),
    "identity": keras.layers.Identity(),
    "leaky": keras.layers.LeakyReLU(0.2),
    "exact leaky": layers.LeakyReLU(0.2),
    "relu": keras.layers.ReLU(),
    "nearest": keras.layers.UpSampling2D(2, interpolation="nearest"),
    "zeros": keras.layers.ZeroPadding2D(((1, 2), (3, 0))),
    "batch norm": layers.BatchNormalization(),
    "bilinear": layers.BilinearUpsampling2D(),
    "reflection": layers.ReflectionPadding2D(((1, 3), (2, 0))),
}


@pytest.mark.parametrize("name", LAYERS)
def test_every_region(name):
    layer = LAYERS[name]
    x = np.random.default_rng(0).normal(size=(1, 9, 11, 3)).astype("float32")
    whole = np.asarray(layer(x, training=False))
    rule = RULES[type(layer)](layer)
    size = x.shape[1:3]
    assert tuple(rule.output_length(size[axis], axis) for axis in (0, 1)) == whole.shape[1:3]
    random = np.random.default_rng(1)
    for _ in range(25):
        region = tuple(
            tuple(sorted(random.choice(whole.shape[axis] + 1, 2, replace=False))) for axis in (1, 2)
        )
        input_region = tuple(rule.input_span(region[axis], size[axis], axis) for axis in (0, 1))
        for (start, stop), side in zip(input_region, size, strict=True):
            assert 0 <= start < stop <= side
        rows, columns = (slice(*span) for span in input_region)
        found = rule.apply(
            [x[:, rows, columns]], input_region=input_region, region=region, input_size=size
        )
        rows, columns = (slice(*span) for span in region)
        np.testing.assert_allclose(found, whole[:, rows, columns], atol=1e-6)


@pytest.mark.parametrize(
    "layer",
    [
        keras.layers.Conv2D(1, 3, padding="same"),
        keras.layers.Conv2D(1, 3, dilation_rate=2),
        keras.layers.Conv2DTranspose(1, 3, padding="same"),
        keras.layers.UpSampling2D(3),
        keras.layers.AveragePooling2D(2, padding="same"),
    ],
)
def test_a_layer_that_would_not_be_exact_is_refused(layer):
    with pytest.raises(TranslationError, match=layer.name):
        RULES[type(layer)](layer)


def test_an_instance_norm_takes_the_whole_picture_s_statistics():
    layer = layers.InstanceNormalization(center=True, scale=True)
    x = np.random.default_rng(0).normal(2, 3, (1, 6, 8, 2)).astype("float32")
    whole = np.asarray(layer(x))
    rule = PictureNorm(layer)
    rule.mean, rule.variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
    region = ((1, 4), (2, 3))
    found = rule.apply([x[:, 1:4, 2:3]], input_region=region, region=region, input_size=(6, 8))
    np.testing.assert_allclose(found, whole[:, 1:4, 2:3], atol=1e-6)
