"""Which numbers become -1 and 1."""

import logging

import numpy as np
import pytest
import tifffile

from cyclegan_keras.files.errors import DataError
from cyclegan_keras.images.header import Header
from cyclegan_keras.images.values import Values
from pipelines import values
from pipelines.readable import find_readable
from pipelines.sources.files import FilePictures
from pipelines.value_range import ValueRange, parse


def stored(folder, arrays):
    folder.mkdir()
    for index, array in enumerate(arrays):
        np.save(folder / f"{index}.npy", array)
    return find_readable(FilePictures(folder), "trainA", refuse=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("auto", ValueRange("auto")),
        ("dtype", ValueRange("dtype")),
        ("data", ValueRange("data")),
        ("-1024,3071", ValueRange("numbers", -1024.0, 3071.0)),
        ("0, 0.5", ValueRange("numbers", 0.0, 0.5)),
        ("p0.5,p99.5", ValueRange("percentiles", 0.5, 99.5)),
    ],
)
def test_what_can_be_typed(text, expected):
    assert parse(text) == expected


@pytest.mark.parametrize(
    "text", ["", "all", "3", "5,3", "3,3", "p5,9", "p-1,p50", "p1,p101", "0,nan"]
)
def test_what_cannot_be_typed(text):
    with pytest.raises(DataError, match=r"--value_range=.*expected dtype .*data .*-1024,3071"):
        parse(text)


def headers(*dtypes):
    return [Header(width=1, height=1, dtype=dtype) for dtype in dtypes]


@pytest.mark.parametrize(
    ("dtypes", "expected"),
    [
        (["uint8"], "uint8"),
        (["int16", "int16"], "int16"),
        (["uint8", "uint16"], "uint16"),
        (["uint8", "int16"], "int16"),
        (["uint16", "int16"], "int32"),
        (["uint16", "float32"], "float32"),
        (["int32", "float32"], "float32"),
    ],
)
def test_one_type_for_all(dtypes, expected):
    assert values.common_dtype(headers(*dtypes)) == expected


@pytest.mark.parametrize(
    ("counts", "dtype", "expected"),
    [
        ([1, 1], "uint8", 3),  # as it always was
        ([3], "uint8", 3),
        ([1, 1], "uint16", 1),
        ([1, 3], "uint16", 3),
        ([5, 5, 1], "uint8", 5),
        ([4, 3, 4], "int16", 4),
    ],
)
def test_channels_that_follow_from_pictures(counts, dtype, expected):
    found = [Header(width=1, height=1, channels=count, dtype=dtype) for count in counts]
    assert values.common_channels(found) == expected


TWELVE_BITS = np.array([[[0], [700]], [[1500], [4095]]], np.uint16)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("auto", 0, 4095),
        ("data", 0, 4095),
        ("dtype", 0, 65535),
        ("10,20", 10, 20),
        ("p0,p100", 0, 4095),
        ("p0,p50", 0, 700),
    ],
)
def test_twelve_bits_in_a_type_of_sixteen(tmp_path, caplog, text, low, high):
    pictures = stored(tmp_path / "trainA", [TWELVE_BITS, TWELVE_BITS // 2])
    with caplog.at_level(logging.INFO, logger="absl"):
        found = values.find_values(pictures, text, channels=1, title="trainA")
    assert found == Values(dtype="uint16", low=low, high=high)
    if text == "auto":
        expected = "trainA holds uint16 values 0 to 4095 of 0 to 65535: trained on 0 to 4095"
        assert expected in caplog.text


@pytest.mark.parametrize("dtype", ["int16", "int32", "float32"])
def test_percentiles_agree_with_numpy(tmp_path, dtype):
    random = np.random.default_rng(0)
    arrays = [(random.normal(0, 300, (40, 50, 1))).astype(dtype) for _ in range(3)]
    pictures = stored(tmp_path / "trainA", arrays)
    found = values.find_values(pictures, "p5,p95", channels=1, title="trainA")
    expected = np.percentile(np.stack(arrays), [5, 95])
    np.testing.assert_allclose([found.low, found.high], expected, atol=1.0)


def test_ordinary_pictures_are_not_looked_at(tmp_path):
    pictures = stored(tmp_path / "trainA", [np.full((4, 4, 3), 9, np.uint8)])
    found = values.find_values(pictures, "auto", channels=3, title="trainA")
    assert found.is_eight_bit


def test_what_has_no_range(tmp_path):
    flat = stored(tmp_path / "trainA", [np.full((4, 4, 1), 7, np.int16)])
    with pytest.raises(DataError, match="have the value 7: give the range"):
        values.find_values(flat, "auto", channels=1, title="trainA")
    fractions = stored(tmp_path / "trainB", [np.full((4, 4, 1), 0.5, np.float32)])
    with pytest.raises(DataError, match="floating-point numbers, which have no range"):
        values.find_values(fractions, "dtype", channels=1, title="trainA")


def test_a_picture_that_cannot_be_decoded_is_passed_over(tmp_path):
    (tmp_path / "trainA").mkdir()
    tifffile.imwrite(tmp_path / "trainA" / "0.tif", TWELVE_BITS[..., 0], compression="deflate")
    whole = tifffile.imread(tmp_path / "trainA" / "0.tif")
    assert whole.max() == 4095
    tifffile.imwrite(
        tmp_path / "trainA" / "1.tif", np.arange(4096, dtype=np.uint16).reshape(64, 64)
    )
    data = (tmp_path / "trainA" / "1.tif").read_bytes()
    (tmp_path / "trainA" / "1.tif").write_bytes(data[: len(data) // 2])
    pictures = find_readable(FilePictures(tmp_path / "trainA"), "trainA", refuse=False)
    found = values.find_values(pictures, "data", channels=1, title="trainA")
    assert (found.low, found.high) == (0, 4095)
