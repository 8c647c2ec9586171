import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cyclegan_keras.files.errors import PictureError, TranslationError
from cyclegan_keras.images.first_reading import read_picture
from cyclegan_keras.images.picture import Picture
from cyclegan_keras.images.writing import write_picture
from cyclegan_keras.models.description import Description
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.translation.recipe import Recipe, translate_picture
from cyclegan_keras.translation.translator import Translator

GENERATORS = {
    "rgb": ResNetGenerator(ngf=2, n_blocks=1, init_gain=0.2),
    "gray": ResNetGenerator(ngf=2, n_blocks=1, init_gain=0.2, input_channels=1, output_channels=1),
}
TRANSLATORS = {
    name: Translator(lambda images, n=network: n(images, training=False), network.description)
    for name, network in GENERATORS.items()
}
DARKEN = Translator(lambda x: (x - 1) / 2, Description(direction="AtoB"))
BRIGHTEN = Translator(lambda x: 2 * x + 1, Description(direction="BtoA"))
RANDOM = np.random.default_rng(0)


def picture(*shape, dtype="uint8", **more):
    pixels = RANDOM.integers(0, np.iinfo(dtype).max + 1, shape or (9, 13, 3)).astype(dtype)
    return Picture(pixels=pixels, **more)


@given(st.integers(1, 99), st.integers(1, 99), st.sampled_from(["rgb", "gray"]), st.booleans())
@settings(max_examples=12, deadline=None)
def test_any_size_through_files(tmp_path_factory, height, width, network, gray):
    folder = tmp_path_factory.mktemp("sizes")
    write_picture(picture(height, width, 1 if gray else 3), folder / "a.png")
    given_picture = read_picture(folder / "a.png")
    write_picture(translate_picture(TRANSLATORS[network], given_picture), folder / "b.png")
    translated = read_picture(folder / "b.png")
    assert translated.pixels.shape == (height, width, 1 if gray or network == "gray" else 3)


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (300, 300)])
def test_extreme_sizes(size):
    assert translate_picture(TRANSLATORS["rgb"], picture(*size, 3)).pixels.shape == (*size, 3)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("network", TRANSLATORS)
def test_strength_0_is_the_picture_and_more_is_more(network, channels, dtype):
    translator = TRANSLATORS[network]
    source = picture(9, 13, channels, dtype=dtype)
    blends = [
        translate_picture(translator, source, strength).pixels.astype(int)
        for strength in (0.0, 0.25, 0.5, 0.75, 1.0)
    ]
    if network == "rgb" or channels == 1:
        np.testing.assert_array_equal(blends[0], source.pixels)
    rising = blends[-1] >= blends[0]
    for less, more in itertools.pairwise(blends):
        assert np.all(np.where(rising, more - less, less - more) >= 0)
    np.testing.assert_array_equal(blends[-1], translate_picture(translator, source).pixels)


def test_formula_of_the_blend():
    source = picture()
    x = source.pixels / 127.5 - 1
    blended = translate_picture(DARKEN, source, 0.3).pixels
    expected = np.rint((x + 0.3 * ((x - 1) / 2 - x) + 1) * 127.5)
    assert np.abs(blended - expected).max() <= 1


def test_there_and_back_does_not_round_between():
    (made,) = Recipe(translator=DARKEN, back=BRIGHTEN, strength=0.5)([source := picture()])
    assert list(made) == ["", "_cycle"]
    np.testing.assert_array_equal(made["_cycle"].pixels, source.pixels)


def test_side_by_side_is_one_picture():
    source = picture()
    recipe = Recipe(translator=DARKEN, back=BRIGHTEN, side_by_side=True)
    (made,) = recipe([source])
    assert list(made) == [""]
    first, second, third = np.split(made[""].pixels, 3, axis=1)
    np.testing.assert_array_equal(first, source.pixels)
    np.testing.assert_array_equal(second, translate_picture(DARKEN, source).pixels)
    np.testing.assert_array_equal(third, source.pixels)


def test_what_the_file_knew_stays():
    alpha = RANDOM.integers(0, 256, (9, 13)).astype("uint8")
    source = picture(alpha=alpha, icc_profile=b"profile", notes=("a note",))
    made = translate_picture(DARKEN, source)
    assert made.alpha is alpha
    assert (made.icc_profile, made.notes) == (b"profile", ("a note",))


def test_hidden_colors_do_not_reach_the_network():
    alpha = np.full((9, 13), 255, "uint8")
    alpha[2:5] = 0
    one = picture(alpha=alpha)
    pixels = one.pixels.copy()
    pixels[2:5] = 77
    other = dataclasses.replace(one, pixels=pixels)
    made = [translate_picture(TRANSLATORS["rgb"], p).pixels for p in (one, other)]
    np.testing.assert_array_equal(*made)
    np.testing.assert_array_equal(translate_picture(DARKEN, other, 0.0).pixels, pixels)


def test_a_network_from_gray_to_colors_may_color():
    paint = Translator(
        lambda x: np.concatenate([x, x, -x], -1), Description(input_channels=1, output_channels=3)
    )
    assert translate_picture(paint, picture(4, 5, 1)).pixels.shape == (4, 5, 3)


def test_batches_change_nothing():
    pictures = [picture(24, 20, 3) for _ in range(4)]
    recipe = Recipe(translator=TRANSLATORS["rgb"])
    together = [made[""].pixels for made in recipe(pictures)]
    alone = [recipe([each])[0][""].pixels for each in pictures]
    difference = np.abs(np.subtract(together, alone, dtype=int))
    assert difference.max() <= 1
    assert (difference != 0).mean() < 0.001


def test_values_that_are_not_finite_are_refused():
    broken = Translator(lambda x: x * np.nan, Description())
    with pytest.raises(PictureError, match="not finite"):
        translate_picture(broken, picture())


def test_a_network_of_other_channels_is_refused():
    with pytest.raises(TranslationError, match="4 to 3 channels, but pictures have 1"):
        Recipe(translator=Translator(None, Description(input_channels=4)))
