"""What each operation gains for which layers leave TensorFlow's usual kernel on a CPU.

python benchmarks/cpu_kernels.py
python benchmarks/cpu_kernels.py --dtype=float32

Each layer of the paper's networks at 128 pixels is called and differentiated with and without
`cyclegan_keras/layers/tensorflow_cpu.py`, in turn. The last line is JSON.
"""

import argparse
import json
import os
import pathlib
import platform
import statistics
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

CALLS = 8  # in one measurement, one after the other


def main() -> None:
    """Measures all layers and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--dtype", choices=("bfloat16", "float32"), default="bfloat16")
    parser.add_argument("--rounds", type=int, default=20, help="after two that are not counted")
    arguments = parser.parse_args()

    import keras
    import tensorflow as tf

    from cyclegan_keras import layers

    keras.config.set_dtype_policy("float32" if arguments.dtype == "float32" else "mixed_bfloat16")
    cases = [
        (layers.Conv2D(256, 3), (1, 34, 34, 256)),
        (layers.Conv2D(128, 3, strides=2), (1, 130, 130, 64)),
        (layers.Conv2D(512, 4), (1, 18, 18, 256)),
        (layers.Conv2DTranspose(64, 3, strides=2), (1, 64, 64, 128)),
        (layers.InstanceNormalization(), (1, 32, 32, 256)),
        (layers.InstanceNormalization(), (1, 128, 128, 64)),
        (layers.ReflectionPadding2D(1), (1, 32, 32, 256)),
        (layers.ReflectionPadding2D(3), (1, 128, 128, 64)),
        (layers.Cropping2D(((1, 0), (1, 0))), (1, 129, 129, 64)),
    ]
    rows = []
    print(f"{'forward and back, ms':24}{'input':20}{'usual':>9}{'here':>9}{'ratio':>8}")
    for layer, shape in cases:
        usual, here = in_turn(layer, shape, arguments)
        row = {
            "layer": type(layer).__name__,
            "input": "x".join(str(side) for side in shape),
            "usual_ms": usual * 1e3,
            "here_ms": here * 1e3,
            "ratio": here / usual,
        }
        rows.append(row)
        print("{:24}{:20}{:9.3f}{:9.3f}{:8.2f}".format(*row.values()), flush=True)
    machine = f"{platform.machine()}, {os.cpu_count()} cores"
    versions = {"tensorflow": tf.__version__, "keras": keras.__version__}
    print(json.dumps({**vars(arguments), "machine": machine, **versions, "layers": rows}))


def in_turn(layer, shape, arguments) -> tuple[float, float]:
    """Returns the median seconds of one call by usual kernels, and by those of the layer."""
    from cyclegan_keras.layers import on_cpu

    layer.build(shape)
    operations = on_cpu.operations
    on_cpu.operations = lambda: None
    usual = compiled(layer, shape, arguments.dtype)
    on_cpu.operations = operations
    here = compiled(layer, shape, arguments.dtype)
    seconds = {usual: [], here: []}
    for _ in range(arguments.rounds + 2):
        for function, measured in seconds.items():
            began = time.perf_counter()
            float(function())
            measured.append((time.perf_counter() - began) / CALLS)
    return statistics.median(seconds[usual][2:]), statistics.median(seconds[here][2:])


def compiled(layer, shape, dtype):
    """Returns a function, traced by now, that calls and differentiates a layer `CALLS` times."""
    import tensorflow as tf

    images = tf.cast(tf.random.normal(shape), dtype)
    by_output = tf.cast(tf.random.normal(layer.compute_output_shape(shape)), dtype)

    def call(number, x, total):
        with tf.GradientTape() as tape:
            tape.watch(x)
            output = layer(x, training=True)
        gradients = tape.gradient(output, [x, *layer.trainable_variables], by_output)
        for tensor in (output, *gradients):
            total += tf.cast(tf.reshape(tensor, (-1,))[0], dtype)
        return number + 1, x, total

    @tf.function(autograph=False)
    def calls():
        start = (0, images, tf.zeros((), dtype))
        _, _, total = tf.while_loop(
            lambda number, *_: number < CALLS, call, start, parallel_iterations=1
        )
        return total

    calls.get_concrete_function()
    return calls


if __name__ == "__main__":
    main()
