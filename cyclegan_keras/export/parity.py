"""How near an exported file's translations are to those of Keras."""

import math

import numpy as np
import tensorflow as tf


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
