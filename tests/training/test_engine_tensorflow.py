import numpy as np
import pytest
import tensorflow as tf

from cyclegan_keras.training import engine_tensorflow as engine

BATCH = {"a": np.arange(24.0).reshape(6, 4), "b": np.arange(6.0)}


@pytest.mark.parametrize("parts", [1, 2, 3, 6])
@pytest.mark.parametrize("wrap", [lambda f: f, tf.function], ids=["eager", "graph"])
def test_parts_are_equal_come_in_order_and_give_sum_and_whole(parts, wrap):
    def work(part):
        assert part["a"].shape == (6 // parts, 4)
        return {"sum": tf.reduce_sum(part["a"])}, (2 * part["a"], part["b"])

    batch = {name: tf.constant(value) for name, value in BATCH.items()}
    sums, (doubled, same) = wrap(lambda b: engine.over_parts(work, b, parts))(batch)
    assert float(sums["sum"]) == BATCH["a"].sum()
    np.testing.assert_array_equal(doubled, 2 * BATCH["a"])
    np.testing.assert_array_equal(same, BATCH["b"])


def test_a_part_waits_until_the_part_before_it_is_added():
    order = tf.Variable([], shape=[None], dtype=tf.float64)

    @tf.function
    def work_through(batch):
        def work(part):
            begun = tf.concat([order, part["b"]], 0)
            order.assign(begun)
            return tf.reduce_sum(begun), ()

        return engine.over_parts(work, batch, 3)[0]

    total = work_through({"b": tf.constant(BATCH["b"])})
    np.testing.assert_array_equal(order, BATCH["b"])
    assert float(total) == (0 + 1) + (0 + 1 + 2 + 3) + 15


def test_gradients_start_with_a_factor_and_are_zero_where_nothing_flows():
    x, unused = tf.Variable(3.0), tf.Variable([1.0, 2.0])
    others, (by_x, by_unused) = engine.gradients(lambda: (x**2, "kept"), [x, unused], 0.5)
    assert (others, float(by_x)) == ("kept", 3.0)
    np.testing.assert_array_equal(by_unused, [0, 0])


def test_a_recording_carries_the_gradient_of_what_it_made():
    x = tf.Variable(3.0)
    recording = engine.Recording(lambda: x**2, [x])
    assert float(recording.value) == 9
    _, (gradient,) = engine.gradients(lambda made: (5 * made + x, None), [x], 1.0, recording)
    assert float(gradient) == 5 * 2 * 3 + 1


def test_a_gradient_at_a_tensor_can_be_differentiated():
    x = tf.Variable(2.0)

    def slope_squared():
        return engine.gradient_of(lambda at: at**3 * x, tf.constant(1.0)) ** 2, None  # (3 x)^2

    _, (gradient,) = engine.gradients(slope_squared, [x], 1.0)
    assert float(gradient) == pytest.approx(2 * 9 * 2)
