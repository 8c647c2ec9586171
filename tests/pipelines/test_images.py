import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from cyclegan_keras.files.errors import PictureError
from pipelines import images

RED, GREEN, BLUE, GREY = (255, 0, 0), (0, 255, 0), (0, 0, 255), (90, 90, 90)


def file_of(image, kind="PNG", **how):
    stream = io.BytesIO()
    image.save(stream, kind, **how)
    return stream.getvalue()


def halves(left, right, size=(8, 4)):
    image = Image.new("RGB", size, left)
    image.paste(right, (size[0] // 2, 0, *size))
    return image


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "WEBP", "JPEG", "GIF"])
def test_formats_keep_their_colours(kind):
    lossless = {"WEBP": {"lossless": True}, "JPEG": {"quality": 100, "subsampling": 0}}
    decoded = images.decode(file_of(halves(RED, BLUE, (16, 8)), kind, **lossless.get(kind, {})))
    assert decoded.dtype == np.uint8
    assert decoded.shape == (8, 16, 3)
    np.testing.assert_allclose(decoded[:, 0], [RED] * 8, atol=3)
    np.testing.assert_allclose(decoded[:, -1], [BLUE] * 8, atol=3)


@pytest.mark.parametrize(
    ("image", "colour"),
    [
        (Image.new("L", (4, 4), 90), GREY),
        (Image.new("1", (4, 4), 1), (255, 255, 255)),
        (Image.new("RGB", (4, 4), GREEN).quantize(4), GREEN),
        (Image.new("RGBA", (4, 4), (*RED, 255)), RED),
        (Image.new("RGBA", (4, 4), (*RED, 0)), (255, 255, 255)),
        (Image.new("RGBA", (4, 4), (0, 0, 0, 51)), (204, 204, 204)),
        (Image.new("LA", (4, 4), (90, 255)), GREY),
    ],
    ids=["grey", "one bit", "palette", "opaque", "clear", "translucent", "grey with alpha"],
)
def test_modes(image, colour):
    np.testing.assert_array_equal(images.decode(file_of(image)), np.full((4, 4, 3), colour))


def test_palette_with_a_transparent_entry_lies_over_white():
    image = halves(RED, BLUE).quantize(2)
    clear = image.getpixel((7, 0))
    decoded = images.decode(file_of(image, "GIF", transparency=clear))
    np.testing.assert_array_equal(decoded[0, 0], RED)
    np.testing.assert_array_equal(decoded[0, 7], (255, 255, 255))


def test_cmyk():
    image = Image.new("CMYK", (8, 8), (0, 255, 255, 0))  # no cyan, all magenta and yellow: red
    np.testing.assert_allclose(images.decode(file_of(image, "TIFF"))[0, 0], RED, atol=1)
    np.testing.assert_allclose(images.decode(file_of(image, "JPEG"))[0, 0], RED, atol=4)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bit_grey_uses_its_full_range(kind):
    values = np.array([[0, 257 * 90, 65535, 128]], np.uint16)
    decoded = images.decode(file_of(Image.fromarray(values), kind))
    np.testing.assert_array_equal(decoded[0, :, 0], [0, 90, 255, 0])
    assert (decoded[..., 0] == decoded[..., 2]).all()


def test_sixteen_bit_rgb(tmp_path):
    values = np.array([[[65535, 257 * 90, 0]]], np.uint16)
    data = tf.io.encode_png(values).numpy()  # Pillow itself cannot write it
    np.testing.assert_array_equal(images.decode(data), [[[255, 90, 0]]])


def test_first_frame_of_an_animation():
    frames = [Image.new("RGB", (4, 4), colour) for colour in (RED, GREEN)]
    data = file_of(frames[0], "GIF", save_all=True, append_images=frames[1:])
    np.testing.assert_array_equal(images.decode(data)[0, 0], RED)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(orientation, kind):
    stored = Image.new("RGB", (24, 16), GREY)
    stored.paste(RED, (0, 0, 8, 8))
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = file_of(stored, kind, exif=exif, **({} if kind == "PNG" else {"quality": 95}))
    upright = images.decode(data)
    # Where the stored top left corner belongs, from the EXIF standard: (bottom?, right?).
    at_bottom, at_right = {
        1: (0, 0), 2: (0, 1), 3: (1, 1), 4: (1, 0), 5: (0, 0), 6: (0, 1), 7: (1, 1), 8: (1, 0),
    }[orientation]  # fmt: skip
    assert upright.shape == ((24, 16, 3) if orientation >= 5 else (16, 24, 3))
    np.testing.assert_allclose(upright[-2 * at_bottom, -2 * at_right], RED, atol=60)
    assert images.picture_size(data) == (upright.shape[1], upright.shape[0])


def test_damaged_exif_does_not_matter():
    data = file_of(halves(RED, BLUE), "JPEG", exif=b"Exif\0\0nonsense")
    assert images.decode(data).shape == (4, 8, 3)


def test_unreadable(tmp_path):
    whole = file_of(Image.effect_noise((64, 64), 50), "JPEG")
    for data in (b"", b"no picture", whole[: len(whole) // 2], tmp_path / "absent.jpg"):
        with pytest.raises(PictureError):
            images.decode(data)
    with pytest.raises(PictureError, match="floating-point"):
        images.decode(file_of(Image.new("F", (4, 4)), "TIFF"))


def test_the_header_of_a_truncated_picture_is_enough_for_its_size():
    whole = file_of(Image.effect_noise((64, 48), 50), "JPEG")
    assert images.picture_size(whole[: len(whole) // 2]) == (64, 48)


@pytest.mark.parametrize("size", [(286, 286), (40, 90)])
def test_resize_agrees_with_tensorflow_bicubic(size):
    random = np.random.default_rng(0)
    coarse = random.integers(0, 256, (8, 8, 3), np.uint8)
    image = np.asarray(Image.fromarray(coarse).resize((128, 128), Image.Resampling.BILINEAR))
    resized = images.resize(image, size)
    oracle = tf.image.resize(image, size[::-1], "bicubic", antialias=True)
    assert resized.shape == (size[1], size[0], 3)
    # The two choose different bicubic kernels (a = -0.5 by both, edges apart); one level is noise.
    assert np.abs(resized.astype(float) - np.clip(oracle, 0, 255)).mean() < 1.0


def test_resize_leaves_a_picture_of_that_size_alone():
    image = np.zeros((3, 5, 3), np.uint8)
    assert images.resize(image, (5, 3)) is image


def test_range_keeps_every_level():
    levels = np.arange(256, dtype=np.uint8)
    floats = images.to_float(levels)
    assert floats.dtype == tf.float32
    assert floats[0] == -1.0
    assert floats[255] == 1.0
    np.testing.assert_array_equal(np.rint((floats + 1) * 127.5), levels)


def test_centre_crop():
    image = np.arange(6 * 8 * 3, dtype=np.uint8).reshape(6, 8, 3)
    np.testing.assert_array_equal(images.centre_crop(image, 2, 4), image[2:4, 2:6])
