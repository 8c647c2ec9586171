"""Where pictures come from: a name in a table, or a folder."""

import difflib
import os

from cyclegan_keras.files.errors import DataError
from pipelines.sources import demo, folders, tfds
from pipelines.sources.base import Source

# prefix of --dataset -> (name, data_dir, paired) -> Source; anything else is a folder.
SOURCES = {
    "cycle_gan": tfds.load,
    "demo": lambda name, data_dir, paired: demo.load(name),
}
NAMES = {"cycle_gan": tfds.NAMES, "demo": demo.NAMES}


def known() -> list[str]:
    """Returns every `--dataset` that has a name."""
    return [f"{prefix}/{name}" for prefix, names in NAMES.items() for name in names]


def find(dataset: str | None, data_dir: str | None = None, *, paired: bool = False) -> Source:
    """Opens the source that `--dataset` names.

    Args:
        dataset: `cycle_gan/<name>`, `demo/<name>` or a folder.
        data_dir: where TFDS keeps its data sets.
        paired: whether pairs are wanted: `trainA` and `trainB` of a folder are taken for pairs
            only then, since equal names alone do not tell.

    Raises:
        DataError: there is no such data set or folder, it cannot be used, or it has no pairs
            although they are wanted.
    """
    if not dataset:
        raise DataError(f"No --dataset given: name a folder or one of {', '.join(known())}.")
    prefix, _, name = dataset.partition("/")
    path = os.path.expanduser(dataset)
    if name in NAMES.get(prefix, ()):
        source = SOURCES[prefix](name, data_dir, paired)
    elif os.path.isdir(path):
        source = folders.load(path, paired)
    else:
        raise DataError(_unknown(dataset, path))
    if paired and not source.paired_train:
        raise DataError(
            f"--dataset={dataset} has no pairs to train on: use a folder with train/ of pictures A "
            "and B side by side, a folder with trainA and trainB of equal names, or "
            "demo/pony_pairs."
        )
    return source


def _unknown(dataset: str, path: str) -> str:
    if os.path.exists(path):
        return (
            f"--dataset={dataset} is a file, not a folder: unzip an archive first and name the "
            "folder that holds trainA and trainB, or train."
        )
    short = {full.partition("/")[2]: full for full in known()} | {full: full for full in known()}
    word = dataset.strip("/").lower()
    near = difflib.get_close_matches(word, short, n=1) or difflib.get_close_matches(
        word.rpartition("/")[2], short, n=1
    )
    hint = f" Did you mean --dataset={short[near[0]]}?" if near else ""
    return (
        f"--dataset={dataset} is neither a folder that exists nor a known data set.{hint} "
        f"Known: {', '.join(known())}."
    )
