"""The perceptual distance as a loss: differentiable, of pictures of any size."""

from collections.abc import Mapping

import keras
import numpy as np
from keras import ops

from cyclegan_keras.metrics.efficientnet_lite0 import efficientnet_lite0

# Later stages tell what a picture shows, and hardly how it looks.
LAST_STAGE = 3
CHANNELS = (1, 3)
# Of a squared length: keeps gradients finite where all channels are 0.
EPSILON = 1e-10


class PerceptualLoss:
    """The perceptual distance between pictures by the first stages of EfficientNet-Lite0.

    As `perceptual_distance`, but on pictures as networks give them, at their own size, and by the
    stages 1 to 3. The network is frozen, and no part of whatever holds this loss.

    Args:
        state: PyTorch's state dict of EfficientNet-Lite0.

    Raises:
        MetricError: `state` is of another network.

    Reference:
        Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric",
        2018, section 3, equation 1, with all weights equal.
    """

    def __init__(self, state: Mapping[str, np.ndarray]):
        self._network = efficientnet_lite0(state, size=None, last_stage=LAST_STAGE)
        self._network.trainable = False

    def __call__(self, target, prediction):
        """Returns the mean distance of partners: a scalar, float32 or better, from 0 to 4.

        Args:
            target: (batch, height, width, channels) in [-1, 1] with 1 channel or 3; no gradient
                flows to it.
            prediction: the same.
        """
        distances = []
        maps_of_target = self._maps(ops.stop_gradient(target))
        maps_of_prediction = self._maps(prediction)
        for name, expected in maps_of_target.items():
            found = maps_of_prediction[name]
            squared = ops.sum(ops.square(_unit(expected) - _unit(found)), axis=-1)
            distances.append(ops.mean(squared))
        return sum(distances) / len(distances)

    def _maps(self, pictures) -> dict:
        if pictures.shape[-1] == 1:
            pictures = ops.repeat(pictures, 3, axis=-1)
        levels = (pictures + 1) * 127.5
        return self._network((levels - 127) / 128, training=False)  # as `efficientnet_lite0.scale`


def _unit(x):
    """Returns maps whose channels have length 1 at every position."""
    x = ops.cast(x, keras.backend.result_type(x.dtype, "float32"))
    return x / ops.sqrt(ops.sum(ops.square(x), axis=-1, keepdims=True) + EPSILON)
