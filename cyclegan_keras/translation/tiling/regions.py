"""Any rectangle of a layer's result out of the rectangle of its input that it depends on.

A span is (start, stop) of rows or columns, a region is a pair of spans, rows first. Every rule
answers for one layer: how long its result is, which span of its input a span of its result depends
on, and the result itself. Layers treat rows and columns alike.
"""

import keras
import numpy as np
import tensorflow as tf

from cyclegan_keras.files.errors import TranslationError

Span = tuple[int, int]
Region = tuple[Span, Span]


def unknown(layer) -> TranslationError:
    """Returns the error for a layer whose tiles would not equal the whole."""
    return TranslationError(
        f"This network cannot be run in tiles: its layer {layer.name} ({type(layer).__name__}) is "
        "not one whose tiles are known to equal the whole. Give the job more memory "
        "(--max_memory_mb) or smaller pictures."
    )


class Pointwise:
    """Every pixel depends on the same pixel of all inputs."""

    def __init__(self, layer):
        self.layer = layer

    def length(self, size: int, axis: int) -> int:
        """Returns the length of the result along `axis`, 0 or 1, for an input of `size`."""
        return size

    def needed(self, span: Span, size: int, axis: int) -> Span:
        """Returns the span of an input of length `size` that `span` of the result depends on."""
        return span

    def apply(self, inputs: list, given: Region, wanted: Region, sizes: Span) -> tf.Tensor:
        """Returns the region `wanted` of the result.

        Args:
            inputs: the region `given` of every input, (1, height, width, channels).
            given: what `needed` returned for both axes.
            wanted: a region of the result.
            sizes: height and width of the whole inputs.
        """
        return self.layer(inputs[0] if len(inputs) == 1 else inputs)


class Same(Pointwise):
    """Nothing happens, as where there is no norm at all."""

    def apply(self, inputs, given, wanted, sizes):
        return inputs[0]


class Sum(Pointwise):
    """The sum of two inputs."""

    def __init__(self):
        super().__init__(None)

    def apply(self, inputs, given, wanted, sizes):
        return inputs[0] + inputs[1]


class Noise(Pointwise):
    """Dropout: nothing at test, or a draw that every place has for itself."""

    def apply(self, inputs, given, wanted, sizes):
        if not self.layer.at_test:
            return inputs[0]
        return inputs[0] * self.layer.factors(*wanted, inputs[0].shape[-1])


class Inference(Pointwise):
    """A layer that must be told that it is not being trained."""

    def apply(self, inputs, given, wanted, sizes):
        return self.layer(inputs[0], training=False)


class WholePicture(Pointwise):
    """A norm whose mean and variance belong to the whole picture, not to the region.

    Attributes:
        mean, variance: float32 (channels,), set before `apply`.
    """

    mean = variance = None

    def apply(self, inputs, given, wanted, sizes):
        norm = self.layer
        x = tf.cast(inputs[0], tf.float32) - self.mean
        factor = tf.math.rsqrt(self.variance + norm.epsilon)
        if norm.scale:
            factor *= tf.convert_to_tensor(norm.gamma, tf.float32)
        x *= factor
        return x + tf.convert_to_tensor(norm.beta, tf.float32) if norm.center else x


def batch_norm(layer) -> Pointwise:
    """Returns the rule of a batch norm: by running statistics, or by the picture's own."""
    return WholePicture(layer) if layer.per_picture else Inference(layer)


class Padding(Pointwise):
    """Padding, which happens only where the region reaches the border of the picture."""

    def length(self, size, axis):
        return size + sum(self.layer.padding[axis])

    def needed(self, span, size, axis):
        places = self._places(span, size, axis)
        inside = places[(places >= 0) & (places < size)]
        if not len(inside):  # all of it lies in the padding; any pixel will do
            return (0, 1)
        return (int(inside.min()), int(inside.max()) + 1)

    def apply(self, inputs, given, wanted, sizes):
        (x,) = inputs
        for axis in (0, 1):
            places = self._places(wanted[axis], sizes[axis], axis)
            start, stop = given[axis]
            if np.array_equal(places, np.arange(start, stop)):
                continue  # no border near
            x = tf.gather(x, np.clip(places, start, stop - 1) - start, axis=axis + 1)
            outside = (places < 0) | (places >= sizes[axis])
            if outside.any():
                keep = np.where(outside, 0, 1).astype("float32")
                x *= tf.cast(keep.reshape((-1, 1, 1) if axis == 0 else (-1, 1)), x.dtype)
        return x

    def _places(self, span, size, axis):
        return np.arange(*span) - self.layer.padding[axis][0]


class Reflection(Padding):
    """Reflection padding."""

    def _places(self, span, size, axis):
        places = np.abs(super()._places(span, size, axis))
        return (size - 1) - np.abs((size - 1) - places)


class Cropping(Pointwise):
    """Rows and columns cut off."""

    def length(self, size, axis):
        return size - sum(self.layer.cropping[axis])

    def needed(self, span, size, axis):
        cut = self.layer.cropping[axis][0]
        return (span[0] + cut, span[1] + cut)

    def apply(self, inputs, given, wanted, sizes):
        return inputs[0]


class Window(Pointwise):
    """A convolution or pooling without padding."""

    def __init__(self, layer):
        super().__init__(layer)
        pools = isinstance(layer, keras.layers.AveragePooling2D)
        self.size = layer.pool_size if pools else layer.kernel_size
        if layer.padding != "valid" or getattr(layer, "dilation_rate", (1, 1)) != (1, 1):
            raise unknown(layer)

    def length(self, size, axis):
        return (size - self.size[axis]) // self.layer.strides[axis] + 1

    def needed(self, span, size, axis):
        stride = self.layer.strides[axis]
        return (span[0] * stride, (span[1] - 1) * stride + self.size[axis])


class Larger(Pointwise):
    """A layer whose result is cut: it was given more than the region needs."""

    def apply(self, inputs, given, wanted, sizes):
        y = self.layer(inputs[0])
        for axis in (0, 1):
            start = wanted[axis][0] - given[axis][0] * self.scale(axis)
            places = [slice(None)] * 4
            places[axis + 1] = slice(start, start + wanted[axis][1] - wanted[axis][0])
            y = y[tuple(places)]
        return y

    def scale(self, axis: int) -> int:
        """Pixels of the result for one of the input."""
        return 2


class TransposedWindow(Larger):
    """A transposed convolution without cropping."""

    def __init__(self, layer):
        super().__init__(layer)
        if layer.padding != "valid" or any(
            k < s for k, s in zip(layer.kernel_size, layer.strides, strict=True)
        ):
            raise unknown(layer)

    def scale(self, axis):
        return self.layer.strides[axis]

    def length(self, size, axis):
        return (size - 1) * self.layer.strides[axis] + self.layer.kernel_size[axis]

    def needed(self, span, size, axis):
        stride, kernel = self.layer.strides[axis], self.layer.kernel_size[axis]
        first = -(-(span[0] - kernel + 1) // stride)
        return (max(first, 0), min((span[1] - 1) // stride, size - 1) + 1)


class Doubling(Larger):
    """Upsampling by two that looks at no neighbours."""

    def __init__(self, layer):
        super().__init__(layer)
        if tuple(layer.size) != (2, 2) or layer.interpolation != "nearest":
            raise unknown(layer)

    def length(self, size, axis):
        return 2 * size

    def needed(self, span, size, axis):
        return (span[0] // 2, (span[1] - 1) // 2 + 1)


class BilinearDoubling(Larger):
    """Upsampling by two that looks at the next pixel on either side."""

    def length(self, size, axis):
        return 2 * size

    def needed(self, span, size, axis):
        return (max((span[0] - 1) // 2, 0), min(span[1] // 2, size - 1) + 1)
