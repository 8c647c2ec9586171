"""Constants that many operations of a TensorFlow graph share."""

import tensorflow as tf

_ATTRIBUTE = "_cyclegan_keras_constants"


def shared_constant(value, dtype):
    """Returns a constant, the same tensor wherever one graph asks for it.

    Of the graph of a training step, constants of equal values would be every fifth node, each of
    which takes time before the first step.

    Args:
        value: a number, or nested tuples of numbers.
        dtype: its type.
    """
    if tf.executing_eagerly():
        return tf.constant(value, dtype)
    graph = tf.compat.v1.get_default_graph()
    if not hasattr(graph, _ATTRIBUTE):
        setattr(graph, _ATTRIBUTE, {})
    constants = getattr(graph, _ATTRIBUTE)
    key = (value, tf.as_dtype(dtype))
    if key not in constants:
        with tf.control_dependencies(None):  # it waits for nothing, whoever asks first
            constants[key] = tf.constant(value, dtype)
    return constants[key]
