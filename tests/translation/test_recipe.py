import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cyclegan_keras.files.errors import PictureError, TranslationError
from cyclegan_keras.images.first_reading import read_picture
from cyclegan_keras.images.picture import Picture
from cyclegan_keras.images.values import Values, whole_range
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


HOUNSFIELD = Values(dtype="int16", low=-1024, high=3071)
SHARE = Values(dtype="float32", low=0, high=1)


def negative(channels=1, **fields):
    """A translator that turns the range upside down."""
    fields = {"input_channels": channels, "output_channels": channels, **fields}
    return Translator(lambda x: -x, Description(reader_version=2, **fields))


def between(values):
    return {"source_values": values, "target_values": values}


def numbers(dtype, low, high, *shape):
    return RANDOM.uniform(low, high, shape).astype(dtype)


# What is translated, by which description, and the same in closed form.
OF_ALL_KINDS = {
    "int16": (
        numbers("int16", -1024, 3071, 6, 7, 1),
        {"channels": 1, **between(HOUNSFIELD)},
        lambda x: 2047 - x,
    ),
    "int16 of float32": (
        numbers("float32", -1024, 3071, 6, 7, 1),
        {"channels": 1, **between(HOUNSFIELD)},
        lambda x: 2047 - x,
    ),
    "float32": (
        numbers("float32", 0, 1, 6, 7, 2),
        {"channels": 2, **between(SHARE)},
        lambda x: 1 - x,
    ),
    "uint16": (
        numbers("uint16", 0, 65535, 6, 7, 3),
        {"channels": 3, **between(whole_range("uint16"))},
        lambda x: 65535 - x,
    ),
    "uint16 through 8 bits": (
        numbers("uint16", 0, 65535, 6, 7, 3),
        {"channels": 3},
        lambda x: 65535 - x,
    ),
    "five bands": (numbers("uint8", 0, 255, 6, 7, 5), {"channels": 5}, lambda x: 255 - x),
    "gray": (numbers("uint8", 0, 255, 6, 7, 1), {"channels": 3}, lambda x: 255 - x),
    "int32": (
        numbers("int32", -11000, 90000, 6, 7, 1),
        {"channels": 1, **between(Values(dtype="int32", low=-11000, high=90000))},
        lambda x: 79000 - x,
    ),
}


@pytest.mark.parametrize(("pixels", "fields", "expected"), OF_ALL_KINDS.values(), ids=OF_ALL_KINDS)
def test_numbers_of_all_kinds(pixels, fields, expected):
    made = translate_picture(negative(**fields), Picture(pixels=pixels)).pixels
    assert made.dtype == pixels.dtype
    wanted = expected(pixels.astype("float64"))
    tolerance = np.ptp(wanted) * 1e-6 if made.dtype == "float32" else 1
    assert made.shape == pixels.shape
    np.testing.assert_allclose(made.astype("float64"), wanted, atol=tolerance)


@pytest.mark.parametrize(("pixels", "fields", "expected"), OF_ALL_KINDS.values(), ids=OF_ALL_KINDS)
def test_blending_is_in_the_unit_of_the_numbers(pixels, fields, expected):
    pixels = pixels.copy()
    if "source_values" in fields and pixels.dtype != "uint16":
        pixels[0, 0, 0] = 2 * pixels.max()  # outside of the range
    source = Picture(pixels=pixels)
    np.testing.assert_array_equal(translate_picture(negative(**fields), source, 0.0).pixels, pixels)
    quarter = translate_picture(negative(**fields), source, 0.25).pixels[1:].astype("float64")
    own = pixels[1:].astype("float64")
    wanted = own + 0.25 * (expected(own) - own)
    tolerance = np.ptp(wanted) * 1e-6 if pixels.dtype == "float32" else 1
    np.testing.assert_allclose(quarter, wanted, atol=tolerance)


def test_from_one_unit_to_another():
    to_share = negative(source_values=HOUNSFIELD, target_values=SHARE)
    scan = Picture(pixels=np.int16([[[-1024], [3071]]]))
    made = translate_picture(to_share, scan)
    assert made.pixels.dtype == "float32"
    assert made.pixels.ravel().tolist() == [1, 0]
    half = translate_picture(to_share, scan, 0.5).pixels
    assert half.ravel().tolist() == [0.5, 0.5]  # each range stretched to the other
    photo = negative(source_values=HOUNSFIELD, output_channels=1)
    assert translate_picture(photo, scan).pixels.tolist() == [[[255], [0]]]


@pytest.mark.parametrize(
    ("bit_depth", "dtype", "expected"),
    [
        (None, "int16", [3071, 1023, -1024]),
        (8, "uint8", [255, 127, 0]),
        (16, "int16", [3071, 1023, -1024]),
        (32, "float32", [3071, 1023, -1024]),
    ],
)
def test_bit_depth_of_hounsfield_units(bit_depth, dtype, expected):
    recipe = Recipe(translator=negative(**between(HOUNSFIELD)), bit_depth=bit_depth)
    (made,) = recipe([Picture(pixels=np.int16([[[-1024], [1024], [3071]]]))])
    assert made[""].pixels.dtype == dtype
    np.testing.assert_allclose(made[""].pixels.ravel(), expected, atol=1e-3)


def test_16_bits_of_a_picture_of_8():
    recipe = Recipe(translator=DARKEN, strength=0.0, bit_depth=16)
    source = picture(alpha=RANDOM.integers(0, 256, (9, 13)).astype("uint8"))
    (made,) = recipe([source])
    np.testing.assert_array_equal(made[""].pixels, source.pixels.astype("uint16") * 257)
    np.testing.assert_array_equal(made[""].alpha, source.alpha.astype("uint16") * 257)


def test_transparency_may_be_a_channel():
    alpha = RANDOM.integers(0, 256, (9, 13)).astype("uint8")
    source = picture(alpha=alpha)
    made = translate_picture(negative(channels=4), source)
    np.testing.assert_array_equal(made.pixels, 255 - source.pixels)
    np.testing.assert_array_equal(made.alpha, 255 - alpha)
    same = translate_picture(negative(channels=4), source, 0.0)
    np.testing.assert_array_equal(same.pixels, source.pixels)
    np.testing.assert_array_equal(same.alpha, alpha)
    colors = Translator(lambda x: x[..., :3], Description(input_channels=4))
    kept = translate_picture(colors, source)
    np.testing.assert_array_equal(kept.pixels, source.pixels)
    np.testing.assert_array_equal(kept.alpha, alpha)


def test_transparency_that_cannot_be_kept_is_a_note():
    alpha = RANDOM.integers(0, 256, (9, 13)).astype("uint8")
    to_share = negative(channels=3, target_values=SHARE)
    colors = picture(alpha=alpha, icc_profile=b"profile", in_srgb=True)
    made = translate_picture(to_share, colors)
    assert (made.icc_profile, made.in_srgb) == (None, False)
    assert (made.alpha, made.pixels.dtype) == (None, "float32")
    assert made.notes == ("Numbers of float32 have no transparency: it is left out.",)
    to_bands = Translator(
        lambda x: np.repeat(x[..., :1], 5, -1), Description(output_channels=5, reader_version=2)
    )
    made = translate_picture(to_bands, picture(alpha=alpha, icc_profile=b"profile"))
    assert (made.alpha, made.icc_profile, made.pixels.shape) == (None, None, (9, 13, 5))
    assert made.notes == ("Bands have no transparency: it is left out.",)


def test_side_by_side_of_one_unit_keeps_it():
    scan = Picture(pixels=numbers("int16", -1024, 3071, 6, 7, 1))
    (made,) = Recipe(translator=negative(**between(HOUNSFIELD)), side_by_side=True)([scan])
    np.testing.assert_array_equal(made[""].pixels[:, :7], scan.pixels)
    np.testing.assert_array_equal(made[""].pixels[:, 7:], 2047 - scan.pixels)


def test_side_by_side_of_two_units_shows_views():
    recipe = Recipe(
        translator=negative(source_values=HOUNSFIELD, target_values=SHARE),
        back=negative(source_values=SHARE, target_values=HOUNSFIELD, direction="BtoA"),
        side_by_side=True,
    )
    assert recipe.shows_views
    (made,) = recipe([Picture(pixels=np.int16([[[-1024]], [[3071]]]))])
    assert made[""].pixels.dtype == "uint8"
    assert made[""].pixels[..., 0].tolist() == [[0, 255, 0], [255, 0, 255]]


def test_side_by_side_of_other_channels_shows_views():
    to_bands = Translator(
        lambda x: np.repeat(-x[..., :1], 5, -1), Description(output_channels=5, reader_version=2)
    )
    source = picture(9, 13, 3)
    (made,) = Recipe(translator=to_bands, side_by_side=True)([source])
    np.testing.assert_array_equal(made[""].pixels[:, :13], source.pixels)
    gray = np.repeat(255 - source.pixels[..., :1], 3, -1)
    np.testing.assert_array_equal(made[""].pixels[:, 13:], gray)


def test_side_by_side_to_look_at_scales_both():
    recipe = Recipe(translator=negative(**between(HOUNSFIELD)), side_by_side=True, bit_depth=8)
    (made,) = recipe([Picture(pixels=np.int16([[[-1024]], [[3071]]]))])
    assert made[""].pixels[..., 0].tolist() == [[0, 255], [255, 0]]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (
            {"translator": negative(output_channels=5), "strength": 0.5},
            "--strength=0.5 blends a picture with its translation, but the model makes 5 channels",
        ),
        (
            {"translator": negative(), "back": negative(**between(SHARE))},
            "the way there returns 1 channel of 0 to 255, but the way back takes 1 channel of 0 to",
        ),
        (
            {"translator": negative(), "back": negative(channels=3)},
            "returns 1 channel of 0 to 255, but the way back takes 3 channels",
        ),
        ({"translator": negative(), "bit_depth": 12}, "--bit_depth=12: expected 8, 16 or 32"),
    ],
)
def test_what_makes_no_sense_is_a_sentence(fields, words):
    with pytest.raises(TranslationError, match=words):
        Recipe(**fields)


def test_a_picture_of_other_channels_is_refused():
    with pytest.raises(PictureError, match="It has 5 channels, but the model"):
        translate_picture(DARKEN, picture(4, 5, 5))
