import math

import numpy as np
import pytest

from cyclegan_keras.export.receipt import (
    compare,
    resized_input,
    translate_any_size,
    worst,
)
from cyclegan_keras.images.pixels import to_float
from cyclegan_keras.images.resizing import resize
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.models.unet_generator import UNetGenerator

IMAGES = np.random.default_rng(0).uniform(-1, 1, (2, 16, 20, 3)).astype("float32")


def test_a_constant_error_has_a_closed_form():
    found = compare(np.zeros((1, 16, 16, 3)), np.full((1, 16, 16, 3), 0.02))
    assert found["max_abs_error"] == pytest.approx(0.02)
    assert found["mean_abs_error"] == pytest.approx(0.02)
    assert found["psnr_db"] == pytest.approx(20 * math.log10(2 / 0.02))


def test_equal_pictures():
    found = compare(IMAGES, IMAGES)
    assert (found["max_abs_error"], found["psnr_db"]) == (0, 200)
    assert found["ssim"] == pytest.approx(1)


def test_more_noise_is_less_alike():
    noise = np.random.default_rng(1).normal(size=IMAGES.shape)
    rows = [compare(IMAGES, IMAGES + scale * noise) for scale in (0.01, 0.1, 0.5)]
    for name in ("psnr_db", "ssim"):
        assert rows[0][name] > rows[1][name] > rows[2][name]


def test_nothing_finite_is_no_likeness():
    found = compare(IMAGES, IMAGES * np.nan)
    assert (found["max_abs_error"], found["psnr_db"]) == (2, 0)
    assert 0 <= found["ssim"] < 0.1


def test_small_pictures_have_no_ssim():
    assert "ssim" not in compare(IMAGES[:, :8], IMAGES[:, :8])


def test_the_worst_is_the_largest_error_and_the_least_likeness():
    rows = [
        {"max_abs_error": 0.1, "psnr_db": 40.0, "ssim": 0.9},
        {"max_abs_error": 0.3, "psnr_db": 30.0},  # too small for an ssim
    ]
    assert worst(rows) == {"max_abs_error": 0.3, "psnr_db": 30.0, "ssim": 0.9}


def picture(height, width):
    values = np.random.default_rng(0).integers(0, 256, (height, width, 3))
    return values.astype("uint8")


def test_inputs_are_resized_and_scaled():
    x = resized_input(picture(6, 9), 6, 9)
    assert (x.shape, x.dtype) == ((1, 6, 9, 3), "float32")
    np.testing.assert_array_equal(x[0], to_float(picture(6, 9)))
    assert resized_input(picture(6, 9), 4, 8).shape == (1, 4, 8, 3)


def test_floats_of_any_channels_are_resized_too():
    """By Pillow's filter, one channel after the other, which keeps a ramp away from its ends."""
    ramp = np.broadcast_to(np.linspace(-1, 1, 32, dtype="float32")[None, :, None], (8, 32, 5))
    found = resize(ramp, (16, 4))
    assert (found.shape, found.dtype) == ((4, 16, 5), "float32")
    expected = np.linspace(-1, 1, 32).reshape(16, 2).mean(axis=1)
    np.testing.assert_allclose(found[1, 4:12, 2], expected[4:12], atol=1e-6)
    assert np.abs(resize(np.sign(ramp), (16, 16))).max() <= 1


def test_a_size_that_fits_is_translated_as_it_is():
    generator, image = ResNetGenerator(ngf=2, n_blocks=0), picture(16, 20)
    expected = generator(to_float(image[None]))[0]
    np.testing.assert_array_equal(translate_any_size(generator, image), expected)


@pytest.fixture(scope="module")
def unet():
    return UNetGenerator(ngf=2, n_downs=3, norm="none", init_gain=0.3)


@pytest.mark.parametrize("size", [(13, 18), (1, 1), (2, 40), (33, 8)])
def test_other_sizes_are_reflected_and_cut(size, unet):
    """numpy's repeated reflection is the same."""
    image = picture(*size)
    height, width = (-(-side // 8) * 8 for side in size)
    x = to_float(image[None])
    mode = "reflect" if min(size) > 1 else "edge"
    padded = np.pad(x, ((0, 0), (0, height - size[0]), (0, width - size[1]), (0, 0)), mode)
    expected = np.array(unet(padded))[0, : size[0], : size[1]]
    np.testing.assert_allclose(translate_any_size(unet, image), expected, atol=1e-6)
