"""One constant for each value, type and graph."""

import tensorflow as tf

from cyclegan_keras.layers.tensorflow_constants import shared_constant


def test_a_graph_has_one_constant_for_each_value_and_type():
    with tf.Graph().as_default() as graph:
        waiting = tf.constant(7)
        with tf.control_dependencies([waiting]):
            first = shared_constant((1, 2), "int32")
        assert shared_constant((1, 2), tf.int32) is first
        assert first.op.control_inputs == []
        others = [shared_constant(2, "int32"), shared_constant(2.0, "float32")]
        assert [other.dtype for other in others] == [tf.int32, tf.float32]
        with tf.Graph().as_default():
            assert shared_constant((1, 2), "int32") is not first
        assert len(graph.get_operations()) == 4


def test_without_a_graph_it_is_a_constant():
    assert shared_constant((1, 2), "int32").numpy().tolist() == [1, 2]
