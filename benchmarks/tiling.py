"""Compares memory, time and result of tiles with those of the whole picture at once.

python benchmarks/tiling.py
python benchmarks/tiling.py --width=1536 --height=1024 --ngf=64

Every measurement runs in a process of its own, so that its peak memory is its own; the last line is
JSON.
"""

import argparse
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import numpy as np


def picture(height: int, width: int) -> np.ndarray:
    """Returns a picture with coarse and fine parts, float32 (1, height, width, 3) in [-1, 1]."""
    import tensorflow as tf

    random = np.random.default_rng(0)
    coarse = random.uniform(-1, 1, (1, 12, 16, 3)).astype("float32")
    large = np.array(tf.image.resize(coarse, (height, width), "bicubic"))
    large += random.standard_normal(large.shape, "float32") * np.float32(0.05)
    return np.clip(large, -1, 1, out=large)


def work(arguments: argparse.Namespace) -> None:
    """Translates one picture in this process and prints what it took, as JSON."""
    import keras

    from cyclegan_keras.models.resnet_generator import ResNetGenerator
    from cyclegan_keras.translation.opening import translator_of

    keras.utils.set_random_seed(0)
    network = ResNetGenerator(ngf=arguments.ngf, n_blocks=arguments.n_blocks, init_gain=0.1)
    images = picture(arguments.height, arguments.width)
    before = peak_mb()
    options = {"max_memory_mb": 10**6}
    if arguments.tile_size:
        options["tile_size"] = arguments.tile_size
    began = time.perf_counter()
    result = translator_of(network, **options)(images)
    seconds = time.perf_counter() - began
    np.save(arguments.output, result[0, ::7, ::7])
    sys.stdout.write(json.dumps({"seconds": seconds, "before_mb": before, "peak_mb": peak_mb()}))


def peak_mb() -> float:
    """Returns the most memory this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def main() -> None:
    """Measures every size of tiles and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--width", type=int, default=6000)
    parser.add_argument("--height", type=int, default=4000)
    parser.add_argument("--ngf", type=int, default=16)
    parser.add_argument("--n_blocks", type=int, default=9)
    parser.add_argument("--tile_sizes", default="0,512,1024", help="0: the whole picture at once")
    parser.add_argument("--tile_size", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--output", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.output:
        work(arguments)
        return
    rows = []
    results = []
    with tempfile.TemporaryDirectory() as folder:
        for size in arguments.tile_sizes.split(","):
            output = f"{folder}/{size}.npy"
            command = [
                sys.executable,
                __file__,
                f"--tile_size={size}",
                f"--output={output}",
                f"--width={arguments.width}",
                f"--height={arguments.height}",
                f"--ngf={arguments.ngf}",
                f"--n_blocks={arguments.n_blocks}",
            ]
            done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
            if done.returncode:
                rows.append({"tile_size": int(size), "failed": done.returncode})
                continue
            rows.append({"tile_size": int(size), **json.loads(done.stdout)})
            results.append(np.load(output))
            rows[-1]["difference"] = float(np.abs(results[-1] - results[0]).max())
    print(f"{arguments.width}x{arguments.height}, ngf {arguments.ngf}, {arguments.n_blocks} blocks")
    print("| tiles | peak memory | seconds | largest difference |\n|---|---|---|---|")
    for row in rows:
        name = f"{row['tile_size']} px" if row["tile_size"] else "none, at once"
        if "failed" in row:
            print(f"| {name} | failed: exit code {row['failed']} | | |")
            continue
        print(
            f"| {name} | {row['peak_mb'] / 1000:.2f} GB | {row['seconds']:.0f} "
            f"| {row['difference']:.1e} |"
        )
    settings = {name: value for name, value in vars(arguments).items() if value}
    print(json.dumps({**settings, "rows": rows}))


if __name__ == "__main__":
    main()
