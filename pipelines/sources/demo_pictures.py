"""Writes pictures of a demo set as PNG files.

    python -m pipelines.sources.demo_pictures demo/ponies pictures --count=3

writes three test pictures of each domain to the folders `pictures/testA` and `pictures/testB`. This
program draws them itself, so that they may be shown to anybody, for example as the examples of a
web page.
"""

import argparse
import os
import pathlib
import sys

from cyclegan_keras.files.errors import DataError
from cyclegan_keras.files.shield import run_shielded
from cyclegan_keras.files.writing import make_folder
from cyclegan_keras.images.writing import write_picture
from pipelines.sources import datasets

DRAWN = "demo/"  # how the names of drawn sets begin


def write(dataset: str, folder: str | os.PathLike, count: int) -> list[pathlib.Path]:
    """Writes `count` test pictures of each domain of a demo set, spread evenly over it.

    Args:
        dataset: the name of the set, such as "demo/ponies".
        folder: where testA and testB are made, as in a data set.
        count: from 1; a set that has fewer gives all it has.

    Returns:
        The files: A before B, each named after its domain and its number in the set.

    Raises:
        DataError: there is no such demo set.
        PictureError: PNG cannot hold its pictures.
    """
    if not dataset.startswith(DRAWN):
        known = ", ".join(name for name in datasets.known() if name.startswith(DRAWN))
        raise DataError(f"{dataset} is no demo set: expected one of {known}.")
    source = datasets.find(dataset)
    name_a, name_b = source.domains
    domains = [("testA", name_a, source.test_a), ("testB", name_b, source.test_b)]
    written = []
    for part, name, pictures in domains:
        make_folder(pathlib.Path(folder) / part)
        taken = min(count, len(pictures))
        for position in range(taken):
            index = position * len(pictures) // taken
            path = pathlib.Path(folder) / part / f"{name.replace(' ', '_')}_{index}.png"
            write_picture(pictures.picture(index), path)
            written.append(path)
    return written


def main(argv: list[str]) -> int:
    """Writes the pictures; returns the exit code."""
    return run_shielded("demo_pictures", lambda: _run(argv))


def _run(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(
        "python -m pipelines.sources.demo_pictures",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("dataset", help="such as demo/ponies")
    parser.add_argument("folder", type=pathlib.Path, help="where to write to")
    parser.add_argument("--count", type=int, default=3, help="of each domain; 3 by default")
    arguments = parser.parse_args(argv)
    if arguments.count < 1:
        parser.error(f"--count={arguments.count}: expected at least 1")
    written = write(arguments.dataset, arguments.folder.expanduser(), arguments.count)
    sys.stdout.write(f"Wrote {len(written)} pictures to {arguments.folder}.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
