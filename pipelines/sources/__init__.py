"""Where pictures come from: a name in a table, or a folder."""

import difflib
import os

from pipelines.errors import DataError
from pipelines.sources import demo, folders, tfds
from pipelines.sources.base import Source

# prefix of --dataset -> (name, data_dir) -> Source; anything else is a folder.
SOURCES = {
    "cycle_gan": tfds.load,
    "demo": lambda name, data_dir: demo.load(name),
}
NAMES = {"cycle_gan": tfds.NAMES, "demo": demo.NAMES}


def known() -> list[str]:
    """Returns every `--dataset` that has a name."""
    return [f"{prefix}/{name}" for prefix, names in NAMES.items() for name in names]


def find(dataset: str | None, data_dir: str | None = None) -> Source:
    """Opens the source that `--dataset` names.

    Args:
        dataset: `cycle_gan/<name>`, `demo/<name>` or a folder.
        data_dir: where TFDS keeps its data sets.

    Raises:
        DataError: there is no such data set or folder, or it cannot be used.
    """
    if not dataset:
        raise DataError(f"No --dataset given: name a folder or one of {', '.join(known())}.")
    prefix, _, name = dataset.partition("/")
    if name in NAMES.get(prefix, ()):
        return SOURCES[prefix](name, data_dir)
    path = os.path.expanduser(dataset)
    if os.path.isdir(path):
        return folders.load(path)
    if os.path.exists(path):
        raise DataError(
            f"--dataset={dataset} is a file, not a folder: unzip an archive first and name the "
            "folder that holds trainA and trainB."
        )
    raise DataError(_unknown(dataset))


def _unknown(dataset: str) -> str:
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
