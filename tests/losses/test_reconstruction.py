import numpy as np
import pytest
import tensorflow as tf

from cyclegan_keras.losses import l1

RNG = np.random.default_rng(0)
X, Y = RNG.uniform(-1, 1, (2, 2, 4, 5, 3))


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-6), ("float64", 1e-14)])
def test_closed_form(dtype, tolerance):
    value = l1(tf.constant(X, dtype), tf.constant(Y, dtype))
    assert value.dtype == dtype
    assert value.shape == ()
    np.testing.assert_allclose(value, np.abs(X - Y).mean(), rtol=tolerance)


def test_half_precision_is_raised():
    value = l1(tf.constant(X, "float32"), tf.constant(Y, "float16"))
    assert value.dtype == "float32"
    np.testing.assert_allclose(value, np.abs(X - Y).mean(), rtol=1e-3)


def test_only_the_chosen_count():
    expected = np.abs(X[1] - Y[1]).mean()
    np.testing.assert_allclose(l1(X, Y, np.array([0.0, 1.0])), expected, rtol=1e-6)
    np.testing.assert_allclose(l1(X, Y, np.ones(2)), np.abs(X - Y).mean(), rtol=1e-6)
    np.testing.assert_array_equal(l1(X, Y, np.zeros(2)), 0)
