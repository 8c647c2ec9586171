"""Opening a feature network by its name, and a loss that compares features."""

from absl import logging

from cyclegan_keras.files.errors import EvaluationError, MetricError, WeightsError
from cyclegan_keras.metrics import efficientnet_lite0
from cyclegan_keras.metrics.features import FEATURES, FeatureNetwork
from cyclegan_keras.metrics.perceptual_loss import CHANNELS, PerceptualLoss
from cyclegan_keras.weights.torch_file import read_state_dicts


def open_features(name: str, weights: str | None = None) -> FeatureNetwork:
    """Returns the feature network `name` of `FEATURES`.

    Args:
        name: of the network.
        weights: the file with its weights, where it is not the usual one.

    Raises:
        EvaluationError: the weights cannot be found, read or used.
    """
    source = FEATURES[name]
    try:
        path = source.find_weights(weights)
        states = read_state_dicts(path)
        return source.build(next(iter(states.values())))
    except (MetricError, WeightsError, KeyError, OSError) as error:
        raise EvaluationError(f"--features={name} cannot be used: {error}") from error


def open_perceptual_loss(channels: int) -> PerceptualLoss | None:
    """Returns the perceptual loss for pictures of so many channels, or None where there is none.

    One line in the log then says why, and what to do.

    Args:
        channels: of the pictures to compare.
    """
    if channels not in CHANNELS:
        logging.info(
            "There is no perceptual loss for pictures of %d channels, only for 1 and 3: pictures "
            "are compared pixel by pixel alone.",
            channels,
        )
        return None
    try:
        states = read_state_dicts(efficientnet_lite0.find_weights())
        return PerceptualLoss(next(iter(states.values())))
    except (MetricError, WeightsError, KeyError, OSError) as error:
        logging.warning("Pictures are compared pixel by pixel alone. %s", error)
        return None
