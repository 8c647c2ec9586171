"""Pictures larger than memory, tile by tile, where a network can only be run at once.

Each tile is translated by its own statistics, as if it were a picture, so its color and contrast
may differ from those of its neighbors. Tiles overlap, and fade into one another there. It is no
exact translation of the whole picture, as `tiling` makes it of float32 networks.
"""

import math
from collections.abc import Callable

import numpy as np
from absl import logging

SHARE_OF_OVERLAP = 1 / 4  # of the side of a tile


class BlendedTiles:
    """Translates one large picture in tiles that overlap.

    Args:
        network: maps float32 (batch, height, width, channels) to the same height and width.
        side: of a tile, in pixels; it is lowered to what the network takes.
        multiple: of which the network wants height and width.
        smallest: the least height and width that it takes.
    """

    def __init__(self, network: Callable, *, side: int, multiple: int, smallest: int):
        self.side = max(side // multiple * multiple, smallest)
        self._network = network
        self._multiple = multiple

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Translates float32 (1, height, width, channels) in [-1, 1], of sides that fit."""
        logging.log_first_n(
            logging.WARNING,
            f"Pictures too large for the memory are translated in tiles of {self.side} px, each "
            "by its own contrast, so colors may differ slightly between parts of a picture. "
            "--precision=float32 translates them exactly; a larger --max_memory_mb makes larger "
            "tiles.",
            1,
        )
        image = images[0]
        height, width = min(self.side, image.shape[0]), min(self.side, image.shape[1])
        weights = np.outer(_ramp(height), _ramp(width))[..., None]
        total = None
        sums = np.zeros((*image.shape[:2], 1), np.float32)
        for top in self._starts(image.shape[0]):
            for left in self._starts(image.shape[1]):
                rows, columns = slice(top, top + height), slice(left, left + width)
                tile = np.asarray(self._network(image[None, rows, columns]))[0]
                if total is None:
                    total = np.zeros((*image.shape[:2], tile.shape[-1]), np.float32)
                total[rows, columns] += weights * tile
                sums[rows, columns] += weights
        total /= sums
        return total[None]

    def _starts(self, length: int) -> list[int]:
        """Returns where tiles begin along a side of a picture, evenly, from its start to its end.

        They begin at multiples of what the network wants, so that its strides fall alike.
        """
        if length <= self.side:
            return [0]
        step = self.side * (1 - SHARE_OF_OVERLAP)
        count = math.ceil((length - self.side) / step) + 1
        units = (length - self.side) // self._multiple
        return [round(units * index / (count - 1)) * self._multiple for index in range(count)]


def _ramp(length: int) -> np.ndarray:
    """Returns weights that fall towards both ends, float32 (length,), all above 0."""
    distance = np.minimum(np.arange(length), np.arange(length)[::-1]) + 1
    return np.minimum(distance / (length * SHARE_OF_OVERLAP), 1).astype(np.float32)
