"""The graph reads what the Python reader reads: every test compares the two on the same file."""

import io
import struct
import zipfile
import zlib

import imagecodecs
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageCms, PngImagePlugin

from cyclegan_keras.export.graph_reading import (
    can_hold,
    from_network,
    read_picture,
    to_network,
)
from cyclegan_keras.images import reading
from cyclegan_keras.images.form import Form
from cyclegan_keras.images.picture import Picture
from cyclegan_keras.images.pixels import to_float
from cyclegan_keras.images.values import EIGHT_BIT, Values, whole_range

# tests/export/test_saved_model.py reads files by optimized graphs.
pytestmark = pytest.mark.usefixtures("unoptimized_graphs")
MOST_PIXELS = 4_000_000
ORIENTATION = 0x0112  # a tag of EXIF
RGB = Form()
GRAY = Form(channels=1)
TWELVE_BIT = Values(dtype="uint16", low=0, high=4095)
FORMS = {
    "RGB": RGB,
    "gray": GRAY,
    "RGBA": Form(channels=4),
    "gray and alpha": Form(channels=2),
    "16-bit RGB": Form(values=whole_range("uint16")),
    "16-bit gray": Form(channels=1, values=whole_range("uint16")),
    "12-bit gray": Form(channels=1, values=TWELVE_BIT),
    "16-bit RGBA": Form(channels=4, values=whole_range("uint16")),
    "a range of 8 bits": Form(values=Values(dtype="uint8", low=16, high=235)),
}


@pytest.fixture(autouse=True)
def keras_settings():
    """Replaces the seeding of every test, at which TensorFlow forgets the graphs it has compiled.

    Nothing here is drawn at random.
    """


@pytest.fixture(scope="module")
def in_graph():
    """Makes what reads a file of a form inside a graph."""
    graphs = {}

    def read(data, form=RGB):
        if form not in graphs:
            signature = [tf.TensorSpec((), tf.string)]

            @tf.function(input_signature=signature, autograph=False)
            def read_one(contents):
                return read_picture(contents, tf.constant(0), form, MOST_PIXELS)

            graphs[form] = read_one
        return graphs[form](tf.constant(data)).numpy()

    return read


def in_python(data, form=RGB):
    return to_float(form.array(reading.read_picture(data)))


def assert_same(found, expected, name=""):
    """A graph divides by constants in another way than numpy, which leaves the last bit open."""
    assert found.shape == expected.shape, name
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-7, err_msg=name)


def numbers(dtype, channels, size=(11, 14), seed=0):
    values = np.random.default_rng(seed).integers(0, np.iinfo(dtype).max + 1, (*size, channels))
    return values.astype(dtype)


def saved(image, kind="PNG", **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def image_of(mode, size=(11, 14)):
    return Image.fromarray(numbers("uint8", 4, size)).convert(mode)


def png(pixels):
    return bytes(imagecodecs.png_encode(pixels if pixels.shape[-1] > 1 else pixels[..., 0]))


FILES = {
    "gray": png(numbers("uint8", 1)),
    "gray and alpha": png(numbers("uint8", 2)),
    "RGB": png(numbers("uint8", 3)),
    "RGBA": png(numbers("uint8", 4)),
    "palette": saved(image_of("P")),
    "palette with transparency": saved(image_of("P"), transparency=bytes(range(0, 250, 2))),
    "one bit": saved(image_of("1")),
    "one bit, one transparent": saved(image_of("1"), transparency=0),
    "four bits": saved(image_of("L").quantize(13)),
    "gray, one transparent": saved(image_of("L"), transparency=int(numbers("uint8", 1)[0, 0, 0])),
    "RGB, one transparent": saved(image_of("RGB"), transparency=(1, 2, 3)),
    "16-bit gray": png(numbers("uint16", 1)),
    "16-bit gray and alpha": png(numbers("uint16", 2)),
    "16-bit RGB": png(numbers("uint16", 3)),
    "16-bit RGBA": png(numbers("uint16", 4)),
    "JPEG": saved(image_of("RGB"), "JPEG"),
    "JPEG, gray": saved(image_of("L"), "JPEG"),
    "JPEG, progressive": saved(image_of("RGB"), "JPEG", progressive=True, subsampling=2),
    "GIF": saved(image_of("RGB").convert("P"), "GIF"),
    "GIF, two frames": saved(
        image_of("RGB"), "GIF", save_all=True, append_images=[image_of("RGB").rotate(90)]
    ),
    "BMP": saved(image_of("RGB"), "BMP"),
    "BMP of 32 bits": saved(image_of("RGBA"), "BMP"),
    "one pixel": png(numbers("uint8", 4, (1, 1))),
    "one row": png(numbers("uint16", 3, (1, 9))),
}
HAVE_ALPHA = {
    1: ("gray and alpha", "gray, one transparent", "16-bit gray and alpha"),
    3: ("RGBA", "palette with transparency", "RGB, one transparent", "16-bit RGBA", "one pixel"),
}


@pytest.mark.slow
@pytest.mark.parametrize("form", ["RGB", "gray", "16-bit RGB", "16-bit gray", "12-bit gray"])
def test_every_file_is_read_as_by_python(form, in_graph):
    for name, data in FILES.items():
        assert_same(in_graph(data, FORMS[form]), in_python(data, FORMS[form]), name)


@pytest.mark.slow
@pytest.mark.parametrize("form", ["RGBA", "gray and alpha", "16-bit RGBA"])
def test_transparency_can_be_a_band(form, in_graph):
    form = FORMS[form]
    for name in HAVE_ALPHA[form.channels - 1]:
        assert_same(in_graph(FILES[name], form), in_python(FILES[name], form), name)
    for name, channels in (("JPEG", 3), ("JPEG, gray", 1), ("RGB", 3), ("gray", 1), ("BMP", 3)):
        sentence = f"Picture 0 has {channels} channels, expected {form.channels}"
        with pytest.raises(tf.errors.InvalidArgumentError, match=sentence):
            in_graph(FILES[name], form)


@pytest.mark.slow
def test_real_photos(in_graph, shared_data):
    with zipfile.ZipFile(shared_data / "data" / "horse2zebra.zip") as archive:
        names = [name for name in archive.namelist() if name.endswith(".jpg")][::85]
        assert len(names) >= 30
        files = {name: archive.read(name) for name in names}
    for name, data in files.items():
        levels = (in_graph(data) - in_python(data)) * 127.5
        assert np.abs(levels).max() < 1.01, name


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "order"), [("JPEG", "<"), ("PNG", ">")])
def test_the_orientation_is_applied(kind, order, in_graph):
    for orientation in range(10):
        exif = Image.Exif()
        exif.endian = order
        exif[ORIENTATION] = orientation
        exif[0x010F] = "A maker of cameras"
        data = saved(image_of("RGB"), kind, exif=exif.tobytes())
        expected = in_python(data)
        assert expected.shape[0] == (14 if orientation in (5, 6, 7, 8) else 11)
        assert_same(in_graph(data), expected)


@pytest.mark.parametrize("exif", [b"Exif\0\0", b"Exif\0\0II*\0", b"Exif\0\0MM\0*\xff\xff\xff\xff"])
def test_damaged_exif_turns_nothing(exif, in_graph):
    data = saved(image_of("RGB"), "JPEG", exif=exif)
    assert_same(in_graph(data), in_python(data))


@pytest.mark.parametrize(
    "xmp",
    [
        '<rdf:Description tiff:Orientation="6"/>',
        "<tiff:Orientation>8</tiff:Orientation>",
        "<tiff:Model>tiff:Orientation</tiff:Model><tiff:Orientation>3</tiff:Orientation>",
        "<tiff:Model>none</tiff:Model>",
    ],
)
def test_the_orientation_may_be_in_xmp(xmp, in_graph):
    chunk = PngImagePlugin.PngInfo()
    chunk.add_itxt("XML:com.adobe.xmp", xmp)
    data = saved(image_of("RGB"), pnginfo=chunk)
    assert_same(in_graph(data), in_python(data))


def test_exif_behind_the_pixels(in_graph):
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    data = saved(image_of("RGB"), exif=exif.tobytes())
    start = data.index(b"eXIf") - 4
    end = start + 12 + int.from_bytes(data[start : start + 4], "big")
    moved = data[:start] + data[end:-12] + data[start:end] + data[-12:]
    assert in_python(moved).shape == (14, 11, 3)
    assert_same(in_graph(moved), in_python(moved))


SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
# The same profile with a stronger red.
WIDE = SRGB.replace(struct.pack(">i", 0x6FA0), struct.pack(">i", 0x8FA0))


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_profile_of_srgb_changes_nothing(kind, in_graph):
    data = saved(image_of("RGB"), kind, icc_profile=SRGB)
    assert_same(in_graph(data), in_python(data))
    assert_same(in_graph(data), in_graph(saved(image_of("RGB"), kind)))


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_wide_colors_become_srgb(kind, in_graph):
    data = saved(image_of("RGB"), kind, icc_profile=WIDE)
    assert np.abs(in_python(data) - in_python(saved(image_of("RGB"), kind))).max() > 10 / 127.5
    levels = (in_graph(data) - in_python(data)) * 127.5
    assert np.abs(levels).max() < 1.01
    # A profile of colors has no effect on gray.
    data = saved(image_of("L"), kind, icc_profile=WIDE)
    assert_same(in_graph(data), in_python(data))


def test_wide_colors_of_16_bits_become_srgb(in_graph):
    """LittleCMS without its optimization, which keeps a coarse table of 16-bit colors."""
    content = b"wide\0\0" + zlib.compress(WIDE)
    checksum = zlib.crc32(b"iCCP" + content).to_bytes(4, "big")
    chunk = len(content).to_bytes(4, "big") + b"iCCP" + content + checksum
    data = FILES["16-bit RGB"][:33] + chunk + FILES["16-bit RGB"][33:]
    converted = imagecodecs.cms_transform(
        numbers("uint16", 3),
        WIDE,
        SRGB,
        colorspace="rgb",
        outcolorspace="rgb",
        intent=int(ImageCms.Intent.RELATIVE_COLORIMETRIC),
        flags=int(ImageCms.Flags.BLACKPOINTCOMPENSATION | ImageCms.Flags.NOOPTIMIZE),
    )
    form = FORMS["16-bit RGB"]
    levels = (in_graph(data, form) - to_float(form.array(Picture(pixels=converted)))) * 32767.5
    assert np.abs(levels).max() < 3  # of 65535


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_profiles_with_tables_are_refused(kind, in_graph):
    tables = WIDE.replace(b"chad", b"A2B0")
    with pytest.raises(tf.errors.InvalidArgumentError, match="has a color profile with tables"):
        in_graph(saved(image_of("RGB"), kind, icc_profile=tables))


@pytest.mark.slow
def test_every_profile_of_real_photos(in_graph, shared_data):
    """Of cameras, screens and editors, and of gray: curves are tables, powers and functions."""
    seen = set()
    with zipfile.ZipFile(shared_data / "data" / "horse2zebra.zip") as archive:
        for name in archive.namelist():
            if not name.endswith(".jpg"):
                continue
            data = archive.read(name)
            with Image.open(io.BytesIO(data)) as image:
                profile = image.info.get("icc_profile")
            if profile is None or profile in seen:
                continue
            seen.add(profile)
            levels = np.abs(in_graph(data) - in_python(data)) * 127.5
            is_gray = profile[16:20] == b"GRAY"
            assert levels.max() < (2.01 if is_gray else 1.01), name
    assert len(seen) > 30


def test_a_profile_that_would_fill_the_memory_is_not_decompressed(in_graph):
    content = b"name\0\0" + zlib.compress(np.random.default_rng(0).bytes(2**18))
    checksum = zlib.crc32(b"iCCP" + content).to_bytes(4, "big")
    chunk = len(content).to_bytes(4, "big") + b"iCCP" + content + checksum
    data = FILES["RGB"][:33] + chunk + FILES["RGB"][33:]
    with pytest.raises(tf.errors.InvalidArgumentError, match="has a color profile with tables"):
        in_graph(data)


def with_small_frame(gif):
    """The same GIF on a canvas that is one pixel wider than its frame."""
    width = int.from_bytes(gif[6:8], "little") + 1
    return gif[:6] + width.to_bytes(2, "little") + gif[8:]


SMALL_FRAME = with_small_frame(FILES["GIF"])
REFUSED = {
    "WebP": (saved(image_of("RGB"), "WEBP"), "is WebP, which this model does not decode"),
    "TIFF": (saved(image_of("RGB"), "TIFF"), "is TIFF, which"),
    "HEIC": (b"\0\0\0\x18ftypheic" + b"\0" * 40, "is HEIC, which"),
    "AVIF": (b"\0\0\0\x18ftypavif" + b"\0" * 40, "is AVIF, which"),
    "video": (b"\0\0\0\x18ftypisom" + b"\0" * 40, "is a video, which"),
    "CMYK": (saved(image_of("CMYK"), "JPEG"), "is a CMYK JPEG, which"),
    "BMP with a palette": (saved(image_of("P"), "BMP"), "is a BMP with a palette"),
    "GIF": (
        saved(image_of("RGBA"), "GIF"),
        "is a GIF with transparency",
    ),
    "GIF with a small frame": (SMALL_FRAME, "is a GIF with transparency"),
    "text": (b"so many words that it might be a picture", "is no JPEG, PNG, GIF or BMP file"),
    "nothing": (b"", "is no JPEG, PNG, GIF or BMP file"),
}


@pytest.mark.slow
@pytest.mark.parametrize(("data", "sentence"), REFUSED.values(), ids=list(REFUSED))
def test_what_would_come_out_otherwise_is_refused_by_its_name(data, sentence, in_graph):
    with pytest.raises(tf.errors.InvalidArgumentError, match=f"Picture 0 {sentence}"):
        in_graph(data)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["RGB", "16-bit RGB", "JPEG", "GIF", "BMP"])
def test_files_that_are_cut_off_are_invalid_arguments(name, in_graph):
    data = FILES[name]
    for length in (20, len(data) // 2, len(data) - 20):
        with pytest.raises(tf.errors.InvalidArgumentError):
            in_graph(data[:length])


def test_a_header_that_claims_too_much_is_refused_before_it_is_decoded(in_graph):
    data = bytearray(FILES["RGB"])
    data[16:20] = (2**31 - 1).to_bytes(4, "big")
    with pytest.raises(tf.errors.InvalidArgumentError, match="pixels, expected 1 to 4000000"):
        in_graph(bytes(data))


@pytest.mark.parametrize("values", [EIGHT_BIT, TWELVE_BIT, FORMS["a range of 8 bits"].values])
def test_numbers_are_mapped_as_by_values(values):
    levels = np.arange(np.iinfo(values.dtype).max + 1).astype(values.dtype)
    floats = to_network(tf.constant(levels), values).numpy()
    np.testing.assert_allclose(floats, values.to_network(levels), rtol=0, atol=2e-7)
    between = np.linspace(-1.1, 1.1, 9973).astype("float32")
    found = from_network(tf.constant(between), values).numpy()
    assert found.dtype == values.dtype
    np.testing.assert_array_equal(found, values.from_network(between))


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        (Form(), True),
        (Form(channels=2, values=whole_range("uint16")), True),
        (Form(channels=5), False),
        (Form(values=Values(dtype="int16", low=-1024, high=3072)), False),
        (Form(values=Values(dtype="float32", low=0, high=1)), False),
    ],
)
def test_what_a_png_can_hold(form, expected):
    assert can_hold(form) == expected
