"""Resizes and crops one picture, and scales it to [-1, 1]."""

import numpy as np
from PIL import Image

# --resize_filter -> Pillow's filter, antialiased but for nearest.
FILTERS = {
    "bicubic": Image.Resampling.BICUBIC,
    "bilinear": Image.Resampling.BILINEAR,
    "lanczos": Image.Resampling.LANCZOS,
    "box": Image.Resampling.BOX,
    "nearest": Image.Resampling.NEAREST,
}


def resize(image: np.ndarray, size: tuple[int, int], resize_filter: str = "bicubic") -> np.ndarray:
    """Resizes one picture by one of Pillow's filters.

    Args:
        image: uint8, or float32 in [-1, 1], (height, width, channels).
        size: (width, height) of the result.
        resize_filter: a key of `FILTERS`.

    Returns:
        The same type and channels; what a filter overshoots is clipped.
    """
    if (image.shape[1], image.shape[0]) == size:
        return image
    chosen = FILTERS[resize_filter]
    if image.shape[-1] == 3 and image.dtype == np.uint8:
        return np.asarray(Image.fromarray(image).resize(size, chosen))
    channels = [
        np.asarray(Image.fromarray(np.ascontiguousarray(channel)).resize(size, chosen))
        for channel in np.moveaxis(image, -1, 0)
    ]
    resized = np.stack(channels, axis=-1)
    return resized if image.dtype == np.uint8 else np.clip(resized, -1, 1)


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
