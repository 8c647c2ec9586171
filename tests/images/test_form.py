"""What becomes of pictures on their way to a network, and to people's eyes."""

import numpy as np
import pytest
from PIL import Image

from cyclegan_keras.files.errors import PictureError
from cyclegan_keras.images.form import Form, to_rgb
from cyclegan_keras.images.picture import Picture
from cyclegan_keras.images.values import Values, whole_range

DEEP = Values(dtype="uint16", low=0, high=4095)


def noise(channels, dtype="uint8", high=256):
    return np.random.default_rng(0).integers(0, high, (5, 7, channels)).astype(dtype)


def test_ordinary_pictures_stay_levels():
    pixels = noise(3)
    np.testing.assert_array_equal(Form().array(Picture(pixels=pixels)), pixels)
    gray = noise(1)
    np.testing.assert_array_equal(Form().array(Picture(pixels=gray)), np.repeat(gray, 3, axis=-1))


def test_gray_is_what_pillow_calls_gray():
    pixels = noise(3)
    expected = np.asarray(Image.fromarray(pixels).convert("L"))[..., None]
    np.testing.assert_array_equal(Form(channels=1).array(Picture(pixels=pixels)), expected)


def test_deep_numbers_become_floats():
    pixels = noise(5, "uint16", 4096)
    array = Form(channels=5, values=DEEP).array(Picture(pixels=pixels))
    assert array.dtype == np.float32
    np.testing.assert_allclose(array, pixels / 2047.5 - 1, atol=1e-6)


def test_transparency_lies_over_white_unless_it_is_a_channel():
    picture = Picture(pixels=noise(3), alpha=noise(1)[..., 0])
    opaque = Form().array(picture)
    opacity = picture.alpha[..., None] / 255
    expected = picture.pixels * opacity + 255 * (1 - opacity)
    np.testing.assert_array_equal(opaque, np.rint(expected))
    four = Form(channels=4).array(picture)
    np.testing.assert_array_equal(four[..., :3], picture.pixels)
    np.testing.assert_array_equal(four[..., 3], picture.alpha)


@pytest.mark.parametrize(("own", "asked"), [(5, 3), (3, 5), (1, 4), (2, 1)])
def test_bands_of_other_kinds_are_not_converted(own, asked):
    with pytest.raises(PictureError, match=f"has {own} channels, expected {asked}"):
        Form(channels=asked).array(Picture(pixels=noise(own)))


def test_it_is_written_as_json():
    form = Form(channels=4, values=DEEP)
    assert Form.from_dict(form.to_dict()) == form


@pytest.mark.parametrize("channels", [1, 2, 3, 5])
def test_what_people_look_at(channels):
    pixels = noise(channels)
    view = to_rgb(pixels)
    assert view.shape == (5, 7, 3)
    shown = [0, 0, 0] if channels < 3 else [0, 1, 2]
    expected = pixels[..., shown]
    np.testing.assert_array_equal(view, expected)
    floats = whole_range("uint8").to_network(pixels)
    np.testing.assert_array_equal(to_rgb(floats), view)
