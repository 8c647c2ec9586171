"""Between numbers in files and what networks see, for every type."""

import numpy as np
import pytest

from cyclegan_keras.images.values import DTYPES, EIGHT_BIT, Values, whole_range

EVERY_8 = np.arange(256, dtype="uint8")
EVERY_16 = np.arange(65536, dtype="uint16")


@pytest.mark.parametrize("every", [EVERY_8, EVERY_16], ids=["8 bit", "16 bit"])
def test_every_level_survives_a_round_trip(every):
    values = whole_range(every.dtype.name)
    seen = values.to_network(every)
    assert seen.dtype == np.float32
    assert (seen.min(), seen.max()) == (-1, 1)
    np.testing.assert_array_equal(values.from_network(seen), every)


def test_hounsfield_units_survive_a_round_trip():
    every = np.arange(-1024, 3072, dtype="int16")
    values = Values(dtype="int16", low=-1024, high=3071)
    np.testing.assert_array_equal(values.from_network(values.to_network(every)), every)


def test_large_integers_and_fractions_keep_what_float32_can_tell():
    numbers = np.array([-2e9, 1.5, 2e9])
    values = Values(dtype="int32", low=-2_000_000_000, high=2_000_000_000)
    found = values.from_network(values.to_network(numbers.astype("int32")))
    np.testing.assert_allclose(found, numbers, atol=200)
    depth = Values(dtype="float32", low=0, high=10)
    found = depth.from_network(depth.to_network(np.array([0.001, 9.999], "float32")))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, [0.001, 9.999], atol=1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_lies_outside_the_range_is_clipped(dtype):
    values = Values(dtype=dtype, low=10, high=20)
    np.testing.assert_array_equal(values.to_network(np.array([0, 15, 99], dtype)), [-1, 0, 1])
    found = values.from_network(np.array([-3.0, 0.0, 3.0], "float32"))
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, [10, 15, 20])


def test_levels_are_scaled_white_to_white_and_other_numbers_are_not():
    np.testing.assert_array_equal(whole_range("uint16").of_type(EVERY_8), EVERY_8 * 257.0)
    np.testing.assert_array_equal(EIGHT_BIT.of_type(EVERY_16), np.rint(EVERY_16 / 257))
    hounsfield = Values(dtype="int16", low=0, high=9)
    assert hounsfield.of_type(EVERY_8) is EVERY_8
    assert EIGHT_BIT.from_network(np.array([1.0]), "uint16").tolist() == [65535]
    assert whole_range("uint16").from_network(np.array([1.0]), "uint8").tolist() == [255]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"dtype": "int8"}, "`dtype` must be one of"),
        ({"low": 5, "high": 5}, "low < high"),
        ({"high": float("inf")}, "must be finite"),
    ],
)
def test_what_no_values_are(fields, message):
    with pytest.raises(ValueError, match=message):
        Values(**fields)


def test_they_are_written_as_json():
    values = Values(dtype="float32", low=-0.5, high=1.25)
    assert Values.from_dict(values.to_dict()) == values
