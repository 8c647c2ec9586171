import subprocess
import sys
import textwrap

import numpy as np
import pytest
import tensorflow as tf

from cyclegan_keras.layers import ImagePool
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


def test_gradients_start_with_a_factor_and_are_none_where_nothing_flows():
    x, unused = tf.Variable(3.0), tf.Variable([1.0, 2.0])
    others, (by_x, by_unused) = engine.gradients(lambda: (x**2, "kept"), [x, unused], 0.5)
    assert (others, float(by_x), by_unused) == ("kept", 3.0, None)


def test_a_factor_is_exact_in_float64():
    x = tf.Variable(3.0, dtype=tf.float64)
    _, (gradient,) = engine.gradients(lambda: (x, None), [x], 1 / 3)
    assert float(gradient) == 1 / 3


def test_the_gradient_continues_into_a_recorded_forward_pass():
    x = tf.Variable(3.0)
    forward_pass = engine.RecordedForwardPass(lambda: x**2, [x])
    assert float(forward_pass.value) == 9
    _, (gradient,) = engine.gradients(lambda square: (5 * square + x, None), [x], 1.0, forward_pass)
    assert float(gradient) == 5 * 2 * 3 + 1


def test_a_gradient_at_a_tensor_can_be_differentiated():
    x = tf.Variable(2.0)

    def slope_squared():
        return engine.gradient_of(lambda at: at**3 * x, tf.constant(1.0)) ** 2, None  # (3 x)^2

    _, (gradient,) = engine.gradients(slope_squared, [x], 1.0)
    assert float(gradient) == pytest.approx(2 * 9 * 2)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_a_shared_pool_of_one_replica_answers_as_an_image_pool(jit_compile):
    plain, shared = ImagePool(3, seed=5), engine.image_pool(3, seed=5, name="pool")
    for pool in (plain, shared):
        pool.build((None, 2, 1, 1))
    query = tf.function(shared, jit_compile=jit_compile)
    for start in range(0, 32, 4):
        pictures = tf.reshape(tf.range(start, start + 4, dtype="float32"), (2, 2, 1, 1))
        np.testing.assert_array_equal(query(pictures), plain(pictures))
    for mine, other in zip(plain.variables, shared.variables, strict=True):
        np.testing.assert_array_equal(mine, other)
    assert engine.image_pool(0, seed=5, name="none")(pictures) is not None


REPLICAS = """
    import tensorflow as tf

    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
    )
    from cyclegan_keras.training.engine_tensorflow import SharedImagePool

    def numbered(start, stop):
        return tf.reshape(tf.range(start, stop, dtype="float32"), (-1, 1, 1, 1))

    alone = SharedImagePool(3, seed=7)
    alone.build((None, 1, 1, 1))
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    with strategy.scope():
        shared = SharedImagePool(3, seed=7)
        shared.build((None, 1, 1, 1))

    @tf.function
    def query(parts):
        return strategy.run(shared, (parts,))

    for i in range(0, 60, 2):
        parts = strategy.experimental_distribute_values_from_function(
            lambda context: numbered(i, i + 2)[context.replica_id_in_sync_group :][:1]
        )
        pooled = tf.concat(strategy.experimental_local_results(query(parts)), 0)
        assert pooled.shape == (2, 1, 1, 1)
        tf.debugging.assert_equal(pooled, alone(numbered(i, i + 2)))
    # A last batch may be spread unevenly.
    uneven = strategy.experimental_distribute_values_from_function(
        lambda context: numbered(60, 61) if context.replica_id_in_sync_group else numbered(61, 63)
    )
    pooled = tf.concat(strategy.experimental_local_results(query(uneven)), 0)
    expected = alone(tf.concat([numbered(61, 63), numbered(60, 61)], 0))
    tf.debugging.assert_equal(pooled, expected)
    for mine, other in zip(alone.variables, shared.variables):
        for copy in strategy.experimental_local_results(other.value):
            tf.debugging.assert_equal(copy, mine.value)
"""


@pytest.mark.release
def test_two_replicas_equal_one_with_both_pictures():
    """tests/distribution/test_loop.py compares the pools of whole trainings."""
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(REPLICAS)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr[-3000:]
