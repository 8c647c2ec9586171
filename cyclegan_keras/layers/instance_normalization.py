"""Normalization of every picture and channel by itself."""

import keras
from keras import ops

from cyclegan_keras.layers import on_cpu


@keras.saving.register_keras_serializable(package="cyclegan_keras")
class InstanceNormalization(keras.layers.Layer):
    """Gives every channel of every picture mean 0 and variance 1 over height and width.

    `y = (x - mean) / sqrt(variance + epsilon)` with the biased variance, the same in training and
    inference: nothing is remembered between batches. The defaults are those of the paper's
    networks, which differ from other programs' (epsilon 1e-3, with scale and offset).

    Statistics are computed in float32 when the input is of lower precision.

    Args:
        epsilon: added to the variance.
        center: add a learned offset `beta` per channel (starts at zero).
        scale: multiply by a learned factor `gamma` per channel (starts at one).

    Input shape:
        `(batch, height, width, channels)`; all but the channels may be unknown.

    Output shape:
        The same shape, in the layer's compute dtype.

    Raises:
        ValueError: epsilon is not positive, or the number of channels is unknown.

    Example:
        >>> import numpy as np
        >>> picture = np.array([1.0, 3.0, 5.0, 7.0]).reshape(1, 2, 2, 1)
        >>> [round(float(y), 2) for y in np.ravel(InstanceNormalization()(picture))]
        [-1.34, -0.45, 0.45, 1.34]

    Reference:
        Ulyanov et al., "Instance Normalization: The Missing Ingredient for Fast Stylization", 2016.
    """

    def __init__(self, epsilon=1e-5, center=False, scale=False, **kwargs):
        super().__init__(**kwargs)
        if not epsilon > 0:
            raise ValueError(f"`epsilon` must be positive. Received: epsilon={epsilon!r}.")
        self.epsilon = epsilon
        self.center = center
        self.scale = scale
        self.gamma = self.beta = None
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def build(self, input_shape):
        channels = input_shape[-1]
        if channels is None:
            raise ValueError(f"The number of channels must be known. Received: {input_shape}.")
        # No autocast: half-precision copies would lose digits before the float32 arithmetic.
        if self.scale:
            self.gamma = self.add_weight((channels,), "ones", name="gamma", autocast=False)
        if self.center:
            self.beta = self.add_weight((channels,), "zeros", name="beta", autocast=False)

    def call(self, images, training=None):
        operations = on_cpu.operations() if training and self._is_half(images) else None
        if operations is not None:
            return operations.normalized_by_picture(images, self.epsilon, self.gamma, self.beta)
        x = normalized_by_picture(images, self.epsilon, self.gamma, self.beta, training)
        return ops.cast(x, self.compute_dtype)

    def _is_half(self, images):
        """Whether these are pictures in bfloat16, in and out, and as many as is known."""
        dtype = keras.backend.standardize_dtype(images.dtype)
        return dtype == self.compute_dtype == "bfloat16" and images.shape[0] not in (None, 0)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        config = {"epsilon": self.epsilon, "center": self.center, "scale": self.scale}
        return {**super().get_config(), **config}


def normalized_by_picture(images, epsilon, gamma=None, beta=None, training=False):
    """Gives every channel of every picture mean 0 and variance 1, then scale and offset.

    Args:
        images: (batch, height, width, channels).
        epsilon: added to the biased variance.
        gamma: factors (channels,), or None.
        beta: offsets (channels,), or None.
        training: whether a gradient will be wanted.

    Returns:
        The same shape, float32 or better.
    """
    x = ops.cast(images, keras.backend.result_type(images.dtype, "float32"))
    is_plain = gamma is None and beta is None and None not in x.shape[1:3]
    if training and is_plain and keras.config.backend() == "tensorflow":
        from cyclegan_keras.layers import tensorflow_normalization

        return tensorflow_normalization.normalized_by_picture(x, epsilon)
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
