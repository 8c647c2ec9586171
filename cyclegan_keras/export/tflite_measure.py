"""What a receipt tells of a .tflite file: how large, how fast, how near to Keras."""

import collections
import json
import pathlib
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf

from cyclegan_keras.export import tflite_run
from cyclegan_keras.export.parity import compare
from cyclegan_keras.files.errors import ExportError


def measure(
    path: str | pathlib.Path,
    references: Sequence[tuple[np.ndarray, np.ndarray]],
    *,
    repeats: int = 10,
    threads: int = 2,
    baseline: Callable[[np.ndarray], object] | None = None,
) -> dict[str, object]:
    """Returns facts about a file.

    `bytes`; `operations`, how many of each; `macs`, multiplications of its convolutions;
    `partitions`, the pieces that the XNNPACK delegate cuts it into; `latency_ms`, the median, and
    `latency_ratio` to the baseline; `peak_memory_mb` of a process that runs nothing else (on Linux
    alone); and of `compare` the worst over all references.

    Args:
        path: the .tflite file.
        references: pictures of the file's size and Keras' translations of them, float32 (1, height,
            width, channels) in [-1, 1].
        repeats: how often it is timed.
        threads: of the CPU that it may use.
        baseline: a translator to be timed in turn with the file, so that both see the same machine.

    Raises:
        ExportError: the file cannot run.
    """
    try:
        interpreter = tflite_run.open_model(path, threads)
    except tflite_run.TFLiteError as error:
        raise ExportError(str(error)) from error
    rows = [compare(y, tflite_run.run(interpreter, x)) for x, y in references]
    worst = {
        name: (max if name.endswith("error") else min)(row[name] for row in rows)
        for name in rows[0]
    }
    return {
        "bytes": pathlib.Path(path).stat().st_size,
        **_operations(interpreter),
        **_latency(interpreter, references[0][0], repeats, baseline),
        **_alone(path, threads),
        **worst,
    }


def count(generator: keras.Model, height: int, width: int) -> dict[str, int]:
    """Returns a generator's `parameters` and `macs`, the multiplications of its convolutions."""
    image = tf.TensorSpec((1, height, width, generator.input_shape[-1]))
    function = tf.function(lambda image: generator(image, training=False), autograph=False)
    macs = 0
    for operation in function.get_concrete_function(image).graph.get_operations():
        if operation.type == "Conv2D":
            kernel, result = operation.inputs[1].shape, operation.outputs[0].shape
            macs += result.num_elements() * kernel[:3].num_elements()
        elif operation.type == "Conv2DBackpropInput":  # a transposed convolution, seen from behind
            kernel, result = operation.inputs[1].shape, operation.inputs[2].shape
            macs += result.num_elements() * kernel[:3].num_elements()
    return {"parameters": generator.count_params(), "macs": macs}


def _operations(interpreter):
    # There is no public way to see what a delegate took over.
    operations = interpreter._get_ops_details()
    names = collections.Counter(operation["op_name"] for operation in operations)
    shapes = {each["index"]: each["shape"] for each in interpreter.get_tensor_details()}
    macs = 0
    for operation in operations:
        name, inputs, outputs = (operation[key] for key in ("op_name", "inputs", "outputs"))
        if name in ("CONV_2D", "DEPTHWISE_CONV_2D"):  # kernels (out, rows, columns, in)
            macs += int(np.prod(shapes[outputs[0]])) * int(np.prod(shapes[inputs[1]][1:]))
        elif name == "TRANSPOSE_CONV":
            kernel, image = shapes[inputs[1]], shapes[inputs[2]]
            macs += int(np.prod(image)) * int(np.prod(kernel[:3]))
    partitions = names.pop("DELEGATE", 0)
    return {"operations": dict(names.most_common()), "macs": macs, "partitions": partitions}


def _latency(interpreter, image, repeats, baseline):
    seconds = {"file": [], "baseline": []}
    if baseline is not None:
        baseline(image)
    for _ in range(repeats):
        began = time.perf_counter()
        interpreter.invoke()
        seconds["file"].append(time.perf_counter() - began)
        if baseline is not None:
            began = time.perf_counter()
            np.asarray(baseline(image))
            seconds["baseline"].append(time.perf_counter() - began)
    median = statistics.median(seconds["file"])
    result = {"latency_ms": 1e3 * median}
    if baseline is not None:
        result["latency_ratio"] = median / statistics.median(seconds["baseline"])
    return result


def _alone(path, threads):
    """Runs the file once in a process of its own, to see how much memory that takes."""
    command = [sys.executable, tflite_run.__file__, str(path), "--repeats=1"]
    done = subprocess.run(
        [*command, f"--threads={threads}"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ExportError(f"{path} does not run in a process of its own: {done.stderr.strip()}")
    told = json.loads(done.stdout.splitlines()[-1])
    return {key: told[key] for key in ("peak_memory_mb",) if key in told}
