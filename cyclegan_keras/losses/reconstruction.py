"""How far a picture is from the one it should be."""

import keras
from keras import ops


def l1(target, prediction):
    """Returns the mean absolute difference of two tensors: a scalar, float32 or better.

    The paper's cycle and identity terms are this, on pictures in [-1, 1].
    """
    dtype = keras.backend.result_type(target.dtype, prediction.dtype, "float32")
    return ops.mean(ops.abs(ops.cast(target, dtype) - ops.cast(prediction, dtype)))
