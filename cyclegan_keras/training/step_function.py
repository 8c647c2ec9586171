"""A training step as a TensorFlow function whose graph is made ready quickly on a CPU.

TensorFlow's Grappler rewrites a graph before it runs for the first time. The step of a CycleGAN has
ten to twenty thousand nodes, and what Grappler does with them takes as long as tracing them. Half
of that time gains nothing on a CPU: a second round over a graph that the first one has finished,
the fusion of operations that oneDNN fuses anyway, and a search for tensors to move out of the
memory of a GPU. Without these the step computes the same numbers in the same time.
"""

from collections.abc import Callable

import tensorflow as tf

from cyclegan_keras.files.garbage import without_garbage_collection
from cyclegan_keras.training.engine_tensorflow import has_accelerator


def step_function(step: Callable, spec, jit_compile: bool | None = None) -> Callable:
    """Returns `step` as a function of one batch, with a graph for all batches of `spec`.

    Args:
        step: batch -> dict of scalars; it may change variables.
        spec: nested `tf.TensorSpec` of a batch.
        jit_compile: whether XLA compiles it.
    """
    function = tf.function(step, input_signature=[spec], autograph=False, jit_compile=jit_compile)
    if jit_compile or has_accelerator():
        return function
    concrete: list[Callable] = []

    def run(batch):
        if tf.config.functions_run_eagerly():
            return function(batch)
        if not concrete:
            with without_garbage_collection():  # traced here, in the first step
                concrete.append(function.get_concrete_function())
        return _call(concrete[0], batch)

    return run


def _call(function, batch):
    """Calls a concrete function of one batch with `_rewriting` in place of the usual options."""
    outputs = tf.raw_ops.StatefulPartitionedCall(
        args=[*tf.nest.flatten(batch), *function.captured_inputs],
        Tout=[output.dtype for output in function.outputs],
        f=function,
        config_proto=_REWRITING,
    )
    return tf.nest.pack_sequence_as(function.structured_outputs, outputs)


def _rewriting() -> bytes:
    """Returns the options of Grappler for a step on a CPU."""
    options = tf.compat.v1.ConfigProto()
    rewrite = options.graph_options.rewrite_options
    rewrite.meta_optimizer_iterations = rewrite.ONE
    rewrite.memory_optimization = rewrite.NO_MEM_OPT
    rewrite.remapping = rewrite.OFF
    return options.SerializeToString()


_REWRITING = _rewriting()
