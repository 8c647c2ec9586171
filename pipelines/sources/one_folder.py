"""A folder of pictures of one kind, such as those that a network is to translate."""

import os
import pathlib

from cyclegan_keras.files.errors import DataError
from cyclegan_keras.images.reading import CURRENT
from pipelines.sources.base import Source
from pipelines.sources.files import FilePictures, ListedPictures

HELD_OUT_EVERY = 10


def load(folder: str, reader_version: int = CURRENT) -> Source:
    """Opens a folder whose pictures are both domains, since there are no others.

    Every tenth picture, in the order of their names, is held out as a test picture; of fewer than
    ten the last one is.

    Args:
        folder: where the pictures are; sub-folders count.
        reader_version: of the rules by which pictures are found and read.

    Raises:
        DataError: there is no such folder, or it holds fewer than two pictures.
    """
    root = pathlib.Path(os.path.expanduser(folder))
    if not root.is_dir():
        raise DataError(f"--pictures={folder} is no folder: name one that holds pictures.")
    pictures = FilePictures(root, reader_version)
    if len(pictures) < 2:
        found = "one picture" if len(pictures) else "no pictures that can be read"
        raise DataError(
            f"--pictures={folder} holds {found} (see docs/pictures.md); at least two are needed: "
            "one to train on, and one to hold out."
        )
    train: list[int] = []
    held_out: list[int] = []
    for index in range(len(pictures)):
        is_held_out = index % HELD_OUT_EVERY == HELD_OUT_EVERY - 1
        (held_out if is_held_out else train).append(index)
    if not held_out:
        held_out.append(train.pop())
    return Source(
        name=folder,
        train_a=_chosen(pictures, train),
        train_b=_chosen(pictures, train),
        test_a=_chosen(pictures, held_out),
        test_b=_chosen(pictures, held_out),
    )


def _chosen(pictures: FilePictures, indices: list[int]) -> ListedPictures:
    return ListedPictures(
        names=[pictures.names[index] for index in indices],
        paths=[pictures.paths[index] for index in indices],
        reader_version=pictures.reader_version,
    )
