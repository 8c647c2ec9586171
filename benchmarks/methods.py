"""Time and memory of a training step of every method, side by side.

python benchmarks/methods.py
python benchmarks/methods.py --crop_size=256 --steps=3

Every method has a process of its own, so that its peak memory is its own, and they take steps in
turn, so that what disturbs one disturbs all. Networks and objectives are the methods' defaults,
with one ResNet generator for all that take one. The last line is JSON.
"""

import argparse
import json
import os
import pathlib
import platform
import statistics
import sys

import turns

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

METHODS = ("cyclegan", "cut", "fastcut", "pix2pix")


def work(arguments: argparse.Namespace) -> None:
    """Serves as one method."""
    import numpy as np
    import tensorflow as tf

    from cyclegan_keras.commands import train_setup
    from cyclegan_keras.runs.run import versions
    from cyclegan_keras.training.optimizers import adam
    from cyclegan_keras.training.table import TRAINERS

    method, side = arguments.worker, arguments.crop_size
    paired = TRAINERS[method].needs_pairs
    generator = TRAINERS[method].usual_generator({(side, side)})
    typed = {
        "method": method,
        "dataset": "demo/pony_pairs" if paired else "demo/ponies",
        "generator": generator if paired else arguments.generator,
        "ngf": arguments.ngf,
        "ndf": arguments.ngf,
    }
    options = train_setup.resolve_options(typed).options
    trainer = TRAINERS[method].from_options(
        options[method],
        options["networks"],
        lambda: adam(options["optimizer"], 1000),
        shapes=dict.fromkeys("xy", (side, side, 3)),
        jit_compile=False,
    )
    shape = (1, side, side, 3)
    random = np.random.default_rng(0)
    data = {name: tf.constant(random.uniform(-1, 1, shape).astype("float32")) for name in "xy"}
    step = tf.function(trainer.train_step)
    turns.serve(
        {"generator": typed["generator"], "versions": versions()},
        {"step": lambda: float(step(data)["generator_loss"])},
    )


def main() -> None:
    """Lets the methods take steps in turn and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--crop_size", type=int, default=128)
    parser.add_argument("--generator", default="resnet_9blocks")
    parser.add_argument("--ngf", type=int, default=64, help="of both kinds of networks")
    parser.add_argument("--steps", type=int, default=5, help="after two that are not counted")
    parser.add_argument("--worker", choices=METHODS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        work(arguments)
        return
    workers = {method: turns.Worker(method) for method in METHODS}
    seconds, memory = {method: [] for method in METHODS}, {}
    for number in range(arguments.steps + 2):
        for method, worker in workers.items():
            answer = worker.ask("step")
            memory[method] = answer["peak_mb"]
            if number >= 2:
                seconds[method].append(answer["seconds"])
    for worker in workers.values():
        worker.end()
    facts = {method: worker.facts for method, worker in workers.items()}
    report(arguments, facts, {m: statistics.median(s) for m, s in seconds.items()}, memory)


def report(arguments: argparse.Namespace, facts: dict, seconds: dict, memory: dict) -> None:
    """Prints the table and the line of JSON."""
    rows = [
        {
            "method": method,
            "generator": facts[method]["generator"],
            "seconds": round(seconds[method], 4),
            "time_to_cyclegan": round(seconds[method] / seconds["cyclegan"], 3),
            "peak_mb": round(memory[method]),
            "memory_to_cyclegan": round(memory[method] / memory["cyclegan"], 3),
        }
        for method in METHODS
    ]
    print(f"{'method':10}{'generator':16}{'s/step':>8}{'ratio':>8}{'peak MB':>9}{'ratio':>8}")
    for row in rows:
        print("{:10}{:16}{:8.3f}{:8.2f}{:9d}{:8.2f}".format(*row.values()))
    machine = f"{platform.machine()}, {os.cpu_count()} cores"
    result = {
        "crop_size": arguments.crop_size,
        "ngf": arguments.ngf,
        "machine": machine,
        "versions": facts["cyclegan"]["versions"],
        "methods": rows,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
