import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from cyclegan_keras.images.picture import Picture, side_by_side

EVERY_8 = np.arange(256, dtype="uint8").reshape(1, 256, 1)
EVERY_16 = np.arange(65536, dtype="uint16").reshape(256, 256, 1)


def rgb(height=5, width=7, dtype="uint8", channels=3):
    random = np.random.default_rng(0)
    return random.integers(0, np.iinfo(dtype).max + 1, (height, width, channels)).astype(dtype)


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
