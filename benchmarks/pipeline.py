"""Measures how fast the input pipeline alone delivers samples, and how fast training eats them.

    python benchmarks/pipeline.py --dataset=cycle_gan/horse2zebra --data_dir=data

Prints a small table and one JSON line. A sample is what one training step of batch 1 consumes: one
x and one y. "cold" is the first epoch (decode, scale, augment), "cached" a later one, "training"
the paper's CycleGAN on them, its first step (tracing) left out; "ratio" is cold to training.
"""

import argparse
import dataclasses
import json
import os
import platform
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import PIL
import tensorflow as tf

from cyclegan_keras.files.errors import DataError
from cyclegan_keras.models.options import NetworkOptions
from cyclegan_keras.training.cyclegan import CycleGAN
from cyclegan_keras.training.optimizers import adam
from cyclegan_keras.training.options import CycleGANOptions, OptimizerOptions
from pipelines.data import Data
from pipelines.options import DataOptions


@dataclasses.dataclass(frozen=True, kw_only=True)
class PipelineSpeed:
    """What the pipeline alone takes.

    Attributes:
        build_s: seconds until the pictures are checked.
        cold_per_s: samples a second in the first epoch.
        cached_per_s: samples a second in a later one.
    """

    build_s: float
    cold_per_s: float
    cached_per_s: float


def main():
    """Reads the command line, measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--dataset", default="demo/ponies")
    parser.add_argument("--data_dir")
    parser.add_argument("--preprocess", default="resize_and_crop")
    parser.add_argument("--crop_size", type=int, default=256)
    parser.add_argument("--batch_size", type=int, default=1)
    parser.add_argument("--cache", default="memory")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--generator", default="resnet_9blocks")
    parser.add_argument("--train_steps", type=int, default=3)
    arguments = parser.parse_args()
    data_options = {
        "dataset": arguments.dataset,
        "data_dir": arguments.data_dir,
        "preprocess": arguments.preprocess,
        "crop_size": arguments.crop_size,
        "batch_size": arguments.batch_size,
        "cache": arguments.cache,
    }

    # ---- measure ----
    try:
        data, speed = measure(DataOptions(**data_options), arguments.steps)
    except DataError as error:
        parser.exit(2, f"{error}\n")
    training_per_s = training_samples_per_second(data, arguments.generator, arguments.train_steps)
    ratio = speed.cold_per_s / training_per_s

    # ---- print ----
    print(data.describe())
    print(f"{'build':>10} {'cold':>14} {'cached':>14} {'training':>14} {'ratio':>8}")
    print(
        f"{speed.build_s:>8.1f} s {speed.cold_per_s:>10.0f} /s {speed.cached_per_s:>11.0f} /s "
        f"{training_per_s:>11.3f} /s {ratio:>8.0f}"
    )
    result = {
        "benchmark": "pipeline",
        **data_options,
        "generator": arguments.generator,
        "build_s": round(speed.build_s, 3),
        "cold_per_s": round(speed.cold_per_s, 3),
        "cached_per_s": round(speed.cached_per_s, 3),
        "training_per_s": round(training_per_s, 3),
        "ratio": round(ratio, 3),
        "cpu": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "pillow": PIL.__version__,
        "numpy": np.__version__,
    }
    print(json.dumps(result))


def measure(options: DataOptions, steps: int) -> tuple[Data, PipelineSpeed]:
    """Returns the data and how fast they come, measured over at most `steps` steps."""
    began = time.perf_counter()
    data = Data(options, seed=0)
    built = time.perf_counter() - began
    list(data.train(0, 1))  # TensorFlow's own warm-up
    epoch = data.steps_per_epoch
    cold = samples_per_second(data, 0, min(epoch, steps))
    list(data.train(0, epoch))
    cached = samples_per_second(data, epoch, steps)
    return data, PipelineSpeed(build_s=built, cold_per_s=cold, cached_per_s=cached)


def samples_per_second(data: Data, start_step: int, steps: int) -> float:
    """Takes `steps` batches and returns samples a second, the pipeline's own start included."""
    began = time.perf_counter()
    count = sum(batch["x"].shape[0] for batch in data.train(start_step, start_step + steps))
    return count / (time.perf_counter() - began)


def training_samples_per_second(data: Data, generator: str, steps: int) -> float:
    """Trains `steps` steps with the paper's networks and returns samples a second."""
    trainer = CycleGAN.from_options(
        CycleGANOptions(),
        NetworkOptions(generator=generator),
        lambda: adam(OptimizerOptions(), data.steps_per_epoch),
        shapes=data.shapes,
    )
    trainer.fit(data.train(0, 1), verbose=0, shuffle=False)
    batches = data.train(1, 1 + steps).cache()
    list(batches)  # the step alone, without the pipeline
    began = time.perf_counter()
    trainer.fit(batches, verbose=0, shuffle=False)
    return steps * data.options.batch_size / (time.perf_counter() - began)


if __name__ == "__main__":
    main()
