"""Batch normalization that remembers what the paper's reference implementation remembers."""

import keras
from keras import ops

from cyclegan_keras.layers.instance_normalization import normalized_by_picture


@keras.saving.register_keras_serializable(package="cyclegan_keras")
class BatchNormalization(keras.layers.BatchNormalization):
    """Keras' batch normalization with the running statistics of PyTorch's.

    Training normalizes with the batch's biased variance, as everywhere; but the running variance
    that inference uses collects the *unbiased* one, n / (n - 1) times larger with n = batch x
    height x width. At the few pixels deep inside a U-Net that is no detail: a third at n = 4.
    It also counts its training batches, so that weights travel to PyTorch and back unchanged.

    pix2pix uses the statistics of the pictures at hand at test too (section 3.3 of its paper): with
    `per_picture` every picture is then normalized by its own, which is what training with one
    picture a batch did, in whatever batch it is translated.

    Args:
        momentum: share of the old running statistics that stays with each batch; 0.9 is what
            PyTorch calls 0.1.
        epsilon: added to the variance.
        per_picture: at test, normalize each picture by its own mean and variance.
        **kwargs: as in `keras.layers.BatchNormalization`.

    Attributes:
        twice_differentiable: whether second derivatives in training are right too, which penalties
            of gradients need. TensorFlow's variance takes the mean for a constant; its first
            derivatives do not suffer, and take a little less work.

    Input shape:
        `(batch, height, width, channels)`.

    Output shape:
        The same shape, in the layer's compute dtype.

    Example:
        >>> import numpy as np
        >>> norm = BatchNormalization(momentum=0.0)
        >>> _ = norm(np.array([1.0, 3.0]).reshape(2, 1, 1, 1), training=True)
        >>> float(norm.moving_variance[0])
        2.0

    Reference:
        Ioffe and Szegedy, "Batch Normalization: Accelerating Deep Network Training by Reducing
        Internal Covariate Shift", 2015, algorithm 2.
    """

    def __init__(self, momentum=0.9, epsilon=1e-5, per_picture=False, **kwargs):
        super().__init__(momentum=momentum, epsilon=epsilon, **kwargs)
        self.per_picture = per_picture
        self.batches = None
        self.twice_differentiable = False

    def build(self, input_shape):
        super().build(input_shape)
        self.batches = self.add_weight(
            (),
            "zeros",
            "int",
            trainable=False,
            aggregation="only_first_replica",
            name="batches",
        )

    def call(self, inputs, training=None, mask=None):
        if not training and self.per_picture:
            x = normalized_by_picture(inputs, self.epsilon, self.gamma, self.beta)
            return ops.cast(x, self.compute_dtype)
        if not (training and self.trainable):
            return super().call(inputs, training=training, mask=mask)
        kept = self.momentum * ops.convert_to_tensor(self.moving_variance)
        outputs = super().call(inputs, training=True, mask=mask)
        channels = ops.shape(inputs)[self.axis]
        count = ops.cast(ops.size(inputs) // channels, kept.dtype)
        biased = ops.convert_to_tensor(self.moving_variance) - kept
        self.moving_variance.assign(kept + biased * count / ops.maximum(count - 1, 1))
        self.batches.assign_add(1)
        return outputs

    def _moments(self, inputs, mask):
        if not self.twice_differentiable:
            return super()._moments(inputs, mask)
        axes = [axis for axis in range(len(inputs.shape)) if axis != self.axis % len(inputs.shape)]
        mean = ops.mean(inputs, axis=axes, keepdims=True)
        variance = ops.mean(ops.square(inputs - mean), axis=axes)
        return ops.squeeze(mean, axis=axes), variance

    def get_config(self):
        return {**super().get_config(), "per_picture": self.per_picture}
