"""Pictures in files: a list of files, all files below one folder, or one half of each picture."""

import dataclasses
import errno
import os
import pathlib
from collections.abc import Sequence

from absl import logging

from cyclegan_keras.files.errors import (
    LostPicturesError,
    OutageError,
    PictureError,
    reason_of_outage,
)
from cyclegan_keras.files.walking import leads_back
from cyclegan_keras.images import first_reading, reading
from cyclegan_keras.images.header import Header
from cyclegan_keras.images.listing import find_pictures, is_passed_over_silently, passed_over_line
from cyclegan_keras.images.picture import Picture
from pipelines.outage import has_folder
from pipelines.sources.base import Pictures

# By which version 1 of the rules for reading recognizes pictures.
ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")


# What a single file answers, and will answer again: a link that leads nowhere, no right to read it.
LASTING = (errno.ENOENT, errno.EACCES, errno.EPERM, errno.ELOOP)


class ListedPictures(Pictures):
    """One picture a file.

    Args:
        names: what each is called in messages.
        paths: where each lies.
        reader_version: of the rules by which they are read, see `images.reading`.
    """

    def __init__(
        self,
        names: Sequence[str],
        paths: Sequence[pathlib.Path],
        reader_version: int = reading.CURRENT,
    ):
        self.names = tuple(names)
        self.paths = tuple(paths)
        self.reader_version = reader_version

    def picture(self, index: int, channels: int | None = None) -> Picture:
        return read_picture(self.paths[index], self.reader_version, channels)

    def header(self, index: int, channels: int | None = None) -> Header:
        return read_header(self.paths[index], self.reader_version, channels)

    def key(self, index: int) -> str:
        path = self.paths[index]
        try:
            state = path.stat()
        except OSError as error:
            raise OutageError(reason_of_outage(error) or str(error), str(path)) from error
        return f"{path.resolve()} {state.st_mtime_ns} {state.st_size}"

    def content(self, index: int) -> str:
        try:
            return str(self.paths[index].stat().st_size)
        except OSError as error:
            _refuse_outage(error, self.paths[index])
            return "unreadable"  # the picture is skipped later, with a warning

    def bytes_of(self, index: int) -> bytes | None:
        try:
            return self.paths[index].read_bytes()
        except OSError as error:
            _refuse_outage(error, self.paths[index])
            return None


class FilePictures(ListedPictures):
    """All pictures below one folder, in the order of their names.

    Sub-folders count; hidden files, hidden folders and `__MACOSX` do not. Pictures are recognized
    by their content, and a line in the log says how many files of which kinds were passed over. By
    version 1 of the rules they are recognized by `ENDINGS`, in upper or lower case, and counted as
    often as links lead to them.

    Attributes:
        folder: where they lie.

    Args:
        folder: where to look.
        reader_version: of the rules by which they are found and read, see `images.reading`.
        each_once: whether a file counts once to which links lead again; otherwise every name counts
            that leads to it.
    """

    def __init__(
        self,
        folder: str | os.PathLike,
        reader_version: int = reading.CURRENT,
        *,
        each_once: bool = True,
    ):
        folder = pathlib.Path(folder)
        self.folder = folder
        if reader_version == 1:
            paths = _find_by_ending(folder)
        else:
            found = find_pictures(folder, each_once=each_once)
            paths = found.pictures
            line = passed_over_line(found)
            if line:
                logging.info("%s", line)
        names = [f"{folder.name}/{path.relative_to(folder).as_posix()}" for path in paths]
        super().__init__(names, paths, reader_version)


class HalfPictures(ListedPictures):
    """The left or the right half of each picture of a list.

    Of an odd width the right half is one pixel wider, so that the halves cannot pass for a pair.

    Args:
        whole: the pictures, A and B side by side.
        side: "left" or "right".
    """

    def __init__(self, whole: ListedPictures, side: str):
        super().__init__(whole.names, whole.paths, whole.reader_version)
        self.side = side

    def picture(self, index: int, channels: int | None = None) -> Picture:
        whole = super().picture(index, channels)
        middle = whole.pixels.shape[1] // 2
        columns = slice(None, middle) if self.side == "left" else slice(middle, None)
        return dataclasses.replace(
            whole,
            pixels=whole.pixels[:, columns].copy(),  # a view would keep the other half in memory
            alpha=None if whole.alpha is None else whole.alpha[:, columns].copy(),
        )

    def header(self, index: int, channels: int | None = None) -> Header:
        whole = super().header(index, channels)
        if whole.width < 2:
            raise PictureError(f"is {whole.width} px wide, which leaves nothing for a half")
        middle = whole.width // 2
        width = middle if self.side == "left" else whole.width - middle
        return dataclasses.replace(whole, width=width)

    def key(self, index: int) -> str:
        return f"{super().key(index)} {self.side}"

    def content(self, index: int) -> str:
        return f"{super().content(index)} {self.side}"


def read_picture(
    file: bytes | str | os.PathLike, reader_version: int, channels: int | None = None
) -> Picture:
    """Reads a picture file, or its bytes, by one version of the rules.

    Raises:
        PictureError: it cannot be read; the message is the reason alone.
    """
    if reader_version == 1:
        return Picture(pixels=first_reading.read_rgb(file))
    return reading.read_picture(file, channels=channels)


def read_header(
    file: bytes | str | os.PathLike, reader_version: int, channels: int | None = None
) -> Header:
    """Reads what `read_picture` would return of a file's size and type, by its header alone.

    Raises:
        PictureError: the header cannot be read; the message is the reason alone.
    """
    if reader_version == 1:
        width, height = first_reading.read_size(file)
        return Header(width=width, height=height)
    return reading.read_header(file, channels=channels)


def _refuse_outage(error: OSError, path: pathlib.Path) -> None:
    """Raises LostPicturesError where a drive, and not this file alone, cannot be read now.

    Its pictures would be taken for others.
    """
    reason = reason_of_outage(error)
    if reason and not (error.errno in LASTING and has_folder(path)):
        raise LostPicturesError(f"{path} {reason}: see to its drive or network.") from error


def _find_by_ending(folder: pathlib.Path) -> list[pathlib.Path]:
    found = []
    for parent, subfolders, files in os.walk(folder, followlinks=True):
        # os.walk goes on into what is left in this list.
        subfolders[:] = [
            name
            for name in subfolders
            if not is_passed_over_silently(name)
            and not leads_back(os.path.join(parent, name), folder)
        ]
        for name in files:
            if name.lower().endswith(ENDINGS) and not is_passed_over_silently(name):
                found.append(pathlib.Path(parent, name))
    return sorted(found, key=lambda path: path.relative_to(folder).as_posix())
