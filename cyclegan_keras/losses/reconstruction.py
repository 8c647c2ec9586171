"""How far a picture is from the one it should be."""

import keras
from keras import ops


def l1(target, prediction, chosen=None):
    """Returns the mean absolute difference of two tensors: a scalar, float32 or better.

    The paper's cycle and identity terms are this, on pictures in [-1, 1].

    Args:
        target: (batch, ...).
        prediction: the same.
        chosen: (batch,), 1 for those that count and 0 for the others; all count unless given. The
            mean over none is 0.
    """
    dtype = keras.backend.result_type(target.dtype, prediction.dtype, "float32")
    differences = ops.abs(ops.cast(target, dtype) - ops.cast(prediction, dtype))
    if chosen is None:
        return ops.mean(differences)
    chosen = ops.cast(chosen, dtype)
    each = ops.mean(differences, axis=tuple(range(1, len(differences.shape))))  # (batch,)
    return ops.sum(each * chosen) / ops.maximum(ops.sum(chosen), 1)


def color_offset(target, prediction):
    """Returns how far the mean colors of pictures are apart: a scalar, float32 or better.

    It is the mean absolute difference of the means over positions, which `l1` hardly sees where
    pictures differ in detail too.

    Args:
        target: (batch, height, width, channels).
        prediction: the same.
    """
    dtype = keras.backend.result_type(target.dtype, prediction.dtype, "float32")
    differences = ops.cast(target, dtype) - ops.cast(prediction, dtype)
    return ops.mean(ops.abs(ops.mean(differences, axis=(1, 2))))
