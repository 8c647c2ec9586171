"""Any region of a layer's result, computed from the region of its input that it depends on.

A span is (start, stop) of rows or columns, a region is a pair of spans, rows first. A rule belongs
to one layer and answers three questions: how long its result is, which span of its input a span of
its result depends on, and what the result is. Layers treat rows and columns alike.
"""

import keras
import numpy as np
import tensorflow as tf

from cyclegan_keras import layers
from cyclegan_keras.files.errors import TranslationError
from cyclegan_keras.layers import convolution, cropping

Span = tuple[int, int]
Region = tuple[Span, Span]
Size = tuple[int, int]  # height and width


def not_tileable(layer) -> TranslationError:
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

    def output_length(self, size: int, axis: int) -> int:
        """Returns the length of the result along `axis`, 0 or 1, for an input of length `size`."""
        return size

    def input_span(self, span: Span, size: int, axis: int) -> Span:
        """Returns the span of an input of length `size` that `span` of the result depends on."""
        return span

    def apply(
        self, inputs: list, *, input_region: Region, region: Region, input_size: Size
    ) -> tf.Tensor:
        """Returns a region of the result.

        Args:
            inputs: `input_region` of every input, (1, height, width, channels).
            input_region: what `input_span` returned for both axes of `region`.
            region: which region of the result.
            input_size: height and width of the whole inputs.
        """
        return self.layer(inputs[0] if len(inputs) == 1 else inputs)


class Identity(Pointwise):
    """The input as it is, as where there is no norm."""

    def apply(self, inputs, *, input_region, region, input_size):
        return inputs[0]


class Sum(Pointwise):
    """The sum of two inputs."""

    def __init__(self):
        super().__init__(None)

    def apply(self, inputs, *, input_region, region, input_size):
        first, second = inputs
        # A norm over the whole picture is computed in float32 here, also in half precision.
        return first + tf.cast(second, first.dtype)


class Dropout(Pointwise):
    """Dropout: nothing at test, or noise that is drawn for each pixel by its position."""

    def apply(self, inputs, *, input_region, region, input_size):
        if not self.layer.at_test:
            return inputs[0]
        rows, columns = region
        return inputs[0] * self.layer.factors(rows, columns, inputs[0].shape[-1])


class WithoutTraining(Pointwise):
    """A layer that behaves differently in training."""

    def apply(self, inputs, *, input_region, region, input_size):
        return self.layer(inputs[0], training=False)


class PictureNorm(Pointwise):
    """A norm whose mean and variance are those of the whole picture, not of the region.

    Attributes:
        mean: float32 (channels,), set before `apply`.
        variance: the same.
    """

    mean: np.ndarray | None = None
    variance: np.ndarray | None = None

    def apply(self, inputs, *, input_region, region, input_size):
        norm = self.layer
        x = tf.cast(inputs[0], tf.float32) - self.mean
        factor = tf.math.rsqrt(self.variance + norm.epsilon)
        if norm.scale:
            factor *= tf.convert_to_tensor(norm.gamma, tf.float32)
        x *= factor
        return x + tf.convert_to_tensor(norm.beta, tf.float32) if norm.center else x


def batch_norm(layer) -> Pointwise:
    """Returns the rule of a batch norm: by the statistics of the picture, or by running ones."""
    return PictureNorm(layer) if layer.per_picture else WithoutTraining(layer)


class ZeroPadding(Pointwise):
    """Padding by zeros, only where the region reaches the border of the picture."""

    def output_length(self, size, axis):
        before, after = self.layer.padding[axis]
        return size + before + after

    def input_span(self, span, size, axis):
        indices = self._input_indices(span, size, axis)
        inside = indices[(indices >= 0) & (indices < size)]
        if not len(inside):  # all of the span is padding; any pixel will do
            return (0, 1)
        return (int(inside.min()), int(inside.max()) + 1)

    def apply(self, inputs, *, input_region, region, input_size):
        (x,) = inputs
        for axis in (0, 1):
            indices = self._input_indices(region[axis], input_size[axis], axis)
            start, stop = input_region[axis]
            if np.array_equal(indices, np.arange(start, stop)):
                continue  # no border near
            x = tf.gather(x, np.clip(indices, start, stop - 1) - start, axis=axis + 1)
            outside = (indices < 0) | (indices >= input_size[axis])
            if outside.any():
                keep = np.where(outside, 0, 1).astype("float32")
                x *= tf.cast(keep.reshape((-1, 1, 1) if axis == 0 else (-1, 1)), x.dtype)
        return x

    def _input_indices(self, span, size, axis):
        """Where in the input each pixel of the span comes from; outside of it there are zeros."""
        start, stop = span
        before, _ = self.layer.padding[axis]
        return np.arange(start, stop) - before


class ReflectionPadding(ZeroPadding):
    """Padding by reflection: every pixel comes from inside the input."""

    def _input_indices(self, span, size, axis):
        indices = np.abs(super()._input_indices(span, size, axis))
        return (size - 1) - np.abs((size - 1) - indices)


class Cropping(Pointwise):
    """Rows and columns cut off."""

    def output_length(self, size, axis):
        before, after = self.layer.cropping[axis]
        return size - before - after

    def input_span(self, span, size, axis):
        before, _ = self.layer.cropping[axis]
        return (span[0] + before, span[1] + before)

    def apply(self, inputs, *, input_region, region, input_size):
        return inputs[0]


class Window(Pointwise):
    """A convolution or pooling without padding."""

    def __init__(self, layer):
        super().__init__(layer)
        is_pooling = isinstance(layer, keras.layers.AveragePooling2D)
        self.window = layer.pool_size if is_pooling else layer.kernel_size
        dilation = (1, 1) if is_pooling else layer.dilation_rate
        if layer.padding != "valid" or dilation != (1, 1):
            raise not_tileable(layer)

    def output_length(self, size, axis):
        return (size - self.window[axis]) // self.layer.strides[axis] + 1

    def input_span(self, span, size, axis):
        stride = self.layer.strides[axis]
        return (span[0] * stride, (span[1] - 1) * stride + self.window[axis])


class Upsampling(Pointwise):
    """A layer whose result is larger, and is cut to the region."""

    def apply(self, inputs, *, input_region, region, input_size):
        y = self.layer(inputs[0])
        starts = []
        for axis in (0, 1):
            starts.append(region[axis][0] - input_region[axis][0] * self.scale(axis))
        top, left = starts
        (first_row, end_row), (first_column, end_column) = region
        height = end_row - first_row
        width = end_column - first_column
        return y[:, top : top + height, left : left + width]

    def scale(self, axis: int) -> int:
        """Pixels of the result for one of the input."""
        return 2


class TransposedConvolution(Upsampling):
    """A transposed convolution without cropping."""

    def __init__(self, layer):
        super().__init__(layer)
        leaves_gaps = any(
            kernel < stride for kernel, stride in zip(layer.kernel_size, layer.strides, strict=True)
        )
        if layer.padding != "valid" or leaves_gaps:
            raise not_tileable(layer)

    def scale(self, axis):
        return self.layer.strides[axis]

    def output_length(self, size, axis):
        return (size - 1) * self.layer.strides[axis] + self.layer.kernel_size[axis]

    def input_span(self, span, size, axis):
        stride = self.layer.strides[axis]
        kernel = self.layer.kernel_size[axis]
        first = -(-(span[0] - kernel + 1) // stride)  # rounded up
        last = (span[1] - 1) // stride
        return (max(first, 0), min(last, size - 1) + 1)


class NearestUpsampling(Upsampling):
    """Upsampling by two that repeats pixels."""

    def __init__(self, layer):
        super().__init__(layer)
        if tuple(layer.size) != (2, 2) or layer.interpolation != "nearest":
            raise not_tileable(layer)

    def output_length(self, size, axis):
        return 2 * size

    def input_span(self, span, size, axis):
        return (span[0] // 2, (span[1] - 1) // 2 + 1)


class BilinearUpsampling(Upsampling):
    """Upsampling by two that blends each pixel with the next one on either side."""

    def output_length(self, size, axis):
        return 2 * size

    def input_span(self, span, size, axis):
        return (max((span[0] - 1) // 2, 0), min(span[1] // 2, size - 1) + 1)


# Layer -> its rule.
RULES = {
    keras.layers.Activation: Pointwise,
    keras.layers.AveragePooling2D: Window,
    keras.layers.Concatenate: Pointwise,
    keras.layers.Conv2D: Window,
    keras.layers.Conv2DTranspose: TransposedConvolution,
    keras.layers.Cropping2D: Cropping,
    keras.layers.Identity: Identity,
    keras.layers.LeakyReLU: Pointwise,
    keras.layers.ReLU: Pointwise,
    keras.layers.UpSampling2D: NearestUpsampling,
    keras.layers.ZeroPadding2D: ZeroPadding,
    layers.BatchNormalization: batch_norm,
    layers.BilinearUpsampling2D: BilinearUpsampling,
    convolution.Conv2D: Window,
    convolution.Conv2DTranspose: TransposedConvolution,
    cropping.Cropping2D: Cropping,
    layers.InstanceNormalization: PictureNorm,
    layers.LeakyReLU: Pointwise,
    layers.NoiseDropout: Dropout,
    layers.ReflectionPadding2D: ReflectionPadding,
}
