"""Times the data doctor on a folder of many small JPEGs, which it makes first.

python benchmarks/data_doctor.py --files=50000 --folder=<new folder>

The pictures are a few hundred drawn ones of 256 px, each with noise of its own, so that all files
differ. The folder is kept, and used again by the next call.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import platform
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
import PIL  # noqa: E402
from PIL import Image  # noqa: E402
from tqdm import tqdm  # noqa: E402

import cyclegan_commands  # noqa: E402, F401  (so that Keras is not loaded)
from cyclegan_keras.commands.check_data import sets_of, training_of  # noqa: E402
from cyclegan_keras.data_doctor import near_duplicates  # noqa: E402
from cyclegan_keras.data_doctor.checking import Check, check, showing_something  # noqa: E402
from pipelines.options import DataOptions  # noqa: E402
from pipelines.sources import datasets, demo  # noqa: E402

SIDE = 256  # px
SCENES = 300  # of each domain
SHARES = {"trainA": 0.45, "trainB": 0.45, "testA": 0.05, "testB": 0.05}


def make_folder(folder: pathlib.Path, files: int) -> None:
    """Writes JPEGs into the four folders of an unpaired set, unless they are there."""
    for number, (name, share) in enumerate(SHARES.items()):
        count = round(share * files)
        if (folder / name).is_dir() and len(os.listdir(folder / name)) == count:
            continue
        (folder / name).mkdir(parents=True, exist_ok=True)
        scenes = [
            np.asarray(
                Image.fromarray(
                    demo.draw(demo.make_scene(number, index), striped=name.endswith("B"))
                ).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
            ).astype(np.int16)
            for index in range(SCENES)
        ]
        random = np.random.default_rng(number)
        # Some fields of noise, moved along at random: to draw each anew would take hours.
        noise = random.normal(0, 6, (16, 2 * SIDE, 2 * SIDE, 1)).astype(np.int16)
        for index in tqdm(range(count), name):
            top, left = random.integers(0, SIDE, 2)
            field = noise[index % len(noise), top : top + SIDE, left : left + SIDE]
            pixels = np.clip(scenes[index % SCENES] + field, 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{index:06d}.jpg", quality=90)


def time_check(folder: pathlib.Path, mode: str) -> tuple[dict, Check]:
    """Returns times of one check, and the check."""
    begin, begin_cpu = time.monotonic(), time.process_time()
    source = datasets.find(str(folder))
    listed = time.monotonic()
    options = DataOptions(dataset=str(folder))
    found = check(
        sets_of(source, options),
        training_of(source, options),
        dataset=source.name,
        mode=mode,
        seconds=10.0,
        compare=mode == "quick",
    )
    row = {
        "mode": mode,
        "listing_s": round(listed - begin, 1),
        "check_s": round(found.seconds, 1),
        "all_s": round(time.monotonic() - begin, 1),
        "cpu_s": round(time.process_time() - begin_cpu, 1),
        "decoded": len(found.seen.measures),
        "opened": sum(found.seen.opened(name) for name in found.seen.sets),
        "left_out": list(found.left_out),
        "findings": [finding.kind for finding in found.findings],
    }
    return row, found


def unrelated(measures: dict) -> dict:
    """Returns measures whose thumbnails are smooth noise, since the scenes above repeat."""
    random = np.random.default_rng(0)
    changed = {}
    for place, measured in measures.items():
        coarse = Image.fromarray(random.integers(0, 256, (8, 8)).astype(np.uint8))
        thumbnail = np.asarray(coarse.resize((32, 32), Image.Resampling.BICUBIC))
        changed[place] = dataclasses.replace(measured, thumbnail=thumbnail)
    return changed


def main() -> None:
    """Makes the folder, times both ways of looking, and the search for near-duplicates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", required=True)
    parser.add_argument("--files", type=int, default=50_000)
    arguments = parser.parse_args()
    folder = pathlib.Path(arguments.folder)
    make_folder(folder, arguments.files)
    machine = {
        "processors": os.cpu_count(),
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
        "pillow": PIL.__version__,
        "numpy": np.__version__,
    }
    rows = []
    for mode in ("quick", "full"):
        row, found = time_check(folder, mode)
        print(f"{mode}: {row['check_s']} s, of them {row['cpu_s']} s of processors", flush=True)
        print(f"    opened {row['opened']:,}, decoded {row['decoded']:,}")
        rows.append(row)
    if near_duplicates.is_available():
        measures = unrelated(showing_something(found.seen))
        begin, begin_cpu = time.monotonic(), time.process_time()
        near = near_duplicates.find_near_duplicates(found.seen.sets, measures, seed=0)
        row = {
            "mode": "near-duplicates",
            "check_s": round(time.monotonic() - begin, 1),
            "cpu_s": round(time.process_time() - begin_cpu, 1),
            "pairs": len(near),
        }
        print(f"near-duplicates: {row['check_s']} s, of them {row['cpu_s']} s of processors")
        rows.append(row)
    print(json.dumps({**machine, "rows": rows}))


if __name__ == "__main__":
    main()
