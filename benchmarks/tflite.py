"""Measures every TFLite variant of a generator in turn with the plain conversion.

    python benchmarks/tflite.py --model=generator_g.keras --pictures=data/testA

Prints a table and one JSON line. "plain" is what TensorFlow's converter makes of the Keras model
with a fixed batch and size, its weights constants. One round runs every file once, so that all see
the same machine; a time is the median of the rounds. PSNR and SSIM are those of the worst picture.
The integer variants are calibrated on pictures that are not measured.
"""

import argparse
import importlib.metadata
import json
import os
import pathlib
import platform
import statistics
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from PIL import Image

from cyclegan_keras.export import tflite, tflite_run
from cyclegan_keras.files.errors import ExportError, WeightsError
from cyclegan_keras.images.pixels import to_float
from cyclegan_keras.weights.networks import load_network


def export_plain(generator, path, size):
    """Converts without any rewriting."""
    trainable = [np.asarray(variable) for variable in generator.trainable_variables]
    others = [np.asarray(variable) for variable in generator.non_trainable_variables]
    shape = (1, size, size, generator.input_shape[-1])

    @tf.function(input_signature=[tf.TensorSpec(shape, name="image")], autograph=False)
    def translate(image):
        translation, _ = generator.stateless_call(trainable, others, image, training=False)
        return {"translation": translation}

    module = tf.Module()
    module.translate = translate.get_concrete_function()
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, folder, {"translate": module.translate})
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=["translate"])
        path.write_bytes(converter.convert())
    return path


def rounds(paths, image, count, threads):
    """Returns the median time of one translation by each variant, in milliseconds."""
    interpreters = {name: tflite_run.open_model(path, threads) for name, path in paths.items()}
    seconds = {name: [] for name in paths}
    for interpreter in interpreters.values():
        tflite_run.run(interpreter, image)
    for _ in range(count):
        for name, interpreter in interpreters.items():
            began = time.perf_counter()
            interpreter.invoke()
            seconds[name].append(time.perf_counter() - began)
    return {name: 1e3 * statistics.median(each) for name, each in seconds.items()}


def measure(generator, pictures, options):
    """Returns the facts of each variant."""
    side = (options.size, options.size)
    inputs = [
        to_float(np.asarray(Image.fromarray(picture).resize(side))[None])
        for picture in pictures[: options.measured]
    ]
    references = [(x, np.asarray(generator(x, training=False))) for x in inputs]
    with tempfile.TemporaryDirectory() as folder:
        plain = export_plain(generator, pathlib.Path(folder) / "plain.tflite", options.size)
        paths = {"plain": plain} | tflite.export_tflite(
            generator,
            folder,
            "generator",
            size=options.size,
            variants=options.variants.split(","),
            calibration=pictures[options.measured :],
        )
        milliseconds = rounds(paths, inputs[0], options.rounds, options.threads)
        rows = {}
        for name, path in paths.items():
            measured = tflite.measure(path, references, repeats=1, threads=options.threads)
            facts = measured.facts
            facts["latency_ms"] = milliseconds[name]
            facts["latency_ratio"] = milliseconds[name] / milliseconds["plain"]
            rows[name] = facts
    return rows


def main():
    """Reads the command line, measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", required=True, help="a .keras file, .pth and so on")
    parser.add_argument("--pictures", required=True, help="a folder of JPEG or PNG files")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--measured", type=int, default=4, help="pictures to compare on")
    parser.add_argument("--calibrated", type=int, default=12, help="pictures to calibrate on")
    parser.add_argument("--variants", default=",".join(tflite.VARIANTS))
    options = parser.parse_args()
    suffixes = (".jpg", ".jpeg", ".png")
    files = [p for p in pathlib.Path(options.pictures).iterdir() if p.suffix.lower() in suffixes]
    files = sorted(files)[: options.measured + options.calibrated]
    pictures = [np.asarray(Image.open(path).convert("RGB")) for path in files]
    try:
        generator = load_network(options.model)
        rows = measure(generator, pictures, options)
    except (WeightsError, ExportError) as error:
        parser.exit(2, f"{error}\n")
    report(rows, options, tflite.count(generator, options.size, options.size))


def report(rows, options, counted):
    """Prints the table and the line of JSON."""
    print("| variant | MB | ms | time, plain = 1 | PSNR (dB) | SSIM | partitions | peak MB |")
    print("| --- " * 8 + "|")
    for name, facts in rows.items():
        print(
            f"| {name} | {facts['bytes'] / 1e6:.1f} | {facts['latency_ms']:.0f} "
            f"| {facts['latency_ratio']:.3f} | {facts['psnr_db']:.1f} | {facts['ssim']:.4f} "
            f"| {facts['partitions']} | {facts.get('peak_memory_mb', float('nan')):.0f} |"
        )
    packages = ("tensorflow", "keras", "ai-edge-litert", "ai-edge-quantizer", "numpy")
    result = {
        "benchmark": "tflite",
        "size": options.size,
        "threads": options.threads,
        "rounds": options.rounds,
        **counted,
        "rows": rows,
        "cpu": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
    }
    for package in packages:
        result[package] = importlib.metadata.version(package)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
