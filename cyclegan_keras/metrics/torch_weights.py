"""Gives weights in PyTorch's layout to Keras layers of the same name."""

from collections.abc import Mapping

import keras
import numpy as np

from cyclegan_keras.files.errors import MetricError


def set_weights(model: keras.Model, state: Mapping[str, np.ndarray]) -> None:
    """Fills every layer of `model` from the entries of `state` that begin with the layer's name.

    Args:
        model: of layers named as in PyTorch, for example `_blocks.0._bn1`.
        state: PyTorch's state dict; entries that no layer asks for are left alone.

    Raises:
        MetricError: an entry is missing or has another shape.
    """
    for layer in model.layers:
        if layer.weights:
            values = []
            for (key, to_keras), weight in zip(_layout(layer), layer.weights, strict=True):
                value = _entry(state, f"{layer.name}.{key}", to_keras, tuple(weight.shape))
                values.append(value)
            layer.set_weights(values)


def _layout(layer):
    """Returns (key in PyTorch, function to Keras' layout) in the order of the layer's weights."""
    if isinstance(layer, keras.layers.BatchNormalization):
        keys = ("weight", "bias", "running_mean", "running_var")
        return [(key, np.asarray) for key in keys]
    if isinstance(layer, keras.layers.Dense):
        return [("weight", np.transpose), ("bias", np.asarray)]
    if isinstance(layer, keras.layers.DepthwiseConv2D):
        # (channels, 1, height, width) -> (height, width, channels, 1)
        return [("weight", lambda kernel: kernel.transpose(2, 3, 0, 1))]
    # (out, in, height, width) -> (height, width, in, out)
    return [("weight", lambda kernel: kernel.transpose(2, 3, 1, 0))]


def _entry(state, name, to_keras, expected):
    if name not in state:
        raise MetricError(
            f"The weights hold no {name!r}, which the feature network needs: are they of another "
            "network?"
        )
    value = to_keras(np.asarray(state[name]))
    if value.shape != expected:
        raise MetricError(
            f"{name!r} has the shape {value.shape} in Keras' order, expected {expected}: are "
            "they of another network?"
        )
    return value
