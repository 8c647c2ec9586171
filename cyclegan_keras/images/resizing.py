"""Resizes pictures of any channels, of levels and of floats alike."""

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
    channels = []
    for channel in np.moveaxis(image, -1, 0):
        layer = Image.fromarray(np.ascontiguousarray(channel))
        channels.append(np.asarray(layer.resize(size, chosen)))
    resized = np.stack(channels, axis=-1)
    return resized if image.dtype == np.uint8 else np.clip(resized, -1, 1)
