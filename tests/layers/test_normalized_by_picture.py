import numpy as np
import pytest

from cyclegan_keras.layers.instance_normalization import normalized_by_picture

X = np.random.default_rng(0).normal(3, 2, (2, 5, 7, 3))
GAMMA, BETA = np.array([1.0, 2.0, 0.5]), np.array([0.0, -1.0, 4.0])


@pytest.mark.parametrize(
    ("gamma", "beta"), [(None, None), (GAMMA, None), (None, BETA), (GAMMA, BETA)]
)
def test_equals_numpy(gamma, beta):
    mean, variance = X.mean((1, 2), keepdims=True), X.var((1, 2), keepdims=True)
    expected = (X - mean) / np.sqrt(variance + 1e-5) * (1 if gamma is None else gamma)
    expected = expected + (0 if beta is None else beta)
    np.testing.assert_allclose(normalized_by_picture(X, 1e-5, gamma, beta), expected, atol=1e-12)


def test_half_precision_is_computed_in_float32():
    result = normalized_by_picture(X.astype("float16"), 1e-5)
    assert result.dtype == "float32"
    expected = normalized_by_picture(X.astype("float16").astype("float32"), 1e-5)
    np.testing.assert_array_equal(result, expected)
