"""Finds the pictures that can be read before training starts."""

import concurrent.futures
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
from absl import logging
from tqdm import tqdm

from cyclegan_keras.files.errors import NAMED, DataError, PictureError
from pipelines.sources.base import Pictures

PATIENCE_SECONDS = 1.0  # work that takes longer shows its progress
Read = TypeVar("Read")


class ReadablePictures(Pictures):
    """Those of some pictures that can be read, as far as was looked.

    Attributes:
        indices: where each picture is in the whole set.
        sizes: (width, height) of each.
        skipped: names of what cannot be read; grows as damaged bodies are met.
    """

    def __init__(
        self,
        pictures: Pictures,
        indices: Sequence[int],
        sizes: Sequence[tuple[int, int]],
        skipped: list[str],
    ):
        self.indices = tuple(indices)
        self.names = tuple(pictures.names[index] for index in indices)
        self.sizes = tuple(sizes)
        self.skipped = skipped
        self._pictures = pictures
        self._lock = threading.Lock()

    def __getitem__(self, index: int) -> np.ndarray:
        return self._pictures[self.indices[index]]

    def size(self, index: int) -> tuple[int, int]:
        return self.sizes[index]

    def key(self, index: int) -> str:
        return self._pictures.key(self.indices[index])

    def content(self, index: int) -> str:
        return self._pictures.content(self.indices[index])

    def only(self, indices: set[int]) -> "ReadablePictures":
        """Returns those pictures whose place in the whole set is among `indices`."""
        kept = [place for place, index in enumerate(self.indices) if index in indices]
        sizes = [self.sizes[place] for place in kept]
        return ReadablePictures(
            self._pictures, [self.indices[place] for place in kept], sizes, self.skipped
        )

    def substitute(self, index: int, read: Callable[[int], Read]) -> Read:
        """Returns `read(index)`, or that of the next index that can be read.

        A picture may show its damage only when it is decoded; its neighbour then takes its place,
        always the same one, and it is named in one warning.

        Raises:
            DataError: none can be read.
        """
        for candidate in [*range(index, len(self)), *range(index)]:
            try:
                return read(candidate)
            except PictureError as error:
                self._report(candidate, error)
        raise DataError(f"None of the {len(self)} pictures such as {self.names[0]} can be read.")

    def _report(self, index: int, error: PictureError) -> None:
        name = self.names[index]
        with self._lock:
            if name in self.skipped:
                return
            self.skipped.append(name)
        logging.warning("%s is damaged (%s); another picture takes its place.", name, error)


def scan(
    pictures: Pictures, title: str, *, refuse: bool, decode: bool = False, most: int | None = None
) -> ReadablePictures:
    """Looks at pictures and leaves out the unreadable, with one warning that names them.

    Args:
        pictures: what to look at.
        title: what they are called in messages.
        refuse: an unreadable picture is an error.
        decode: decode each picture, instead of reading its header alone.
        most: look at the first so many only; None means all.

    Raises:
        DataError: `refuse`, and a picture is unreadable; or none is readable.
    """
    count = len(pictures) if most is None else min(most, len(pictures))
    look = _decoded_size if decode else _header_size
    found = _look_at_all(pictures, look, count, title)
    good = [index for index in range(count) if not isinstance(found[index], PictureError)]
    bad = {pictures.names[index]: found[index] for index in sorted(set(range(count)) - set(good))}
    if bad:
        _refuse_or_warn(bad, count, title, refuse)
    return ReadablePictures(pictures, good, [found[index] for index in good], list(bad))


def matched(
    first: ReadablePictures, second: ReadablePictures
) -> tuple[ReadablePictures, ReadablePictures]:
    """Returns those pictures of both whose counterpart can be read too.

    Raises:
        DataError: no pair is left.
    """
    common = set(first.indices) & set(second.indices)
    if not common:
        raise DataError(
            f"Of every pair such as {first.names[0]} and its partner one side cannot be read: "
            "replace them."
        )
    return first.only(common), second.only(common)


def _look_at_all(pictures, look, count: int, title: str) -> list:
    def size_or_error(index):
        try:
            return look(pictures, index)
        except PictureError as error:
            return error

    with concurrent.futures.ThreadPoolExecutor() as pool:
        results = pool.map(size_or_error, range(count))
        progress = tqdm(results, f"Checking {title}", count, delay=PATIENCE_SECONDS, leave=False)
        return list(progress)


def _header_size(pictures: Pictures, index: int) -> tuple[int, int]:
    return pictures.size(index)


def _decoded_size(pictures: Pictures, index: int) -> tuple[int, int]:
    height, width, _ = pictures[index].shape
    return width, height


def _refuse_or_warn(bad: dict, count: int, title: str, refuse: bool) -> None:
    listed = "; ".join(f"{name} ({error})" for name, error in list(bad.items())[:NAMED])
    more = f"; and {len(bad) - NAMED} more" if len(bad) > NAMED else ""
    message = f"{len(bad)} of {count} pictures of {title} cannot be read: {listed}{more}."
    if len(bad) == count:
        raise DataError(f"{message} None is left: replace them.")
    if refuse:
        raise DataError(f"{message} Replace them, or leave them out by --on_bad_image=skip.")
    logging.warning("%s They are skipped.", message)
