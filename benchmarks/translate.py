"""Measures how much of the network's own speed a whole folder job keeps.

    python benchmarks/translate.py --model=generator_g.keras --pictures=horse2zebra/testA

The job reads files, translates them and writes files. For comparison the same pictures, decoded in
advance, go through the bare `generator.predict` and `predict_on_batch` in batches of the same size.
All three take turns on the same pictures, so that a busy machine slows them alike. Prints a table
and one JSON line; the ratio is the speed of the job to that of the faster of the two others, which
may be the second: `predict` over several batches can leave a core waiting.
"""

import argparse
import collections
import itertools
import json
import os
import pathlib
import platform
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import PIL
import tensorflow as tf

from cyclegan_keras.files.direction import Direction
from cyclegan_keras.images.form import Form
from cyclegan_keras.images.pixels import to_float
from cyclegan_keras.images.reading import read_picture
from cyclegan_keras.runs.networks import networks_of_run
from cyclegan_keras.translation import opening
from cyclegan_keras.translation.job import automatic_batch_size, run_job
from cyclegan_keras.translation.listing import Task
from cyclegan_keras.translation.options import TranslateOptions
from cyclegan_keras.translation.recipe import Recipe
from cyclegan_keras.weights.networks import load_network


def open_generator(model, direction):
    """Returns the Keras model that the translator of `model` is made of."""
    if pathlib.Path(model).is_dir():
        _, networks = networks_of_run(pathlib.Path(model), averages=True)
        return networks[direction.file_name]
    return load_network(model)


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
        values.append(to_float(Form().array(read_picture(source))))
    return tasks, np.stack(values)


def seconds(program, part):
    """Returns how long `program` takes for a part of the pictures."""
    began = time.perf_counter()
    program(part)
    return time.perf_counter() - began


def measure(arguments, folder):
    """Returns pictures/s of the bare network by both calls and of the job, and the batch size."""
    generator = open_generator(arguments.model, arguments.direction)
    opened = opening.open_translators(arguments.model)
    recipe = Recipe(translator=opened[arguments.direction])
    generator.jit_compile = False  # XLA is slower here, and would compile while it is measured
    tasks, values = prepare(folder, arguments.pictures, arguments.count, arguments.size)
    batch_size = arguments.batch_size
    options = TranslateOptions(batch_size=batch_size)
    if batch_size is None:
        batch_size = automatic_batch_size(*values.shape[1:3])

    def predict(part):
        generator.predict(values[part], batch_size=batch_size, verbose=0)

    def predict_on_batch(part):
        for start in range(part.start, part.stop, batch_size):
            generator.predict_on_batch(values[start : min(start + batch_size, part.stop)])

    def job(part):
        run_job(tasks[part], recipe, options)

    programs = collections.deque([predict, predict_on_batch, job])
    spent = {program.__name__: 0.0 for program in programs}
    for program in programs:
        program(slice(0, min(batch_size, arguments.count)))  # builds its graph
    edges = np.linspace(0, arguments.count, arguments.rounds + 1).astype(int)
    for start, stop in itertools.pairwise(edges):
        for program in programs:
            spent[program.__name__] += seconds(program, slice(start, stop))
        programs.rotate(-1)  # each is the first in turn
    return {name: arguments.count / time_spent for name, time_spent in spent.items()}, batch_size


def main():
    """Reads the command line, measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", required=True, help="a generator's file, or a run")
    parser.add_argument("--direction", type=Direction, default=Direction.A_TO_B)
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
    cells = [f"{batch_size}"]
    cells += [f"{value:.2f}/s" for value in speed.values()]
    cells += [f"{ratio:.3f}"]
    print("  ".join(f"{cell:>18}" for cell in cells))
    result = {
        "benchmark": "translate",
        "count": arguments.count,
        "size": arguments.size,
        "batch_size": batch_size,
        "ratio": round(ratio, 3),
    }
    for name, value in speed.items():
        result[f"{name}_per_s"] = round(value, 3)
    result["cpu"] = platform.processor() or platform.machine()
    result["cores"] = os.cpu_count()
    result["gpus"] = len(tf.config.list_physical_devices("GPU"))
    result["python"] = platform.python_version()
    result["tensorflow"] = tf.__version__
    result["keras"] = keras.__version__
    result["pillow"] = PIL.__version__
    print(json.dumps(result))


if __name__ == "__main__":
    main()
