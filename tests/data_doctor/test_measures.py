"""What is measured of a picture equals what others measure."""

import numpy as np
import pytest
import scipy.ndimage
import skimage.measure
from pictures_in_memory import colored, gray

from cyclegan_keras.data_doctor import near_duplicates
from cyclegan_keras.data_doctor.measures import measure
from cyclegan_keras.images.picture import Picture


def test_numbers_of_a_gray_picture():
    pixels = gray(0, side=40)
    found, plain = measure(Picture(pixels=pixels)), pixels[..., 0].astype(float)
    assert found.entropy == pytest.approx(skimage.measure.shannon_entropy(pixels))
    assert found.contrast == pytest.approx(plain.std())
    dark, bright = np.percentile(plain, [5, 99], method="inverted_cdf")
    assert (found.dark, found.bright) == (dark, bright)
    assert (found.low, found.high) == (plain.min(), plain.max())
    assert (found.width, found.height, found.channels, found.dtype) == (40, 40, 1, "uint8")


def test_sharpness_is_that_of_the_laplacian():
    smooth = scipy.ndimage.gaussian_filter(gray(0, side=64)[..., 0].astype(float), 1.5)
    pixels = smooth.round().astype("uint8")
    edges = scipy.ndimage.laplace(pixels.astype(float))[1:-1, 1:-1]
    expected = np.sqrt((edges**2).mean()) / pixels.std()
    assert measure(Picture(pixels=pixels[..., None])).sharpness == pytest.approx(expected, rel=0.03)


def test_deep_pictures_keep_their_unit():
    pixels = (gray(0, side=40).astype("int32") * 100 - 5000).astype("int16")
    found, plain = measure(Picture(pixels=pixels)), pixels.astype(float)
    assert found.dtype == "int16"
    assert found.dark == pytest.approx(np.percentile(plain, 5), abs=110)
    assert found.bright == pytest.approx(np.percentile(plain, 99), abs=110)


def test_gray_is_told_by_its_pixels():
    assert measure(Picture(pixels=gray(0, channels=3))).is_gray
    assert not measure(Picture(pixels=colored(0))).is_gray
    bands = np.concatenate([colored(0), colored(1)], axis=-1)
    assert measure(Picture(pixels=bands)).channels == 6


def test_equal_pixels_have_one_digest():
    pixels = colored(0)
    changed = pixels.copy()
    changed[3, 3, 1] ^= 1
    digests = [measure(Picture(pixels=each)).digest for each in (pixels, pixels.copy(), changed)]
    assert digests[0] == digests[1] != digests[2]


@pytest.mark.parametrize("has_count", [True, False])
def test_bits_that_differ(has_count, monkeypatch):
    if not has_count:  # as in NumPy 1.26
        monkeypatch.delattr(np, "bitwise_count", raising=False)
    numbers = np.random.default_rng(0).integers(0, 2**63, 30).astype(np.uint64)
    found = near_duplicates._different_bits(numbers[:, None], numbers[None])
    expected = [[bin(int(a) ^ int(b)).count("1") for b in numbers] for a in numbers]
    np.testing.assert_array_equal(found, expected)
