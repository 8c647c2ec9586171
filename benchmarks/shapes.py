"""Measures students of several shapes in turn with the generator that they would be made from.

    python benchmarks/shapes.py --model=generator_g.keras --shapes=8x4,16x6,24x4

Prints a table and one JSON line. Weights are random, which changes neither size nor time; without
--model, the largest is the paper's generator. One round runs every file once, so that all see the
same machine; a time is the lowest of the rounds.
"""

import argparse
import importlib.metadata
import json
import os
import platform
import shlex
import sys
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from cyclegan_keras.compression.search import export_untrained
from cyclegan_keras.compression.shapes import Shape, macs, parameters
from cyclegan_keras.export import tflite, tflite_run
from cyclegan_keras.files.errors import UserError
from cyclegan_keras.files.markdown import table
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.weights.networks import load_network

PACKAGES = ("tensorflow", "keras", "ai-edge-litert", "ai-edge-quantizer", "numpy")


def lowest_milliseconds(paths, rounds, threads):
    """Returns the lowest time of each file, all timed once a round."""
    interpreters = {key: tflite_run.open_model(path, threads) for key, path in paths.items()}
    for interpreter in interpreters.values():
        shape = interpreter.get_input_details()[0]["shape"]
        tflite_run.run(interpreter, np.zeros(shape, np.float32))
    seconds = {key: [] for key in paths}
    for _ in range(rounds):
        for key, interpreter in interpreters.items():
            began = time.perf_counter()
            interpreter.invoke()
            seconds[key].append(time.perf_counter() - began)
    return {key: 1e3 * min(each) for key, each in seconds.items()}


def measure(teacher, shapes, options):
    """Returns what a student of each shape costs, the smallest first."""
    variants = options.variants.split(",")
    paths = {}
    with tempfile.TemporaryDirectory() as folder:
        for shape in shapes:
            written = export_untrained(
                teacher,
                shape,
                folder,
                variants=variants,
                height=options.size,
                width=options.size,
            )
            for variant, path in written.items():
                paths[shape, variant] = path
        milliseconds = lowest_milliseconds(paths, options.rounds, options.threads)
        sizes = {key: path.stat().st_size for key, path in paths.items()}
    rows = []
    for shape in shapes:
        row = {
            "shape": str(shape),
            "macs": macs(teacher, shape, options.size, options.size),
            "parameters": parameters(teacher, shape),
        }
        for variant in variants:
            row[f"{variant} kB"] = sizes[shape, variant] / 1000
            row[f"{variant} ms"] = milliseconds[shape, variant]
        rows.append(row)
    return sorted(rows, key=lambda row: row["macs"])


def report(rows, options):
    """Prints the table and the line of JSON."""
    variants = options.variants.split(",")
    header = ["ngf x blocks", "GMAC", "parameters"]
    header += [f"{variant} kB" for variant in variants] + [f"{variant} ms" for variant in variants]
    lines = []
    for row in rows:
        line = [row["shape"], f"{row['macs'] / 1e9:.2f}", f"{row['parameters']:,}"]
        line += [f"{row[f'{variant} kB']:,.0f}" for variant in variants]
        line += [f"{row[f'{variant} ms']:,.1f}" for variant in variants]
        lines.append(line)
    print(table(header, lines))
    result = {
        "benchmark": "shapes",
        "command": shlex.join(["python", *sys.argv]),
        "size": options.size,
        "threads": options.threads,
        "rounds": options.rounds,
        "rows": rows,
        "cpu": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
    }
    for package in PACKAGES:
        result[package] = importlib.metadata.version(package)
    print(json.dumps(result))


def main():
    """Reads the command line, measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", help="a .keras file, .pth and so on")
    parser.add_argument("--shapes", default="4x4,8x4,16x4,16x6,16x9,24x4,32x9")
    parser.add_argument("--variants", default="fp32,dynamic", help=", ".join(tflite.VARIANTS))
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    try:
        teacher = load_network(options.model) if options.model else ResNetGenerator()
        shapes = [Shape.parse(text) for text in options.shapes.split(",")]
        shapes = list(dict.fromkeys([*shapes, Shape.of(teacher)]))
        rows = measure(teacher, shapes, options)
    except UserError as error:
        parser.exit(2, f"{error}\n")
    report(rows, options)


if __name__ == "__main__":
    main()
