"""One picture: decode, resize, encode, and between uint8 and [-1, 1]."""

import contextlib
import io
import os

import numpy as np
from PIL import ExifTags, Image

from cyclegan_keras.files.errors import PictureError

Encoded = bytes | str | os.PathLike  # the bytes of a picture file, or its path

_UPRIGHT = {  # EXIF orientation -> what brings the picture upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SWAPS_SIDES = (5, 6, 7, 8)


def decode(picture: Encoded) -> np.ndarray:
    """Decodes any picture that Pillow reads to what a viewer would show.

    EXIF orientation is applied, transparency lies over white, 16-bit greys keep their full range,
    and of an animation the first frame counts.

    Returns:
        uint8 (height, width, 3), RGB.

    Raises:
        PictureError: the file is missing, damaged, or holds floating-point values.
    """
    with _opened(picture) as image:
        orientation = _orientation(image)
        upright = _rgb(image)
        if orientation in _UPRIGHT:
            upright = upright.transpose(_UPRIGHT[orientation])
        return np.asarray(upright)  # (height, width, 3)


def picture_size(picture: Encoded) -> tuple[int, int]:
    """Returns (width, height) of what `decode` would return, reading the header alone.

    Raises:
        PictureError: the header cannot be read.
    """
    with _opened(picture) as image:
        width, height = image.size
        return (height, width) if _orientation(image) in _SWAPS_SIDES else (width, height)


def resize(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resizes uint8 (h, w, 3) to (width, height) by Pillow's antialiased bicubic filter."""
    if (image.shape[1], image.shape[0]) == size:
        return image
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))


def centre_crop(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Cuts the middle `height` x `width` px out of (h, w, 3)."""
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    return image[top : top + height, left : left + width]


def to_float(image):
    """Maps uint8 0..255 to a float32 tensor in [-1, 1]; any shape."""
    import tensorflow as tf  # which decoding alone never needs

    return tf.cast(image, tf.float32) / 127.5 - 1.0


@contextlib.contextmanager
def _opened(picture: Encoded):
    try:
        with Image.open(io.BytesIO(picture) if isinstance(picture, bytes) else picture) as image:
            yield image
    except PictureError:
        raise
    except Exception as error:  # decoders raise nearly anything at damaged files
        raise PictureError(f"{type(error).__name__}: {error}") from error


def _orientation(image: Image.Image) -> int:
    if image.format == "PNG" and "exif" not in image.info:
        return 1  # Pillow would decode the whole picture to look for a late EXIF chunk
    try:
        return image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # damaged EXIF does not make the picture unreadable
        return 1


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode == "F":
        raise PictureError("holds floating-point values, whose range is unknown")
    if image.mode.startswith("I"):  # 16-bit grey, also as 32-bit integers
        grey = (np.clip(np.asarray(image, np.int64), 0, 65535) + 128) // 257
        return Image.fromarray(grey.astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    return image.convert("RGB")
