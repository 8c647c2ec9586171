"""Opening a feature network by its name."""

from cyclegan_keras.files.errors import EvaluationError, MetricError, WeightsError
from cyclegan_keras.metrics.features import FEATURES, FeatureNetwork
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
