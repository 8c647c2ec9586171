"""Reads pictures out of NumPy's files, .npy and .npz."""

import io
import math
import zipfile
from typing import IO

import numpy as np

from cyclegan_keras.files.errors import PictureError
from cyclegan_keras.images.header import Header
from cyclegan_keras.images.limits import refuse_large
from cyclegan_keras.images.numbers import checked_numbers, dtype_of_numbers

NAMES = ("image.npy", "arr_0.npy")  # of the array that is taken from an archive of several
PART = 2**24  # bytes read at once
MOST_CHANNELS = 4096  # more are taken for a mistake in the order of the axes


def read_array(file: IO[bytes], *, most_pixels: int | None) -> np.ndarray:
    """Returns the picture in a .npy or .npz file.

    Args:
        file: open, at its beginning.
        most_pixels: more are refused.

    Returns:
        (height, width, channels) of one of `values.DTYPES`.

    Raises:
        PictureError: the array cannot be a picture; the message is the reason alone.
    """
    with _array_file(file) as opened:
        shape, fortran_order, dtype = _header(opened)
        header = _checked(shape, dtype)
        refuse_large(header.width, header.height, most_pixels)
        expected = math.prod(shape) * dtype.itemsize
        data = bytearray()  # grows with what there is, whatever the header claims
        while len(data) < expected:
            part = opened.read(min(PART, expected - len(data)))
            if not part:
                break
            data += part
    if len(data) < expected:
        raise PictureError(f"is damaged: of {expected:,} bytes of numbers it has {len(data):,}")
    numbers = np.frombuffer(data, dtype)
    numbers = numbers.reshape(shape[::-1]).T if fortran_order else numbers.reshape(shape)
    return checked_numbers(numbers.reshape(header.height, header.width, -1))


def read_array_header(file: IO[bytes]) -> Header:
    """Returns size, channels and type of what `read_array` returns."""
    with _array_file(file) as opened:
        shape, _, dtype = _header(opened)
    return _checked(shape, dtype)


def _array_file(file: IO[bytes]) -> IO[bytes]:
    """The .npy file itself, or the one to take from an archive."""
    start = file.read(4)
    file.seek(0)
    if not start.startswith(b"PK"):
        return io.BufferedReader(_Unclosed(file))
    archive = zipfile.ZipFile(file)
    names = [name for name in archive.namelist() if name.endswith(".npy")]
    if not names:
        raise PictureError("holds no arrays")
    for name in NAMES:
        if name in names:
            return archive.open(name)
    return archive.open(names[0])


class _Unclosed(io.RawIOBase):
    """Reads from a file that somebody else closes."""

    def __init__(self, file: IO[bytes]):
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _header(opened: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
    version = np.lib.format.read_magic(opened)
    if version == (1, 0):
        return np.lib.format.read_array_header_1_0(opened)
    return np.lib.format.read_array_header_2_0(opened)


def _checked(shape: tuple[int, ...], dtype: np.dtype) -> Header:
    if len(shape) not in (2, 3) or 0 in shape:
        raise PictureError(
            f"holds an array of shape {shape}, expected (height, width) or "
            "(height, width, channels)"
        )
    height, width, channels = (*shape, 1)[:3]
    if len(shape) == 3 and height in (1, 2, 3, 4) and width > 4 and channels > 4:
        raise PictureError(
            f"holds an array of shape {shape}, which looks like (channels, height, width); "
            "expected (height, width, channels): numpy.moveaxis(array, 0, -1) turns it"
        )
    if channels > MOST_CHANNELS:
        raise PictureError(
            f"holds an array of shape {shape}: {channels} channels are more than {MOST_CHANNELS}"
        )
    return Header(width=width, height=height, channels=channels, dtype=dtype_of_numbers(dtype))
