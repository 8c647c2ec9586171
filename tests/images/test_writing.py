import errno
import os

import imagecodecs
import numpy as np
import pytest
import tensorflow as tf
import tifffile
from color_profiles import DISPLAY_P3, p3_of_srgb
from PIL import Image, ImageCms

from cyclegan_keras.files.errors import PictureError, WriteError
from cyclegan_keras.images.picture import Picture
from cyclegan_keras.images.reading import read_picture
from cyclegan_keras.images.writing import FORMATS, write_picture

RANDOM = np.random.default_rng(0)
SMOOTH = np.asarray(
    Image.fromarray(RANDOM.integers(0, 256, (4, 5, 3)).astype("uint8")).resize((50, 40))
)
ALPHA = np.linspace(0, 255, 2000).astype("uint8").reshape(40, 50)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
LOSSLESS = (".png", ".tif", ".tiff", ".bmp", ".npy")
WITHOUT_PROFILE = (".bmp", ".npy")


def there_and_back(picture, path, **settings):
    notes = write_picture(picture, path, **settings)
    return read_picture(path), notes


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize("gray", [True, False])
def test_pixels_size_and_gray_stay(ending, gray, tmp_path):
    picture = Picture(pixels=SMOOTH[..., :1] if gray else SMOOTH)
    back, notes = there_and_back(picture, tmp_path / f"a{ending.upper()}")
    assert notes == ()
    assert back.is_gray == (gray and ending != ".webp")  # which has no gray
    difference = np.abs(back.pixels.astype(int) - picture.pixels)
    assert difference.max() == 0 if ending in LOSSLESS else difference.mean() < 2


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize("gray", [True, False])
def test_transparency_stays_or_lies_over_white(ending, gray, tmp_path):
    picture = Picture(pixels=SMOOTH[..., :1] if gray else SMOOTH, alpha=ALPHA)
    back, notes = there_and_back(picture, tmp_path / f"a{ending}")
    if FORMATS[ending].alpha:
        np.testing.assert_array_equal(back.alpha, ALPHA)
    else:
        assert "over white" in notes[0]
        assert np.abs(back.pixels.astype(int) - picture.over_white().pixels).mean() < 3


@pytest.mark.parametrize("ending", FORMATS)
def test_the_profile_stays_where_it_fits(ending, tmp_path):
    back, _ = there_and_back(Picture(pixels=SMOOTH, icc_profile=SRGB), tmp_path / f"a{ending}")
    assert back.icc_profile == (None if ending in WITHOUT_PROFILE else SRGB)
    gray = Picture(pixels=SMOOTH[..., :1], icc_profile=SRGB)
    assert there_and_back(gray, tmp_path / f"b{ending}")[0].icc_profile is None


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("ending", [".png", ".tif", ".jpg"])
def test_16_bits_stay_where_the_format_has_them(channels, ending, tmp_path):
    values = RANDOM.integers(0, 65536, (6, 7, channels)).astype("uint16")
    alpha = None if channels % 2 else values[..., -1]
    profile = SRGB if channels > 2 else None
    picture = Picture(
        pixels=values if channels % 2 else values[..., :-1], alpha=alpha, icc_profile=profile
    )
    back, notes = there_and_back(picture, tmp_path / f"a{ending}")
    if ending in (".png", ".tif"):
        assert notes == ()
        np.testing.assert_array_equal(back.pixels, picture.pixels)
        if alpha is not None:
            np.testing.assert_array_equal(back.alpha, alpha)
        assert back.icc_profile == profile
    else:
        assert "scaled down" in notes[-1]
        assert back.bit_depth == 8


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "int32", "float32"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("ending", [".tif", ".npy"])
def test_numbers_and_bands_come_back_as_others_read_them(dtype, channels, ending, tmp_path):
    scale = 1000 if dtype in ("int16", "int32", "float32") else 50
    values = (RANDOM.standard_normal((6, 7, channels)) * scale).astype(dtype)
    back, notes = there_and_back(Picture(pixels=values), tmp_path / f"a{ending}")
    assert notes == ()
    assert back.alpha is None
    assert back.pixels.dtype == dtype
    np.testing.assert_array_equal(back.pixels, values)
    by_library = tifffile.imread if ending == ".tif" else np.load
    others = by_library(tmp_path / f"a{ending}")
    np.testing.assert_array_equal(others.reshape(values.shape), values)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("ending", [".png", ".tif"])
def test_colors_are_written_in_the_profile_of_their_file(dtype, ending, tmp_path):
    white = np.iinfo(dtype).max
    levels = (RANDOM.uniform(0.1, 0.9, (6, 7, 3)) * white).astype(dtype)
    picture = Picture(pixels=levels, icc_profile=DISPLAY_P3, in_srgb=True)
    notes = write_picture(picture, tmp_path / f"a{ending}")
    assert notes == ()
    stored = imagecodecs.imread(tmp_path / f"a{ending}")
    np.testing.assert_allclose(stored / white, p3_of_srgb(levels / white), atol=1.5 / 255)
    back = read_picture(tmp_path / f"a{ending}")
    assert back.in_srgb
    assert back.icc_profile == DISPLAY_P3
    assert np.abs(back.pixels.astype(int) - levels).max() <= 0.012 * white


@pytest.mark.parametrize("ending", [".bmp", ".npy"])
def test_colors_stay_srgb_where_no_profile_can_be_written(ending, tmp_path):
    picture = Picture(pixels=SMOOTH, icc_profile=DISPLAY_P3, in_srgb=True)
    back, notes = there_and_back(picture, tmp_path / f"a{ending}")
    assert "written as sRGB" in notes[0]
    np.testing.assert_array_equal(back.pixels, SMOOTH)


def test_deep_png_is_read_by_others_too(tmp_path):
    values = RANDOM.integers(0, 65536, (6, 7, 3)).astype("uint16")
    write_picture(Picture(pixels=values, icc_profile=SRGB), tmp_path / "a.png")
    decoded = tf.io.decode_png((tmp_path / "a.png").read_bytes(), dtype=tf.uint16)
    np.testing.assert_array_equal(decoded, values)
    with Image.open(tmp_path / "a.png") as image:
        image.verify()  # the checksum of every chunk


def test_quality_and_no_color_subsampling(tmp_path):
    sizes = []
    for quality in (30, 95):
        write_picture(Picture(pixels=SMOOTH), tmp_path / "a.jpg", quality=quality)
        sizes.append((tmp_path / "a.jpg").stat().st_size)
        with Image.open(tmp_path / "a.jpg") as image:
            assert [layer[1:3] for layer in image.layer] == [(1, 1)] * 3
    assert sizes[0] < sizes[1]


def test_no_orientation_is_left(tmp_path):
    exif = Image.Exif()
    exif[0x112] = 6
    Image.fromarray(SMOOTH).save(tmp_path / "a.jpg", exif=exif)
    write_picture(read_picture(tmp_path / "a.jpg"), tmp_path / "b.jpg")
    with Image.open(tmp_path / "b.jpg") as image:
        assert image.size == (40, 50)
        assert 0x112 not in image.getexif()


@pytest.mark.parametrize(
    ("pixels", "name", "sentence"),
    [
        (SMOOTH, "a.xyz", "no ending to write"),
        (np.zeros((1, 16384, 1), "uint8"), "a.webp", "16384x1 is too large for WEBP"),
        (np.zeros((65501, 1, 3), "uint8"), "a.jpg", "1x65501 is too large for JPEG"),
        (SMOOTH.astype("int16"), "a.png", "PNG holds no negative numbers: use --format=tif or npy"),
        (SMOOTH.astype("float32"), "a.jpg", "JPEG holds no floating-point numbers"),
        (SMOOTH.astype("int32"), "a.webp", "WEBP holds no numbers of 32 bits"),
        (np.zeros((4, 4, 5), "uint8"), "a.png", "PNG holds 1 or 3 channels, not 5"),
        (SMOOTH, "a" * 252 + ".png", "File name too long"),
    ],
)
def test_what_cannot_be_written_is_a_sentence(pixels, name, sentence, tmp_path):
    with pytest.raises(PictureError, match=sentence):
        write_picture(Picture(pixels=pixels), tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    write_picture(Picture(pixels=SMOOTH), path)
    before = path.read_bytes()

    def full(number):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WriteError, match="No space left"):
        write_picture(Picture(pixels=255 - SMOOTH), path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]
