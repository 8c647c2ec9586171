"""The EXIF orientation: how a picture is turned to be upright."""

import struct

import numpy as np
from PIL import ExifTags, Image

UPRIGHT = 1
SIDES_SWAPPED = (5, 6, 7, 8)  # these turn a picture by a quarter
# What Pillow does for each.
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
SHORT = 3  # TIFF's number of this type


def turned_upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Returns pixels as the EXIF orientation says that they are upright.

    Args:
        pixels: (height, width, ...).
        orientation: 1 to 8; others mean 1.

    Returns:
        A view; of orientations 5 to 8 with height and width swapped.
    """
    if orientation in SIDES_SWAPPED:
        pixels = np.swapaxes(pixels, 0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels


def orientation_of(image: Image.Image) -> int:
    """Returns the EXIF orientation as Pillow finds it, 1 where it has none."""
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation, UPRIGHT)
    except Exception:  # damaged EXIF does not make the picture unreadable
        return UPRIGHT
    return orientation if orientation in range(1, 9) else UPRIGHT


def orientation_in_exif(exif: bytes) -> int | None:
    """Returns the orientation in the first directory of EXIF data, which is a TIFF.

    Args:
        exif: without the marker "Exif" before it.

    Returns:
        1 to 8, or None where it has none or is damaged.
    """
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(exif[:4])
    if order is None:
        return None
    try:
        (offset,) = struct.unpack_from(f"{order}I", exif, 4)
        (count,) = struct.unpack_from(f"{order}H", exif, offset)
        for number in range(count):
            tag, kind, length = struct.unpack_from(f"{order}HHI", exif, offset + 2 + 12 * number)
            if tag == ExifTags.Base.Orientation:
                (value,) = struct.unpack_from(f"{order}H", exif, offset + 10 + 12 * number)
                return value if kind == SHORT and length == 1 and 1 <= value <= 8 else None
    except struct.error:
        return None
    return None
