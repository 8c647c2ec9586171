import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from cyclegan_keras.images.picture import Picture, side_by_side

EVERY_8 = np.arange(256, dtype="uint8").reshape(1, 256, 1)
EVERY_16 = np.arange(65536, dtype="uint16").reshape(256, 256, 1)


def rgb(height=5, width=7, dtype="uint8", channels=3):
    random = np.random.default_rng(0)
    return random.integers(0, np.iinfo(dtype).max + 1, (height, width, channels)).astype(dtype)


@pytest.mark.parametrize("every", [EVERY_8, EVERY_16], ids=["8 bit", "16 bit"])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_level_survives_a_round_trip(every, channels):
    picture = Picture(pixels=every)
    values = picture.values(channels)
    assert values.dtype == np.float32
    assert (values.min(), values.max()) == (-1, 1)
    back = picture.with_values(values, gray=True)
    assert back.pixels.dtype == every.dtype
    np.testing.assert_array_equal(back.pixels, every)


def test_colors_survive_too():
    picture = Picture(pixels=rgb(300, 3))
    np.testing.assert_array_equal(
        picture.with_values(picture.values(3), gray=False).pixels, picture.pixels
    )


def test_gray_is_what_pillow_calls_gray():
    picture = Picture(pixels=rgb(64, 64))
    gray = picture.with_values(picture.values(1), gray=True).pixels[..., 0]
    expected = np.asarray(Image.fromarray(picture.pixels).convert("L"), int)
    assert np.abs(gray - expected).max() <= 1


def test_what_is_beyond_the_range_is_cut():
    values = np.array([[[-3.0], [0.0], [3.0]]], "float32")
    assert Picture(pixels=EVERY_8).with_values(values, gray=True).pixels.ravel().tolist() in (
        [0, 127, 255],
        [0, 128, 255],
    )


@given(st.integers(0, 65535))
@settings(max_examples=50, deadline=None)
def test_16_bits_become_8_by_rounding(level):
    deep = Picture(pixels=np.full((1, 1, 1), level, "uint16"))
    assert deep.at_depth(8).pixels.item() == round(level / 257)


def test_8_bits_survive_as_16():
    picture = Picture(pixels=EVERY_8, alpha=EVERY_8[..., 0])
    deep = picture.at_depth(16)
    assert (deep.bit_depth, deep.pixels.max(), deep.alpha.max()) == (16, 65535, 65535)
    np.testing.assert_array_equal(deep.at_depth(8).pixels, EVERY_8)


def test_over_white_is_pillow_s_composite():
    values = rgb(channels=4)
    picture = Picture(pixels=values[..., :3], alpha=values[..., 3])
    layer = Image.fromarray(values)
    expected = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    difference = picture.over_white().pixels.astype(int) - np.asarray(expected)
    assert np.abs(difference).max() <= 1
    assert picture.over_white().alpha is None


def test_side_by_side_shows_gray_beside_colors():
    gray = Picture(pixels=rgb(channels=1), alpha=rgb(channels=1)[..., 0])
    colors = Picture(pixels=rgb(), alpha=gray.alpha)
    both = side_by_side([gray, colors])
    assert both.pixels.shape == (5, 14, 3)
    assert both.alpha.shape == (5, 14)
    np.testing.assert_array_equal(both.pixels[:, :7], np.repeat(gray.pixels, 3, -1))
    np.testing.assert_array_equal(both.pixels[:, 7:], colors.pixels)
