import keras
import numpy as np
import pytest

from cyclegan_keras.files.errors import MetricError
from cyclegan_keras.metrics.torch_weights import set_weights


def _model():
    inputs = keras.Input((4, 5, 2))
    x = keras.layers.Conv2D(3, (1, 2), use_bias=False, name="a.conv")(inputs)
    x = keras.layers.BatchNormalization(epsilon=1e-3, name="a.bn")(x)
    x = keras.layers.DepthwiseConv2D((2, 3), use_bias=False, name="b")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, keras.layers.Dense(2, name="c")(x))


def _state():
    rng = np.random.default_rng(0)
    shapes = {"a.conv.weight": (3, 2, 1, 2), "b.weight": (3, 1, 2, 3), "c.weight": (2, 3)}
    shapes |= {"c.bias": (2,), "a.bn.weight": (3,), "a.bn.bias": (3,)}
    shapes |= {"a.bn.running_mean": (3,), "a.bn.running_var": (3,), "unknown": (7,)}
    return {key: rng.uniform(0.5, 1, shape).astype("float32") for key, shape in shapes.items()}


def test_equals_numpy_in_pytorchs_layout():
    model, state = _model(), _state()
    set_weights(model, state)
    picture = np.random.default_rng(1).uniform(size=(2, 4, 5)).astype("float32")
    windows = np.lib.stride_tricks.sliding_window_view(picture, (1, 2), (1, 2))
    x = np.einsum("ihwkl,oikl->ohw", windows, state["a.conv.weight"])
    mean, variance = state["a.bn.running_mean"], state["a.bn.running_var"]
    x = (x - mean[:, None, None]) / np.sqrt(variance + 1e-3)[:, None, None]
    x = x * state["a.bn.weight"][:, None, None] + state["a.bn.bias"][:, None, None]
    windows = np.lib.stride_tricks.sliding_window_view(x, (2, 3), (1, 2))
    x = np.einsum("chwkl,ckl->chw", windows, state["b.weight"][:, 0])
    expected = state["c.weight"] @ x.mean((1, 2)) + state["c.bias"]
    np.testing.assert_allclose(model(picture.transpose(1, 2, 0)[None])[0], expected, rtol=1e-5)


def test_another_networks_weights_are_refused():
    state = _state()
    del state["a.bn.running_var"]
    with pytest.raises(MetricError, match=r"hold no 'a\.bn\.running_var'"):
        set_weights(_model(), state)
    with pytest.raises(MetricError, match=r"'c\.weight' has the shape \(3, 5\).*expected \(3, 2\)"):
        set_weights(_model(), _state() | {"c.weight": np.zeros((5, 3))})
