"""One scale for all kernels in front of a norm, so that one learning rate suits all students."""

import keras
import numpy as np

from cyclegan_keras.layers import BatchNormalization, InstanceNormalization, ResidualBlock

RMS = 0.1  # root mean square of a kernel's weights
# Below it the epsilon of the norm is what counts, and scaling would make noise a signal.
_LEAST = 1e-4


def scale_kernels(network: keras.Model) -> None:
    """Scales every kernel that a norm follows to a root mean square of 0.1.

    A norm divides by the spread of what it gets, so the translations stay the same, but for the
    little that the epsilon of the norm weighs. What changes is how far a step of Adam, whose length
    does not depend on the weights, turns a kernel. Kernels of inherited students are small: without
    this they are turned too far in the first steps, and much of what they inherited is forgotten.
    Kernels that are next to nothing stay as they are.

    Args:
        network: a `ResNetGenerator` or `UNetGenerator`; its weights are changed.
    """
    for conv, norm in _normalized(network):
        kernel = keras.ops.convert_to_numpy(conv.kernel).astype("float64")
        root_mean_square = float(np.sqrt(np.mean(np.square(kernel))))
        if root_mean_square < _LEAST:
            continue
        factor = RMS / root_mean_square
        _multiply(conv.kernel, factor)
        if conv.bias is not None:
            _multiply(conv.bias, factor)
        if isinstance(norm, BatchNormalization):
            _multiply(norm.moving_mean, factor)
            _multiply(norm.moving_variance, factor**2)


def _normalized(network):
    """Yields every convolution that a norm follows, with that norm."""
    for layer in network.layers:
        if isinstance(layer, ResidualBlock):
            pairs = [(layer.conv_1, layer.norm_1), (layer.conv_2, layer.norm_2)]
        elif layer.name.endswith("_norm"):
            pairs = [(network.get_layer(f"{layer.name.removesuffix('_norm')}_conv"), layer)]
        else:
            continue
        for conv, norm in pairs:
            if isinstance(norm, InstanceNormalization | BatchNormalization):
                yield conv, norm


def _multiply(variable, factor: float) -> None:
    value = keras.ops.convert_to_numpy(variable)
    variable.assign((value * factor).astype(value.dtype))
