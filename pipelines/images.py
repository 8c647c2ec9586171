"""Crops one picture, and scales it to [-1, 1]."""

import numpy as np


def center_crop(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Cuts the middle `height` x `width` px out of (h, w, channels)."""
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    return image[top : top + height, left : left + width]


def to_float(image):
    """Maps uint8 0..255 of any shape to a float32 tensor in [-1, 1]; floats are in it already."""
    import tensorflow as tf  # which resizing alone never needs

    if image.dtype != tf.uint8:
        return tf.cast(image, tf.float32)
    return tf.cast(image, tf.float32) / 127.5 - 1.0
