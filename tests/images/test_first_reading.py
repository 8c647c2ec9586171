"""What comes out of real files; Pillow and ImageCms are the oracle."""

import io
import pathlib
import re
import struct
import zlib

import imagecodecs
import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from cyclegan_keras.files.errors import PictureError
from cyclegan_keras.images.first_reading import pixel_count, read_picture

RANDOM = np.random.default_rng(0)
COLORS = RANDOM.integers(0, 256, (20, 31, 4)).astype("uint8")
DEEP = RANDOM.integers(0, 65536, (20, 31, 1)).astype("uint16")
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def saved(path, image, **settings):
    image.save(path, **settings)
    return path


@pytest.mark.parametrize("ending", ["png", "jpg", "tif", "webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_once(ending, orientation, tmp_path):
    exif = Image.Exif()
    exif[0x112] = orientation
    lossless = {"lossless": True} if ending == "webp" else {}
    image = Image.fromarray(COLORS[..., :3])
    path = saved(tmp_path / f"a.{ending}", image, exif=exif, **lossless)
    with Image.open(path) as opened:
        expected = np.asarray(ImageOps.exif_transpose(opened))
    np.testing.assert_array_equal(read_picture(path).pixels, expected)


MODES = {
    "RGB": (Image.fromarray(COLORS[..., :3]), "png"),
    "L": (Image.fromarray(COLORS[..., 0]), "png"),
    "1": (Image.fromarray(COLORS[..., 0]).convert("1"), "png"),
    "LA": (Image.fromarray(COLORS).convert("LA"), "png"),
    "RGBA": (Image.fromarray(COLORS), "webp"),
    "P": (Image.fromarray(COLORS[..., :3]).quantize(40), "png"),
    "P with alpha": (Image.fromarray(COLORS).quantize(40), "png"),
    "YCbCr": (Image.fromarray(COLORS[..., :3]).convert("YCbCr"), "jpg"),
}


@pytest.mark.parametrize(("image", "ending"), MODES.values(), ids=list(MODES))
def test_modes(image, ending, tmp_path):
    lossless = {"lossless": True} if ending == "webp" else {}
    path = saved(tmp_path / f"a.{ending}", image, **lossless)
    picture = read_picture(path)
    with Image.open(path) as opened:
        gray = opened.mode in ("1", "L", "LA")
        mode = {True: "LA", False: "RGBA"}[gray]
        expected = np.asarray(opened.convert(mode))
    assert picture.is_gray == gray
    assert (picture.alpha is not None) == image.has_transparency_data
    np.testing.assert_array_equal(picture.pixels, expected[..., :-1])
    if picture.alpha is not None:
        np.testing.assert_array_equal(picture.alpha, expected[..., -1])


@pytest.mark.parametrize("ending", ["png", "tif"])
def test_16_bit_gray_is_kept_or_scaled_but_never_cut(ending, tmp_path):
    path = saved(tmp_path / f"a.{ending}", Image.fromarray(DEEP[..., 0]))
    np.testing.assert_array_equal(read_picture(path, bit_depth=16).pixels, DEEP)
    scaled = read_picture(path)
    assert scaled.bit_depth == 8
    assert np.abs(scaled.pixels - DEEP / 257).max() <= 0.5


@pytest.mark.parametrize("channels", [2, 3, 4])
def test_16_bits_of_several_channels_are_read_from_png(channels, tmp_path):
    values = np.repeat(DEEP, channels, -1)
    values[..., -1] = values[::-1, :, -1]
    (tmp_path / "a.png").write_bytes(imagecodecs.png_encode(values))
    deep = read_picture(tmp_path / "a.png", bit_depth=16)
    assert deep.bit_depth == 16
    if channels % 2 == 0:
        np.testing.assert_array_equal(deep.alpha, values[..., -1])
    colors = values if channels == 3 else values[..., :-1]
    np.testing.assert_array_equal(deep.pixels, colors)
    assert np.abs(read_picture(tmp_path / "a.png").pixels - colors / 257).max() <= 1


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_to_16_bits_of_several_channels(orientation, tmp_path):
    values = RANDOM.integers(0, 65536, (20, 31, 4)).astype("uint16")
    data = imagecodecs.png_encode(values)
    exif = Image.Exif()
    exif[0x112] = orientation
    content = exif.tobytes().removeprefix(b"Exif\0\0")
    checksum = struct.pack(">I", zlib.crc32(b"eXIf" + content))
    chunk = struct.pack(">I", len(content)) + b"eXIf" + content + checksum
    (tmp_path / "a.png").write_bytes(data[:33] + chunk + data[33:])
    deep = read_picture(tmp_path / "a.png", bit_depth=16)
    shallow = read_picture(tmp_path / "a.png")
    assert np.abs(deep.at_depth(8).pixels.astype(int) - shallow.pixels).max() <= 1
    assert np.abs(deep.at_depth(8).alpha.astype(int) - shallow.alpha).max() <= 1


def test_8_bits_stay_8_for_a_model_of_16(tmp_path):
    path = saved(tmp_path / "a.png", Image.fromarray(COLORS))
    assert read_picture(path, bit_depth=16).bit_depth == 8


def test_profiles_are_kept_but_for_cmyk(tmp_path):
    image = Image.fromarray(COLORS[..., :3])
    assert read_picture(saved(tmp_path / "a.png", image, icc_profile=SRGB)).icc_profile == SRGB
    cmyk = saved(tmp_path / "b.jpg", image.convert("CMYK"))
    picture = read_picture(cmyk)
    assert picture.icc_profile is None
    with Image.open(cmyk) as opened:
        np.testing.assert_array_equal(picture.pixels, opened.convert("RGB"))


def test_lab_becomes_srgb(tmp_path):
    lab = ImageCms.createProfile("LAB")
    srgb = ImageCms.createProfile("sRGB")
    smooth = Image.fromarray(COLORS[..., :3]).resize((3, 3)).resize((31, 20))
    image = ImageCms.profileToProfile(smooth, srgb, lab, outputMode="LAB")
    pixels = read_picture(saved(tmp_path / "a.tif", image)).pixels
    assert np.abs(pixels.astype(int) - np.asarray(smooth)).mean() < 3


def test_an_animation_gives_its_first_frame_and_a_note(tmp_path):
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue")]
    path = saved(tmp_path / "a.gif", frames[0], save_all=True, append_images=frames[1:])
    picture = read_picture(path)
    assert picture.pixels[0, 0].tolist() == [255, 0, 0]
    assert "first" in picture.notes[0]


def damaged(tmp_path):
    whole = io.BytesIO()
    Image.fromarray(COLORS).save(whole, "PNG")
    files = {
        "empty.png": b"",
        "text.png": b"no picture",
        "torn.png": whole.getvalue()[:900],
        "flipped.png": whole.getvalue()[:200] + b"\xff" * 50 + whole.getvalue()[250:],
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    Image.fromarray(np.ones((3, 3), "float32")).save(tmp_path / "float.tif")
    Image.fromarray(np.array([[-5, 3]], "int32")).save(tmp_path / "signed.tif")
    (tmp_path / "folder.png").mkdir()


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("empty.png", "is empty"),
        ("text.png", "is not a picture"),
        ("torn.png", "is damaged"),
        ("flipped.png", "is damaged"),
        ("float.tif", "floating-point"),
        ("signed.tif", "from -5 to 3"),
        ("folder.png", "is a folder"),
        ("missing.png", "does not exist"),
    ],
)
def test_what_cannot_be_read_is_a_sentence(name, sentence, tmp_path):
    damaged(tmp_path)
    with pytest.raises(PictureError, match=sentence) as caught:
        read_picture(tmp_path / name)
    assert str(tmp_path / name) in str(caught.value)


def png_that_claims(width, height, body=b""):
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [header, b"IDAT" + zlib.compress(body), b"IEND"]
    written = (struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(written)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_what_claims_more_pixels_than_allowed_is_refused(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(png_that_claims(20000, 20000))
    with pytest.raises(
        PictureError, match="400,000,000 pixels, more than --max_image_pixels=300000000"
    ):
        read_picture(path)
    with pytest.raises(PictureError, match="holds only"):
        read_picture(path, most_pixels=10**9)
    with pytest.raises(PictureError, match="--max_image_pixels=1000"):
        read_picture(path, most_pixels=1000)


def test_pixels_are_counted_by_the_header_alone(tmp_path):
    (tmp_path / "a.png").write_bytes(png_that_claims(3000, 2000))
    assert pixel_count(tmp_path / "a.png") == 6_000_000
    assert pixel_count(tmp_path / "missing.png") == 0


def test_large_pictures_are_read_whatever_pillow_s_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    for ending in ("png", "tif"):
        path = saved(tmp_path / f"a.{ending}", Image.fromarray(COLORS))
        assert read_picture(path).pixels.shape == (20, 31, 3)
    assert Image.MAX_IMAGE_PIXELS == 10


def peak_megabytes():
    """The most memory that this process had since `forget_peak`."""
    status = pathlib.Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024


def forget_peak():
    try:
        pathlib.Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        pytest.skip("this system does not report the peak of memory")


@pytest.mark.parametrize("ending", ["png", "jpg", "bmp", "gif"])
def test_a_small_file_that_claims_100_megapixels_takes_no_memory(ending, tmp_path):
    path = tmp_path / f"a.{ending}"
    if ending == "png":
        path.write_bytes(png_that_claims(10000, 10000, b"\0" * 10**6))
    else:
        small = io.BytesIO()
        Image.new("RGB", (999, 999)).save(small, Image.registered_extensions()[path.suffix])
        layout = {"jpg": ">2H", "bmp": "<2i", "gif": "<2H"}[ending]
        sides = struct.pack(layout, 999, 999)
        assert sides in small.getvalue()
        claim = struct.pack(layout, 10000, 10000)
        path.write_bytes(small.getvalue().replace(sides, claim)[:20000])
    forget_peak()
    before = peak_megabytes()
    with pytest.raises(PictureError, match="100,000,000 pixels, but holds only"):
        read_picture(path)
    assert peak_megabytes() - before < 20
