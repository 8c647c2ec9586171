import keras
import numpy as np
import pytest
import tensorflow as tf
from golden_files import load_golden

from cyclegan_keras.layers import InstanceNormalization


def normalized(x, epsilon=1e-5):
    x = x.astype("float64")
    mean, variance = x.mean((1, 2), keepdims=True), x.var((1, 2), keepdims=True)
    return (x - mean) / np.sqrt(variance + epsilon)


@pytest.mark.parametrize("epsilon", [1e-5, 1e-3])
def test_equals_numpy_per_picture_and_channel(epsilon):
    x = np.random.default_rng(0).normal([0, 3, -9], [1, 5, 0.1], (2, 7, 6, 3)).astype("float32")
    y = InstanceNormalization(epsilon)(x)
    np.testing.assert_allclose(y, normalized(x, epsilon), atol=2e-5)
    np.testing.assert_allclose(y, InstanceNormalization(epsilon)(x, training=True))


def test_large_pictures_keep_their_digits():
    x = np.random.default_rng(0).normal(3, 1, (1, 512, 768, 2)).astype("float32")
    np.testing.assert_allclose(InstanceNormalization()(x), normalized(x), atol=4e-6)


def test_each_picture_alone_gives_the_same():
    x = np.random.default_rng(1).normal(size=(3, 8, 8, 4)).astype("float32")
    layer = InstanceNormalization()
    one_by_one = np.concatenate([layer(x[i : i + 1]) for i in range(3)])
    np.testing.assert_allclose(layer(x), one_by_one, atol=1e-6)


@pytest.mark.parametrize("case", ["a", "b", "c_lowvar", "d_offset"])
def test_equals_tensorflow_addons(case):
    golden = load_golden("instance_norm_tfa.npz")
    x = golden[f"{case}/x"]
    plain = InstanceNormalization(float(golden["epsilon"]), center=True, scale=True)
    plain.build(x.shape)
    plain.set_weights([golden[f"{case}/gamma"], golden[f"{case}/beta"]])
    with tf.GradientTape() as tape:
        images = tf.constant(x)
        tape.watch(images)
        y = plain(images)
        total = tf.reduce_sum(y**2)
    gradients = tape.gradient(total, [images, *plain.trainable_variables])
    np.testing.assert_allclose(y, golden[f"{case}/y"], atol=2e-5)
    for gradient, name in zip(gradients, ("x", "gamma", "beta"), strict=True):
        expected = golden[f"{case}/grad_{name}"]
        # The gradient to x is the small rest of terms as large as y: their rounding remains.
        scale = max(abs(expected).max(), abs(golden[f"{case}/y"]).max())
        np.testing.assert_allclose(gradient, expected, atol=2e-5 * scale)
    plain.epsilon = 1e-5
    expected = golden[f"{case}/y_eps1e-5"]
    np.testing.assert_allclose(plain(x), expected, atol=2e-5)


@pytest.mark.parametrize("dtype", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision_keeps_float32_statistics(dtype):
    # 256 * 256 squares of 200 overflow float16, and their sum is lost in bfloat16.
    x = np.random.default_rng(2).normal(200, 2, (1, 64, 64, 2)).astype("float16")
    layer = InstanceNormalization(center=True, scale=True, dtype=dtype)
    y = layer(tf.cast(x, layer.compute_dtype))
    assert y.dtype == layer.compute_dtype
    assert layer.gamma.dtype == "float32"
    exact = normalized(tf.cast(tf.cast(x, layer.compute_dtype), "float32").numpy())
    np.testing.assert_allclose(tf.cast(y, "float32"), exact, atol=0.02)


def test_float64_stays_exact():
    x = np.random.default_rng(3).normal(size=(1, 5, 5, 2))
    y = InstanceNormalization(dtype="float64")(x)
    assert y.dtype == "float64"
    np.testing.assert_allclose(y, normalized(x), atol=1e-14)


def test_weights():
    assert InstanceNormalization()(np.zeros((1, 2, 2, 3))).shape == (1, 2, 2, 3)
    layer = InstanceNormalization(center=True, scale=True)
    layer.build((None, None, None, 3))
    np.testing.assert_array_equal(layer.gamma, np.ones(3))
    np.testing.assert_array_equal(layer.beta, np.zeros(3))
    assert not InstanceNormalization().weights


def test_round_trip_with_unknown_sizes(tmp_path):
    inputs = keras.Input((None, None, 3))
    outputs = InstanceNormalization(1e-4, center=True, scale=True)(inputs)
    model = keras.Model(inputs, outputs)
    model.set_weights([np.array([1.0, 2, 3]), np.array([4.0, 5, 6])])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    for size in (4, 5):
        x = np.random.default_rng(size).normal(size=(1, size, 6, 3)).astype("float32")
        np.testing.assert_array_equal(model(x), loaded(x))
    assert loaded.layers[-1].epsilon == 1e-4


def test_bad_arguments():
    with pytest.raises(ValueError, match="Received: epsilon=0"):
        InstanceNormalization(epsilon=0)
    with pytest.raises(ValueError, match="Received:"):
        InstanceNormalization().build((None, None, None, None))
    with pytest.raises(ValueError, match="ndim=4"):
        InstanceNormalization()(np.zeros((8, 8, 3)))
