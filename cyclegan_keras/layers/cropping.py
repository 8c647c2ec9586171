"""Cropping whose gradient is fast."""

import keras

from cyclegan_keras.layers import on_cpu


class Cropping2D(keras.layers.Cropping2D):
    """Keras' cropping, whose gradient is a padding on TensorFlow's CPUs.

    See `keras.layers.Cropping2D` for arguments and shapes.
    """

    def call(self, inputs, training=None):
        operations = on_cpu.operations() if training else None
        if operations is None or None in inputs.shape[1:]:
            return super().call(inputs)
        (top, _), (left, _) = self.cropping
        height, width = self.compute_output_shape(inputs.shape)[1:3]
        return operations.crop(inputs, top, left, height, width)
