"""Between the levels of pictures in memory and the numbers in [-1, 1] that networks see."""

import numpy as np


def to_float(pixels: np.ndarray) -> np.ndarray:
    """Maps uint8 0..255 of any shape to float32 in [-1, 1]; floats are in [-1, 1] already.

    Example:
        >>> to_float(np.array([0, 255], "uint8")).tolist()
        [-1.0, 1.0]
    """
    if pixels.dtype == np.uint8:
        return pixels.astype(np.float32) / 127.5 - 1
    return pixels.astype(np.float32, copy=False)


def to_uint8(values: np.ndarray) -> np.ndarray:
    """Maps floats in [-1, 1] of any shape to the nearest of 0..255; what lies outside is clipped.

    Example:
        >>> to_uint8(np.array([-1.0, 0.0, 2.0], "float32")).tolist()
        [0, 128, 255]
    """
    return np.clip(np.rint((values + 1) * 127.5), 0, 255).astype(np.uint8)


def to_8_bits(levels: np.ndarray) -> np.ndarray:
    """Scales uint16 levels to the nearest uint8 ones: white, 65535, becomes 255."""
    return ((levels.astype(np.uint32) + 128) // 257).astype(np.uint8)


def to_16_bits(levels: np.ndarray) -> np.ndarray:
    """Scales uint8 levels to uint16: white, 255, becomes 65535."""
    return levels.astype(np.uint16) * 257
