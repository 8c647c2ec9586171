"""Reads pictures to translate by the rules that a model was trained by."""

import dataclasses
import os

import numpy as np

from cyclegan_keras.files.errors import PictureError
from cyclegan_keras.images import first_reading, reading
from cyclegan_keras.images.picture import Picture
from cyclegan_keras.models.description import Description
from cyclegan_keras.translation.numbers import DARK, dark_note

BYTES_PER_PIXEL = 8  # of RGB and transparency of 16 bits


def load_picture(
    path: str | os.PathLike,
    description: Description,
    *,
    bit_depth: int | None = None,
    most_pixels: int = reading.MOST_PIXELS,
) -> Picture:
    """Reads a picture for a model.

    A model of ordinary levels that was trained on 8 bits is given 8 bits, so that a picture of 16
    bits is rounded to what the model knows, unless more are asked for.

    Args:
        path: of a picture file.
        description: of the model, whose `reader_version` chooses the rules.
        bit_depth: bits a channel that are asked for; None leaves it to the model.
        most_pixels: a file whose header claims more is refused.

    Raises:
        PictureError: it is missing, damaged, no picture or too large; the message names it.
    """
    is_deep = description.bit_depth > 8 or (bit_depth or 8) > 8
    if description.reader_version == 1:
        return _by_first_rules(path, description, is_deep=is_deep, most_pixels=most_pixels)
    try:
        picture = reading.read_picture(
            path, channels=description.input_channels, most_pixels=most_pixels
        )
    except PictureError as error:
        raise PictureError(f"{path} {error}.") from error.__cause__
    note = dark_note(picture, description)
    if note:
        picture = dataclasses.replace(picture, notes=(*picture.notes, note))
    if description.source_values.is_eight_bit and not is_deep and _is_16_bit(picture):
        picture = picture.at_depth(8)
    return picture


def memory_in_pixels(path: str | os.PathLike, description: Description) -> int:
    """Returns how much memory a picture will take, in pixels of `BYTES_PER_PIXEL` bytes.

    By the header alone; 0 where it cannot be read, since reading the picture will say why.
    """
    if description.reader_version == 1:
        return first_reading.pixel_count(path)
    try:
        header = reading.read_header(path, channels=description.input_channels)
    except PictureError:
        return 0
    own_bytes = header.channels * np.dtype(header.dtype).itemsize
    pixels = header.width * header.height
    return max(pixels, pixels * own_bytes // BYTES_PER_PIXEL)


def _by_first_rules(
    path: str | os.PathLike, description: Description, *, is_deep: bool, most_pixels: int
) -> Picture:
    picture = first_reading.read_picture(
        path, bit_depth=16 if is_deep else 8, most_pixels=most_pixels
    )
    if picture.pixels.max(initial=0) >= picture.white * DARK:
        return picture
    # It may be of 12 bits in a file of 16, which these rules have rounded already.
    try:
        header = reading.read_header(path)
        deep = reading.read_picture(path) if header.dtype == "uint16" else picture
    except PictureError:
        return picture
    note = dark_note(deep, description)
    return dataclasses.replace(picture, notes=(*picture.notes, note)) if note else picture


def _is_16_bit(picture: Picture) -> bool:
    return picture.pixels.dtype == np.uint16
