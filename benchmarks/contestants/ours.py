"""Our step, on TensorFlow or JAX, its work, and the machine's ceiling."""

import argparse
import time

import keras
import numpy as np


def trainer_and_batch(arguments: argparse.Namespace):
    """Returns a trainer with the paper's objective, and a batch of noise."""
    from cyclegan_keras.models.options import NetworkOptions
    from cyclegan_keras.training.cyclegan import CycleGAN
    from cyclegan_keras.training.optimizers import adam
    from cyclegan_keras.training.options import CycleGANOptions, OptimizerOptions

    if arguments.mixed_precision:
        keras.config.set_dtype_policy(f"mixed_{arguments.mixed_precision}")
    shape = (arguments.crop_size, arguments.crop_size, 3)
    trainer = CycleGAN.from_options(
        CycleGANOptions(),
        NetworkOptions(generator=arguments.generator, ngf=arguments.ngf, ndf=arguments.ngf),
        lambda: adam(OptimizerOptions(), 1000),
        shapes={"x": shape, "y": shape},
        remat=arguments.remat,
        jit_compile=arguments.jit_compile,
    )
    return trainer, noise(arguments)


def noise(arguments: argparse.Namespace) -> dict:
    """Returns a batch of noise."""
    shape = (2, arguments.batch_size, arguments.crop_size, arguments.crop_size, 3)
    x, y = np.random.default_rng(0).uniform(-1, 1, shape).astype("float32")
    return {"x": keras.ops.convert_to_tensor(x), "y": keras.ops.convert_to_tensor(y)}


def prepare(arguments: argparse.Namespace) -> dict:
    """Returns `facts`, `actions` ("step", "ceiling") and `peak_mb` for `turns.serve`."""
    if keras.config.backend() == "jax":
        return _on_jax(arguments)
    return _on_tensorflow(arguments)


def _on_tensorflow(arguments) -> dict:
    import tensorflow as tf

    trainer, batch = trainer_and_batch(arguments)
    step = tf.function(trainer.train_step, jit_compile=arguments.jit_compile or None)
    cards = tf.config.list_physical_devices("GPU")
    side = matrix_side(bool(cards))
    matrix = tf.cast(tf.random.normal((side, side)), compute_dtype(arguments))
    product = tf.function(lambda: tf.reduce_sum(tf.linalg.matmul(matrix, matrix)))
    return {
        "facts": {
            "version": f"tensorflow {tf.__version__}",
            "gflop": _float_operations(trainer, batch) / 1e9,
            "matrix": side,
            "device": _card(cards) or "CPU",
        },
        "actions": {
            "step": lambda: float(step(batch)["generator_loss"]),
            "ceiling": lambda: float(product()),
        },
        "peak_mb": tensorflow_peak_mb if cards else None,
    }


def _float_operations(trainer, batch) -> int:
    """Returns the floating-point operations of a step, counted from its graph."""
    import tensorflow as tf
    from tensorflow.python.profiler import model_analyzer, option_builder

    graph = tf.function(trainer.train_step).get_concrete_function(batch).graph
    options = option_builder.ProfileOptionBuilder(
        option_builder.ProfileOptionBuilder.float_operation()
    )
    work = model_analyzer.profile(graph, options=options.with_empty_output().build())
    return work.total_float_ops


def _on_jax(arguments) -> dict:
    import jax

    trainer, batch = trainer_and_batch(arguments)
    values = [variable.value for variable in trainer.changing_variables()]
    step = jax.jit(trainer.pure_step(trainer.train_step), donate_argnums=0)
    lowered = step.lower(values, batch)
    began = time.perf_counter()
    step = lowered.compile()
    compiling = time.perf_counter() - began
    state = {"values": values}

    def take_step():
        _, state["values"] = jax.block_until_ready(step(state["values"], batch))

    device = jax.devices()[0]
    side = matrix_side(device.platform != "cpu")
    matrix = jax.random.normal(jax.random.key(0), (side, side), compute_dtype(arguments))
    product = jax.jit(jax.numpy.matmul)
    planned = step.memory_analysis()
    planned_mb = 1e-6 * (
        planned.argument_size_in_bytes
        + planned.output_size_in_bytes
        + planned.temp_size_in_bytes
        - planned.alias_size_in_bytes
    )

    def peak_mb():
        statistics = device.memory_stats()
        if statistics and "peak_bytes_in_use" in statistics:
            return statistics["peak_bytes_in_use"] / 1e6
        return planned_mb  # a CPU has no statistics, but XLA has planned its memory

    return {
        "facts": {
            "version": f"jax {jax.__version__}",
            # Before XLA's passes: these hide convolutions in calls whose work it does not know.
            "gflop": lowered.cost_analysis()["flops"] / 1e9,
            "matrix": side,
            "device": device.device_kind,
            "compile_seconds": compiling,
        },
        "actions": {
            "step": take_step,
            "ceiling": lambda: jax.block_until_ready(product(matrix, matrix)),
        },
        "peak_mb": peak_mb,
    }


def compute_dtype(arguments: argparse.Namespace) -> str:
    """Returns the type that the ceiling's product is taken in."""
    return arguments.mixed_precision or "float32"


def matrix_side(accelerated: bool) -> int:
    """Returns the side of the matrices whose product is the ceiling: large enough to be one."""
    return 8192 if accelerated else 2048


def tensorflow_peak_mb() -> float:
    """Returns the most memory that TensorFlow has had on the card, in MB."""
    import tensorflow as tf

    return tf.config.experimental.get_memory_info("GPU:0")["peak"] / 1e6


def _card(cards) -> str:
    import tensorflow as tf

    return tf.config.experimental.get_device_details(cards[0])["device_name"] if cards else ""
