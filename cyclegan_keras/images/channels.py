"""Between gray, RGB and any other number of channels."""

import numpy as np

from cyclegan_keras.files.errors import PictureError

LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # Rec. 601, as Pillow's gray
# The same weights as Pillow has them, in units of 2**-16: the sum is 2**16.
LUMA_UNITS = (19595, 38470, 7471)


def with_channels(numbers: np.ndarray, channels: int) -> np.ndarray:
    """Returns pixels with another number of channels.

    Gray is repeated, and red, green and blue become their luma (Rec. 601), of integers rounded as
    Pillow does it. Nothing else is converted, since bands of other kinds mean nothing to one
    another.

    Args:
        numbers: (height, width, channels so far), of any type.
        channels: how many there are to be.

    Returns:
        (height, width, channels) of the same type; a view where nothing is computed.

    Raises:
        PictureError: there is no conversion between these numbers of channels.

    Example:
        >>> with_channels(np.array([[[255, 0, 0]]], "uint8"), 1).tolist()
        [[[76]]]
    """
    own = numbers.shape[-1]
    if own == channels:
        return numbers
    if own == 1 and channels == 3:
        return np.broadcast_to(numbers, (*numbers.shape[:-1], channels))
    if own == 3 and channels == 1:
        return _luma(numbers)[..., None]
    raise PictureError(f"has {own} channels, expected {channels}")


def counted(channels: int) -> str:
    """Returns a number of channels in words."""
    return "1 channel" if channels == 1 else f"{channels} channels"


def _luma(numbers: np.ndarray) -> np.ndarray:
    if numbers.dtype.kind == "f":
        return numbers @ LUMA.astype(numbers.dtype)
    red, green, blue = np.moveaxis(numbers.astype(np.int64), -1, 0)
    weight_red, weight_green, weight_blue = LUMA_UNITS
    units = red * weight_red + green * weight_green + blue * weight_blue
    return ((units + 2**15) >> 16).astype(numbers.dtype)
