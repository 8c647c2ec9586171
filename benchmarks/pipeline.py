"""Measures how fast the input pipeline alone delivers samples, and how fast training eats them.

    python benchmarks/pipeline.py --dataset=cycle_gan/horse2zebra --data_dir=data
    python benchmarks/pipeline.py --train_steps=0 --against=<a checkout of an earlier version>

Prints a small table and one JSON line. A sample is what one training step of batch 1 consumes: one
x and one y. "cold" is an epoch that decodes, scales and augments, "cached" one whose pictures are
kept, "training" the paper's CycleGAN on them, its first step (tracing) left out; "ratio" is cold to
training. tf.data, which feeds TensorFlow, and Grain, which feeds JAX, are measured in turns, each
in a process of its own, and the fastest round of each counts. --against adds tf.data as it is in
another checkout.
"""

import argparse
import json
import os
import platform
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from turns import Worker, serve

# Feeder -> the backend that it feeds.
BACKENDS = {"tf.data": "tensorflow", "grain": "jax", "against": "tensorflow"}


def main():
    """Reads the command line, measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--dataset", default="demo/ponies")
    parser.add_argument("--data_dir")
    parser.add_argument("--preprocess", default="resize_and_crop")
    parser.add_argument("--crop_size", type=int, default=256)
    parser.add_argument("--batch_size", type=int, default=1)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--generator", default="resnet_9blocks")
    parser.add_argument("--train_steps", type=int, default=3)
    parser.add_argument("--against", help="a checkout of an earlier version")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        feed(arguments)
        return

    # ---- measure ----
    feeders = ["tf.data", "grain"] + (["against"] if arguments.against else [])
    workers = {}
    for feeder in feeders:
        environment = {**os.environ, "KERAS_BACKEND": BACKENDS[feeder]}
        if feeder == "against":
            environment["PYTHONPATH"] = arguments.against
        workers[feeder] = Worker(feeder, environment=environment)
    seconds = {(feeder, kind): [] for feeder in feeders for kind in ("cold", "cached")}
    for _ in range(arguments.rounds):
        for feeder, kind in seconds:
            seconds[feeder, kind].append(workers[feeder].ask(kind)["seconds"])
    samples = arguments.steps * arguments.batch_size
    per_s = {key: samples / min(times) for key, times in seconds.items()}
    training_per_s = training_samples_per_second(arguments) if arguments.train_steps else None

    # ---- print ----
    print(workers["tf.data"].facts["data"])
    print(f"{'':>8} {'cold':>14} {'cached':>14} {'ratio':>8}")
    for feeder in feeders:
        cold, cached = per_s[feeder, "cold"], per_s[feeder, "cached"]
        ratio = f"{cold / training_per_s:>8.0f}" if training_per_s else ""
        print(f"{feeder:>8} {cold:>11.0f} /s {cached:>11.0f} /s {ratio}")
    if training_per_s:
        print(f"training {training_per_s:>11.3f} /s")
    result = {
        "benchmark": "pipeline",
        "dataset": arguments.dataset,
        "preprocess": arguments.preprocess,
        "crop_size": arguments.crop_size,
        "batch_size": arguments.batch_size,
        "steps": arguments.steps,
        "per_s": {f"{feeder} {kind}": round(value, 3) for (feeder, kind), value in per_s.items()},
        "generator": arguments.generator,
        "training_per_s": training_per_s and round(training_per_s, 3),
        "cpu": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        **workers["tf.data"].facts["versions"],
        **workers["grain"].facts["versions"],
    }
    print(json.dumps(result))


def open_data(arguments: argparse.Namespace, cache: str, **how):
    """Opens the data set with a cache, "none" or "memory"."""
    from pipelines.data import Data
    from pipelines.options import DataOptions

    options = DataOptions(
        dataset=arguments.dataset,
        data_dir=arguments.data_dir,
        preprocess=arguments.preprocess,
        crop_size=arguments.crop_size,
        batch_size=arguments.batch_size,
        cache=cache,
    )
    return Data(options, seed=0, **how)


def feed(arguments: argparse.Namespace) -> None:
    """Delivers samples when asked to, as the worker of a feeder."""
    import importlib.metadata

    is_grain = arguments.worker == "grain"
    how = {"backend": "jax"} if is_grain else {}  # which earlier versions do not know
    cold = open_data(arguments, "none", **how)
    cached = open_data(arguments, "memory", **how)
    take(cached, cached.steps_per_epoch)
    take(cold, 1)  # what a library prepares once
    packages = ("grain", "numpy") if is_grain else ("tensorflow", "pillow")
    versions = {package: importlib.metadata.version(package) for package in packages}
    serve(
        {"data": cached.describe(), "versions": versions},
        {
            "cold": lambda: take(cold, arguments.steps),
            "cached": lambda: take(cached, arguments.steps),
        },
    )


def take(data, steps: int) -> None:
    """Takes the batches of the first steps."""
    for batch in data.train(0, steps):
        assert batch["x"].shape[0] == data.options.batch_size


def training_samples_per_second(arguments: argparse.Namespace) -> float:
    """Trains some steps with the paper's networks and returns samples a second."""
    from cyclegan_keras.models.options import NetworkOptions
    from cyclegan_keras.training.cyclegan import CycleGAN
    from cyclegan_keras.training.optimizers import adam
    from cyclegan_keras.training.options import CycleGANOptions, OptimizerOptions

    data = open_data(arguments, "memory")
    trainer = CycleGAN.from_options(
        CycleGANOptions(),
        NetworkOptions(generator=arguments.generator),
        lambda: adam(OptimizerOptions(), data.steps_per_epoch),
        shapes=data.shapes,
    )
    trainer.fit(data.train(0, 1), verbose=0, shuffle=False)
    batches = data.train(1, 1 + arguments.train_steps).cache()
    list(batches)  # the step alone, without the pipeline
    began = time.perf_counter()
    trainer.fit(batches, verbose=0, shuffle=False)
    return arguments.train_steps * arguments.batch_size / (time.perf_counter() - began)


if __name__ == "__main__":
    main()
