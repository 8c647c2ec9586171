"""Crops one picture."""

import numpy as np


def center_crop(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Cuts the middle `height` x `width` px out of (h, w, channels)."""
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    return image[top : top + height, left : left + width]
