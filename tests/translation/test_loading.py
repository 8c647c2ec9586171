import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from cyclegan_keras.files.errors import PictureError
from cyclegan_keras.images.values import Values
from cyclegan_keras.models.description import Description
from cyclegan_keras.translation.loading import load_picture, memory_in_pixels

RANDOM = np.random.default_rng(0)
HOUNSFIELD = Values(dtype="int16", low=-1024, high=3071)


def deep_png(path, most=65535):
    levels = RANDOM.integers(0, most + 1, (6, 5)).astype("uint16")
    levels[0, 0] = most
    Image.fromarray(levels).save(path)
    return levels[..., None]


def test_a_model_of_levels_refuses_other_numbers_and_says_so(tmp_path):
    tifffile.imwrite(tmp_path / "scan.tif", np.int16([[-1000, 2000]]))
    tifffile.imwrite(tmp_path / "levels.tif", np.int16([[0, 255]]))
    description = Description(reader_version=2)
    with pytest.raises(PictureError, match=r"int16 numbers from -1000 to 2000, .* --direction"):
        load_picture(tmp_path / "scan.tif", description)
    assert load_picture(tmp_path / "levels.tif", description).pixels.max() == 255


@pytest.mark.parametrize("version", [1, 2])
def test_a_model_of_8_bits_is_given_8_unless_more_are_asked_for(version, tmp_path):
    levels = deep_png(tmp_path / "a.png")
    description = Description(reader_version=version)
    rounded = load_picture(tmp_path / "a.png", description).pixels
    assert rounded.dtype == "uint8"
    np.testing.assert_array_equal(rounded, np.rint(levels / 257))
    for asked in ({"bit_depth": 16}, {"bit_depth": 32}):
        deep = load_picture(tmp_path / "a.png", description, **asked).pixels
        np.testing.assert_array_equal(deep, levels)
    trained_deep = Description(reader_version=version, bit_depth=16)
    np.testing.assert_array_equal(load_picture(tmp_path / "a.png", trained_deep).pixels, levels)
    np.testing.assert_array_equal(
        load_picture(tmp_path / "a.png", trained_deep, bit_depth=8).pixels, levels
    )


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize(("most", "is_noted"), [(4095, True), (65535, False)])
def test_12_bits_in_16_are_noted(version, most, is_noted, tmp_path):
    deep_png(tmp_path / "a.png", most)
    notes = load_picture(tmp_path / "a.png", Description(reader_version=version)).notes
    assert any(f"to {most} of 65535" in note for note in notes) == is_noted


@pytest.mark.parametrize("dtype", ["int16", "float32", "int32"])
def test_numbers_stay_what_they_are(dtype, tmp_path):
    numbers = RANDOM.uniform(-1000, 3000, (6, 5)).astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", numbers)
    np.save(tmp_path / "a.npy", numbers)
    description = Description(input_channels=1, source_values=HOUNSFIELD, reader_version=2)
    for name in ("a.tif", "a.npy"):
        pixels = load_picture(tmp_path / name, description).pixels
        assert pixels.dtype == dtype
        np.testing.assert_array_equal(pixels[..., 0], numbers)


def test_pages_are_bands_where_the_model_takes_them(tmp_path):
    pages = RANDOM.integers(0, 256, (5, 6, 7)).astype("uint8")
    tifffile.imwrite(tmp_path / "a.tif", pages, photometric="minisblack")
    bands = load_picture(tmp_path / "a.tif", Description(input_channels=5, reader_version=2))
    np.testing.assert_array_equal(bands.pixels, np.moveaxis(pages, 0, -1))
    gray = load_picture(tmp_path / "a.tif", Description(input_channels=1, reader_version=2))
    np.testing.assert_array_equal(gray.pixels[..., 0], pages[0])


def test_only_the_second_version_converts_colors(tmp_path):
    # A profile whose red and green are exchanged shows without doubt whether it was applied.
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    red = profile.index(b"rXYZ")
    green = profile.index(b"gXYZ")
    swapped = bytearray(profile)
    swapped[red : red + 4], swapped[green : green + 4] = b"gXYZ", b"rXYZ"
    pixels = np.full((4, 4, 3), (200, 60, 30), "uint8")
    Image.fromarray(pixels).save(tmp_path / "a.png", icc_profile=bytes(swapped))
    first = load_picture(tmp_path / "a.png", Description(reader_version=1))
    np.testing.assert_array_equal(first.pixels, pixels)
    assert (first.icc_profile, first.in_srgb) == (bytes(swapped), False)
    second = load_picture(tmp_path / "a.png", Description(reader_version=2))
    assert (second.icc_profile, second.in_srgb) == (bytes(swapped), True)
    np.testing.assert_allclose(second.pixels, pixels[..., [1, 0, 2]], atol=1)


@pytest.mark.parametrize("version", [1, 2])
def test_reasons_name_the_file(version, tmp_path):
    (tmp_path / "a.png").write_bytes(b"")
    description = Description(reader_version=version)
    with pytest.raises(PictureError) as caught:
        load_picture(tmp_path / "a.png", description)
    assert str(caught.value).startswith(f"{tmp_path}/a.png is empty (0 bytes)")
    assert memory_in_pixels(tmp_path / "a.png", description) == 0


def test_what_the_first_version_did_not_know_is_read_by_the_second(tmp_path):
    levels = RANDOM.integers(0, 256, (6, 5, 3)).astype("uint8")
    np.save(tmp_path / "a.npy", levels)
    np.savez(tmp_path / "a.npz", levels)
    for name in ("a.npy", "a.npz"):
        picture = load_picture(tmp_path / name, Description(reader_version=1))
        np.testing.assert_array_equal(picture.pixels, levels)
        assert memory_in_pixels(tmp_path / name, Description(reader_version=1)) == 30


@pytest.mark.parametrize("version", [1, 2])
def test_what_cannot_be_read_is_called_by_its_kind(version, tmp_path):
    (tmp_path / "a.png").write_bytes(bytes(128) + b"DICM" + bytes(99))
    with pytest.raises(PictureError, match=r"a\.png is DICOM: python -m pipelines\.slices"):
        load_picture(tmp_path / "a.png", Description(reader_version=version))


@pytest.mark.parametrize(
    ("shape", "dtype", "expected"),
    [((6, 5, 3), "uint8", 30), ((6, 5, 1), "int16", 30), ((6, 5, 8), "float32", 120)],
)
def test_memory_counts_channels_and_types(shape, dtype, expected, tmp_path):
    np.save(tmp_path / "a.npy", np.zeros(shape, dtype))
    description = Description(input_channels=shape[-1], reader_version=2)
    assert memory_in_pixels(tmp_path / "a.npy", description) == expected
