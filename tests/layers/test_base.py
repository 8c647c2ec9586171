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


@pytest.mark.parametrize(
    ("norm", "use_bias", "expected"),
    [
        ("instance", None, True),
        ("instance_affine", True, True),
        ("batch", None, False),
        ("batch", False, False),
        ("none", None, True),
        ("none", True, True),
        ("none", False, False),
    ],
)
def test_biases_where_a_norm_may_follow(norm, use_bias, expected):
    assert layers.has_bias(norm, use_bias) is expected


@pytest.mark.parametrize(("norm", "use_bias"), [("instance", False), ("batch", True)])
def test_biases_that_no_network_has(norm, use_bias):
    with pytest.raises(ValueError, match=f"Received: norm='{norm}', use_bias={use_bias}"):
        layers.has_bias(norm, use_bias)


def test_unknown_names():
    with pytest.raises(ValueError, match="Received: padding='same'"):
        layers.padding_layer("same", 1)
    with pytest.raises(ValueError, match="Received: norm=None"):
        layers.norm_layer(None)
