"""A feature network whose answers are known: the mean colour of a picture."""

import keras
import pytest

from cyclegan_keras.metrics import FeatureNetwork


@pytest.fixture(scope="session")
def toy_network():
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
    )
