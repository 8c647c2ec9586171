import keras
import numpy as np
import pytest
from golden_files import load_golden

from cyclegan_keras.models.patch_discriminator import PatchDiscriminator
from cyclegan_keras.models.pixel_discriminator import PixelDiscriminator
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.models.unet_generator import UNetGenerator
from cyclegan_keras.weights import layouts

RECORDED = {
    "generator_resnet6": lambda: ResNetGenerator(ngf=8, n_blocks=6),
    "generator_resnet9": lambda: ResNetGenerator(ngf=8, n_blocks=9),
    "generator_unet128": lambda: UNetGenerator(ngf=8, n_downs=7),
    "discriminator_basic": lambda: PatchDiscriminator(ndf=8),
    "discriminator_nlayers2": lambda: PatchDiscriminator(ndf=8, n_layers=2),
    "discriminator_pixel": lambda: PixelDiscriminator(ndf=8),
}
NETWORKS = {
    "plain": lambda **kwargs: ResNetGenerator(ngf=2, n_blocks=2, **kwargs),
    "dropout": lambda **kwargs: ResNetGenerator(ngf=2, n_blocks=1, dropout=True, **kwargs),
    "antialias": lambda **kwargs: ResNetGenerator(
        ngf=2, n_blocks=1, antialias=True, antialias_up=True, **kwargs
    ),
    "resize": lambda **kwargs: ResNetGenerator(ngf=2, n_blocks=1, upsample="resize_zero", **kwargs),
    "unet": lambda **kwargs: UNetGenerator(ngf=2, n_downs=5, **kwargs),
    "patch": lambda **kwargs: PatchDiscriminator(ndf=2, antialias=True, **kwargs),
    "pixel": lambda **kwargs: PixelDiscriminator(ndf=2, **kwargs),
}


def layout(model):
    return list(layouts.LAYOUTS[type(model)](model.get_config()))


@pytest.mark.parametrize("name", RECORDED)
def test_keys_shapes_and_order_are_the_recorded(name):
    golden = load_golden(f"{name}.npz")
    expected = {
        key.removeprefix("weights/"): golden[key].shape
        for key in golden.files
        if key.startswith("weights/")
    }
    found = {entry.key: entry.shape for entry in layout(RECORDED[name]())}
    assert found == expected
    assert list(found) == list(expected)


@pytest.mark.parametrize(
    ("norm", "use_bias"),
    [("instance", None), ("instance_affine", None), ("batch", None), ("none", False)],
)
@pytest.mark.parametrize("name", NETWORKS)
def test_every_variable_is_in_the_layout_once(name, norm, use_bias):
    model = NETWORKS[name](norm=norm, use_bias=use_bias)
    entries = layout(model)
    weights = {v.path for v in model.variables if "seed" not in v.path}
    paths = [entry.variable for entry in entries if entry.variable]
    assert set(paths) == weights
    assert len(paths) == len(weights)
    assert len({entry.key for entry in entries}) == len(entries)


def test_cuts_keys():
    """Its generator has two more modules where it halves, and one more where it doubles."""
    entries = {entry.key: entry for entry in layout(NETWORKS["antialias"]())}
    filters = [key for key in entries if key.endswith(".filt")]
    assert filters == ["model.7.filt", "model.11.filt", "model.13.filt", "model.17.filt"]
    assert "model.22.weight" in entries  # the last convolution: one block here, 30 with nine
    blur, double = entries["model.7.filt"], entries["model.13.filt"]
    assert (blur.shape, double.shape) == ((4, 1, 3, 3), (8, 1, 4, 4))
    np.testing.assert_allclose(blur.constant[0, 0, 1], [1 / 8, 1 / 4, 1 / 8])
    np.testing.assert_allclose(blur.constant.sum((1, 2, 3)), 1)
    np.testing.assert_allclose(double.constant.sum((1, 2, 3)), 4)


@pytest.mark.parametrize("transposed", [False, True])
def test_kernels_there_and_back(transposed):
    make = keras.layers.Conv2DTranspose if transposed else keras.layers.Conv2D
    layer = make(5, 3)
    layer.build((None, 8, 8, 4))
    shape = (4, 5, 3, 3) if transposed else (5, 4, 3, 3)
    kernel = np.random.default_rng(0).normal(size=shape)
    assert layouts.to_keras(kernel).shape == layer.kernel.shape
    np.testing.assert_array_equal(layouts.to_torch(layouts.to_keras(kernel)), kernel)
