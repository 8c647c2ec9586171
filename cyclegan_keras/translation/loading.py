"""Reads pictures to translate by the rules that a model was trained by."""

import dataclasses
import os

import numpy as np

from cyclegan_keras.files.errors import PictureError
from cyclegan_keras.images import first_reading, kinds, reading
from cyclegan_keras.images.picture import Picture
from cyclegan_keras.models.description import Description
from cyclegan_keras.translation.numbers import DARK, LEVELS, are_alike, dark_note

BYTES_PER_PIXEL = 8  # of RGB and transparency of 16 bits
# Kinds of which the first version says itself what is wrong. It knows no others that it cannot
# read, so that these are read, or called by their kind, by the rules of today.
KNOWN_TO_FIRST = (kinds.EMPTY, kinds.TEXT, kinds.UNKNOWN, kinds.UNREADABLE)
NEW_KINDS = ("HEIC", "JPEG XL", kinds.NPY.name, kinds.NPZ.name)


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
        try:
            return _by_first_rules(path, description, is_deep=is_deep, most_pixels=most_pixels)
        except PictureError:
            kind = kinds.kind_of(path)
            is_foreign = not kind.is_picture and kind not in KNOWN_TO_FIRST
            if kind.name not in NEW_KINDS and not is_foreign:
                raise
    try:
        picture = reading.read_picture(
            path, channels=description.input_channels, most_pixels=most_pixels
        )
    except PictureError as error:
        raise PictureError(f"{path} {error}.") from error.__cause__
    if description.source_values.is_eight_bit:
        _refuse_other_numbers(picture, path, description)
    note = dark_note(picture, description)
    if note:
        picture = dataclasses.replace(picture, notes=(*picture.notes, note))
    if description.source_values.is_eight_bit and not is_deep and _is_16_bit(picture):
        picture = picture.at_depth(8)
    return picture


def _refuse_other_numbers(
    picture: Picture, path: str | os.PathLike, description: Description
) -> None:
    """Raises PictureError where a model of levels from 0 to 255 is given other numbers."""
    dtype = picture.pixels.dtype.name
    fits = are_alike(picture.pixels.shape[-1], description.input_channels)
    if dtype in LEVELS or not fits or not picture.pixels.size:
        return  # of other channels the network's input is refused
    low, high = picture.pixels.min(), picture.pixels.max()
    if low < 0 or high > 255:
        raise PictureError(
            f"{path} holds {dtype} numbers from {low:g} to {high:g}, but the model translates "
            f"levels from 0 to 255 ({description.words}). Scale them first; or, where the model "
            "has two directions, choose the other one by --direction."
        )


def memory_in_pixels(path: str | os.PathLike, description: Description) -> int:
    """Returns how much memory a picture will take, in pixels of `BYTES_PER_PIXEL` bytes.

    By the header alone; 0 where it cannot be read, since reading the picture will say why.
    """
    if description.reader_version == 1:
        pixels = first_reading.pixel_count(path)
        if pixels:
            return pixels
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
    if picture.pixels.max(initial=0) < picture.white * DARK:
        # It may be of 12 bits in a file of 16, which these rules have rounded already.
        note = dark_note(_with_all_bits(path, picture), description)
        if note:
            return dataclasses.replace(picture, notes=(*picture.notes, note))
    return picture


def _with_all_bits(path: str | os.PathLike, picture: Picture) -> Picture:
    """Returns the picture as it is in its file, or as it is given where that cannot be read."""
    if _is_16_bit(picture):
        return picture
    try:
        is_deep = reading.read_header(path).dtype == "uint16"
        return reading.read_picture(path) if is_deep else picture
    except PictureError:
        return picture


def _is_16_bit(picture: Picture) -> bool:
    return picture.pixels.dtype == np.uint16
