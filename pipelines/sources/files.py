"""Pictures in files: a list of files, all files below one folder, or one half of each picture."""

import os
import pathlib
from collections.abc import Sequence

import numpy as np

from cyclegan_keras.files.errors import PictureError
from cyclegan_keras.images.first_reading import read_rgb, read_size
from pipelines.sources.base import Pictures

ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")


class ListedPictures(Pictures):
    """One picture a file.

    Args:
        names: what each is called in messages.
        paths: where each lies.
    """

    def __init__(self, names: Sequence[str], paths: Sequence[pathlib.Path]):
        self.names = tuple(names)
        self.paths = tuple(paths)

    def __getitem__(self, index: int) -> np.ndarray:
        return read_rgb(self.paths[index])

    def size(self, index: int) -> tuple[int, int]:
        return read_size(self.paths[index])

    def key(self, index: int) -> str:
        path = self.paths[index]
        try:
            state = path.stat()
        except OSError as error:
            raise PictureError(str(error)) from error
        return f"{path.resolve()} {state.st_mtime_ns} {state.st_size}"

    def content(self, index: int) -> str:
        try:
            return str(self.paths[index].stat().st_size)
        except OSError:  # the picture is skipped later, with a warning
            return "unreadable"


class FilePictures(ListedPictures):
    """All pictures below one folder, in the order of their names.

    Sub-folders count; hidden files, hidden folders and `__MACOSX` do not. Endings may be in upper
    or lower case.

    Args:
        folder: where to look.
    """

    def __init__(self, folder: str | os.PathLike):
        folder = pathlib.Path(folder)
        paths = _find(folder)
        names = [f"{folder.name}/{path.relative_to(folder).as_posix()}" for path in paths]
        super().__init__(names, paths)


class HalfPictures(ListedPictures):
    """The left or the right half of each picture of a list.

    Of an odd width the right half is one pixel wider, so that the halves cannot pass for a pair.

    Args:
        whole: the pictures, A and B side by side.
        side: "left" or "right".
    """

    def __init__(self, whole: ListedPictures, side: str):
        super().__init__(whole.names, whole.paths)
        self._side = side

    def __getitem__(self, index: int) -> np.ndarray:
        whole = super().__getitem__(index)
        middle = whole.shape[1] // 2
        half = whole[:, :middle] if self._side == "left" else whole[:, middle:]
        return half.copy()  # a view would keep the other half in memory too

    def size(self, index: int) -> tuple[int, int]:
        width, height = super().size(index)
        if width < 2:
            raise PictureError(f"is {width} px wide, which leaves nothing for a half")
        middle = width // 2
        if self._side == "left":
            return middle, height
        return width - middle, height

    def key(self, index: int) -> str:
        return f"{super().key(index)} {self._side}"

    def content(self, index: int) -> str:
        return f"{super().content(index)} {self._side}"


def _find(folder: pathlib.Path) -> list[pathlib.Path]:
    found = []
    for parent, subfolders, files in os.walk(folder, followlinks=True):
        # os.walk goes on into what is left in this list.
        subfolders[:] = [
            name for name in subfolders if not name.startswith(".") and name != "__MACOSX"
        ]
        for name in files:
            if name.lower().endswith(ENDINGS) and not name.startswith("."):
                found.append(pathlib.Path(parent, name))
    return sorted(found, key=lambda path: path.relative_to(folder).as_posix())
