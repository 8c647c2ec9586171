import numpy as np
import pytest

from cyclegan_keras.files.errors import PictureError
from cyclegan_keras.images.picture import Picture
from cyclegan_keras.images.values import EIGHT_BIT, Values, whole_range
from cyclegan_keras.models.description import Description
from cyclegan_keras.translation import numbers

HOUNSFIELD = Values(dtype="int16", low=-1024, high=3071)
TWELVE_BIT = Values(dtype="uint16", low=0, high=4095)
DEEP = whole_range("uint16")
SHARE = Values(dtype="float32", low=0, high=1)
ELEVATION = Values(dtype="int32", low=-11000, high=90000)
HUGE = Values(dtype="int32", low=0, high=2**30)

# (type of the file, target, bits asked for) -> (meaning, type) of what is written.
RULE = [
    ("uint8", EIGHT_BIT, None, EIGHT_BIT, "uint8"),
    ("uint16", EIGHT_BIT, None, EIGHT_BIT, "uint16"),
    ("float32", EIGHT_BIT, None, EIGHT_BIT, "uint8"),
    ("int16", EIGHT_BIT, None, EIGHT_BIT, "uint8"),
    ("int16", HOUNSFIELD, None, HOUNSFIELD, "int16"),
    ("float32", HOUNSFIELD, None, HOUNSFIELD, "float32"),
    ("int32", HOUNSFIELD, None, HOUNSFIELD, "int32"),
    ("uint16", HOUNSFIELD, None, HOUNSFIELD, "int16"),
    ("uint8", HOUNSFIELD, None, HOUNSFIELD, "int16"),
    ("uint16", DEEP, None, DEEP, "uint16"),
    ("uint8", DEEP, None, DEEP, "uint16"),
    ("uint8", TWELVE_BIT, None, TWELVE_BIT, "uint16"),
    ("int16", TWELVE_BIT, None, TWELVE_BIT, "int16"),
    ("int16", DEEP, None, DEEP, "uint16"),
    ("float32", SHARE, None, SHARE, "float32"),
    ("uint16", SHARE, None, SHARE, "float32"),
    ("int16", ELEVATION, None, ELEVATION, "int32"),
    ("float32", ELEVATION, None, ELEVATION, "float32"),
    ("float32", HUGE, None, HUGE, "int32"),
    ("uint16", EIGHT_BIT, 8, EIGHT_BIT, "uint8"),
    ("int16", HOUNSFIELD, 8, EIGHT_BIT, "uint8"),
    ("float32", SHARE, 8, EIGHT_BIT, "uint8"),
    ("uint16", TWELVE_BIT, 8, EIGHT_BIT, "uint8"),
    ("uint8", EIGHT_BIT, 16, EIGHT_BIT, "uint16"),
    ("float32", HOUNSFIELD, 16, HOUNSFIELD, "int16"),
    ("float32", TWELVE_BIT, 16, TWELVE_BIT, "uint16"),
    ("float32", SHARE, 16, DEEP, "uint16"),
    ("int32", ELEVATION, 16, DEEP, "uint16"),
    ("uint8", EIGHT_BIT, 32, EIGHT_BIT, "float32"),
    ("int16", HOUNSFIELD, 32, HOUNSFIELD, "float32"),
]


@pytest.mark.parametrize(("dtype", "target", "bit_depth", "values", "written"), RULE)
def test_what_is_written(dtype, target, bit_depth, values, written):
    assert numbers.written_as(dtype, target, bit_depth) == (values, written)


@pytest.mark.parametrize(("dtype", "target", "bit_depth", "values", "written"), RULE)
def test_what_is_written_holds_the_ends_of_the_range(dtype, target, bit_depth, values, written):
    ends = np.array([[[-1.0], [1.0]]], "float32")
    made = numbers.from_network(ends, values=values, dtype=written, gray=False)
    scale = 257 if (values.dtype, written) == ("uint8", "uint16") else 1
    assert made.dtype == written
    assert made.ravel().tolist() == [values.low * scale, values.high * scale]


@pytest.mark.parametrize(
    ("pixels", "description", "expected"),
    [
        (np.uint8([255, 0, 0]), Description(), [1, -1, -1]),
        (np.uint8([51]), Description(), [-0.6, -0.6, -0.6]),
        (np.uint16([65535, 0, 13107]), Description(), [1, -1, -0.6]),
        (np.uint8([255, 0, 0]), Description(input_channels=1), [2 * 0.299 - 1]),
        (
            np.uint8([255, 0, 0]),
            Description(input_channels=1, reader_version=2),
            [2 * 76 / 255 - 1],  # as training has it
        ),
        (
            np.int16([-1024, 0, 3071, 4000, -3000]),
            Description(input_channels=5, source_values=HOUNSFIELD),
            [-1, 2048 / 4095 - 1, 1, 1, -1],
        ),
        (
            np.float32([0.25, 0.5]),
            Description(input_channels=2, source_values=SHARE),
            [-0.5, 0],
        ),
        (np.uint8([0, 255, 51]), Description(source_values=DEEP), [-1, 1, -0.6]),
    ],
)
def test_what_a_network_sees(pixels, description, expected):
    picture = Picture(pixels=np.broadcast_to(pixels, (300, 2, len(pixels))))
    seen = numbers.network_input(picture, description)
    assert seen.dtype == np.float32
    np.testing.assert_allclose(
        seen, np.broadcast_to(np.float32(expected), (300, 2, len(expected))), atol=1e-6
    )


@pytest.mark.parametrize(
    ("channels", "expected", "words"),
    [
        (5, 3, "It has 5 channels, but the model translates pictures of 3 channels."),
        (3, 5, "It has 3 channels, but the model translates pictures of 5 channels."),
        (1, 2, "It has 1 channel, but the model translates pictures of 2 channels."),
        (4, 1, "It has 4 channels, but the model translates pictures of 1 channel."),
    ],
)
def test_other_channels_are_a_sentence(channels, expected, words):
    picture = Picture(pixels=np.zeros((3, 4, channels), "uint8"))
    with pytest.raises(PictureError) as caught:
        numbers.network_input(picture, Description(input_channels=expected))
    assert str(caught.value) == words


def test_numbers_that_are_not_finite_are_refused():
    picture = Picture(pixels=np.full((3, 4, 1), np.nan, "float32"))
    with pytest.raises(PictureError, match="It holds numbers that are not finite"):
        numbers.network_input(picture, Description(input_channels=1, source_values=SHARE))


@pytest.mark.parametrize(
    ("most", "dtype", "values", "note"),
    [
        (4095, "uint16", EIGHT_BIT, "It holds 0 to 4095 of 65535, which the model sees as nearly"),
        (1, "float32", EIGHT_BIT, "It holds 0 to 1 of 255, which the model sees as nearly black"),
        (60000, "uint16", EIGHT_BIT, None),
        (4095, "uint16", TWELVE_BIT, None),
        (12, "uint8", EIGHT_BIT, None),
        (0, "uint16", EIGHT_BIT, None),
    ],
)
def test_a_note_about_what_looks_black(most, dtype, values, note):
    pixels = np.linspace(0, most, 12).reshape(3, 4, 1).astype(dtype)
    found = numbers.dark_note(Picture(pixels=pixels), Description(source_values=values))
    assert found is None if note is None else found.startswith(note)
