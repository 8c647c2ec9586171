import keras
import numpy as np
import pytest
import tensorflow as tf

from cyclegan_keras.layers import BatchNormalization


def pictures(batch=2, side=3, channels=4):
    return np.random.default_rng(0).normal(1, 2, (batch, side, side, channels)).astype("float32")


def test_running_statistics_after_two_batches():
    norm, x = BatchNormalization(momentum=0.9), pictures()
    for images in (x, 2 * x):
        norm(images, training=True)
    mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2), ddof=1)
    np.testing.assert_allclose(norm.moving_mean, 0.9 * 0.1 * mean + 0.1 * 2 * mean, rtol=1e-5)
    np.testing.assert_allclose(
        norm.moving_variance, 0.81 + 0.09 * variance + 0.1 * 4 * variance, rtol=1e-5
    )
    assert int(norm.batches) == 2


def test_training_normalizes_with_the_biased_variance():
    norm, x = BatchNormalization(), pictures()
    expected = (x - x.mean((0, 1, 2))) / np.sqrt(x.var((0, 1, 2)) + 1e-5)
    np.testing.assert_allclose(norm(x, training=True), expected, atol=1e-5)


def test_inference_remembers_and_changes_nothing():
    norm, x = BatchNormalization(), pictures()
    norm(x, training=True)
    before = [np.array(v) for v in norm.variables]
    expected = (x - before[2]) / np.sqrt(before[3] + 1e-5)
    np.testing.assert_allclose(norm(x), expected, atol=1e-5)
    norm.trainable = False
    np.testing.assert_allclose(norm(x, training=True), expected, atol=1e-5)
    for value, variable in zip(before, norm.variables, strict=True):
        np.testing.assert_array_equal(value, variable)


def test_one_value_a_channel_is_no_division_by_zero():
    norm = BatchNormalization()
    norm(np.ones((1, 1, 1, 2), "float32"), training=True)
    np.testing.assert_allclose(norm.moving_variance, [0.9, 0.9])


def test_compiled_and_with_unknown_sizes():
    eager, compiled, x = BatchNormalization(), BatchNormalization(), pictures()
    compiled.build(x.shape)

    @tf.function(input_signature=[tf.TensorSpec((None, None, None, 4))])
    def train(images):
        return compiled(images, training=True)

    np.testing.assert_allclose(train(x), eager(x, training=True), atol=1e-6)
    np.testing.assert_allclose(compiled.moving_variance, eager.moving_variance, rtol=1e-6)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_statistics_stay_float32_under_mixed_precision(policy):
    norm = BatchNormalization(dtype=policy)
    y = norm(pictures(), training=True)
    assert y.dtype == policy.removeprefix("mixed_")
    assert norm.moving_variance.dtype == "float32"


def test_round_trip():
    norm = BatchNormalization(momentum=0.5, epsilon=0.1, name="norm")
    copy = BatchNormalization.from_config(norm.get_config())
    assert (copy.momentum, copy.epsilon, copy.name) == (0.5, 0.1, "norm")
    model = keras.Sequential([keras.Input((3, 3, 4)), norm])
    model(pictures(), training=True)
    other = keras.models.clone_model(model)
    other.set_weights(model.get_weights())
    np.testing.assert_array_equal(other(pictures()), model(pictures()))


def test_per_picture_normalizes_at_test_as_training_with_one_picture_did():
    norm, x = BatchNormalization(per_picture=True), pictures()
    norm.build(x.shape)
    norm.gamma.assign([1.0, 2.0, 3.0, 4.0])
    norm.beta.assign([0.1, 0.2, 0.3, 0.4])
    at_test = norm(x, training=False)
    assert int(norm.batches) == 0
    for index in range(2):
        alone = x[index : index + 1]
        np.testing.assert_allclose(
            at_test[index : index + 1], norm(alone, training=True), atol=1e-5
        )


def test_per_picture_survives_saving():
    norm = BatchNormalization.from_config(BatchNormalization(per_picture=True).get_config())
    assert norm.per_picture
