"""`--dataset`: the name of a data set, or a folder."""

import difflib
import os
from collections.abc import Callable
from typing import NamedTuple

from cyclegan_keras.files.errors import DataError
from cyclegan_keras.images.reading import CURRENT
from pipelines.sources import demo, folders, houses, scans, tfds
from pipelines.sources.base import Source


class NamedSets(NamedTuple):
    """The data sets behind one prefix of `--dataset`.

    Attributes:
        names: what may follow the prefix and a slash.
        load: (name, data_dir, paired, reader_version) -> Source.
    """

    names: tuple[str, ...]
    load: Callable[[str, str | None, bool, int], Source]


def _load_drawn(name: str, data_dir: str | None, paired: bool, reader_version: int) -> Source:
    for module in (houses, scans):
        if name in module.NAMES:
            return module.load(name, data_dir, paired, reader_version)
    return demo.load(name, data_dir, paired, reader_version)


SOURCES = {
    "cycle_gan": NamedSets(tfds.NAMES, tfds.load),
    "demo": NamedSets((*demo.NAMES, *houses.NAMES, *scans.NAMES), _load_drawn),
}


def known() -> list[str]:
    """Returns every `--dataset` that has a name."""
    return [f"{prefix}/{name}" for prefix, sets in SOURCES.items() for name in sets.names]


def exists(dataset: str) -> bool:
    """Whether a `--dataset` is a known name or something on the disk."""
    return dataset in known() or os.path.exists(os.path.expanduser(dataset))


def find(
    dataset: str | None,
    data_dir: str | None = None,
    *,
    paired: bool = False,
    reader_version: int = CURRENT,
) -> Source:
    """Opens the source that `--dataset` names.

    Args:
        dataset: `cycle_gan/<name>`, `demo/<name>` or a folder.
        data_dir: where TFDS keeps its data sets.
        paired: whether pairs are needed; only then are pictures of equal names in `trainA` and
            `trainB` taken for pairs, since equal names alone do not prove it.
        reader_version: of the rules by which picture files are found and read.

    Raises:
        DataError: there is no such data set or folder, it cannot be used, or it has no pairs
            although they are needed.
    """
    if not dataset:
        raise DataError(f"No --dataset given: name a folder or one of {', '.join(known())}.")
    prefix, _, name = dataset.partition("/")
    path = os.path.expanduser(dataset)
    if prefix in SOURCES and name in SOURCES[prefix].names:
        source = SOURCES[prefix].load(name, data_dir, paired, reader_version)
    elif os.path.isdir(path):
        source = folders.load(path, paired, reader_version)
    else:
        raise DataError(_not_found(dataset, path))
    if paired and not source.paired_train:
        raise DataError(
            f"--dataset={dataset} has no pairs to train on: use a folder with train/ of pictures A "
            "and B side by side, a folder with trainA and trainB of equal names, or "
            "demo/pony_pairs or demo/houses."
        )
    return source


def _not_found(dataset: str, path: str) -> str:
    if os.path.exists(path):
        return (
            f"--dataset={dataset} is a file, not a folder: unzip an archive first and name the "
            "folder that holds trainA and trainB, or train."
        )
    return (
        f"--dataset={dataset} is neither a folder that exists nor a known data set."
        f"{_suggestion(dataset)} Known: {', '.join(known())}."
    )


def _suggestion(dataset: str) -> str:
    """Returns a question that names the most similar data set, or nothing."""
    full_names = {full: full for full in known()}
    for full in known():
        full_names[full.partition("/")[2]] = full
    typed = dataset.strip("/").lower()
    for word in (typed, typed.rpartition("/")[2]):
        similar = difflib.get_close_matches(word, full_names, n=1)
        if similar:
            return f" Did you mean --dataset={full_names[similar[0]]}?"
    return ""
