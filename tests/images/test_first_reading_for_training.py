"""What training reads: RGB of 8 bits, whatever the file holds."""

import io
import struct
import zlib

import imagecodecs
import numpy as np
import pytest
from PIL import Image, ImageOps

from cyclegan_keras.files.errors import PictureError
from cyclegan_keras.images.first_reading import read_picture, read_rgb, read_size

RED, GREEN, BLUE, GRAY = (255, 0, 0), (0, 255, 0), (0, 0, 255), (90, 90, 90)


def file_of(image, kind="PNG", **how):
    stream = io.BytesIO()
    image.save(stream, kind, **how)
    return stream.getvalue()


def halves(left, right, size=(8, 4)):
    image = Image.new("RGB", size, left)
    image.paste(right, (size[0] // 2, 0, *size))
    return image


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "WEBP", "JPEG", "GIF"])
def test_formats_keep_their_colors(kind):
    lossless = {"WEBP": {"lossless": True}, "JPEG": {"quality": 100, "subsampling": 0}}
    decoded = read_rgb(file_of(halves(RED, BLUE, (16, 8)), kind, **lossless.get(kind, {})))
    assert decoded.dtype == np.uint8
    assert decoded.shape == (8, 16, 3)
    np.testing.assert_allclose(decoded[:, 0], [RED] * 8, atol=3)
    np.testing.assert_allclose(decoded[:, -1], [BLUE] * 8, atol=3)


@pytest.mark.parametrize(
    ("image", "color"),
    [
        (Image.new("L", (4, 4), 90), GRAY),
        (Image.new("1", (4, 4), 1), (255, 255, 255)),
        (Image.new("RGB", (4, 4), GREEN).quantize(4), GREEN),
        (Image.new("RGBA", (4, 4), (*RED, 255)), RED),
        (Image.new("RGBA", (4, 4), (*RED, 0)), (255, 255, 255)),
        (Image.new("RGBA", (4, 4), (0, 0, 0, 51)), (204, 204, 204)),
        (Image.new("LA", (4, 4), (90, 255)), GRAY),
    ],
    ids=["gray", "one bit", "palette", "opaque", "clear", "translucent", "gray with alpha"],
)
def test_modes(image, color):
    np.testing.assert_array_equal(read_rgb(file_of(image)), np.full((4, 4, 3), color))


def test_palette_with_a_transparent_entry_lies_over_white():
    image = halves(RED, BLUE).quantize(2)
    clear = image.getpixel((7, 0))
    decoded = read_rgb(file_of(image, "GIF", transparency=clear))
    np.testing.assert_array_equal(decoded[0, 0], RED)
    np.testing.assert_array_equal(decoded[0, 7], (255, 255, 255))


def test_cmyk():
    image = Image.new("CMYK", (8, 8), (0, 255, 255, 0))  # no cyan, all magenta and yellow: red
    np.testing.assert_allclose(read_rgb(file_of(image, "TIFF"))[0, 0], RED, atol=1)
    np.testing.assert_allclose(read_rgb(file_of(image, "JPEG"))[0, 0], RED, atol=4)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bit_gray_uses_its_full_range(kind):
    values = np.array([[0, 257 * 90, 65535, 128]], np.uint16)
    decoded = read_rgb(file_of(Image.fromarray(values), kind))
    np.testing.assert_array_equal(decoded[0, :, 0], [0, 90, 255, 0])
    assert (decoded[..., 0] == decoded[..., 2]).all()


def test_sixteen_bit_rgb():
    values = np.array([[[65535, 257 * 90, 0]]], np.uint16)
    data = imagecodecs.png_encode(values)  # Pillow itself cannot write it
    np.testing.assert_array_equal(read_rgb(data), [[[255, 90, 0]]])


def test_first_frame_of_an_animation():
    frames = [Image.new("RGB", (4, 4), color) for color in (RED, GREEN)]
    data = file_of(frames[0], "GIF", save_all=True, append_images=frames[1:])
    np.testing.assert_array_equal(read_rgb(data)[0, 0], RED)


# Where the stored top left corner belongs, from the EXIF standard: (bottom?, right?).
CORNERS = {
    1: (0, 0),
    2: (0, 1),
    3: (1, 1),
    4: (1, 0),
    5: (0, 0),
    6: (0, 1),
    7: (1, 1),
    8: (1, 0),
}


def exif_of(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(orientation, kind):
    stored = Image.new("RGB", (24, 16), GRAY)
    stored.paste(RED, (0, 0, 8, 8))
    quality = {} if kind == "PNG" else {"quality": 95}
    data = file_of(stored, kind, exif=exif_of(orientation), **quality)
    upright = read_rgb(data)
    at_bottom, at_right = CORNERS[orientation]
    assert upright.shape == ((24, 16, 3) if orientation >= 5 else (16, 24, 3))
    np.testing.assert_allclose(upright[-2 * at_bottom, -2 * at_right], RED, atol=60)
    assert read_size(data) == (upright.shape[1], upright.shape[0])


def with_late_exif(png, orientation):
    """A PNG whose EXIF chunk stands behind its pixels, just before the chunk IEND of 12 bytes."""
    content = exif_of(orientation).tobytes().removeprefix(b"Exif\0\0")
    checksum = zlib.crc32(b"eXIf" + content)
    chunk = struct.pack(">I", len(content)) + b"eXIf" + content + struct.pack(">I", checksum)
    return png[:-12] + chunk + png[-12:]


def test_the_exif_behind_the_pixels_of_a_png_is_left_to_translating(tmp_path):
    """It is not in the header, and batches of earlier runs must stay the same."""
    data = with_late_exif(file_of(halves(RED, BLUE)), 6)
    assert read_rgb(data).shape == (4, 8, 3)
    assert read_size(data) == (8, 4)
    (tmp_path / "a.png").write_bytes(data)
    assert read_picture(tmp_path / "a.png").pixels.shape == (8, 4, 3)


def test_a_tiff_is_turned_twice_as_ever():
    """Pillow turns it by itself; batches of earlier runs must stay the same."""
    stored = halves(RED, BLUE)
    once = ImageOps.exif_transpose(Image.open(io.BytesIO(file_of(stored, exif=exif_of(6)))))
    once.getexif()[0x0112] = 6
    twice = np.asarray(ImageOps.exif_transpose(once))
    data = file_of(stored, "TIFF", exif=exif_of(6))
    np.testing.assert_array_equal(read_rgb(data), twice)
    width, height = Image.open(io.BytesIO(data)).size  # which some versions of Pillow turn as well
    assert read_size(data) == (height, width)


def test_damaged_exif_does_not_matter():
    data = file_of(halves(RED, BLUE), "JPEG", exif=b"Exif\0\0nonsense")
    assert read_rgb(data).shape == (4, 8, 3)


def test_what_cannot_be_read_is_a_reason(tmp_path):
    whole = file_of(Image.effect_noise((64, 64), 50), "JPEG")
    reasons = {
        b"": "is empty",
        b"no picture": "is not a picture",
        whole[: len(whole) // 2]: "is damaged .*truncated",
        tmp_path / "absent.jpg": "does not exist",
        file_of(Image.new("F", (4, 4)), "TIFF"): "floating-point",
    }
    for file, reason in reasons.items():
        with pytest.raises(PictureError, match=reason):
            read_rgb(file)
    with pytest.raises(PictureError, match="does not exist"):
        read_size(tmp_path / "absent.jpg")


def test_integers_beyond_16_bits_are_clipped():
    values = np.array([[-5, 257 * 90, 70000]], np.int32)
    np.testing.assert_array_equal(
        read_rgb(file_of(Image.fromarray(values), "TIFF"))[0, :, 0], [0, 90, 255]
    )


def test_the_header_of_a_truncated_picture_is_enough_for_its_size():
    whole = file_of(Image.effect_noise((64, 48), 50), "JPEG")
    assert read_size(whole[: len(whole) // 2]) == (64, 48)
