"""Padding that mirrors the picture at its border."""

import keras
from keras import ops

from cyclegan_keras.layers import on_cpu


@keras.saving.register_keras_serializable(package="cyclegan_keras")
class ReflectionPadding2D(keras.layers.Layer):
    """Pads height and width with the picture's own reflection, the border itself not repeated.

    The paper's generators use it in place of zero padding, which leaves dark artifacts at the
    border.

    Args:
        padding: pixels to add. An int (all four sides), `(height, width)`, or
            `((top, bottom), (left, right))`.

    Input shape:
        `(batch, height, width, channels)`; height and width may be unknown, and each must be larger
        than its padding.

    Output shape:
        `(batch, top + height + bottom, left + width + right, channels)`, same dtype.

    Raises:
        ValueError: `padding` has another form or is negative, or the picture is too small for it.

    Example:
        >>> import numpy as np
        >>> row = np.array([1.0, 2.0, 3.0]).reshape(1, 1, 3, 1)
        >>> ReflectionPadding2D((0, 2))(row).numpy().ravel().tolist()
        [3.0, 2.0, 1.0, 2.0, 3.0, 2.0, 1.0]

    Reference:
        Johnson et al., "Perceptual Losses for Real-Time Style Transfer and Super-Resolution", 2016,
        supplement.
    """

    def __init__(self, padding=1, **kwargs):
        super().__init__(**kwargs)
        self.padding = _four_sides(padding)
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def call(self, images, training=None):
        self._check_size(images.shape)
        operations = on_cpu.operations() if training else None
        if operations is not None and None not in images.shape[1:3]:
            return operations.reflect(images, self.padding)
        return ops.pad(images, ((0, 0), *self.padding, (0, 0)), mode="reflect")

    def compute_output_shape(self, input_shape):
        self._check_size(input_shape)
        batch, height, width, channels = input_shape
        (top, bottom), (left, right) = self.padding
        height = None if height is None else top + height + bottom
        width = None if width is None else left + width + right
        return (batch, height, width, channels)

    def get_config(self):
        return {**super().get_config(), "padding": self.padding}

    def _check_size(self, shape):
        for side, padding in zip(shape[1:3], self.padding, strict=True):
            if side is not None and side <= max(padding):
                raise ValueError(
                    f"Reflection padding {self.padding} needs pictures larger than the padding. "
                    f"Received: shape={tuple(shape)}."
                )


def _four_sides(padding):
    """Returns any accepted form of `padding` as `((top, bottom), (left, right))`."""
    is_pair = isinstance(padding, tuple | list) and len(padding) == 2
    per_axis = padding if is_pair else (padding, padding)
    pairs = [tuple(p) if isinstance(p, tuple | list) else (p, p) for p in per_axis]
    if not all(len(pair) == 2 and all(_is_size(p) for p in pair) for pair in pairs):
        raise ValueError(
            "`padding` must be an int, (height, width) or ((top, bottom), (left, right)) of ints "
            f">= 0. Received: padding={padding!r}."
        )
    return tuple(pairs)


def _is_size(value):
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
