"""The instance norm of training on TensorFlow, beside TensorFlow's own gradients."""

import numpy as np
import pytest
import tensorflow as tf

from cyclegan_keras.layers import InstanceNormalization
from cyclegan_keras.layers.instance_normalization import normalized_by_picture

EPSILON = 1e-5


def gradients(norm, x, dy):
    """Returns the value, its gradient, and the gradient of the square of that."""
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = norm(x)
        dx = inner.gradient(y, x, dy)
        penalty = tf.reduce_sum(dx**2)
    return y, dx, outer.gradient(penalty, x)


def batch(shape, dtype="float32"):
    random = np.random.default_rng(0)
    return tf.constant(random.normal(3, 2, shape), dtype), tf.constant(
        random.normal(size=shape), dtype
    )


@pytest.mark.parametrize("shape", [(1, 16, 16, 8), (2, 15, 14, 3)])
def test_value_and_gradient_are_bit_equal_to_tensorflows(shape):
    x, dy = batch(shape)
    own = tf.function(
        lambda x, dy: gradients(lambda x: InstanceNormalization()(x, training=True), x, dy)
    )
    usual = tf.function(lambda x, dy: gradients(lambda x: normalized_by_picture(x, EPSILON), x, dy))
    for found, expected in zip(own(x, dy)[:2], usual(x, dy)[:2], strict=True):
        np.testing.assert_array_equal(found, expected)


def test_gradient_can_be_differentiated_again():
    x, dy = batch((2, 6, 5, 3), "float64")
    norm = InstanceNormalization(dtype="float64")
    _, _, found = gradients(lambda x: norm(x, training=True), x, dy)
    _, _, expected = gradients(lambda x: normalized_by_picture(x, EPSILON), x, dy)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


def test_a_norm_takes_fewer_operations_in_training():
    def operations(training):
        spec = tf.TensorSpec((1, 16, 16, 8))
        norm = InstanceNormalization()

        def run(x, dy):
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = norm(x, training=training)
            return tape.gradient(y, x, dy)

        norm.build(spec.shape)
        return len(tf.function(run).get_concrete_function(spec, spec).graph.get_operations())

    assert operations(training=True) < 0.75 * operations(training=False)
