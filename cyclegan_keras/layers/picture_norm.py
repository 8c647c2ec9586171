"""Normalization by a picture's own statistics: what two layers have in common."""

import keras
from keras import ops


def normalized_by_picture(images, epsilon, gamma=None, beta=None):
    """Gives every channel of every picture mean 0 and variance 1, then scale and offset.

    Args:
        images: (batch, height, width, channels).
        epsilon: added to the biased variance.
        gamma: factors (channels,), or None.
        beta: offsets (channels,), or None.

    Returns:
        The same shape, float32 or better.
    """
    x = ops.cast(images, keras.backend.result_type(images.dtype, "float32"))
    # Centering once and reusing it reads memory less often than `moments`, and stays exact where
    # `x * inverse - mean * inverse` cancels (a large mean, a tiny variance).
    x = x - _mean(x)
    factor = ops.rsqrt(_mean(ops.square(x)) + epsilon)  # (batch, 1, 1, channels)
    if gamma is not None:
        factor = factor * ops.cast(gamma, x.dtype)
    x = x * factor
    return x if beta is None else x + ops.cast(beta, x.dtype)


def _mean(x):
    """Mean over height and width, (batch, 1, 1, channels).

    Rows first: one sum over all pixels of a large picture would lose two digits more in float32.
    """
    return ops.mean(ops.mean(x, axis=2, keepdims=True), axis=1, keepdims=True)
