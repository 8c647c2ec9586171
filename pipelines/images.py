"""Resizes and crops one picture, and scales it to [-1, 1]."""

import numpy as np
from PIL import Image


def resize(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resizes uint8 (h, w, 3) to (width, height) by Pillow's antialiased bicubic filter."""
    if (image.shape[1], image.shape[0]) == size:
        return image
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))


def center_crop(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Cuts the middle `height` x `width` px out of (h, w, 3)."""
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    return image[top : top + height, left : left + width]


def to_float(image):
    """Maps uint8 0..255 of any shape to a float32 tensor in [-1, 1]."""
    import tensorflow as tf  # which resizing alone never needs

    return tf.cast(image, tf.float32) / 127.5 - 1.0
