"""One checkpoint: a .npz file with all that a training needs to continue."""

import json
import pathlib
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from cyclegan_keras.files.atomic import atomic_write

FORMAT = 1  # of a checkpoint; raise it when its meaning changes
META = "__meta__"  # the array that holds format and step as JSON

# What reading a damaged zip file may raise; RuntimeError where a bit says that it is encrypted.
UNREADABLE = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    EOFError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
)


class Checkpoint(NamedTuple):
    """What a checkpoint holds.

    Attributes:
        step: of training.
        state: the arrays by name.
    """

    step: int
    state: dict[str, np.ndarray]


def write_checkpoint(path: pathlib.Path, step: int, state: Mapping[str, np.ndarray]) -> None:
    """Writes a checkpoint atomically.

    Raises:
        WriteError: the disk is full or not writable.
    """
    arrays: dict[str, Any] = {META: np.array(json.dumps({"format": FORMAT, "step": step}))}
    arrays.update(state)
    with atomic_write(path) as temporary:
        np.savez(temporary, **arrays)


def read_checkpoint(path: pathlib.Path) -> Checkpoint:
    """Reads a checkpoint to its last byte.

    Raises:
        UNREADABLE: it is damaged, no checkpoint, or of another format.
    """
    with np.load(path, allow_pickle=False) as archive:
        if META not in archive.files:
            raise ValueError("it is not a checkpoint of this program")
        meta = json.loads(str(archive[META]))
        if meta["format"] != FORMAT:
            raise ValueError(f"it has format {meta['format']}, expected {FORMAT}")
        state = {name: archive[name] for name in archive.files if name != META}
    return Checkpoint(meta["step"], state)


def check_shapes(state: Mapping[str, np.ndarray], expected: Mapping[str, tuple]) -> None:
    """Raises ValueError unless `state` has exactly the names and shapes that are expected."""
    shapes = {name: value.shape for name, value in state.items()}
    names = shapes.keys() | expected.keys()
    wrong = sorted(name for name in names if shapes.get(name) != expected.get(name))
    if wrong:
        name = wrong[0]
        raise ValueError(
            f"it belongs to another model: {len(wrong)} arrays differ, first {name!r}: expected "
            f"{expected.get(name, 'nothing')}, found {shapes.get(name, 'nothing')}"
        )
