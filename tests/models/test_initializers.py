import numpy as np
import pytest

from cyclegan_keras.models.base import INITIALIZERS, gamma_initializer, initializer

SHAPE = (3, 3, 40, 60)  # (height, width, in, out)
FAN_IN, FAN_OUT = 9 * 40, 9 * 60


@pytest.mark.parametrize(
    ("init_type", "gain", "std"),
    [
        ("normal", 0.02, 0.02),
        ("normal", 1.5, 1.5),
        ("xavier", 0.02, 0.02 * np.sqrt(2 / (FAN_IN + FAN_OUT))),
        ("xavier", 2.0, 2.0 * np.sqrt(2 / (FAN_IN + FAN_OUT))),
        ("kaiming", 0.02, np.sqrt(2 / FAN_IN)),
    ],
)
def test_spread(init_type, gain, std):
    values = np.array(initializer(init_type, gain)(SHAPE))
    assert abs(values.std() / std - 1) < 0.03
    assert abs(values.mean()) < 0.03 * std
    assert np.abs(values).max() > 3.5 * std  # normal, not truncated


def test_orthogonal():
    values = np.array(initializer("orthogonal", 0.5)(SHAPE)).reshape(-1, 60)
    np.testing.assert_allclose(values.T @ values, 0.25 * np.eye(60), atol=1e-5)


@pytest.mark.parametrize("init_type", INITIALIZERS)
def test_each_call_gives_another(init_type):
    first, second = (np.array(initializer(init_type)((3, 3, 4, 4))) for _ in range(2))
    assert np.all(first != second)


def test_gamma():
    values = np.array(gamma_initializer(0.02)((10_000,)))
    assert abs(values.mean() - 1) < 1e-3
    assert abs(values.std() - 0.02) < 1e-3


def test_bad_arguments():
    with pytest.raises(ValueError, match="Received: init_type='uniform'"):
        initializer("uniform")
    with pytest.raises(ValueError, match="Received: init_gain=-1"):
        initializer("normal", -1)
