"""Measures what --precision of translate.py gains, and what it costs in likeness.

    python benchmarks/precision.py --model=generator_g.keras --pictures=horse2zebra/testA

A folder of pictures and a video of the same pictures are translated whole, files to files, in
float32, bfloat16 and int8. The precisions take turns on the same parts, so that a busy machine
slows them alike. Prints pictures a second, the ratio to float32, the likeness to float32 as PSNR
over all pictures (mean and minimum, of the networks' values in [-1, 1]), and how long the first use
took beyond opening the model; then one JSON line. Without --pictures they are drawn.
"""

import argparse
import collections
import itertools
import json
import os
import pathlib
import platform
import statistics
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import ai_edge_litert
import keras
import numpy as np
import PIL
import tensorflow as tf

from cyclegan_keras.files.direction import Direction
from cyclegan_keras.images.form import Form
from cyclegan_keras.images.pixels import to_float
from cyclegan_keras.images.reading import read_picture
from cyclegan_keras.translation.job import run_job
from cyclegan_keras.translation.listing import Task
from cyclegan_keras.translation.opening import open_generators, translator_of
from cyclegan_keras.translation.options import PRECISIONS, USUAL_PRECISION, TranslateOptions
from cyclegan_keras.translation.recipe import Recipe
from pipelines.sources.demo import draw, make_scene


def picture_files(folder, pictures, count, size):
    """Writes `count` pictures of `size` px into `folder` as JPEG; returns their paths."""
    if pictures:
        found = sorted(p for p in pathlib.Path(pictures).rglob("*") if p.suffix in (".jpg", ".png"))
    else:
        found = [None]
    paths = []
    for index in range(count):
        path = folder / f"{index:04d}.jpg"
        source = found[index % len(found)]
        image = drawn(index) if source is None else PIL.Image.open(source).convert("RGB")
        image.resize((size, size), PIL.Image.Resampling.BICUBIC).save(path, quality=95)
        paths.append(path)
    return paths


def drawn(index):
    """Returns a picture of the demo set."""
    return PIL.Image.fromarray(draw(make_scene(0, index), striped=False))


def psnr(expected, found):
    """Returns the PSNR in dB of values in [-1, 1]."""
    return float(10 * np.log10(4 / max(np.mean(np.square(expected - found)), 1e-20)))


def likeness(recipes, paths):
    """Returns the PSNR of each picture to that of float32, by precision."""
    found = {name: [] for name in recipes}
    for path in paths:
        values = to_float(Form().array(read_picture(path)))[None]
        expected = recipes[USUAL_PRECISION].translator(values)
        for name, recipe in recipes.items():
            found[name].append(psnr(expected, recipe.translator(values)))
    return found


def write_video(path, paths):
    """Writes the pictures as the frames of a video."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        for index, source in enumerate(paths):
            with PIL.Image.open(source) as image:
                if not index:
                    stream.width, stream.height, stream.pix_fmt = *image.size, "yuv420p"
                for packet in stream.encode(av.VideoFrame.from_image(image)):
                    container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)


def in_turns(programs, parts):
    """Returns the seconds that each program took for all parts, each first in turn."""
    order = collections.deque(programs)
    spent = dict.fromkeys(programs, 0.0)
    for part in parts:
        for name in order:
            began = time.perf_counter()
            programs[name](part)
            spent[name] += time.perf_counter() - began
        order.rotate(-1)
    return spent


def measure(arguments, folder):
    """Returns a row of figures for each precision."""
    source = folder / "in"
    source.mkdir()
    paths = picture_files(source, arguments.pictures, arguments.count, arguments.size)
    tasks = [Task(path, folder / "out" / path.name) for path in paths]
    options = TranslateOptions()
    generator = open_generators(arguments.model)[arguments.direction]
    recipes, first_use = {}, {}
    for name in arguments.precisions:
        began = time.perf_counter()
        cache = [folder / "int8"]
        recipes[name] = Recipe(
            translator=translator_of(generator, precision=name, int8_folders=cache)
        )
        run_job(tasks[:1], recipes[name], options)
        first_use[name] = time.perf_counter() - began
        run_job(tasks[:8], recipes[name], options)  # threads, memory

    edges = np.linspace(0, arguments.count, arguments.rounds + 1).astype(int)
    parts = [slice(start, stop) for start, stop in itertools.pairwise(edges)]
    jobs = {
        name: lambda part, recipe=recipe: run_job(tasks[part], recipe, options)
        for name, recipe in recipes.items()
    }
    spent = in_turns(jobs, parts)
    likenesses = likeness(recipes, paths)
    rows = {}
    for name in recipes:
        rows[name] = {
            "pictures_per_s": arguments.count / spent[name],
            "ratio": spent[USUAL_PRECISION] / spent[name],
            "psnr_mean_db": statistics.mean(likenesses[name]),
            "psnr_least_db": min(likenesses[name]),
            "first_use_s": first_use[name],
        }
    if not arguments.no_video:
        for name, figures in measure_videos(recipes, paths, parts, folder).items():
            rows[name].update(figures)
    return rows


def measure_videos(recipes, paths, parts, folder):
    """Returns frames a second of a video for each part, by precision."""
    from cyclegan_keras.translation.video import translate_video

    videos = []
    for index, part in enumerate(parts):
        videos.append(folder / f"{index}.mp4")
        write_video(videos[-1], paths[part])
    jobs = {
        name: lambda video, recipe=recipe: translate_video(video, folder / "out.mp4", recipe)
        for name, recipe in recipes.items()
    }
    spent = in_turns(jobs, videos)
    return {
        name: {
            "frames_per_s": len(paths) / seconds,
            "video_ratio": spent[USUAL_PRECISION] / seconds,
        }
        for name, seconds in spent.items()
    }


def main():
    """Reads the command line, measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", required=True, help="a generator's file, or a run")
    parser.add_argument("--direction", type=Direction, default=Direction.A_TO_B)
    parser.add_argument("--pictures", help="a folder of pictures; drawn unless given")
    parser.add_argument("--precisions", type=lambda text: text.split(","), default=PRECISIONS)
    parser.add_argument("--count", type=int, default=120)
    parser.add_argument("--size", type=int, default=256, help="side in pixels")
    parser.add_argument("--rounds", type=int, default=6, help="turns that all take")
    parser.add_argument("--no_video", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(arguments, pathlib.Path(folder))
    names = list(rows[USUAL_PRECISION])
    print("  ".join(f"{name:>14}" for name in ("precision", *names)))
    for precision, row in rows.items():
        print("  ".join(f"{cell:>14}" for cell in (precision, *(f"{row[n]:.2f}" for n in names))))
    result = {"benchmark": "precision", "count": arguments.count, "size": arguments.size}
    for precision, row in rows.items():
        result[precision] = {name: round(value, 3) for name, value in row.items()}
    result["cpu"] = platform.processor() or platform.machine()
    result["cores"] = os.cpu_count()
    result["python"] = platform.python_version()
    result["tensorflow"] = tf.__version__
    result["keras"] = keras.__version__
    result["litert"] = ai_edge_litert.__version__
    print(json.dumps(result))


if __name__ == "__main__":
    main()
