"""The leaky ReLU whose slope is exact."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="cyclegan_keras")
class LeakyReLU(keras.layers.LeakyReLU):
    """Keras' leaky ReLU, `x` where it is positive and `negative_slope * x` elsewhere.

    TensorFlow's operation of that name holds its slope in float32, for tensors of float64 too:
    0.2 is 0.20000000298 there. In a few training steps such a difference grows to 1e-4. So float64
    is computed by other operations; every other type goes on by TensorFlow's, which is one kernel
    and has the precision of its tensors.

    Args:
        negative_slope: slope below zero, and at zero.
        **kwargs: as in `keras.layers.LeakyReLU`.

    Input shape:
        Any.

    Output shape:
        The same shape, in the layer's compute dtype.

    Example:
        >>> import numpy as np
        >>> np.array(LeakyReLU(0.2, dtype="float64")(np.array([-1.0, 1.0]))).tolist()
        [-0.2, 1.0]

    Reference:
        Maas et al., "Rectifier Nonlinearities Improve Neural Network Acoustic Models", 2013.
    """

    def call(self, inputs):
        if keras.backend.standardize_dtype(inputs.dtype) == "float64":
            return ops.where(inputs > 0, inputs, self.negative_slope * inputs)
        return super().call(inputs)
