import keras
import pytest

from cyclegan_keras import layers


def test_names_give_layers():
    assert isinstance(layers.padding_layer("reflect", 3), layers.ReflectionPadding2D)
    assert isinstance(layers.padding_layer("zero", 3), keras.layers.ZeroPadding2D)
    assert isinstance(layers.norm_layer("instance"), layers.InstanceNormalization)
    affine = layers.norm_layer("instance_affine")
    assert affine.scale
    assert affine.center
    assert isinstance(layers.norm_layer("none", name="n"), keras.layers.Identity)


def test_batch_norm_has_the_reference_constants():
    norm = layers.norm_layer("batch", gamma_initializer="zeros", name="norm")
    assert (norm.momentum, norm.epsilon, norm.name) == (0.9, 1e-5, "norm")
    assert isinstance(norm.gamma_initializer, keras.initializers.Zeros)


def test_every_name_is_known():
    for padding in layers.PADDINGS:
        layers.padding_layer(padding, 1)
    for norm in layers.NORMS:
        layers.norm_layer(norm)


def test_unknown_names():
    with pytest.raises(ValueError, match="Received: padding='same'"):
        layers.padding_layer("same", 1)
    with pytest.raises(ValueError, match="Received: norm=None"):
        layers.norm_layer(None)
