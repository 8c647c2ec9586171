"""Measures how fast the input pipeline alone delivers samples, and how fast training eats them.

    python benchmarks/pipeline.py --dataset=cycle_gan/horse2zebra --data_dir=data

Prints a small table and one JSON line. A sample is what one training step of batch 1 consumes: one
x and one y. "cold" is the first epoch (decode, scale, augment), "cached" a later one, "training"
the paper's CycleGAN on them, its first step (tracing) left out; "ratio" is cold to training.
"""

import argparse
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


def samples_per_second(data, start_step, steps):
    """Drains `steps` steps and returns samples/s, the pipeline's own start included."""
    began = time.perf_counter()
    count = sum(batch["x"].shape[0] for batch in data.train(start_step, start_step + steps))
    return count / (time.perf_counter() - began)


def measure(options, steps):
    """Returns the build's seconds and samples/s, cold and cached."""
    began = time.perf_counter()
    data = Data(options, seed=0)
    built = time.perf_counter() - began
    list(data.train(0, 1))  # TensorFlow's own warm-up
    epoch = data.steps_per_epoch
    cold = samples_per_second(data, 0, min(epoch, steps))
    list(data.train(0, epoch))
    cached = samples_per_second(data, epoch, steps)
    return data, {"build_s": built, "cold_per_s": cold, "cached_per_s": cached}


def training_samples_per_second(data, generator, steps):
    """Trains `steps` steps with the paper's networks and returns samples/s."""
    trainer = CycleGAN.from_options(
        CycleGANOptions(),
        NetworkOptions(generator=generator),
        lambda: adam(OptimizerOptions(), data.steps_per_epoch),
        picture_shape=data.picture_shape,
    )
    trainer.fit(data.train(0, 1), verbose=0, shuffle=False)
    batches = data.train(1, 1 + steps).cache()
    list(batches)  # the step alone, without the pipeline
    began = time.perf_counter()
    trainer.fit(batches, verbose=0, shuffle=False)
    return steps * data.options.batch_size / (time.perf_counter() - began)


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
    words = vars(parser.parse_args())
    generator, steps, train_steps = (
        words.pop(name) for name in ("generator", "steps", "train_steps")
    )
    try:
        data, result = measure(DataOptions(**words), steps)
    except DataError as error:
        parser.exit(2, f"{error}\n")
    result["training_per_s"] = training_samples_per_second(data, generator, train_steps)
    result["ratio"] = result["cold_per_s"] / result["training_per_s"]

    print(data.describe())
    print(f"{'build':>10} {'cold':>14} {'cached':>14} {'training':>14} {'ratio':>8}")
    print(
        "{build_s:>8.1f} s {cold_per_s:>10.0f} /s {cached_per_s:>11.0f} /s "
        "{training_per_s:>11.3f} /s {ratio:>8.0f}".format(**result)
    )
    machine = {"cpu": platform.processor() or platform.machine(), "cores": os.cpu_count()}
    versions = {
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "pillow": PIL.__version__,
        "numpy": np.__version__,
    }
    rounded = {name: round(value, 3) for name, value in result.items()}
    print(
        json.dumps(
            {
                "benchmark": "pipeline",
                **words,
                "generator": generator,
                **rounded,
                **machine,
                **versions,
            }
        )
    )


if __name__ == "__main__":
    main()
