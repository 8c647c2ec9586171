"""What the data doctor is given: sets of pictures, each with a name."""

import dataclasses
import os
import pathlib
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from cyclegan_keras.images.header import Header
from cyclegan_keras.images.picture import Picture


class Pictures(Protocol):
    """Pictures with random access; safe to read from several threads."""

    names: Sequence[str]

    def picture(self, index: int) -> Picture:
        """Returns a picture, or raises PictureError whose message is the reason alone."""

    def header(self, index: int) -> Header:
        """Returns what the header of a picture says, or raises PictureError."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class PictureSet:
    """One set of pictures.

    Attributes:
        split: "train", "test" or "pairs", which are trained on among others.
        domain: "A" or "B".
        pictures: how each is read.
        count: how many of them, from the first on, belong to the set.
        paths: of their files; None where they are no files, but drawn or kept in an archive.
        encoded: the bytes of each file of an archive; None where there are none.
        half: "left" or "right" where a picture is this half of its file, "" where it is all of it.
        partners: the set whose picture of the same number shows the same scene; "" where none does.
    """

    split: str
    domain: str
    pictures: Pictures
    count: int
    paths: Sequence[pathlib.Path] | None = None
    encoded: Sequence[bytes] | None = None
    half: str = ""
    partners: str = ""

    @property
    def name(self) -> str:
        """What it is called in sentences, such as "trainA"."""
        return f"{self.split}{self.domain}"

    @property
    def is_test(self) -> bool:
        """Whether nothing is trained on it."""
        return self.split == "test"

    def __len__(self) -> int:
        return self.count

    def path(self, index: int) -> pathlib.Path | None:
        """Returns where the file of a picture lies, or None."""
        return None if self.paths is None else self.paths[index]

    def is_in_files(self) -> bool:
        """Whether the bytes of its files can be compared."""
        return self.paths is not None or self.encoded is not None

    def size_and_end(self, index: int, most: int) -> tuple[int, bytes]:
        """Returns how many bytes a file has, and at most so many of the last ones.

        Raises:
            OSError: it cannot be read.
        """
        if self.paths is None:
            data = self.encoded[index]
            return len(data), data[-most:]
        with open(self.paths[index], "rb") as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(max(0, size - most))
            return size, file.read(most)

    def all_bytes(self, index: int) -> bytes:
        """Returns all bytes of a file.

        Raises:
            OSError: it cannot be read.
        """
        if self.paths is None:
            return self.encoded[index]
        return self.paths[index].read_bytes()


class Place(NamedTuple):
    """One picture among several sets.

    Attributes:
        set_name: of its set.
        number: in the set, from 0.
    """

    set_name: str
    number: int
