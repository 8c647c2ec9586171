"""Measures how much of the network's own speed a whole folder job keeps.

    python benchmarks/translate.py --model=generator_g.keras --pictures=horse2zebra/testA

The job reads files, translates them and writes files; beside it the same pictures, decoded before,
go through the bare `generator.predict` and `predict_on_batch` in batches of the same size. All do
the same pictures in turns, so that a busy machine slows all. Prints a table and one JSON line; the
ratio is that of the job to the faster of the two, which may be the second: `predict` over several
batches can leave a core waiting.
"""

import argparse
import json
import os
import pathlib
import platform
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import itertools

import keras
import numpy as np
import PIL
import tensorflow as tf

from cyclegan_keras.images.reading import read_picture
from cyclegan_keras.runs.networks import networks_of_run
from cyclegan_keras.translation import opening
from cyclegan_keras.translation.job import Settings, automatic_batch, run_job
from cyclegan_keras.translation.listing import Task
from cyclegan_keras.translation.recipe import Recipe
from cyclegan_keras.weights.networks import load_network


def open_generator(place, direction):
    """Returns the Keras model that the translator of `place` is made of."""
    if pathlib.Path(place).is_dir():
        _, networks = networks_of_run(pathlib.Path(place), averages=True)
        return networks["generator_g" if direction == "AtoB" else "generator_f"]
    return load_network(place)


def prepare(folder, pictures, count, size):
    """Writes `count` pictures of `size` px into `folder`; returns their tasks and values."""
    found = sorted(p for p in pathlib.Path(pictures).rglob("*") if p.suffix in (".jpg", ".png"))
    tasks, values = [], []
    for index in range(count):
        with PIL.Image.open(found[index % len(found)]) as image:
            if size:
                image = image.resize((size, size), PIL.Image.Resampling.BICUBIC)
            source = folder / "in" / f"{index:04d}.jpg"
            image.convert("RGB").save(source, quality=95)
        tasks.append(Task(source, folder / "out" / source.name))
        values.append(read_picture(source).values(3))
    return tasks, np.stack(values)


def seconds(work):
    """Returns how long `work` takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def measure(arguments, folder):
    """Returns pictures/s of the bare network, both ways, and of the job; and the batch size."""
    generator = open_generator(arguments.model, arguments.direction)
    opened = opening.open_translators(arguments.model)
    recipe = Recipe(translator=opened[arguments.direction])
    generator.jit_compile = False  # XLA is slower here, and would compile while it is measured
    tasks, values = prepare(folder, arguments.pictures, arguments.count, arguments.size)
    batch_size = arguments.batch_size
    settings = Settings(batch_size=batch_size)
    if batch_size is None:
        batch_size = automatic_batch(*values.shape[1:3])

    def predict(part):
        generator.predict(values[part], batch_size=batch_size, verbose=0)

    def predict_on_batch(part):
        for start in range(part.start, part.stop, batch_size):
            generator.predict_on_batch(values[start : min(start + batch_size, part.stop)])

    def job(part):
        run_job(tasks[part], recipe, settings)

    ways = [predict, predict_on_batch, job]
    spent = {way.__name__: 0.0 for way in ways}
    for way in ways:
        way(slice(0, min(batch_size, arguments.count)))  # builds its graph
    edges = np.linspace(0, arguments.count, arguments.rounds + 1).astype(int)
    for turn, (start, stop) in enumerate(itertools.pairwise(edges)):
        for way in ways[turn % 3 :] + ways[: turn % 3]:
            spent[way.__name__] += seconds(lambda way=way, part=slice(start, stop): way(part))
    return {name: arguments.count / time_spent for name, time_spent in spent.items()}, batch_size


def main():
    """Reads the command line, measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", required=True, help="a generator's file, or a run")
    parser.add_argument("--direction", default="AtoB")
    parser.add_argument("--pictures", required=True, help="a folder of pictures")
    parser.add_argument("--count", type=int, default=120)
    parser.add_argument("--size", type=int, default=256, help="side in pixels; 0 keeps each")
    parser.add_argument("--batch_size", type=int, help="chosen by the size unless given")
    parser.add_argument("--rounds", type=int, default=6, help="turns that both take")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / "in").mkdir()
        speed, batch_size = measure(arguments, pathlib.Path(folder))
    ratio = speed["job"] / max(speed["predict"], speed["predict_on_batch"])
    print("  ".join(f"{name:>18}" for name in ("batch", *speed, "ratio")))
    cells = (f"{batch_size}", *(f"{value:.2f}/s" for value in speed.values()), f"{ratio:.3f}")
    print("  ".join(f"{cell:>18}" for cell in cells))
    told = {
        **{"benchmark": "translate", "count": arguments.count, "size": arguments.size},
        **{
            "batch_size": batch_size,
            "ratio": round(ratio, 3),
        },
        **{f"{name}_per_s": round(value, 3) for name, value in speed.items()},
        **{"cpu": platform.processor() or platform.machine(), "cores": os.cpu_count()},
        **{"gpus": len(tf.config.list_physical_devices("GPU"))},
        **{"python": platform.python_version(), "tensorflow": tf.__version__},
        **{"keras": keras.__version__, "pillow": PIL.__version__},
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
