"""A folder with `trainA`, `trainB` and, optionally, `testA` and `testB`."""

import os
import pathlib

import numpy as np

from pipelines import images
from pipelines.errors import DataError, PictureError
from pipelines.sources.base import Pictures, Source, domains_of

ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")


class FilePictures(Pictures):
    """All pictures below one folder, in the order of their names.

    Sub-folders count; hidden files, hidden folders and `__MACOSX` do not; endings in any case.
    """

    def __init__(self, folder: str | os.PathLike):
        self._folder = pathlib.Path(folder)
        self.names = tuple(
            f"{self._folder.name}/{path.relative_to(self._folder).as_posix()}"
            for path in _find(self._folder)
        )

    def _path(self, index: int) -> pathlib.Path:
        return self._folder.parent / self.names[index]

    def __getitem__(self, index: int) -> np.ndarray:
        return images.decode(self._path(index))

    def size(self, index: int) -> tuple[int, int]:
        return images.picture_size(self._path(index))

    def key(self, index: int) -> str:
        path = self._path(index)
        try:
            state = path.stat()
        except OSError as error:
            raise PictureError(str(error)) from error
        return f"{path.resolve()} {state.st_mtime_ns} {state.st_size}"

    def content(self, index: int) -> str:
        try:
            return str(self._path(index).stat().st_size)
        except OSError:  # it is skipped later, with a warning
            return "unreadable"


def load(folder: str) -> Source:
    """Opens a folder in the layout of the CycleGAN data sets.

    Raises:
        DataError: `trainA` or `trainB` is missing or holds no picture.
    """
    root = pathlib.Path(folder)
    if not ((root / "trainA").is_dir() and (root / "trainB").is_dir()):
        raise DataError(_not_the_layout(root))
    found = {name: FilePictures(root / name) for name in ("trainA", "trainB", "testA", "testB")}
    for name in ("trainA", "trainB"):
        if not found[name]:
            raise DataError(
                f"{root / name} holds no pictures ({', '.join(ENDINGS)}); "
                f"found {_contents(root / name)}."
            )
    return Source(
        name=folder,
        train_a=found["trainA"],
        train_b=found["trainB"],
        test_a=found["testA"] or None,
        test_b=found["testB"] or None,
        domains=domains_of(root.resolve().name),
    )


def _find(folder: pathlib.Path) -> list[pathlib.Path]:
    found = []
    for parent, subfolders, files in os.walk(folder, followlinks=True):
        subfolders[:] = [name for name in subfolders if name[0] != "." and name != "__MACOSX"]
        found += [
            pathlib.Path(parent, name)
            for name in files
            if name[0] != "." and name.lower().endswith(ENDINGS)
        ]
    return sorted(found, key=lambda path: path.relative_to(folder).as_posix())


def _not_the_layout(root: pathlib.Path) -> str:
    wanted = f"--dataset={root} needs the sub-folders trainA and trainB, but holds"
    inner = sorted(path.parent for path in root.glob("*/trainA") if path.is_dir())
    if inner:
        return f"{wanted} {_contents(root)}. Did you mean --dataset={inner[0]}?"
    if (root / "train").is_dir() or ((root / "A").is_dir() and (root / "B").is_dir()):
        return (
            f"{wanted} {_contents(root)}: it looks like a paired set (A and B side by side), which "
            "unpaired training does not read. Put the pictures of each domain into a folder of "
            "its own."
        )
    return f"{wanted} {_contents(root)}."


def _contents(folder: pathlib.Path, most: int = 6) -> str:
    try:
        names = sorted(p.name + "/" * p.is_dir() for p in folder.iterdir() if p.name[0] != ".")
    except OSError as error:
        return f"that it cannot be read ({error.strerror})"
    if not names:
        return "nothing"
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"
