"""Operations that TensorFlow's kernels for CPUs are slow at, computed by other kernels.

Layers take them from `on_cpu.operations()`, which loads this file only where they are of use. What
each gains is in docs/performance.md, "Half precision".
"""

import functools

import numpy as np
import tensorflow as tf

from cyclegan_keras.layers.tensorflow_constants import shared_constant

LEAST_CHANNELS = 32  # a matrix product of fewer is slower than the convolution's own gradient


def has_accelerator() -> bool:
    """Returns whether TensorFlow computes on something other than a CPU."""
    return any(d.device_type in ("GPU", "TPU") for d in tf.config.list_logical_devices())


def crop(images, top: int, left: int, height: int, width: int):
    """Returns a part of pictures (batch, height, width, channels).

    The gradient of a slice is a padding. That of `images[:, top:, left:]` is a kernel of its own,
    which takes forty times as long.
    """
    return tf.slice(images, [0, top, left, 0], [-1, height, width, -1])


def reflect(images, padding):
    """Returns pictures (batch, height, width, channels) padded by their reflection.

    Copying whole pixels by their numbers takes a third of the time of TensorFlow's padding.

    Args:
        images: of known height and width.
        padding: ((top, bottom), (left, right)).
    """

    @tf.custom_gradient
    def reflected(images):
        def gradient(by_outputs):
            paddings = shared_constant(((0, 0), *map(tuple, padding), (0, 0)), "int32")
            return tf.raw_ops.MirrorPadGrad(input=by_outputs, paddings=paddings, mode="REFLECT")

        outputs = images
        for axis, (before, after) in zip((1, 2), padding, strict=True):
            numbers = np.pad(np.arange(images.shape[axis]), (before, after), mode="reflect")
            numbers = shared_constant(tuple(numbers.tolist()), "int32")
            outputs = tf.gather(outputs, numbers, axis=shared_constant(axis, "int32"))
        return outputs, gradient

    return reflected(images)


def normalized_by_picture(images, epsilon: float, gamma=None, beta=None):
    """Gives every channel of every picture mean 0 and variance 1, then scale and offset.

    Statistics are float32. A batch norm of a single picture is its instance norm, and oneDNN has
    one kernel for it and one for its gradient, which read and write half precision.

    Args:
        images: (batch, height, width, channels) in half precision, of a known batch.
        epsilon: added to the biased variance.
        gamma: factors (channels,), or None.
        beta: offsets (channels,), or None.

    Returns:
        The same shape and dtype.
    """
    channels = images.shape[-1]
    scale = tf.ones(channels) if gamma is None else tf.cast(gamma, "float32")
    offset = tf.zeros(channels) if beta is None else tf.cast(beta, "float32")
    not_given = tf.zeros(0)  # statistics of its own, as in training
    normalized = [
        tf.raw_ops.FusedBatchNormV3(
            x=picture,
            scale=scale,
            offset=offset,
            mean=not_given,
            variance=not_given,
            epsilon=epsilon,
            is_training=True,
        ).y
        for picture in tf.split(images, images.shape[0])
    ]
    return normalized[0] if len(normalized) == 1 else tf.concat(normalized, axis=0)


def convolution(images, kernel, bias, strides: tuple[int, int]):
    """Returns a convolution without padding, whose weights' gradient is a matrix product.

    In bfloat16 oneDNN's own kernel for that gradient reaches two thirds of the speed of a matrix
    product, or less where strides are above one, unless the processor has AMX.

    Args:
        images: (batch, height, width, channels) of known height and width.
        kernel: (height, width, channels, filters), perhaps a variable.
        bias: (filters,) or None.
        strides: in height and width.
    """

    @tf.custom_gradient
    def convolved(images, kernel):
        def gradient(by_outputs):
            by_images = tf.nn.conv2d_transpose(
                by_outputs, kernel, tf.shape(images), strides, padding="VALID"
            )
            # The copies of patches are many times as large as the pictures: not before their turn.
            with tf.control_dependencies([by_outputs]):
                larger = tf.identity(images)
            return by_images, _gradient_of_kernel(larger, by_outputs, kernel.shape, strides)

        return tf.nn.conv2d(images, kernel, strides, padding="VALID"), gradient

    return _with_bias(convolved(images, tf.convert_to_tensor(kernel)), bias)


def transposed_convolution(images, kernel, bias, strides: tuple[int, int]):
    """Returns a transposed convolution without cropping; see `convolution`.

    Args:
        images: (batch, height, width, channels) of known height and width.
        kernel: (height, width, filters, channels), perhaps a variable.
        bias: (filters,) or None.
        strides: in height and width.
    """
    sides = [
        (side - 1) * stride + size
        for side, stride, size in zip(images.shape[1:3], strides, kernel.shape[:2], strict=True)
    ]
    shape = (tf.shape(images)[0], *sides, kernel.shape[2])

    @tf.custom_gradient
    def convolved(images, kernel):
        def gradient(by_outputs):
            by_outputs = tf.ensure_shape(by_outputs, (None, *sides, kernel.shape[2]))
            by_images = tf.nn.conv2d(by_outputs, kernel, strides, padding="VALID")
            return by_images, _gradient_of_kernel(by_outputs, images, kernel.shape, strides)

        return tf.nn.conv2d_transpose(images, kernel, shape, strides, padding="VALID"), gradient

    return _with_bias(convolved(images, tf.convert_to_tensor(kernel)), bias)


def _with_bias(images, bias):
    """Adds a bias, or None; its gradient is a product too, which adds up in float32."""
    if bias is None:
        return images

    @tf.custom_gradient
    def biased(images, bias):
        def gradient(by_outputs):
            pixels = tf.reshape(by_outputs, (-1, bias.shape[0]))
            ones = tf.ones((1, tf.shape(pixels)[0]), pixels.dtype)
            return by_outputs, tf.squeeze(tf.matmul(ones, pixels), axis=0)

        return tf.nn.bias_add(images, bias), gradient

    return biased(images, tf.convert_to_tensor(bias))


def _gradient_of_kernel(larger, smaller, shape, strides):
    """Returns the gradient by a kernel of `shape` between two sets of pictures."""
    height, width, larger_channels, smaller_channels = shape
    numbers = _patches(sides=tuple(larger.shape[1:3]), size=(height, width), strides=tuple(strides))
    pixels = tf.reshape(larger, (-1, larger.shape[1] * larger.shape[2], larger_channels))
    patches = tf.gather(pixels, numbers, axis=1)
    patches = tf.reshape(patches, (-1, height * width * larger_channels))
    product = tf.matmul(patches, tf.reshape(smaller, (-1, smaller_channels)), transpose_a=True)
    return tf.reshape(product, shape)


@functools.cache
def _patches(sides, size, strides):
    """Returns the numbers of the pixels of all patches of pictures, one patch after the other."""
    rows, columns = (
        np.arange(0, side - length + 1, stride)[:, None] + np.arange(length)
        for side, length, stride in zip(sides, size, strides, strict=True)
    )
    numbers = rows[:, None, :, None] * sides[1] + columns[None, :, None, :]
    with tf.init_scope():  # one constant for all graphs and layers
        return tf.constant(numbers.ravel(), "int32")
