"""Reads HEIC and JPEG XL, which Pillow does not."""

from typing import IO

import numpy as np

from cyclegan_keras.files.errors import PictureError
from cyclegan_keras.images.header import Header
from cyclegan_keras.images.limits import refuse_large
from cyclegan_keras.images.numbers import checked_numbers, divided_by_alpha, scaled_levels
from cyclegan_keras.images.picture import Picture


def read_heic(file: IO[bytes], *, most_pixels: int | None) -> Picture:
    """Reads a HEIC; libheif turns it upright, so its EXIF orientation is left alone.

    Levels of 10 or 12 bits become 16.

    Args:
        file: open, at its beginning.
        most_pixels: more are refused.
    """
    image = _opened_heic(file)
    width, height = image.size
    refuse_large(width, height, most_pixels)
    levels = np.asarray(image)
    if levels.shape[:2] != (height, width):
        raise PictureError(
            f"is damaged: its header claims {width}x{height}, and it holds "
            f"{levels.shape[1]}x{levels.shape[0]}"
        )
    if levels.ndim == 2:
        levels = levels[..., None]
    if levels.dtype == np.uint16:
        levels = scaled_levels(levels, image.info.get("bit_depth", 16))
    profile = image.info.get("icc_profile") or None
    if levels.shape[-1] not in (2, 4):
        return Picture(pixels=levels, icc_profile=profile)
    pixels, alpha = levels[..., :-1], levels[..., -1]
    if image.premultiplied_alpha:
        pixels = divided_by_alpha(pixels, alpha)
    return Picture(
        pixels=np.ascontiguousarray(pixels),
        alpha=np.ascontiguousarray(alpha),
        icc_profile=profile,
    )


def read_heic_header(file: IO[bytes]) -> Header:
    """Returns size, channels and type of what `read_heic` returns."""
    image = _opened_heic(file)
    width, height = image.size
    channels = 1 if image.mode.startswith("L") else 3
    dtype = "uint16" if ";" in image.mode else "uint8"  # such as "RGB;10", of 10 bits
    return Header(width=width, height=height, channels=channels, dtype=dtype)


def _opened_heic(file: IO[bytes]):
    import pillow_heif

    return pillow_heif.open_heif(file, convert_hdr_to_8bit=False, hdr_to_16bit=False)


def read_jpeg_xl(data: bytes, *, most_pixels: int | None) -> Picture:
    """Reads a JPEG XL; of an animation the first frame.

    Args:
        data: the whole file.
        most_pixels: more are refused.
    """
    import imagecodecs

    numbers = imagecodecs.jpegxl_decode(data)
    if numbers.ndim == 4:
        numbers = numbers[0]
    if numbers.ndim == 2:
        numbers = numbers[..., None]
    height, width, channels = numbers.shape
    refuse_large(width, height, most_pixels)
    numbers = checked_numbers(numbers)
    if channels in (2, 4) and numbers.dtype.kind == "u":
        return Picture(pixels=numbers[..., :-1], alpha=numbers[..., -1])
    return Picture(pixels=numbers)
