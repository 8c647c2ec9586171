"""Opens a feature network by its name."""

from cyclegan_keras import checkpoints
from cyclegan_keras.evaluation.errors import EvaluationError
from cyclegan_keras.metrics import FEATURES, FeatureNetwork, MetricError


def open_features(name: str, weights: str | None = None) -> FeatureNetwork:
    """Returns the feature network `name` of `FEATURES`.

    Args:
        name: of the network.
        weights: the file with its weights, where it is not in its usual place.

    Raises:
        EvaluationError: the weights cannot be found, read or used.
    """
    source = FEATURES[name]
    try:
        path = source.find_weights(weights)
        states = checkpoints.read_state_dicts(path)
        return source.build(next(iter(states.values())))
    except (MetricError, checkpoints.CheckpointError, KeyError, OSError) as error:
        raise EvaluationError(f"--features={name} cannot be used: {error}") from error
