"""Measures how much of the network's own speed a whole folder job keeps.

    python benchmarks/translate.py --model=generator_g.keras --pictures=horse2zebra/testA

The job reads files, translates them and writes files; beside it the same pictures, decoded before,
go through the bare `generator.predict` in batches of the same size. Both do the same pictures in
turns, so that a busy machine slows both. Prints a table and one JSON line; "ratio" is job to bare.
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

from cyclegan_keras import checkpoints, inference, translators


def open_generator(place, direction):
    """Returns the Keras model that the translator of `place` is made of."""
    if pathlib.Path(place).is_dir():
        _, networks = checkpoints.networks_of_run(pathlib.Path(place), averages=True)
        return networks["generator_g" if direction == "AtoB" else "generator_f"]
    return checkpoints.load_network(place)


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
        tasks.append(inference.Task(source, folder / "out" / source.name))
        values.append(inference.read_picture(source).values(3))
    return tasks, np.stack(values)


def seconds(work):
    """Returns how long `work` takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def measure(arguments, folder):
    """Returns pictures/s of the bare network and of the job."""
    generator = open_generator(arguments.model, arguments.direction)
    opened = translators.open_translators(arguments.model)
    recipe = inference.Recipe(translator=opened[arguments.direction])
    tasks, values = prepare(folder, arguments.pictures, arguments.count, arguments.size)
    batch_size = arguments.batch_size
    settings = inference.Settings(batch_size=batch_size)
    if batch_size is None:
        batch_size = inference.automatic_batch(*values.shape[1:3])

    def bare(part):
        generator.predict(values[part], batch_size=batch_size, verbose=0)

    def job(part):
        inference.run_job(tasks[part], recipe, settings)

    warm_up = slice(0, batch_size)
    bare(warm_up), job(warm_up)
    spent = {"bare": 0.0, "job": 0.0}
    edges = np.linspace(0, arguments.count, arguments.rounds + 1).astype(int)
    for turn, (start, stop) in enumerate(itertools.pairwise(edges)):
        both = {"bare": bare, "job": job}
        for name in list(both)[:: 1 if turn % 2 else -1]:
            spent[name] += seconds(lambda work=both[name], part=slice(start, stop): work(part))
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
    parser.add_argument("--rounds", type=int, default=5, help="turns that both take")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / "in").mkdir()
        speed, batch_size = measure(arguments, pathlib.Path(folder))
    ratio = speed["job"] / speed["bare"]
    print(f"{'batch':>8} {'bare predict':>16} {'whole job':>16} {'ratio':>8}")
    print(f"{batch_size:>8} {speed['bare']:>14.2f}/s {speed['job']:>14.2f}/s {ratio:>8.3f}")
    told = {
        **{"benchmark": "translate", "count": arguments.count, "size": arguments.size},
        **{"batch_size": batch_size, "ratio": round(ratio, 3)},
        **{f"{name}_per_s": round(value, 3) for name, value in speed.items()},
        **{"cpu": platform.processor() or platform.machine(), "cores": os.cpu_count()},
        **{"gpus": len(tf.config.list_physical_devices("GPU"))},
        **{"python": platform.python_version(), "tensorflow": tf.__version__},
        **{"keras": keras.__version__, "pillow": PIL.__version__},
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
