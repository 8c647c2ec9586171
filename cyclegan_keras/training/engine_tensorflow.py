"""What training needs of TensorFlow: gradients, parts of a batch, replicas."""

from collections.abc import Callable

import keras
import tensorflow as tf

from cyclegan_keras.layers import ImagePool
from cyclegan_keras.layers.tensorflow_cpu import has_accelerator as has_accelerator


class RecordedForwardPass:
    """The value of `function()`, and the tape from which `gradients` continues.

    Args:
        function: returns nested tensors.
        variables: what the gradient will be taken by.

    Attributes:
        value: what `function` returned.
    """

    def __init__(self, function: Callable, variables: list):
        self.tape = tf.GradientTape()
        with self.tape:
            self.value = function()


def gradients(function: Callable, variables: list, scale, forward_pass=None) -> tuple:
    """Differentiates a loss.

    Args:
        function: returns (loss, others), others being nested tensors. It is given the value of
            `forward_pass`, if there is one.
        variables: what to differentiate by.
        scale: a factor of all gradients.
        forward_pass: a `RecordedForwardPass` on the way to the loss.

    Returns:
        The others and a list of gradients, which are None where the loss does not depend on a
        variable.
    """
    if forward_pass is None:
        with tf.GradientTape() as tape:
            loss, others = function()
    else:
        with forward_pass.tape as tape:
            loss, others = function(forward_pass.value)
    # Without a type of its own, a Python number would pass through float32.
    scale = tf.cast(tf.convert_to_tensor(scale, dtype_hint=loss.dtype), loss.dtype)
    return others, tape.gradient(loss, variables, scale)


def gradient_of(function: Callable, x):
    """Returns the gradient of a scalar `function` at the tensor `x`; it can be differentiated."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        result = function(x)
    return tape.gradient(result, x)


def apply(optimizer: keras.optimizers.Optimizer, gradients: list, variables: list) -> None:
    """Has the optimizer update the variables, all those that it was built with."""
    optimizer.apply(gradients, variables)


def after(done: list, batch):
    """Returns a batch (nested tensors) that is not available before the tensors `done` are.

    Args:
        done: tensors, and None where there is none.
        batch: nested tensors.
    """
    with tf.control_dependencies([tensor for tensor in done if tensor is not None]):
        return keras.tree.map_structure(tf.identity, batch)


def over_parts(function: Callable, batch, parts: int) -> tuple:
    """Calls `function` for equal parts of a batch, one after the other.

    Args:
        function: part -> (what is added up, what is joined along the first axis), both nested.
        batch: nested tensors (batch, ...).
        parts: how many; it divides the batch.

    Returns:
        The sum and what was joined.
    """
    flatten, pack = keras.tree.flatten, keras.tree.pack_sequence_as

    def take_part(number):
        def cut(x):
            size = tf.shape(x)[0] // parts
            static_size = x.shape[0] and x.shape[0] // parts
            rows = x[number * size : (number + 1) * size]
            return tf.ensure_shape(rows, (static_size, *x.shape[1:]))

        return keras.tree.map_structure(cut, batch)

    def body(number, sums, arrays):
        added, joined = function(after(sums, take_part(number)))
        sums = [total + x for total, x in zip(sums, flatten(added), strict=True)]
        arrays = [array.write(number, x) for array, x in zip(arrays, flatten(joined), strict=True)]
        return number + 1, sums, arrays

    # The first part is taken outside the loop: it shows the structures and shapes of the results.
    added, joined = function(take_part(0))
    arrays = [
        tf.TensorArray(x.dtype, parts, element_shape=x.shape).write(0, x) for x in flatten(joined)
    ]
    _, sums, arrays = tf.while_loop(
        lambda number, *_: number < parts,
        body,
        (tf.constant(1), flatten(added), arrays),
        parallel_iterations=1,
    )
    return pack(added, sums), pack(joined, [array.concat() for array in arrays])


def compiled(network: keras.Model) -> Callable:
    """Returns `network(images, training=False)` as a graph, one for images of all sizes."""
    shape = (None, None, None, network.input_shape[-1])
    return tf.function(
        lambda images: network(images, training=False),
        input_signature=[tf.TensorSpec(shape, name="images")],
    )


def replicas() -> int:
    """Returns the number of replicas that take a step together."""
    return tf.distribute.get_strategy().num_replicas_in_sync


def first_picture(pictures):
    """Returns the number, in the batch of all replicas, of the first picture of this one.

    Args:
        pictures: how many this replica has; each has as many.
    """
    replica = tf.distribute.get_replica_context()
    if replica is None or replica.num_replicas_in_sync == 1:
        return 0
    return tf.cast(replica.replica_id_in_sync_group, "int32") * pictures


def image_pool(size: int, seed: int, name: str) -> ImagePool:
    """Returns an image pool for a trainer."""
    return SharedImagePool(size, seed=seed, name=name)


class SharedImagePool(ImagePool):
    """An image pool that works in place, and that all replicas of `tf.distribute` share.

    Called in replica context, all replicas query one mirrored pool with the global batch, and each
    keeps its own part of the answer: n replicas of batch 1 equal one replica of batch n.

    See `ImagePool` for the arguments.
    """

    def call(self, images):
        replica = tf.distribute.get_replica_context()
        if self.size == 0 or replica is None or replica.num_replicas_in_sync == 1:
            return super().call(images)
        count = tf.shape(images)[:1]
        counts = replica.all_gather(count, axis=0)
        start = tf.reduce_sum(counts[: replica.replica_id_in_sync_group])
        pooled = super().call(replica.all_gather(images, axis=0))
        return tf.ensure_shape(pooled[start : start + count[0]], images.shape)

    def read(self, slots):
        return tf.gather(self.images.value, slots)  # takes no hold of the other slots

    def write(self, slots, pictures):
        self.images.value.scatter_update(tf.IndexedSlices(pictures, slots))
