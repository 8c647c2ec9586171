"""Parts of files and numbers in them, by operations of TensorFlow."""

import tensorflow as tf

# Of a function that stays one in a graph, however often it is called. Copies at every call would
# make a graph of ten thousand operations, which takes seconds to trace and again to start.
ONE_COPY = {"autograph": False, "experimental_attributes": {"_noinline": True}}


def part(contents: tf.Tensor, start, size) -> tf.Tensor:
    """Returns so many bytes of a string from `start` on, fewer where it ends before."""
    length = tf.cast(tf.strings.length(contents), tf.int64)
    start = tf.minimum(tf.cast(start, tf.int64), length)
    return tf.strings.substr(contents, start, tf.cast(size, tf.int64))


def uint(contents: tf.Tensor, start, size: int, little: bool = False) -> tf.Tensor:
    """Returns the unsigned number in so many bytes as int64; what lies beyond the end is 0."""
    digits = tf.io.decode_raw(part(contents, start, size), tf.uint8, fixed_length=size)
    exponents = range(size) if little else range(size - 1, -1, -1)
    weights = tf.constant([256**exponent for exponent in exponents], tf.int64)
    return tf.reduce_sum(tf.cast(digits, tf.int64) * weights)
