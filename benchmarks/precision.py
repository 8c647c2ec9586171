"""Measures what --precision of translate.py gains, and what it costs in likeness.

    python benchmarks/precision.py --model=generator_g.keras --pictures=horse2zebra/testA
    python benchmarks/precision.py --model=generator_g.keras --sizes=16 --count=48 --no_video

A folder of pictures and a video of the same pictures are translated whole, files to files, in
float32, bfloat16 and int8, and the pictures once more by the networks alone. The precisions take
turns on the same parts, so that a busy machine slows them alike; so does, with --against, another
version of this project in float32. Prints pictures a second, the ratio to float32, the likeness to
float32 as PSNR over all pictures (mean and least, of the networks' values in [-1, 1]), and how long
the first picture took, which contains the preparation; then one JSON line. Without --pictures they
are drawn; of several --sizes, sides differ from picture to picture.
"""

import argparse
import collections
import itertools
import json
import os
import pathlib
import platform
import statistics
import sys
import tempfile
import time

import turns

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import PIL.Image
import tensorflow as tf

from cyclegan_keras.files.direction import Direction
from cyclegan_keras.images.batching import batches_by_shape
from cyclegan_keras.images.form import Form
from cyclegan_keras.images.pixels import to_float
from cyclegan_keras.images.reading import read_picture
from cyclegan_keras.translation.job import automatic_batch_size, run_job
from cyclegan_keras.translation.listing import Task
from cyclegan_keras.translation.opening import open_generators, translator_of
from cyclegan_keras.translation.options import TranslateOptions
from cyclegan_keras.translation.recipe import Recipe
from pipelines.sources.demo import draw, make_scene

PRECISIONS = ("float32", "bfloat16", "int8")
SIDES = (200, 450)  # px, of pictures of several sizes: the least and the largest


def write_pictures(folder, arguments):
    """Writes pictures as JPEG files; returns their paths."""
    sources = [None]
    if arguments.pictures:
        files = pathlib.Path(arguments.pictures).rglob("*")
        sources = sorted(path for path in files if path.suffix.lower() in (".jpg", ".png"))
    sizes = [(arguments.size, arguments.size)]
    if arguments.sizes > 1:
        random = np.random.default_rng(0)
        sizes = random.integers(*SIDES, (arguments.sizes, 2), endpoint=True).tolist()
    folder.mkdir()
    paths = []
    for index in range(arguments.count):
        path = folder / f"{index:04d}.jpg"
        source = sources[index % len(sources)]
        image = drawn(index) if source is None else PIL.Image.open(source).convert("RGB")
        size = sizes[index % len(sizes)]
        image.resize(size, PIL.Image.Resampling.BICUBIC).save(path, quality=95)
        paths.append(path)
    return paths


def drawn(index):
    """Returns a picture of the demo set."""
    return PIL.Image.fromarray(draw(make_scene(0, index), striped=False))


def values_of(path):
    """Returns what a network sees of a picture, float32 (height, width, 3)."""
    return to_float(Form().array(read_picture(path)))


def psnr(expected, found):
    """Returns the PSNR in dB of values in [-1, 1]."""
    return float(10 * np.log10(4 / max(np.mean(np.square(expected - found)), 1e-20)))


def likeness(recipes, paths):
    """Returns the PSNR of each picture to that of float32, by precision."""
    others = {name: recipe for name, recipe in recipes.items() if name != "float32"}
    found = {name: [] for name in others}
    for path in paths:
        values = values_of(path)[None]
        expected = recipes["float32"].translator(values)
        for name, recipe in others.items():
            found[name].append(psnr(expected, recipe.translator(values)))
    return found


def write_video(path, paths):
    """Writes the pictures as the frames of a video."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.pix_fmt = "yuv420p"
        for index, source in enumerate(paths):
            with PIL.Image.open(source) as image:
                if not index:
                    stream.width = image.width
                    stream.height = image.height
                for packet in stream.encode(av.VideoFrame.from_image(image)):
                    container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)


def in_turns(programs, parts):
    """Returns the seconds that each program took for all parts, each first in turn.

    Args:
        programs: by name; each is called with a part.
        parts: anything.
    """
    order = collections.deque(programs)
    spent = dict.fromkeys(programs, 0.0)
    for part in parts:
        for name in order:
            began = time.perf_counter()
            programs[name](part)
            spent[name] += time.perf_counter() - began
        order.rotate(-1)
    return spent


def speeds(spent, count, unit):
    """Returns so many pictures or frames a second, and their ratio to float32, by program."""
    return {
        name: {f"{unit}_per_s": count / seconds, f"{unit}_ratio": spent["float32"] / seconds}
        for name, seconds in spent.items()
    }


def slices(arguments):
    """Returns the parts of the pictures, one for each round."""
    edges = np.linspace(0, arguments.count, arguments.rounds + 1).astype(int)
    return [slice(start, stop) for start, stop in itertools.pairwise(edges)]


def tasks_of(folder, paths):
    """Returns what to translate."""
    return [Task(path, folder / "out" / path.name) for path in paths]


def translate(tasks, recipe):
    """Translates files to files."""
    run_job(tasks, recipe, TranslateOptions(), report=end_where_one_fails)


def end_where_one_fails(failure):
    """Ends the measurement; it is called after each picture."""
    if failure:
        sys.exit(failure)


def measure(arguments, folder):
    """Returns a row of figures for each precision, and for the other version if there is one."""
    paths = write_pictures(folder / "in", arguments)
    tasks = tasks_of(folder, paths)
    generator = open_generators(arguments.model)[arguments.direction]
    recipes = {}
    rows = {}
    for name in arguments.precisions:
        began = time.perf_counter()
        translator = translator_of(generator, precision=name, int8_folders=[folder / "int8"])
        recipes[name] = Recipe(translator=translator)
        translate(tasks[:1], recipes[name])
        rows[name] = {"first_s": time.perf_counter() - began}
        translate(tasks[:8], recipes[name])  # threads, memory

    parts = slices(arguments)
    programs = {}
    for name, recipe in recipes.items():
        programs[name] = lambda part, recipe=recipe: translate(tasks[part], recipe)
    worker = None
    if arguments.against:
        worker = start_other_version(arguments, folder)
        programs["against"] = lambda part: worker.ask(str(part.start))
        rows["against"] = {}
    add(rows, speeds(in_turns(programs, parts), arguments.count, "pictures"))
    if worker is not None:
        worker.end()
    add(rows, measure_networks(recipes, paths, parts))
    for name, found in likeness(recipes, paths).items():
        rows[name]["psnr_mean_db"] = statistics.mean(found)
        rows[name]["psnr_least_db"] = min(found)
    if not arguments.no_video and arguments.sizes == 1:
        add(rows, measure_videos(recipes, paths, parts, folder))
    return rows


def add(rows, figures):
    """Adds figures to the rows of the same names."""
    for name, found in figures.items():
        rows[name].update(found)


def measure_networks(recipes, paths, parts):
    """Returns pictures a second of the networks alone, on decoded pictures, by precision."""
    batches = {}
    for part in parts:
        grouped = batches_by_shape(
            map(values_of, paths[part]),
            shape=lambda values: values.shape,
            limit=lambda values: automatic_batch_size(values.shape[0], values.shape[1]),
            most_shapes=8,
        )
        batches[part.start] = [np.stack(batch) for batch in grouped]
    programs = {}
    for name, recipe in recipes.items():
        programs[name] = lambda start, network=recipe.translator: [
            network(batch) for batch in batches[start]
        ]
    return speeds(in_turns(programs, batches), len(paths), "network")


def measure_videos(recipes, paths, parts, folder):
    """Returns frames a second of a video for each part, by precision."""
    from cyclegan_keras.translation.video import translate_video

    videos = []
    for index, part in enumerate(parts):
        videos.append(folder / f"{index}.mp4")
        write_video(videos[-1], paths[part])
    programs = {}
    for name, recipe in recipes.items():
        programs[name] = lambda video, recipe=recipe: translate_video(
            video, folder / "out.mp4", recipe
        )
    return speeds(in_turns(programs, videos), len(paths), "frames")


def start_other_version(arguments, folder):
    """Starts a process in which this script runs with the package of another checkout."""
    program = [*sys.argv, f"--folder={folder}"]
    environment = {**os.environ, "PYTHONPATH": str(arguments.against.resolve())}
    return turns.Worker("against", environment=environment, program=program)


def work(arguments):
    """Serves as the other version, which may know nothing of precisions."""
    folder = arguments.folder
    tasks = tasks_of(folder / "against", sorted((folder / "in").iterdir()))
    generator = open_generators(arguments.model)[arguments.direction]
    recipe = Recipe(translator=translator_of(generator))
    translate(tasks[:8], recipe)
    actions = {}
    for part in slices(arguments):
        actions[str(part.start)] = lambda part=part: translate(tasks[part], recipe)
    turns.serve({}, actions)


def print_table(rows):
    """Prints the rows, with one line for each figure."""
    print(f"{'':16}" + "".join(f"{name:>12}" for name in rows))
    for figure in dict.fromkeys(figure for row in rows.values() for figure in row):
        cells = [f"{row[figure]:12.2f}" if figure in row else " " * 12 for row in rows.values()]
        print(f"{figure:16}" + "".join(cells))


def main():
    """Reads the command line, measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", required=True, help="a generator's file, or a run")
    parser.add_argument("--direction", type=Direction, default=Direction.A_TO_B)
    parser.add_argument("--pictures", help="a folder of pictures; drawn unless given")
    parser.add_argument("--precisions", default=",".join(PRECISIONS), help="beside float32")
    parser.add_argument("--count", type=int, default=120)
    parser.add_argument("--size", type=int, default=256, help="side in pixels")
    parser.add_argument("--sizes", type=int, default=1, help="so many, 200 to 450 px a side")
    parser.add_argument("--rounds", type=int, default=6, help="turns that all take")
    parser.add_argument("--no_video", action="store_true")
    parser.add_argument("--against", type=pathlib.Path, help="a checkout of another version")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=pathlib.Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        work(arguments)
        return
    arguments.precisions = dict.fromkeys(["float32", *arguments.precisions.split(",")])
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(arguments, pathlib.Path(folder))
    print_table(rows)
    result = {
        "benchmark": "precision",
        "count": arguments.count,
        "size": arguments.size if arguments.sizes == 1 else None,
        "sizes": arguments.sizes,
    }
    for name, row in rows.items():
        result[name] = {figure: round(value, 3) for figure, value in row.items()}
    result["machine"] = f"{platform.machine()}, {os.cpu_count()} cores"
    result["python"] = platform.python_version()
    result["tensorflow"] = tf.__version__
    result["keras"] = keras.__version__
    if "int8" in rows:
        import ai_edge_litert

        result["litert"] = ai_edge_litert.__version__
    print(json.dumps(result))


if __name__ == "__main__":
    main()
