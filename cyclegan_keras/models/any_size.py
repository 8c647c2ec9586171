"""Pictures of any size through networks that want multiples: the size contract.

A picture is mirrored up at its right and lower border to a size that fits, translated, and cut back
to its own size, so that what comes out is as large as what went in.
"""

from collections.abc import Callable

import numpy as np


def fitting_side(side: int, multiple: int, smallest: int) -> int:
    """Returns the least multiple of `multiple` that is neither below `side` nor `smallest`."""
    wanted = max(side, smallest)
    return -(-wanted // multiple) * multiple


def mirrored(side: int, wanted: int) -> np.ndarray:
    """Returns `wanted` indices into a row of `side` pixels, back and forth between its ends.

    Example:
        >>> mirrored(3, 8).tolist()
        [0, 1, 2, 1, 0, 1, 2, 1]
    """
    period = max(2 * (side - 1), 1)
    positions = np.arange(wanted) % period
    return np.minimum(positions, period - positions)


def translate_any_size(
    network: Callable, images: np.ndarray, *, multiple: int, smallest: int
) -> np.ndarray:
    """Returns `network(images)` of exactly the size of `images`.

    Args:
        network: maps float32 (batch, height, width, channels) to the same height and width.
        images: float32 (batch, height, width, channels) of any height and width, at least 1.
        multiple: of which the network wants height and width.
        smallest: the least height and width that the network takes.
    """
    height, width = images.shape[1:3]
    for axis, side in ((1, height), (2, width)):
        wanted = fitting_side(side, multiple, smallest)
        if wanted != side:
            images = np.take(images, mirrored(side, wanted), axis=axis)
    return np.asarray(network(images))[:, :height, :width]
