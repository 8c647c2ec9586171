"""Writes the pictures of a data set as a folder of small JPEG files, to train on.

python -m gpu.pictures --dataset=photos FOLDER
"""

import argparse
import pathlib


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds what says which pictures, and how many of which size."""
    parser.add_argument("--dataset", default="demo/ponies", help="as in train.py: a folder, ...")
    parser.add_argument("--data_dir", help="as in train.py: where cycle_gan/<name> lies")
    parser.add_argument("--train", type=int, default=400, help="pictures of each domain")
    parser.add_argument("--test", type=int, default=120, help="pictures of each domain")
    parser.add_argument("--size", type=int, default=128, help="their side in pixels")


def write_pictures(arguments: argparse.Namespace, folder: pathlib.Path) -> dict[str, int]:
    """Writes trainA, trainB, testA and testB; returns how many pictures are in each.

    Args:
        arguments: of `add_options`.
        folder: where to write.
    """
    from PIL import Image

    from cyclegan_keras.images.resizing import resize
    from pipelines.sources import datasets

    source = datasets.find(arguments.dataset, arguments.data_dir)
    parts = {
        "trainA": (source.train_a, arguments.train),
        "trainB": (source.train_b, arguments.train),
        "testA": (source.test_a, arguments.test),
        "testB": (source.test_b, arguments.test),
    }
    counts = {}
    for name, (pictures, most) in parts.items():
        (folder / name).mkdir(parents=True)
        counts[name] = min(most, len(pictures))
        for index in range(counts[name]):
            scaled = resize(pictures[index], (arguments.size, arguments.size))
            Image.fromarray(scaled).save(folder / name / f"{index:04d}.jpg", quality=92)
    return counts


def main() -> None:
    """Writes what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add_options(parser)
    parser.add_argument("folder", type=pathlib.Path, help="to write to")
    arguments = parser.parse_args()
    print(write_pictures(arguments, arguments.folder))


if __name__ == "__main__":
    main()
