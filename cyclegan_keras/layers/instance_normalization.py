"""Normalization of every picture and channel by itself."""

import keras
from keras import ops

from cyclegan_keras.layers.picture_norm import normalized_by_picture


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

    def call(self, images):
        x = normalized_by_picture(images, self.epsilon, self.gamma, self.beta)
        return ops.cast(x, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        config = {"epsilon": self.epsilon, "center": self.center, "scale": self.scale}
        return {**super().get_config(), **config}
