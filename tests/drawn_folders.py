"""Folders of drawn pictures in which nothing is wrong, to plant defects in."""

import numpy as np
from PIL import Image

from pipelines.sources import demo

SPARE = 1000  # a stream of scenes that no data set shows
SIDE = demo.SIZE


def pony(number: int, *, striped: bool = False, stream: int = SPARE) -> Image.Image:
    """Draws a pony of 64 px."""
    return Image.fromarray(demo.draw(demo.make_scene(stream, number), striped))


def write_ponies(folder, count: int, *, striped: bool, stream: int) -> None:
    """Writes ponies 000.png, 001.png and so on into a new folder."""
    folder.mkdir(parents=True)
    for number in range(count):
        picture = pony(number, striped=striped, stream=stream)
        picture.save(folder / f"{number:03d}.png", compress_level=1)


def write_sound(root, train: int = 110, test: int = 6):
    """Writes trainA, trainB, testA and testB, and returns the folder."""
    write_ponies(root / "trainA", train, striped=False, stream=demo.TRAIN_A)
    write_ponies(root / "trainB", train, striped=True, stream=demo.TRAIN_B)
    write_ponies(root / "testA", test, striped=False, stream=demo.TEST)
    write_ponies(root / "testB", test, striped=True, stream=SPARE + 1)
    return root


def noise(*shape: int, seed: int = 0, low: int = 0, high: int = 256, dtype="uint8") -> np.ndarray:
    """Returns numbers from `low` to below `high`."""
    return np.random.default_rng(seed).integers(low, high, shape).astype(dtype)
