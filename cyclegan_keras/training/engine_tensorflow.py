"""Gradients on TensorFlow: what `Trainer` needs of a backend."""

from collections.abc import Callable

import keras
import tensorflow as tf


class Recording:
    """What `function()` makes, with a tape that `gradients` goes on with.

    Attributes:
        value: what it made.
    """

    def __init__(self, function: Callable, variables: list):
        self.tape = tf.GradientTape()
        with self.tape:
            self.value = function()


def gradients(function: Callable, variables: list, start, recording=None) -> tuple:
    """Differentiates a loss.

    Args:
        function: returns (loss, others); it is given the value of `recording`, where there is one.
        variables: what to differentiate by.
        start: a factor of all gradients.
        recording: of earlier steps on the way to the loss.

    Returns:
        The others and a list of gradients.
    """
    with recording.tape if recording else tf.GradientTape() as tape:
        loss, others = function(*([recording.value] if recording else []))
    start = tf.cast(start, loss.dtype)
    found = tape.gradient(loss, variables, start)
    pairs = zip(found, variables, strict=True)
    return others, [tf.zeros(v.shape, v.dtype) if g is None else g for g, v in pairs]


def gradient_of(function: Callable, x):
    """Returns the gradient of a scalar `function` at the tensor `x`; it can be differentiated."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        result = function(x)
    return tape.gradient(result, x)


def apply(optimizer: keras.optimizers.Optimizer, gradients: list, variables: list) -> None:
    """Has the optimizer change the variables, all those that it was built with."""
    optimizer.apply(gradients, variables)


def after(done: list | None, batch):
    """Returns a batch (nested tensors) that is there when `done` (tensors) is."""
    if not done:
        return batch
    with tf.control_dependencies(done):
        return keras.tree.map_structure(tf.identity, batch)


def over_parts(function: Callable, batch, parts: int) -> tuple:
    """Gives `function` equal parts of a batch, one after the other, so that one is held at a time.

    Args:
        function: part -> (what is added up, what is joined along the first axis), both nested.
        batch: nested tensors (batch, ...).
        parts: how many; it divides the batch.

    Returns:
        The sum and what was joined.
    """
    flatten, pack = keras.tree.flatten, keras.tree.pack_sequence_as

    def part(number):
        def cut(x):
            size = tf.shape(x)[0] // parts
            static = x.shape[0] and x.shape[0] // parts
            return tf.ensure_shape(x[number * size : (number + 1) * size], (static, *x.shape[1:]))

        return keras.tree.map_structure(cut, batch)

    def body(number, sums, arrays):
        added, joined = function(after(sums, part(number)))
        sums = [total + x for total, x in zip(sums, flatten(added), strict=True)]
        return (
            number + 1,
            sums,
            [a.write(number, x) for a, x in zip(arrays, flatten(joined), strict=True)],
        )

    added, joined = function(part(0))
    arrays = [
        tf.TensorArray(x.dtype, parts, element_shape=x.shape).write(0, x) for x in flatten(joined)
    ]
    state = (tf.constant(1), flatten(added), arrays)
    _, sums, arrays = tf.while_loop(
        lambda number, *_: number < parts, body, state, parallel_iterations=1
    )
    return pack(added, sums), pack(joined, [array.concat() for array in arrays])


def has_accelerator() -> bool:
    """Returns whether steps are taken on something else than a CPU."""
    return any(d.device_type in ("GPU", "TPU") for d in tf.config.list_logical_devices())


def replicas() -> int:
    """Returns how many replicas a step is taken on together."""
    return tf.distribute.get_strategy().num_replicas_in_sync
