"""Instance normalization whose gradient is a third as many TensorFlow operations.

TensorFlow's own gradient brings the gradient of each of the four means to the size of a picture, by
operations of its own, before it divides. This one divides first and lets the numbers be broadcast,
so that graphs with many such layers are traced and made ready in less time. Every number is
computed by the same arithmetic in the same order.
"""

import tensorflow as tf

from cyclegan_keras.layers.tensorflow_constants import shared_constant


def normalized_by_picture(x, epsilon: float):
    """Gives every channel of every picture mean 0 and variance 1, over height and width.

    Args:
        x: (batch, height, width, channels); height and width must be known.
        epsilon: added to the biased variance.

    Returns:
        The same shape and type. Its gradient can be differentiated again.
    """
    _, height, width, _ = x.shape
    rows = shared_constant(height, x.dtype)
    columns = shared_constant(width, x.dtype)
    both = shared_constant((1, 2), "int32")
    times_height = shared_constant((1, height, 1, 1), "int32")

    def divided(x):
        """Divides (batch, 1, 1, channels) by the height and then by the width.

        Between the two it is repeated for each row. Grappler would make one division of them
        otherwise, which rounds in another way.
        """
        return tf.tile(x / rows, times_height) / columns

    @tf.custom_gradient
    def normalize(x):
        centered = x - _mean(x)
        variance = _mean(tf.square(centered))  # (batch, 1, 1, channels)
        factor = tf.math.rsqrt(variance + shared_constant(epsilon, x.dtype))

        def gradient(dy):
            by_factor = tf.reduce_sum(dy * centered, both, keepdims=True)
            by_square = divided(tf.raw_ops.RsqrtGrad(y=factor, dy=by_factor))
            two = shared_constant(2.0, x.dtype)
            by_centered = dy * factor + by_square * (two * centered)
            by_mean = -tf.reduce_sum(by_centered, both, keepdims=True)
            return by_centered + divided(by_mean)

        return centered * factor, gradient

    return normalize(x)


def _mean(x):
    """Mean over height and width, (batch, 1, 1, channels); rows first, for exactness."""
    first, second = shared_constant(2, "int32"), shared_constant(1, "int32")
    return tf.reduce_mean(tf.reduce_mean(x, first, keepdims=True), second, keepdims=True)
