import numpy as np
import pytest
import tensorflow as tf

from cyclegan_keras.files.memory import is_out_of_memory


def caught(function):
    try:
        function()
    except Exception as error:
        return error
    raise AssertionError("it did not fail")


def test_numpy_without_memory_is_known():
    assert is_out_of_memory(caught(lambda: np.ones(2**55, "uint8")))


@pytest.mark.release
def test_tensorflow_without_memory_is_known():
    """It waits for ten seconds in which memory may become free."""
    in_graph = tf.function(lambda: tf.reduce_sum(tf.random.uniform([2**46])))
    assert is_out_of_memory(caught(in_graph))


@pytest.mark.parametrize(
    "error",
    [
        OSError("a"),
        tf.errors.ResourceExhaustedError(None, None, "a.txt; No space left on device"),
        tf.errors.UnknownError(None, None, "shapes differ"),
        RuntimeError("out of memory"),
    ],
)
def test_other_errors_are_none(error):
    assert not is_out_of_memory(error)
