"""Looks at the int8 graph of translate.py: how it is best run, its memory, and what tiles cost.

    python benchmarks/int8.py --model=generator_g.keras --picture=photo.jpg

Prints how long the preparation takes; the speed of one interpreter with all threads and of several
with a thread each, and of a graph of one size beside the one that is resized, in turns; how much
memory a pixel takes, each size in a process of its own; and the PSNR to float32 of a large picture
as a whole and in tiles, where there is one. The last line is JSON.
"""

import argparse
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time

import turns

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import ai_edge_litert
import numpy as np
import tensorflow as tf
from precision import psnr, values_of

from cyclegan_keras.export.tflite import int8_graph
from cyclegan_keras.files.direction import Direction
from cyclegan_keras.translation.int8_network import Int8Network, available_cores
from cyclegan_keras.translation.opening import open_generators, translator_of

MEMORY_SIDES = (512, 1024)  # px
TILES = (1024, 512, 256)  # px
BATCH = 4  # pictures


def noise(count, side):
    """Returns pictures of noise, float32 (count, side, side, 3) in [-1, 1]."""
    return np.random.default_rng(0).uniform(-1, 1, (count, side, side, 3)).astype(np.float32)


def preparation(generator):
    """Returns the graph for all sizes, and how many seconds it took to make it once more."""
    int8_graph(generator, None)
    began = time.perf_counter()
    graph = int8_graph(generator, None)
    return graph, time.perf_counter() - began


def arrangements(generator, graph, side, rounds):
    """Returns the speed of several ways to run the graph, relative to one interpreter."""
    images = noise(BATCH, side)
    own_graph = int8_graph(generator, (side, side))
    one = Int8Network(generator, lambda size: graph)
    several = Int8Network(generator, lambda size: graph)
    of_one_size = Int8Network(generator, lambda size: own_graph)
    programs = {
        "one interpreter": lambda: [one(image[None]) for image in images],
        "one for each core": lambda: several(images),
        "a graph of one size": lambda: [of_one_size(image[None]) for image in images],
    }
    seconds = {name: [] for name in programs}
    for turn in range(rounds + 1):
        for name, program in programs.items():
            began = time.perf_counter()
            program()
            if turn:  # the first one allocates
                seconds[name].append(time.perf_counter() - began)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    return {name: medians["one interpreter"] / median for name, median in medians.items()}


def memory(graph, folder):
    """Returns bytes a pixel: how much more a larger picture takes than a smaller one."""
    path = folder / "graph.tflite"
    path.write_bytes(graph)
    peaks = []
    for side in MEMORY_SIDES:
        command = [sys.executable, *sys.argv, f"--graph={path}", f"--memory_of={side}"]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
        peaks.append(json.loads(done.stdout)["peak_mb"])
    pixels = [side**2 for side in MEMORY_SIDES]
    return 1e6 * (peaks[1] - peaks[0]) / (pixels[1] - pixels[0])


def print_peak(path, side):
    """Translates one picture in this process and prints the most memory that it has had."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=path, num_threads=available_cores())
    index = interpreter.get_input_details()[0]["index"]
    interpreter.resize_tensor_input(index, (1, side, side, 3))
    interpreter.allocate_tensors()
    interpreter.set_tensor(index, noise(1, side))
    interpreter.invoke()
    sys.stdout.write(json.dumps({"peak_mb": turns.own_peak_mb()}))


def tiles(generator, path, folder):
    """Returns the PSNR to float32 of a picture as a whole and in tiles, by their sides.

    Args:
        generator: the network.
        path: the picture.
        folder: where the graph may be kept.
    """
    values = values_of(path)[None]
    expected = translator_of(generator)(values)
    found = {}
    for side in (None, *TILES):
        if side is not None and side >= max(values.shape[1:3]):
            continue
        translator = translator_of(
            generator,
            precision="int8",
            tile_size=side,
            max_memory_mb=10**6,
            int8_folders=[folder],
        )
        found["whole" if side is None else f"{side} px"] = psnr(expected, translator(values))
    return found


def measure(arguments, folder):
    """Measures and prints; returns the figures."""
    generator = open_generators(arguments.model)[arguments.direction]
    graph, seconds = preparation(generator)
    result = {"benchmark": "int8", "preparation_s": seconds, "graph_mb": len(graph) / 1e6}
    print(f"Prepared in {seconds:.1f} s, {len(graph) / 1e6:.1f} MB.")
    for side in map(int, arguments.sizes.split(",")):
        found = arrangements(generator, graph, side, arguments.rounds)
        result[f"speed_{side}_px"] = found
        words = ", ".join(f"{name} {ratio:.2f}" for name, ratio in found.items())
        print(f"{BATCH} pictures of {side} px, relative speed: {words}.")
    result["bytes_per_pixel"] = memory(graph, folder)
    print(f"{result['bytes_per_pixel']:.0f} bytes a pixel.")
    if arguments.picture:
        result["psnr_db"] = tiles(generator, arguments.picture, folder)
        words = ", ".join(f"{name} {value:.1f} dB" for name, value in result["psnr_db"].items())
        print(f"{arguments.picture.name}: {words}.")
    return result


def main():
    """Reads the command line, measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", required=True, help="a generator's file, or a run")
    parser.add_argument("--direction", type=Direction, default=Direction.A_TO_B)
    parser.add_argument("--sizes", default="256,64", help="sides in pixels of what is timed")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--picture", type=pathlib.Path, help="a large one, to translate in tiles")
    parser.add_argument("--graph", help=argparse.SUPPRESS)
    parser.add_argument("--memory_of", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.memory_of:
        print_peak(arguments.graph, arguments.memory_of)
        return
    with tempfile.TemporaryDirectory() as folder:
        result = measure(arguments, pathlib.Path(folder))
    result["machine"] = f"{platform.machine()}, {available_cores()} cores"
    result["python"] = platform.python_version()
    result["tensorflow"] = tf.__version__
    result["litert"] = ai_edge_litert.__version__
    print(json.dumps(result))


if __name__ == "__main__":
    main()
