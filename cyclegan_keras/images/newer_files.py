"""Reads HEIC, JPEG XL, and what of PNG, PNM and JPEG 2000 is deeper than Pillow can hold."""

from typing import IO

import numpy as np

from cyclegan_keras.images.header import Header
from cyclegan_keras.images.limits import refuse_large
from cyclegan_keras.images.numbers import checked_numbers, scaled_levels
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
    if levels.ndim == 2:
        levels = levels[..., None]
    if levels.dtype == np.uint16:
        levels = scaled_levels(levels, image.info.get("bit_depth", 16))
    has_alpha = levels.shape[-1] in (2, 4)
    return Picture(
        pixels=levels[..., :-1] if has_alpha else levels,
        alpha=levels[..., -1] if has_alpha else None,
        icc_profile=image.info.get("icc_profile") or None,
    )


def read_heic_header(file: IO[bytes]) -> Header:
    """Returns size, channels and type of what `read_heic` returns."""
    image = _opened_heic(file)
    width, height = image.size
    channels = 1 if image.mode.startswith("L") else 3
    dtype = "uint16" if image.mode.endswith(";16") else "uint8"
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


def decode_deep_png(data: bytes) -> tuple[np.ndarray, np.ndarray | None]:
    """Decodes 16 bits of several channels, which Pillow has no mode for.

    Returns:
        Pixels (height, width, 1 or 3) and alpha, or None.
    """
    import imagecodecs  # takes half a second, and few files need it

    levels = imagecodecs.png_decode(data)
    if levels.ndim == 2:
        levels = levels[..., None]
    if levels.shape[-1] in (2, 4):
        return levels[..., :-1], levels[..., -1]
    return levels, None
