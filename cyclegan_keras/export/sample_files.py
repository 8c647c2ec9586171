"""Files of the kinds that users send to a server, made of one picture."""

import io

import numpy as np
import tensorflow as tf
from PIL import ExifTags, Image

from cyclegan_keras.images.form import Form
from cyclegan_keras.images.values import Values, whole_range

TURNED = 6  # the EXIF orientation of a camera that is held upright
QUALITY = 90


def numbers_of(picture: np.ndarray, form: Form) -> np.ndarray:
    """Returns a picture of a form as the numbers that its files hold.

    Args:
        picture: (height, width, channels), uint8 or float32 in [-1, 1], as of `Form.array`.
        form: its form.

    Returns:
        (height, width, channels) of `form.values.dtype`.
    """
    if picture.dtype == np.uint8:
        return picture
    return form.values.from_network(picture)


def png_file(numbers: np.ndarray) -> bytes:
    """Returns a PNG file of uint8 or uint16 (height, width, 1 to 4)."""
    return tf.io.encode_png(numbers).numpy()


def sample_files(picture: np.ndarray, form: Form) -> dict[str, bytes]:
    """Returns files by the name of their kind, those that the form can be read from.

    There are none where the range of the form is not the whole one of its type: levels of other
    types would lie beyond it, all at its end.

    Args:
        picture: (height, width, channels) of the form.
        form: of 1 to 4 channels of 8 or 16 bits.
    """
    if form.values != whole_range(form.values.dtype):
        return {}
    numbers = numbers_of(picture, form)
    levels = Values().of_type(numbers)
    deep = numbers if numbers.dtype == np.uint16 else _with_low_bits(levels)
    opacity = np.linspace(0, 255, levels.shape[1]).astype(np.uint8)
    opacity = np.broadcast_to(opacity[None, :, None], (*levels.shape[:2], 1))
    if form.channels in (2, 4):
        return {"png": png_file(levels), "png_16_bit": png_file(deep)}
    gray = levels[..., :1]
    return {
        "jpeg": _jpeg(levels),
        "png_with_alpha": png_file(np.concatenate([levels, opacity], axis=-1)),
        "png_gray": png_file(gray),
        "png_16_bit": png_file(deep),
    }


def _with_low_bits(levels: np.ndarray) -> np.ndarray:
    """Returns 16 bits that lie around these levels and are rounded to them."""
    low_bits = np.arange(levels.size).reshape(levels.shape) % 128
    return levels.astype(np.uint16) * 257 + (low_bits * (levels < 255)).astype(np.uint16)


def _jpeg(levels: np.ndarray) -> bytes:
    """Returns a JPEG as of a camera that was turned."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = TURNED
    image = Image.fromarray(levels[..., 0] if levels.shape[-1] == 1 else levels)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=QUALITY, exif=exif.tobytes())
    return file.getvalue()
