import math
import pathlib

import numpy as np
import pytest

from cyclegan_keras.export import base
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.models.unet_generator import UNetGenerator


def picture(height, width):
    values = np.random.default_rng(0).integers(0, 256, (height, width, 3))
    return values.astype("uint8")


def test_to_float():
    x = base.to_float(np.array([[[0, 127, 255]]], "uint8"))
    assert (x.shape, x.dtype) == ((1, 1, 1, 3), "float32")
    np.testing.assert_allclose(x.ravel(), [-1, -1 / 255, 1], atol=1e-6)


def test_a_size_that_fits_is_translated_as_it_is():
    generator, image = ResNetGenerator(ngf=2, n_blocks=1), picture(16, 20)
    expected = generator(base.to_float(image))[0]
    np.testing.assert_array_equal(base.translate_any_size(generator, image), expected)


@pytest.mark.parametrize("size", [(13, 18), (1, 1), (2, 40), (33, 8)])
def test_other_sizes_are_reflected_and_cut(size):
    """numpy's reflection, repeated as often as it takes, is the same."""
    generator, image = UNetGenerator(ngf=2, n_downs=3, norm="none", init_gain=0.3), picture(*size)
    height, width = (-(-side // 8) * 8 for side in size)
    x = base.to_float(image)
    mode = "reflect" if min(size) > 1 else "edge"
    padded = np.pad(x, ((0, 0), (0, height - size[0]), (0, width - size[1]), (0, 0)), mode)
    expected = np.array(generator(padded))[0, : size[0], : size[1]]
    np.testing.assert_allclose(base.translate_any_size(generator, image), expected, atol=1e-6)


def test_sizes_of_files_and_folders(tmp_path):
    (tmp_path / "a").write_bytes(b"one")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b").write_bytes(b"three")
    assert base.size_of(tmp_path / "a") == 3
    assert base.size_of(tmp_path) == 8


@pytest.mark.parametrize(("psnr", "good"), [(40.0, True), (39.9, False), (math.nan, False)])
def test_good_is_at_least_the_threshold(psnr, good):
    facts = {"psnr_db": psnr}
    assert base.Exported(pathlib.Path("x"), "onnx", "a_to_b", facts, 40.0).is_good == good
