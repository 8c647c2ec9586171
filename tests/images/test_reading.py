"""What comes out of real files; Pillow, tifffile, imageio and NumPy are the oracles."""

import io
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor

import imagecodecs
import imageio.v3 as imageio
import numpy as np
import pillow_heif
import pytest
import tifffile
from color_profiles import DISPLAY_P3, SRGB, decoded, encoded, srgb_of_p3
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageOps

from cyclegan_keras.files.errors import PictureError
from cyclegan_keras.images import first_reading
from cyclegan_keras.images.header import Header
from cyclegan_keras.images.reading import pixel_count, read_header, read_picture

RANDOM = np.random.default_rng(0)
COLORS = RANDOM.integers(0, 256, (20, 31, 4)).astype("uint8")
DEEP = RANDOM.integers(0, 65536, (20, 31, 4)).astype("uint16")


def file_of(image, kind="PNG", **settings):
    stream = io.BytesIO()
    image.save(stream, kind, **settings)
    return stream.getvalue()


def tiff_of(values, **settings):
    stream = io.BytesIO()
    tifffile.imwrite(stream, values, **settings)
    return stream.getvalue()


def npy_of(values):
    stream = io.BytesIO()
    np.save(stream, values)
    return stream.getvalue()


def read(file, channels=None):
    """Reads a picture, and checks that its header says what it is."""
    picture = read_picture(file, channels=channels)
    height, width, bands = picture.pixels.shape
    assert read_header(file, channels=channels) == Header(
        width=width, height=height, channels=bands, dtype=picture.pixels.dtype.name
    )
    if picture.alpha is not None:
        assert picture.alpha.shape == (height, width)
        assert picture.alpha.dtype == picture.pixels.dtype
    return picture


# Files of Pillow, against what version 1 and Pillow make of them.

MODES = {
    "RGB": Image.fromarray(COLORS[..., :3]),
    "L": Image.fromarray(COLORS[..., 0]),
    "1": Image.fromarray(COLORS[..., 0]).convert("1"),
    "P": Image.fromarray(COLORS[..., :3]).quantize(40),
    "LA": Image.fromarray(COLORS).convert("LA"),
    "RGBA": Image.fromarray(COLORS),
    "P with alpha": Image.fromarray(COLORS).quantize(40),
}
LOSSLESS = {"WEBP": {"lossless": True}, "JPEG2000": {"irreversible": False}}
FORMATS = {
    "PNG": list(MODES),
    "TIFF": ["RGB", "L", "1", "P", "LA", "RGBA"],
    "WEBP": ["RGB", "RGBA"],
    "BMP": ["RGB", "L", "1", "P"],
    "GIF": ["P", "P with alpha", "L"],
    "JPEG": ["RGB", "L"],
    "JPEG2000": ["RGB", "L", "LA", "RGBA"],
    "PPM": ["RGB", "L", "1"],
    "TGA": ["RGB", "L", "RGBA"],
    "AVIF": ["RGB", "RGBA"],
    "ICO": ["RGBA"],
}
CASES = [(kind, mode) for kind, modes in FORMATS.items() for mode in modes]


@pytest.mark.parametrize(("kind", "mode"), CASES)
def test_modes_are_what_pillow_makes_of_them(kind, mode):
    if kind == "AVIF" and "AVIF" not in Image.SAVE and not Image.init():
        pytest.skip("this Pillow has no AVIF")
    data = file_of(MODES[mode], kind, **LOSSLESS.get(kind, {}))
    picture = read(data)
    with Image.open(io.BytesIO(data)) as opened:
        is_gray = opened.mode in ("1", "L", "LA")
        has_alpha = opened.has_transparency_data
        expected = np.asarray(opened.convert("LA" if is_gray else "RGBA"))
    np.testing.assert_array_equal(picture.pixels, expected[..., :-1])
    assert (picture.alpha is not None) == has_alpha
    if has_alpha:
        np.testing.assert_array_equal(picture.alpha, expected[..., -1])


def test_a_transparent_color_of_a_png_is_transparent():
    image = Image.fromarray(np.array([[[1, 2, 3], [4, 5, 6]]], "uint8"))
    picture = read(file_of(image, transparency=(4, 5, 6)))
    assert picture.alpha.tolist() == [[255, 0]]


def test_alpha_over_white():
    levels = np.array([[[200, 100, 0, 128]]], "uint8")
    picture = read(file_of(Image.fromarray(levels)))
    assert picture.over_white().pixels.tolist() == [[[227, 177, 127]]]  # (p a + 255 (255 - a)) / 255


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_ordinary_pictures_are_those_of_version_1(kind):
    for mode in ("RGB", "L"):
        data = file_of(MODES[mode], kind)
        pixels = np.broadcast_to(read(data).pixels, (20, 31, 3))
        np.testing.assert_array_equal(pixels, first_reading.read_rgb(data))


def test_pixels_can_be_written_to():
    for file in (file_of(MODES["RGB"]), npy_of(COLORS), tiff_of(COLORS, photometric="rgb")):
        assert read_picture(file).pixels.flags.writeable


# Orientation.


def exif_of(orientation):
    exif = Image.Exif()
    exif[0x112] = orientation
    return exif


def png_with_exif(png, orientation, *, before_pixels):
    content = exif_of(orientation).tobytes().removeprefix(b"Exif\0\0")
    checksum = struct.pack(">I", zlib.crc32(b"eXIf" + content))
    chunk = struct.pack(">I", len(content)) + b"eXIf" + content + checksum
    position = 33 if before_pixels else len(png) - 12  # behind IHDR, or before IEND
    return png[:position] + chunk + png[position:]


def turned(pixels, orientation):
    """What the EXIF standard says: where row 0 and column 0 of the stored pixels lie."""
    turns = {
        1: lambda p: p,
        2: lambda p: p[:, ::-1],  # top right
        3: lambda p: p[::-1, ::-1],  # bottom right
        4: lambda p: p[::-1],  # bottom left
        5: lambda p: p.swapaxes(0, 1),  # left top
        6: lambda p: p[::-1].swapaxes(0, 1),  # right top
        7: lambda p: p[::-1, ::-1].swapaxes(0, 1),  # right bottom
        8: lambda p: p[:, ::-1].swapaxes(0, 1),  # left bottom
    }
    return turns[orientation](pixels)


ORIENTED = {
    "JPEG": lambda image, o: file_of(image, "JPEG", exif=exif_of(o)),
    "WebP": lambda image, o: file_of(image, "WEBP", exif=exif_of(o), lossless=True),
    "PNG": lambda image, o: png_with_exif(file_of(image), o, before_pixels=True),
    "PNG behind": lambda image, o: png_with_exif(file_of(image), o, before_pixels=False),
    "TIFF of Pillow": lambda image, o: file_of(image, "TIFF", exif=exif_of(o)),
    "TIFF": lambda image, o: tiff_of(
        np.asarray(image), photometric="rgb", extratags=[(274, 3, 1, o, True)]
    ),
    "TIFF of 16 bits": lambda image, o: tiff_of(
        np.asarray(image).astype("uint16") * 257,
        photometric="rgb",
        extratags=[(274, 3, 1, o, True)],
    ),
    "PNG of 16 bits": lambda image, o: png_with_exif(
        imagecodecs.png_encode(np.asarray(image).astype("uint16") * 257), o, before_pixels=False
    ),
}


@pytest.mark.parametrize("kind", ORIENTED)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_turned_upright_once(kind, orientation):
    image = Image.fromarray(COLORS[..., :3])
    stored = read(ORIENTED[kind](image, 1)).pixels
    np.testing.assert_array_equal(
        read(ORIENTED[kind](image, orientation)).pixels, turned(stored, orientation)
    )


@pytest.mark.parametrize("orientation", range(1, 9))
def test_transparency_is_turned_too(orientation):
    for data in (file_of(Image.fromarray(COLORS)), imagecodecs.png_encode(DEEP)):
        stored = read(data)
        picture = read(png_with_exif(data, orientation, before_pixels=True))
        np.testing.assert_array_equal(picture.alpha, turned(stored.alpha, orientation))


def test_an_orientation_in_xmp_is_what_pillow_says():
    xmp = b'<x xmlns:tiff="t" tiff:Orientation="6"/>'
    data = file_of(MODES["RGB"], "JPEG", xmp=xmp)
    with Image.open(io.BytesIO(data)) as opened:
        expected = np.asarray(ImageOps.exif_transpose(opened))
    np.testing.assert_array_equal(read(data).pixels, expected)


def test_damaged_exif_does_not_matter():
    assert read(file_of(MODES["RGB"], "JPEG", exif=b"Exif\0\0nonsense")).pixels.shape[:2] == (20, 31)
