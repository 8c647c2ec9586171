"""A teacher's answers on the disk: one file of equal slots, each with checksums."""

import json
import math
import os
import pathlib
import shutil
import struct
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from absl import logging

from cyclegan_keras.files.atomic import atomic_write
from cyclegan_keras.files.errors import OptionError
from cyclegan_keras.files.writing import make_folder, writing

GIGABYTE = 1_000_000_000
VERSION = 2
DTYPE = np.dtype("<f2")
# Behind each answer: a mark, which a slot never written lacks, and the checksums of the crop that
# it belongs to and of the answer.
TRAILER = struct.Struct("<4sII")
MARK = b"kept"
AnswerShape = tuple[int, int, int]


class AnswerCache:
    """The first answers of a teacher, in float16, by the numbers of the crops.

    Slot n holds the answer to crop n, with the checksum of that crop: where a picture has changed
    since, or another one was read in its place, the answer counts as not kept. So does that of a
    process that was killed while it wrote, since the checksum of the answer does not fit. The file
    is written, not mapped into memory, since a full disk ends a process that writes into mapped
    memory, without a word.

    A file beside it names the format and the teacher. Where these differ, the answers are of
    something else: they are removed, one line says so, and the cache begins anew.

    Attributes:
        slots: how many answers it can hold: those of the numbers below.

    Args:
        path: of the file, without ending; its folder is made.
        shape: (height, width, channels) of every answer.
        slots: see above.
        fingerprint: what the answers depend on besides their crops, ready for JSON: the teacher.

    Raises:
        WriteError: the files cannot be made.
    """

    def __init__(
        self,
        path: str | os.PathLike,
        *,
        shape: AnswerShape,
        slots: int,
        fingerprint: Mapping[str, Any],
    ):
        self.slots = slots
        self._shape = tuple(shape)
        self._path = _file_of(path)
        self._slot_bytes = slot_bytes(shape)
        make_folder(self._path.parent)
        self._begin_anew_unless(
            {"version": VERSION, "shape": list(shape), "fingerprint": dict(fingerprint)}
        )
        if self._path.stat().st_size > slots * self._slot_bytes:
            with writing(self._path):
                os.truncate(self._path, slots * self._slot_bytes)

    def get(self, number: int, crop: np.ndarray) -> np.ndarray | None:
        """Returns the answer to a crop, float16 of `shape`; None where it is not kept.

        Args:
            number: of the crop.
            crop: the crop itself, of any shape.
        """
        if number >= self.slots:
            return None
        try:
            with open(self._path, "rb") as file:
                file.seek(number * self._slot_bytes)
                slot = file.read(self._slot_bytes)
        except OSError:  # the teacher can be asked anew
            return None
        if len(slot) < self._slot_bytes:
            return None
        answer = slot[: -TRAILER.size]
        if slot[-TRAILER.size :] != _trailer(crop, answer):
            return None
        return np.frombuffer(answer, DTYPE).reshape(self._shape)

    def put(self, number: int, crop: np.ndarray, answer: np.ndarray) -> None:
        """Keeps the answer to a crop, where there is a slot for it.

        Args:
            number: of the crop.
            crop: the crop itself, of any shape.
            answer: float16 of `shape`.

        Raises:
            WriteError: the disk is full, for example.
        """
        if number >= self.slots:
            return
        content = np.ascontiguousarray(answer, DTYPE).tobytes()
        slot = memoryview(content + _trailer(crop, content))
        with writing(self._path), open(self._path, "r+b", buffering=0) as file:
            file.seek(number * self._slot_bytes)
            while slot:  # a nearly full disk takes a part first
                slot = slot[file.write(slot) :]

    def _begin_anew_unless(self, expected: Mapping[str, Any]) -> None:
        """Empties the files unless what they say of themselves is as expected."""
        description = self._path.with_suffix(".json")
        text = json.dumps(expected, indent=1, sort_keys=True)
        try:
            if self._path.is_file() and json.loads(description.read_text()) == json.loads(text):
                return
        except (OSError, ValueError):
            pass  # a process was killed before it had written the description
        with writing(self._path):
            if self._path.exists():
                logging.info(
                    "%s holds answers of another teacher or format, and begins anew.",
                    self._path,
                )
            description.unlink(missing_ok=True)
            self._path.write_bytes(b"")
        with atomic_write(description) as temporary:
            temporary.write_text(text)


def slot_bytes(shape: AnswerShape) -> int:
    """Returns how much room one answer of (height, width, channels) takes."""
    return math.prod(shape) * DTYPE.itemsize + TRAILER.size


def slots_of(shapes: Mapping[str, AnswerShape], count: int, cache_gb: float) -> dict[str, int]:
    """Returns how many answers of each direction are kept; they share the room equally.

    Args:
        shapes: direction -> (height, width, channels) of every answer.
        count: crops that will be asked about.
        cache_gb: gigabytes (10^9 bytes) that all answers may take together.
    """
    share = cache_gb * GIGABYTE / len(shapes)
    return {
        direction: min(count, int(share // slot_bytes(shape)))
        for direction, shape in shapes.items()
    }


def bytes_of(shapes: Mapping[str, AnswerShape], slots: Mapping[str, int]) -> int:
    """Returns how much room so many answers of each direction take."""
    return sum(slots[direction] * slot_bytes(shape) for direction, shape in shapes.items())


def check_room(
    folder: str | os.PathLike,
    *,
    shapes: Mapping[str, AnswerShape],
    count: int,
    cache_gb: float,
) -> None:
    """Refuses answers for which the disk has no room; nothing is written.

    Args:
        folder: where they will lie; the one above it exists.
        shapes: direction -> (height, width, channels) of every answer.
        count: crops that will be asked about.
        cache_gb: gigabytes (10^9 bytes) that all answers may take together.

    Raises:
        OptionError: the disk has less room than they will take.
    """
    folder = pathlib.Path(folder)
    kept = bytes_of(shapes, slots_of(shapes, count, cache_gb))
    taken = sum(_taken_bytes(_file_of(folder / direction)) for direction in shapes)
    free = shutil.disk_usage(folder if folder.exists() else folder.parent).free
    missing = kept - taken
    if missing > free:
        possible = (taken + free) / GIGABYTE
        raise OptionError(
            f"--cache_gb={cache_gb:g}: the teacher's answers take {missing / GIGABYTE:.2f} GB more "
            f"in {folder}, but only {free / GIGABYTE:.2f} GB are free there. Free some space, or "
            f"use --cache_gb={math.floor(possible * 10) / 10:g}: answers beyond that are asked "
            "for anew each time."
        )


def open_caches(
    folder: str | os.PathLike,
    *,
    shapes: Mapping[str, AnswerShape],
    count: int,
    cache_gb: float,
    fingerprints: Mapping[str, Mapping[str, Any]],
) -> dict[str, AnswerCache]:
    """Opens a cache for each direction; they share the room equally.

    Args:
        folder: where the files lie.
        shapes: direction -> (height, width, channels) of every answer.
        count: crops that will be asked about, numbered from 0.
        cache_gb: gigabytes (10^9 bytes) that all caches may take together; answers beyond are not
            kept.
        fingerprints: direction -> what the answers depend on, see `AnswerCache`.

    Returns:
        direction -> its cache.

    Raises:
        OptionError: the disk has less room than they will take.
        WriteError: the files cannot be made.
    """
    check_room(folder, shapes=shapes, count=count, cache_gb=cache_gb)
    slots = slots_of(shapes, count, cache_gb)
    return {
        direction: AnswerCache(
            pathlib.Path(folder) / direction,
            shape=shape,
            slots=slots[direction],
            fingerprint=fingerprints[direction],
        )
        for direction, shape in shapes.items()
    }


def _file_of(path: str | os.PathLike) -> pathlib.Path:
    return pathlib.Path(f"{os.fspath(path)}.answers")


def _taken_bytes(path: pathlib.Path) -> int:
    """Returns how much of the disk a file takes; 0 where there is none."""
    try:
        state = path.stat()
    except FileNotFoundError:
        return 0
    # Slots between others may be empty without taking any room.
    return 512 * state.st_blocks if hasattr(state, "st_blocks") else state.st_size


def _trailer(crop: np.ndarray, answer: bytes) -> bytes:
    return TRAILER.pack(MARK, zlib.crc32(crop.tobytes()), zlib.crc32(answer))
