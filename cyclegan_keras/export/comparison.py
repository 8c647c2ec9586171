"""How near an exported file's translations are to those of Keras."""

import math
from collections.abc import Iterable, Mapping

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

from cyclegan_keras.images.pixels import to_float
from cyclegan_keras.models import any_size


def compare(expected: np.ndarray, found: np.ndarray) -> dict[str, float]:
    """Returns how far `found` is from `expected`.

    Args:
        expected: float32 (batch, height, width, channels) in [-1, 1], Keras' translations.
        found: the same by the exported file.

    Returns:
        `max_abs_error` and `mean_abs_error` on the scale of [-1, 1]; `psnr_db`, 10 log10(4 / mean
        squared error), 200 where there is no difference; `ssim` (Wang et al., 2004, 11x11 Gaussian
        windows), absent below 11 pixels. What is not finite counts as the largest error, 2.
    """
    error = np.abs(np.asarray(found, "float64") - np.asarray(expected, "float64"))
    error = np.nan_to_num(error, nan=2.0, posinf=2.0)
    squared = float(np.mean(error**2))
    result = {
        "max_abs_error": float(error.max()),
        "mean_abs_error": float(error.mean()),
        "psnr_db": min(200.0, 10 * math.log10(4 / squared)) if squared else 200.0,
    }
    if min(expected.shape[1:3]) >= 11:
        similarity = tf.image.ssim(
            tf.constant(expected, tf.float32), tf.constant(np.nan_to_num(found), tf.float32), 2.0
        )
        result["ssim"] = float(tf.reduce_mean(similarity))
    return result


def worst(comparisons: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Returns the worst of every measure over the comparisons of several pictures.

    Example:
        >>> worst([{"psnr_db": 40.0, "max_abs_error": 0.1}, {"psnr_db": 30.0, "max_abs_error": 0}])
        {'psnr_db': 30.0, 'max_abs_error': 0.1}
    """
    rows = list(comparisons)
    result = {}
    for name in rows[0]:
        values = [row[name] for row in rows if name in row]
        result[name] = max(values) if name.endswith("error") else min(values)
    return result


def translate_any_size(generator: keras.Model, picture: np.ndarray) -> np.ndarray:
    """Translates uint8 (height, width, 3) of any size to float32 in [-1, 1] of the same size.

    The picture is reflected up to a size that fits and the translation is cut back, as the server
    does it.
    """
    return any_size.translate_any_size(
        lambda images: generator(images, training=False),
        to_float(picture[None]),
        multiple=generator.size_multiple,
        smallest=generator.smallest_size,
    )[0]


def resized_input(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resizes uint8 (any, any, 3) to float32 (1, height, width, 3) in [-1, 1]."""
    resized = Image.fromarray(picture).resize((width, height), Image.Resampling.BICUBIC)
    return to_float(np.asarray(resized)[None])
