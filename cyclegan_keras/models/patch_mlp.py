"""The perceptrons that give CUT the features by which it compares patches."""

import keras
from keras import ops

from cyclegan_keras.models.base import Parts, check_int, full_precision


@keras.saving.register_keras_serializable(package="cyclegan_keras")
class PatchMLP(keras.Model):
    """Maps the features of patches to the unit sphere: the H_l and H_l(.) / |H_l(.)| of CUT.

    Every map of an encoder has a small perceptron of its own: two layers of `units` with a ReLU
    between. Parts can be addressed by `get_layer`: `map_0_hidden map_0_units map_1_hidden ..`.

    Args:
        channels: of each map of features, in order.
        units: of both layers.
        init_type: "normal", "xavier", "kaiming" or "orthogonal".
        init_gain: spread of the starting weights.
        name: of the model.

    Input shape:
        A list of `(batch, patches, channels[l])`, one a map.

    Output shape:
        A list of `(batch, patches, units)` of length one along the last axis, float32 also under
        mixed precision.

    Raises:
        ValueError: an argument out of range.

    Example:
        >>> import numpy as np
        >>> features = [np.ones((1, 5, 3)), np.ones((1, 4, 8))]
        >>> [sphere.shape for sphere in PatchMLP((3, 8), units=16)(features)]
        [TensorShape([1, 5, 16]), TensorShape([1, 4, 16])]

    Reference:
        Park et al., "Contrastive Learning for Unpaired Image-to-Image Translation", 2020, section
        3 and appendix.
    """

    size_multiple = smallest_size = 1  # of the pictures: any size will do

    def __init__(self, channels, units=256, init_type="xavier", init_gain=0.02, name=None):
        check_int("units", units, 1)
        parts = Parts("none", init_type, init_gain)
        inputs, outputs = [], []
        for number, count in enumerate(channels):
            check_int("channels", count, 1)
            x = keras.Input((None, count), name=f"map_{number}")
            inputs.append(x)
            for layer, activation in (("hidden", "relu"), ("units", None)):
                x = keras.layers.Dense(
                    units,
                    activation,
                    kernel_initializer=parts.kernel(),
                    name=f"map_{number}_{layer}",
                    dtype=full_precision(),  # half is too coarse for its small weights
                )(x)
            outputs.append(x)
        super().__init__(inputs=inputs, outputs=outputs, name=name)
        self.channels = list(channels)
        self.units = units
        self.init_type = init_type
        self.init_gain = init_gain

    def call(self, inputs, training=None, mask=None):
        """Maps `inputs`; see the class."""
        outputs = super().call(inputs, training=training, mask=mask)
        # A single map comes without a list.
        return [to_sphere(x) for x in keras.tree.flatten(outputs)]

    def get_config(self):
        """Returns the constructor's arguments."""
        return {
            "channels": self.channels,
            "units": self.units,
            "init_type": self.init_type,
            "init_gain": self.init_gain,
            "name": self.name,
        }


def to_sphere(x):
    """Returns x / |x| along the last axis."""
    squares = ops.sum(ops.square(x), axis=-1, keepdims=True)
    return x / (ops.sqrt(ops.maximum(squares, 1e-24)) + 1e-7)  # the root has no derivative at zero
