"""Reads every format that Pillow reads."""

import dataclasses
from typing import IO

import numpy as np
from PIL import ExifTags, Image, TiffImagePlugin

from cyclegan_keras.images.color import conversion_of, lab_to_srgb
from cyclegan_keras.images.header import Header
from cyclegan_keras.images.limits import (
    MOST_PIXELS,
    PILLOW_LIMIT,
    pixels_per_byte,
    refuse_bomb,
)
from cyclegan_keras.images.numbers import checked_numbers
from cyclegan_keras.images.orientation import SIDES_SWAPPED, TURNS, UPRIGHT, orientation_of
from cyclegan_keras.images.picture import Picture

GRAY_MODES = ("1", "L", "LA", "La")
DEEP_FORMATS = ("PNG", "PPM", "JPEG2000")  # whose integers of mode I are levels of 16 bits
FIRST_FRAME = "Of several frames or pages only the first is taken."
ROWS = 256


def read_with_pillow(file: IO[bytes], *, file_size: int, most_pixels: int | None) -> Picture:
    """Reads a picture; its colors are those of its profile still.

    Args:
        file: open, at its beginning.
        file_size: in bytes.
        most_pixels: more are refused; None leaves that to Pillow's own limit.

    Raises:
        PictureError: it is refused; the message is the reason alone.
        Exception: it is damaged, or no picture.
    """
    if most_pixels is None:
        return _read(file, file_size, most_pixels)
    with PILLOW_LIMIT.raised_to(most_pixels):
        return _read(file, file_size, most_pixels)


def read_header_with_pillow(file: IO[bytes]) -> Header:
    """Returns size, channels and type of what `read_with_pillow` returns; raises the same."""
    with PILLOW_LIMIT.raised_to(MOST_PIXELS), Image.open(file) as image:
        width, height = image.size
        if isinstance(image, TiffImagePlugin.TiffImageFile):
            # Some versions of Pillow tell the size as it is turned.
            tags = image.tag_v2
            width = int(tags[TiffImagePlugin.IMAGEWIDTH])
            height = int(tags[TiffImagePlugin.IMAGELENGTH])
            orientation = tags.get(ExifTags.Base.Orientation, UPRIGHT)
        else:
            orientation = orientation_of(image)
        if orientation in SIDES_SWAPPED:
            width, height = height, width
        channels, dtype = _channels_and_dtype(image)
    return Header(width=width, height=height, channels=channels, dtype=dtype)


def _read(file: IO[bytes], file_size: int, most_pixels: int | None) -> Picture:
    with Image.open(file) as image:
        if most_pixels is not None:
            refuse_bomb(
                image.width,
                image.height,
                file_size=file_size,
                pixels_per_byte=pixels_per_byte(image),
                most_pixels=most_pixels,
            )
        image.load()
        # Pillow has turned a TIFF already, and found what stands behind the pixels of a PNG.
        turn = TURNS.get(orientation_of(image))
        upright = image if turn is None else image.transpose(turn)
        picture = _converted(upright, image.format)
        # A camera keeps a preview beside the picture in an MPO.
        is_animated = getattr(image, "is_animated", False) and image.format != "MPO"
    return dataclasses.replace(picture, notes=(FIRST_FRAME,)) if is_animated else picture


def _channels_and_dtype(image: Image.Image) -> tuple[int, str]:
    mode = image.mode
    if mode == "F":
        return 1, "float32"
    if mode.startswith("I;16"):
        return 1, "uint16"
    if mode == "I":
        return 1, "uint16" if image.format in DEEP_FORMATS else "int32"
    return (1 if mode in GRAY_MODES else 3), "uint8"


def _converted(image: Image.Image, file_format: str) -> Picture:
    """Converts an upright image of Pillow."""
    mode = image.mode
    profile = image.info.get("icc_profile") or None
    if mode == "RGB" and not image.has_transparency_data:
        return Picture(pixels=_array(image, "RGB"), icc_profile=profile)
    if mode == "L" and not image.has_transparency_data:
        return Picture(pixels=_array(image, "L"), icc_profile=profile)
    if mode in ("F", "I") or mode.startswith("I;16"):
        numbers = np.asarray(image)
        if mode == "I" and file_format in DEEP_FORMATS:
            numbers = numbers.astype(np.uint16)
        return Picture(pixels=checked_numbers(numbers)[..., None], icc_profile=profile)
    if mode == "CMYK":
        return Picture(pixels=_of_cmyk(image, profile))
    if mode == "LAB":
        return Picture(pixels=lab_to_srgb(image))
    is_gray = mode in GRAY_MODES
    if image.has_transparency_data:
        values = _array(image, "LA" if is_gray else "RGBA")
        return Picture(pixels=values[..., :-1], alpha=values[..., -1], icc_profile=profile)
    return Picture(pixels=_array(image, "L" if is_gray else "RGB"), icc_profile=profile)


def _of_cmyk(image: Image.Image, profile: bytes | None) -> np.ndarray:
    conversion = conversion_of(profile) if profile else None
    if conversion is not None and conversion.mode == "CMYK":
        return conversion.to_srgb(np.asarray(image))
    return _array(image, "RGB")


def _array(image: Image.Image, mode: str) -> np.ndarray:
    """Converts a few rows at a time, since Pillow would copy the whole picture twice."""
    width, height = image.size
    if height <= ROWS:
        same_mode = image if image.mode == mode else image.convert(mode)
        return np.array(same_mode).reshape(height, width, len(mode))
    values = np.empty((height, width, len(mode)), np.uint8)
    for top in range(0, height, ROWS):
        rows = image.crop((0, top, width, min(top + ROWS, height)))
        values[top : top + ROWS] = np.asarray(rows.convert(mode)).reshape(-1, width, len(mode))
    return values
