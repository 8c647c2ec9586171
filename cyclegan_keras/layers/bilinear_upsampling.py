"""Doubling by linear interpolation, for pictures of any size."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="cyclegan_keras")
class BilinearUpsampling2D(keras.layers.Layer):
    """Doubles height and width by bilinear interpolation; the border pixels are repeated.

    A new pixel is 3/4 of the nearer old one and 1/4 of the next, along both axes: the filter
    [1, 3, 3, 1] that CUT's networks double with. `keras.layers.UpSampling2D` gives the same numbers
    but must know the size when the graph is built.

    Input shape:
        `(batch, height, width, channels)`; all but the channels may be unknown.

    Output shape:
        `(batch, 2 * height, 2 * width, channels)`, in the layer's compute dtype.

    Example:
        >>> import numpy as np
        >>> row = np.array([0.0, 4.0]).reshape(1, 1, 2, 1)
        >>> np.ravel(BilinearUpsampling2D()(row))[:4].tolist()
        [0.0, 1.0, 3.0, 4.0]

    Reference:
        Zhang, "Making Convolutional Networks Shift-Invariant Again", 2019.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def call(self, images):
        for axis in (1, 2):
            images = _double(images, axis)
        return images

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        return (batch, height and 2 * height, width and 2 * width, channels)


def _double(x, axis):
    """Doubles `axis`, which is 1 or 2."""
    if axis == 1:
        first, all_but_last, all_but_first, last = x[:, :1], x[:, :-1], x[:, 1:], x[:, -1:]
    else:
        first, all_but_last = x[:, :, :1], x[:, :, :-1]
        all_but_first, last = x[:, :, 1:], x[:, :, -1:]
    before = ops.concatenate([first, all_but_last], axis=axis)
    after = ops.concatenate([all_but_first, last], axis=axis)
    pairs = ops.stack([0.75 * x + 0.25 * before, 0.75 * x + 0.25 * after], axis=axis + 1)
    shape = list(ops.shape(x))
    shape[axis] = shape[axis] * 2
    return ops.reshape(pairs, shape)
