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
from color_profiles import DISPLAY_P3, SRGB, cmyk_profile, encoded, srgb_of_p3
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageOps, features

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
    if kind == "AVIF" and not features.check("avif"):
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
    # (p a + 255 (255 - a)) / 255
    assert picture.over_white().pixels.tolist() == [[[227, 177, 127]]]


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
    assert read(file_of(MODES["RGB"], "JPEG", exif=b"Exif\0\0nonsense")).pixels.shape[:2] == (
        20,
        31,
    )


# Color profiles.


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_display_p3_becomes_srgb(dtype, kind, tmp_path):
    white = np.iinfo(dtype).max
    levels = (RANDOM.uniform(0, 1, (20, 31, 3)) * white).astype(dtype)
    levels[0, 0] = (white, 0, 0)
    levels[0, 1] = (0, 0, 0)
    levels[0, 2] = (white, white, white)
    if kind == "TIFF":
        data = tiff_of(levels, photometric="rgb", iccprofile=DISPLAY_P3)
    elif dtype == "uint8":
        data = file_of(Image.fromarray(levels), icc_profile=DISPLAY_P3)
    else:
        plain = imagecodecs.png_encode(levels)
        content = b"ICC Profile\0\0" + zlib.compress(DISPLAY_P3)
        checksum = struct.pack(">I", zlib.crc32(b"iCCP" + content))
        chunk = struct.pack(">I", len(content)) + b"iCCP" + content + checksum
        data = plain[:33] + chunk + plain[33:]
    picture = read(data)
    assert picture.in_srgb
    assert picture.icc_profile == DISPLAY_P3
    np.testing.assert_allclose(
        picture.pixels / white, srgb_of_p3(levels / white), atol=1.1 / 255 if white == 255 else 1e-3
    )
    expected = [[white, 0, 0], [0, 0, 0], [white, white, white]]
    np.testing.assert_allclose(picture.pixels[0, :3], expected, atol=0 if white == 255 else 1)


def test_transparency_stays_beside_converted_colors():
    picture = read(file_of(Image.fromarray(COLORS), icc_profile=DISPLAY_P3))
    assert picture.in_srgb
    np.testing.assert_array_equal(picture.alpha, COLORS[..., 3])


@pytest.mark.parametrize("profile", [SRGB, b"", b"no profile at all" * 20])
def test_srgb_and_damaged_profiles_leave_pixels_alone(profile):
    image = Image.fromarray(COLORS[..., :3])
    picture = read(file_of(image, icc_profile=profile))
    assert not picture.in_srgb
    np.testing.assert_array_equal(picture.pixels, COLORS[..., :3])
    assert picture.icc_profile == (profile or None)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_gray_of_another_gamma_becomes_that_of_srgb(dtype):
    white = np.iinfo(dtype).max
    gamma = imagecodecs.cms_profile("gray", gamma=1.8)
    levels = np.linspace(0.05, 1, 64).reshape(8, 8)
    stored = np.rint(levels * white).astype(dtype)
    picture = read(tiff_of(stored, photometric="minisblack", iccprofile=gamma))
    assert picture.in_srgb
    np.testing.assert_allclose(picture.pixels[..., 0] / white, encoded(levels**1.8), atol=1.5 / 255)


def test_a_profile_of_colors_beside_gray_is_left():
    picture = read(file_of(MODES["L"], icc_profile=DISPLAY_P3))
    assert not picture.in_srgb
    np.testing.assert_array_equal(picture.pixels[..., 0], COLORS[..., 0])


def test_threads_share_a_conversion():
    files = []
    for seed in range(24):
        levels = np.random.default_rng(seed).integers(0, 256, (64, 64, 3)).astype("uint8")
        files.append(file_of(Image.fromarray(levels), icc_profile=DISPLAY_P3))
    alone = [read_picture(file).pixels for file in files]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(read_picture, files * 4))
    for index, picture in enumerate(together):
        np.testing.assert_array_equal(picture.pixels, alone[index % len(files)])


def test_cmyk_without_a_profile_is_pillow_s():
    for kind in ("JPEG", "TIFF"):
        data = file_of(Image.fromarray(COLORS, "CMYK"), kind)
        with Image.open(io.BytesIO(data)) as opened:
            expected = np.asarray(opened.convert("RGB")).astype(int)
        assert np.abs(read(data).pixels - expected).max() <= 1


@pytest.mark.parametrize("kind", ["JPEG", "TIFF", "TIFF of 16 bits"])
def test_cmyk_becomes_srgb_by_its_profile(kind):
    printed = np.random.default_rng(1).integers(40, 230, (2, 2, 2, 2, 3)).astype("uint8")
    printed[0, 0, 0, 0] = 255  # paper
    profile = cmyk_profile(printed)
    inks = np.stack(np.meshgrid(*[[0, 255]] * 4, indexing="ij"), axis=-1).astype("uint8")
    stored = np.repeat(np.repeat(inks.reshape(4, 4, 4), 8, axis=0), 8, axis=1)
    expected = np.repeat(np.repeat(printed.reshape(4, 4, 3), 8, axis=0), 8, axis=1)
    if kind == "TIFF of 16 bits":
        deep = stored.astype("uint16") * 257
        data = tiff_of(deep, photometric="separated", iccprofile=profile)
    else:
        settings = {"quality": 100, "subsampling": 0} if kind == "JPEG" else {}
        data = file_of(Image.fromarray(stored, "CMYK"), kind, icc_profile=profile, **settings)
    picture = read(data)
    white = np.iinfo(picture.pixels.dtype).max
    np.testing.assert_allclose(picture.pixels * (255 / white), expected, atol=4)
    assert picture.icc_profile is None
    assert not picture.in_srgb


def test_cmyk_of_16_bits():
    data = tiff_of(DEEP, photometric="separated")
    inks = DEEP / 65535
    expected = (1 - inks[..., :3]) * (1 - inks[..., 3:])
    np.testing.assert_allclose(read(data).pixels / 65535, expected, atol=1e-4)


LAB = np.array([[[50, 20, -30], [100, 0, 0], [0, 0, 0], [70, -40, 50]]], float)


def srgb_of_lab(lab):
    profiles = [ImageCms.createProfile(name) for name in ("LAB", "sRGB")]
    stored = np.rint(lab * [2.55, 1, 1] + [0, 128, 128]).astype("uint8")
    image = Image.merge("LAB", [Image.fromarray(band) for band in np.moveaxis(stored, -1, 0)])
    return np.asarray(
        ImageCms.profileToProfile(image, *profiles, outputMode="RGB", renderingIntent=1)
    )


def test_lab_of_8_bits():
    stored = np.stack([LAB[..., 0] * 2.55, LAB[..., 1] % 256, LAB[..., 2] % 256], axis=-1)
    data = tiff_of(np.rint(stored).astype("uint8"), photometric="cielab")
    assert np.abs(read(data).pixels.astype(int) - srgb_of_lab(LAB)).max() <= 2


def test_lab_of_16_bits():
    stored = np.rint(LAB * [655.35, 256, 256]).astype("int32").astype("uint16")
    picture = read(tiff_of(stored, photometric="cielab"))
    assert picture.pixels.dtype == np.uint16
    assert np.abs(picture.pixels / 257 - srgb_of_lab(LAB)).max() <= 2


# TIFF.

NUMBERS = {
    "uint8": COLORS[..., 0],
    "uint16": DEEP[..., 0],
    "int8": COLORS[..., 0].view("int8"),
    "int16": DEEP[..., 0].view("int16"),
    "uint32": DEEP[..., 0].astype("uint32") * 30000,
    "int32": DEEP[..., 0].astype("int32") * -30000,
    "float16": (COLORS[..., 0] - 100.0).astype("float16"),
    "float32": (DEEP[..., 0] / 7 - 1000).astype("float32"),
    "float64": DEEP[..., 0] / 7 - 1000,
}
IN_MEMORY = {"int8": "int16", "uint32": "int32", "float16": "float32", "float64": "float32"}


@pytest.mark.parametrize("dtype", NUMBERS)
@pytest.mark.parametrize("layout", ["one band", "chunky", "planar", "pages", "big", "tiles"])
def test_numbers_of_a_tiff_come_out_as_they_are(dtype, layout):
    bands = np.stack([NUMBERS[dtype], NUMBERS[dtype][::-1], NUMBERS[dtype][:, ::-1]] * 2, axis=-1)
    first = np.moveaxis(bands, -1, 0)
    how = {
        "one band": (bands[..., 0], {}),
        "chunky": (bands, {"planarconfig": "contig"}),
        "planar": (first, {"planarconfig": "separate"}),
        "pages": (first, {}),
        "big": (bands, {"planarconfig": "contig", "bigtiff": True, "byteorder": ">"}),
        "tiles": (bands, {"planarconfig": "contig", "tile": (16, 16), "compression": "zlib"}),
    }
    stored, more = how[layout]
    picture = read(tiff_of(stored, photometric="minisblack", **more))
    expected = bands[..., :1] if layout == "one band" else bands
    assert picture.pixels.dtype == IN_MEMORY.get(dtype, dtype)
    np.testing.assert_array_equal(picture.pixels, expected.astype(picture.pixels.dtype))
    assert picture.alpha is None
    assert picture.notes == ()


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("compression", ["lzw", "zlib", "packbits", "zstd", "lzma", "jpeg2000"])
def test_compressed_tiffs_of_colors(dtype, compression):
    levels = COLORS[..., :3] if dtype == "uint8" else DEEP[..., :3]
    picture = read(tiff_of(levels, photometric="rgb", compression=compression))
    np.testing.assert_array_equal(picture.pixels, levels)


def test_a_tiff_of_jpeg_is_nearly_what_pillow_reads():
    smooth = np.asarray(Image.fromarray(COLORS[:4, :4, :3]).resize((32, 32)))
    data = tiff_of(smooth, photometric="rgb", compression="jpeg", rowsperstrip=16)
    with Image.open(io.BytesIO(data)) as opened:
        expected = np.asarray(opened.convert("RGB")).astype(int)
    assert np.abs(read(data).pixels - expected).max() <= 4


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "jpeg"])
def test_ycbcr_in_a_tiff(compression):
    smooth = Image.fromarray(COLORS[:4, :4, :3]).resize((32, 32))
    settings = {} if compression is None else {"compression": compression}
    picture = read(file_of(smooth.convert("YCbCr"), "TIFF", **settings))
    difference = np.abs(picture.pixels.astype(int) - np.asarray(smooth))
    assert difference.max() <= (20 if compression == "jpeg" else 3)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_alpha_of_a_tiff_stays_aside(dtype, channels, planar):
    levels = (COLORS if dtype == "uint8" else DEEP)[..., -channels - 1 :]
    stored = levels if planar == "contig" else np.moveaxis(levels, -1, 0)
    picture = read(
        tiff_of(
            stored,
            photometric="rgb" if channels == 3 else "minisblack",
            extrasamples=["unassalpha"],
            planarconfig=planar,
        )
    )
    np.testing.assert_array_equal(picture.pixels, levels[..., :-1])
    np.testing.assert_array_equal(picture.alpha, levels[..., -1])


def test_colors_multiplied_by_alpha_are_divided_again():
    colors, alpha = COLORS[..., :3], COLORS[..., 3:]
    multiplied = np.rint(colors * (alpha / 255)).astype("uint8")
    data = tiff_of(
        np.concatenate([multiplied, alpha], axis=-1), photometric="rgb", extrasamples=["assocalpha"]
    )
    picture = read(data)
    over_white = colors * (alpha / 255) + 255 - alpha
    assert np.abs(picture.over_white().pixels - over_white).max() <= 2


def test_other_samples_are_bands_unless_colors_are_wanted():
    data = tiff_of(COLORS, photometric="rgb", extrasamples=["unspecified"])
    np.testing.assert_array_equal(read(data).pixels, COLORS)
    picture = read(data, channels=3)
    np.testing.assert_array_equal(picture.pixels, COLORS[..., :3])
    assert "red, green and blue" in picture.notes[0]


@pytest.mark.parametrize("channels", [None, 1, 2, 3])
def test_gray_pages_are_bands_unless_one_picture_is_wanted(channels):
    data = tiff_of(np.moveaxis(DEEP[..., :2], -1, 0), photometric="minisblack")
    picture = read(data, channels=channels)
    if channels in (1, 3):
        np.testing.assert_array_equal(picture.pixels, DEEP[..., :1])
        assert "Of 2 pages only the first" in picture.notes[0]
    else:
        np.testing.assert_array_equal(picture.pixels, DEEP[..., :2])


def test_of_pages_of_colors_or_of_other_sizes_the_first_is_taken():
    colors = tiff_of(np.stack([COLORS[..., :3]] * 2), photometric="rgb")
    stream = io.BytesIO()
    with tifffile.TiffWriter(stream) as writer:
        writer.write(COLORS[..., 0], photometric="minisblack")
        writer.write(COLORS[:5, :5, 0], photometric="minisblack")
    for data, expected in ((colors, COLORS[..., :3]), (stream.getvalue(), COLORS[..., :1])):
        picture = read(data)
        np.testing.assert_array_equal(picture.pixels, expected)
        assert "only the first" in picture.notes[0]


@pytest.mark.parametrize("channels", [None, 5])
def test_an_array_that_tifffile_wrote_as_pages_of_rows_is_read_as_it_was(channels):
    values = np.stack([NUMBERS["float32"]] * 5, axis=-1)
    data = tiff_of(values)  # 20 pages of 31x5
    assert len(tifffile.TiffFile(io.BytesIO(data)).pages) == 20
    np.testing.assert_array_equal(read(data, channels=channels).pixels, values)


def test_a_thumbnail_is_no_page():
    stream = io.BytesIO()
    with tifffile.TiffWriter(stream) as writer:
        writer.write(COLORS[:4, :4, 0], photometric="minisblack", subfiletype=1)
        writer.write(COLORS[..., 0], photometric="minisblack")
    picture = read(stream.getvalue())
    np.testing.assert_array_equal(picture.pixels, COLORS[..., :1])
    assert picture.notes == ()


def test_white_is_zero():
    for levels in (COLORS[..., 0], DEEP[..., 0]):
        data = tiff_of(levels, photometric="miniswhite")
        np.testing.assert_array_equal(
            read(data).pixels[..., 0], np.iinfo(levels.dtype).max - levels
        )


def test_palette_and_fewer_bits():
    colormap = RANDOM.integers(0, 65536, (3, 256)).astype("uint16")
    data = tiff_of(COLORS[..., 0], photometric="palette", colormap=colormap)
    expected = np.moveaxis(colormap[:, COLORS[..., 0]] >> 8, 0, -1)
    np.testing.assert_array_equal(read(data).pixels, expected)
    two_colors = file_of(MODES["1"].convert("P").quantize(2), "TIFF")
    with Image.open(io.BytesIO(two_colors)) as opened:
        np.testing.assert_array_equal(read(two_colors).pixels, np.asarray(opened.convert("RGB")))
    twelve_bits = DEEP[..., 0] >> 4
    data = tiff_of(twelve_bits, photometric="minisblack", bitspersample=12)
    np.testing.assert_allclose(read(data).pixels[..., 0] / 65535, twelve_bits / 4095, atol=1e-5)
    group_4 = file_of(MODES["1"], "TIFF", compression="group4")
    np.testing.assert_array_equal(read(group_4).pixels[..., 0], np.asarray(MODES["1"].convert("L")))


# NumPy's files.


@pytest.mark.parametrize("dtype", ["bool", *NUMBERS, "int64"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_numbers_of_npy_come_out_as_they_are(dtype, order):
    values = np.array(np.stack([(DEEP[..., 0] // 2).astype(dtype)] * 5, axis=-1), order=order)
    picture = read(npy_of(values))
    if dtype == "bool":
        values = values * 255
    np.testing.assert_array_equal(picture.pixels, values)
    assert read(npy_of(values[..., 0])).pixels.shape == (20, 31, 1)


def test_npz_takes_the_array_of_a_known_name():
    for save in (np.savez, np.savez_compressed):
        stream = io.BytesIO()
        save(stream, other=DEEP[..., :1], image=DEEP)
        np.testing.assert_array_equal(read(stream.getvalue()).pixels, DEEP)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (
            np.zeros((3, 20, 30)),
            r"shape \(3, 20, 30\), which looks like \(channels, height, width\)",
        ),
        (np.zeros(5), r"shape \(5,\), expected \(height, width\)"),
        (np.zeros((2, 2, 2, 2)), "expected"),
        (np.zeros((0, 3)), "expected"),
        (np.array([[1.0, np.nan, np.inf]]), "2 numbers that are not finite"),
        (np.array([[1e300]]), "1 numbers that are not finite"),
        (np.array([[2**31]]), "numbers from 2147483648 to 2147483648"),
        (np.array([[1j]]), "type complex128"),
        (np.array([["text"]]), "type str"),
        (np.array([[None]]), "type object"),
    ],
)
def test_arrays_that_are_no_pictures(values, sentence):
    with pytest.raises(PictureError, match=sentence):
        read_picture(npy_of(values))


def test_nan_in_a_tiff_is_refused():
    with pytest.raises(PictureError, match="1 numbers that are not finite"):
        read_picture(tiff_of(np.array([[np.nan, 1]], "float32"), photometric="minisblack"))


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["uint8", "uint16", "int16", "int32", "float32"]),
    st.integers(5, 9),
    st.integers(5, 9),
    st.integers(1, 6),
    st.sampled_from(["npy", "tif"]),
)
def test_any_size_and_number_of_bands(dtype, height, width, channels, kind):
    values = np.random.default_rng(height).normal(0, 99, (height, width, channels)).astype(dtype)
    if kind == "npy":
        data = npy_of(values)
    else:
        planes = np.moveaxis(values, -1, 0)
        data = tiff_of(planes, photometric="minisblack", metadata=None)
    np.testing.assert_array_equal(read(data).pixels, values)


# Deep pictures of other formats.


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_png_of_16_bits(channels):
    picture = read(imagecodecs.png_encode(np.ascontiguousarray(DEEP[..., :channels])))
    both = [picture.pixels] if picture.alpha is None else [picture.pixels, picture.alpha[..., None]]
    np.testing.assert_array_equal(np.concatenate(both, axis=-1), DEEP[..., :channels])
    assert (picture.alpha is not None) == (channels in (2, 4))


@pytest.mark.parametrize("channels", [1, 3])
def test_a_transparent_color_of_a_png_of_16_bits(channels):
    levels = np.ascontiguousarray(DEEP[..., :channels])
    data = imagecodecs.png_encode(levels)
    content = b"tRNS" + levels[2, 3].astype(">u2").tobytes()
    chunk = struct.pack(">I", len(content) - 4) + content + struct.pack(">I", zlib.crc32(content))
    picture = read(data[:33] + chunk + data[33:])
    np.testing.assert_array_equal(picture.pixels, levels)
    clear = (levels == levels[2, 3]).all(axis=-1)
    np.testing.assert_array_equal(picture.alpha, np.where(clear, 0, 65535))


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("bits", [12, 16])
def test_jpeg_2000_of_more_than_8_bits(channels, bits):
    levels = np.concatenate([DEEP, DEEP], axis=-1)[..., :channels] >> (16 - bits)
    picture = read(imagecodecs.jpeg2k_encode(levels, reversible=True, bitspersample=bits))
    white = 2**bits - 1
    np.testing.assert_allclose(
        picture.pixels[..., 0] / 65535, levels[..., 0] / white, atol=0.51 / 65535
    )
    assert (picture.alpha is not None) == (channels in (2, 4))


def test_negative_numbers_of_jpeg_2000():
    numbers = DEEP[..., 0].view("int16")
    data = imagecodecs.jpeg2k_encode(numbers, reversible=True)
    np.testing.assert_array_equal(read(data).pixels[..., 0], numbers)


@pytest.mark.parametrize("kind", ["P5", "P6", "P2", "P3"])
@pytest.mark.parametrize("white", [1023, 65535])
def test_pnm_of_16_bits(kind, white):
    levels = DEEP[..., : 3 if kind in ("P6", "P3") else 1].astype(int) * white // 65535
    header = f"{kind}\n# a comment\n31 20\n{white}\n".encode()
    if kind in ("P5", "P6"):
        body = levels.astype(">u2").tobytes()
    else:
        body = " ".join(map(str, levels.ravel())).encode()
    np.testing.assert_allclose(
        read(header + body).pixels / 65535, levels / white, atol=0.51 / 65535
    )


def test_pam_and_pfm():
    header = b"P7\nWIDTH 31\nHEIGHT 20\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n"
    picture = read(header + COLORS.tobytes())
    np.testing.assert_array_equal(picture.pixels, COLORS[..., :3])
    np.testing.assert_array_equal(picture.alpha, COLORS[..., 3])
    floats = (DEEP[..., :3] / 7).astype("float32")
    for order, scale in (("<f4", "-1.0"), (">f4", "1.0")):
        data = f"PF\n31 20\n{scale}\n".encode() + floats[::-1].astype(order).tobytes()
        np.testing.assert_array_equal(read(data).pixels, floats)


# HEIC, AVIF and JPEG XL.


def heic_of(levels, mode, **settings):
    stream = io.BytesIO()
    height, width = levels.shape[:2]
    heif = pillow_heif.from_bytes(mode, (width, height), levels.tobytes())
    heif.save(stream, quality=-1, chroma=444, matrix_coefficients=0, **settings)
    return stream.getvalue()


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "RGB;16", "RGBA;16"])
def test_heic(mode, monkeypatch):
    monkeypatch.setattr(pillow_heif.options, "SAVE_HDR_TO_12_BIT", True)
    channels = 4 if "A" in mode else 3
    levels = (DEEP if mode.endswith("16") else COLORS)[..., :channels]
    picture = read(heic_of(np.ascontiguousarray(levels), mode))
    white = np.iinfo(levels.dtype).max
    atol = 1 / 4095 if white == 65535 else 0
    assert picture.pixels.dtype == levels.dtype
    np.testing.assert_allclose(picture.pixels / white, levels[..., :3] / white, atol=atol)
    if channels == 4:
        np.testing.assert_allclose(picture.alpha / white, levels[..., 3] / white, atol=atol)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_heic_is_turned_once(orientation):
    levels = np.ascontiguousarray(COLORS[..., :3])
    data = heic_of(levels, "RGB", exif=exif_of(orientation).tobytes())
    np.testing.assert_array_equal(read(data).pixels, turned(levels, orientation))


def test_jpeg_xl():
    if not imagecodecs.JPEGXL.available:
        pytest.skip("this imagecodecs has no JPEG XL")
    for levels in (COLORS, DEEP):
        picture = read(imagecodecs.jpegxl_encode(levels, lossless=True))
        np.testing.assert_array_equal(picture.alpha, levels[..., 3])
        visible = picture.alpha > 0
        np.testing.assert_array_equal(picture.pixels[visible], levels[..., :3][visible])


# What cannot be read.


def test_an_animation_gives_its_first_frame_and_a_note():
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue")]
    for kind in ("GIF", "WEBP", "PNG"):
        data = file_of(frames[0], kind, save_all=True, append_images=frames[1:])
        picture = read(data)
        assert np.abs(picture.pixels[0, 0] - [255.0, 0, 0]).max() < 4
        assert "first" in picture.notes[0]


WHOLE = file_of(Image.fromarray(COLORS))
DAMAGED = {
    "empty.png": (b"", "is empty"),
    "text.png": (b"no picture", "is text, not a picture"),
    "torn.png": (WHOLE[:900], "is damaged, since its file is truncated"),
    "flipped.png": (WHOLE[:200] + b"\xff" * 50 + WHOLE[250:], "is damaged"),
    "noise.jpg": (b"\x01\x02\x00\xff" * 50, "is not a picture, or is damaged"),
    "torn.npy": (npy_of(COLORS)[:-5], "is damaged: of 2,480 bytes of numbers it has 2,475"),
    "torn.tif": (tiff_of(COLORS, photometric="rgb", compression="zlib")[:300], "is damaged"),
    "film.jpg": (b"\0\0\0\x18ftypisom" + bytes(20), "is a video, not a picture"),
    "slice.png": (bytes(128) + b"DICM" + bytes(99), "is DICOM: python -m pipelines.slices"),
    "photo.jpg": (b"II*\0\x10\0\0\0CR\2\0" + bytes(99), r"camera raw file \(CR2\): develop it"),
    "page.png": (b"%PDF-1.7", "is a PDF document: export its pages as PNG"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_what_cannot_be_read_is_a_reason(name, tmp_path):
    data, sentence = DAMAGED[name]
    (tmp_path / name).write_bytes(data)
    for file in (tmp_path / name, data):
        with pytest.raises(PictureError, match=sentence):
            read_picture(file)


def test_no_file_and_a_folder(tmp_path):
    with pytest.raises(PictureError, match="does not exist"):
        read_picture(tmp_path / "missing.png")
    with pytest.raises(PictureError, match="is a folder"):
        read_header(tmp_path)
    assert pixel_count(tmp_path / "missing.png") == 0
    assert pixel_count(WHOLE) == 620


def png_that_claims(width, height):
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n"
    for chunk in (header, b"IDAT" + zlib.compress(b""), b"IEND"):
        data += struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return data


def npy_that_claims(shape):
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        stream, {"descr": "<f4", "fortran_order": False, "shape": shape}
    )
    return stream.getvalue()


def tiff_that_claims(width, height):
    data = bytearray(
        tiff_of(np.zeros((8, 8), "uint8"), photometric="minisblack", compression="zlib")
    )
    with tifffile.TiffFile(io.BytesIO(data)) as tiff:
        for name, value in (
            ("ImageWidth", width),
            ("ImageLength", height),
            ("RowsPerStrip", height),
        ):
            tag = tiff.pages[0].tags[name]
            struct.pack_into("<HI", data, tag.offset + 2, 4, 1)
            struct.pack_into("<I", data, tag.offset + 8, value)
    return bytes(data)


@pytest.mark.parametrize(
    "claim",
    [
        png_that_claims,
        tiff_that_claims,
        lambda width, height: npy_that_claims((height, width)),
        lambda width, height: b"P6 %d %d 65535\n" % (width, height),
    ],
    ids=["png", "tif", "npy", "ppm"],
)
def test_files_that_claim_too_much_are_refused_before_decoding(claim):
    with pytest.raises(PictureError, match="--max_image_pixels=300000000"):
        read_picture(claim(100_000, 100_000))
    with pytest.raises(PictureError, match=r"holds only|is damaged"):
        read_picture(claim(10_000, 10_000))
    with pytest.raises(PictureError, match="--max_image_pixels=1000"):
        read_picture(claim(40, 40), most_pixels=1000)


def test_large_pictures_are_read_whatever_pillow_s_limit(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    for kind in ("PNG", "TIFF"):
        assert read(file_of(MODES["RGB"], kind)).pixels.shape == (20, 31, 3)
    assert Image.MAX_IMAGE_PIXELS == 10


def test_files_of_imageio_are_read_alike(tmp_path):
    for name in ("a.png", "a.tif", "a.bmp"):
        imageio.imwrite(tmp_path / name, COLORS[..., :3])
        np.testing.assert_array_equal(read(tmp_path / name).pixels, imageio.imread(tmp_path / name))
