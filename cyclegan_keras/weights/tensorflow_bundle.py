"""The arrays of a TensorFlow checkpoint, read without TensorFlow.

TensorFlow's own reader ends the whole program where an `.index` file was tampered with.

The `.index` file is a table as LevelDB writes them: blocks of sorted keys and values, an index of
the blocks, a footer. A value holds dtype, shape and position of one array in a `.data-*` file.
"""

import math
import os
import pathlib
import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from cyclegan_keras.files.errors import WeightsError

_MAGIC = 0xDB4775248B80FB57
_FOOTER_BYTES = 48
_MOST_INDEX_BYTES = 4 * 2**20  # a CycleGAN's, with its optimizers, has some 50 kB
_MOST_KEY_BYTES = 2000
_DTYPES = {1: "<f4", 2: "<f8", 19: "<f2"}  # TensorFlow's numbers


class _Entry(NamedTuple):
    dtype: int
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int  # bytes


def index_file(prefix: str | os.PathLike) -> pathlib.Path:
    """Returns the `.index` file of the checkpoint called `prefix`; `prefix` may be any path."""
    return pathlib.Path(f"{os.fspath(prefix)}.index")


def read_bundle(prefix: str | os.PathLike, wanted: Callable[[str], bool]) -> dict[str, np.ndarray]:
    """Returns the arrays of a checkpoint whose names are `wanted`.

    Nothing is allocated beyond the size of the files. The checksums of the index are verified,
    those of the arrays are not.

    Args:
        prefix: the path without `.index` and `.data-00000-of-00001`.
        wanted: whether an array of this name is to be read.

    Raises:
        WeightsError: damaged, tampered with, or a wanted array is not of floats.
        OSError: a file is missing or cannot be read.
    """
    prefix = pathlib.Path(prefix)
    index = index_file(prefix)
    if not _FOOTER_BYTES <= index.stat().st_size <= _MOST_INDEX_BYTES:
        raise WeightsError(f"{index} has {index.stat().st_size} bytes, so it is no index.")
    entries = {}
    shards = 1
    try:
        for key, value in _table(index.read_bytes()):
            if not key:  # the header, always first
                shards = _shards(value)
            elif wanted(key.decode()):
                entries[key.decode()] = _entry(value)
    except (IndexError, struct.error, UnicodeDecodeError, TypeError, ValueError) as error:
        raise WeightsError(f"{index} is damaged: {error}") from error
    return _read(prefix, entries, shards)


def _read(prefix, entries, shards):
    arrays, left = {}, {}
    for name, entry in entries.items():
        path = prefix.with_name(f"{prefix.name}.data-{entry.shard:05d}-of-{shards:05d}")
        size = path.stat().st_size
        left[path] = left.get(path, size) - entry.size  # overlaps would multiply the file
        dtype = np.dtype(_DTYPES.get(entry.dtype, "V1"))
        is_sane = entry.dtype in _DTYPES and len(entry.shape) <= 8 and all(entry.shape)
        is_exact = is_sane and math.prod(entry.shape) * dtype.itemsize == entry.size
        if not is_exact or entry.offset + entry.size > size or left[path] < 0:
            raise WeightsError(
                f"expected {name!r} to be floats that fit into {path} of {size} bytes. "
                f"Found: {entry}."
            )
        flat = np.fromfile(path, dtype, math.prod(entry.shape), offset=entry.offset)
        arrays[name] = flat.reshape(entry.shape)
    return arrays


def _table(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yields the keys and values of a table."""
    footer = data[-_FOOTER_BYTES:]
    if struct.unpack("<Q", footer[-8:])[0] != _MAGIC:
        raise ValueError("it has no footer")
    position = 0
    handle = []  # offset and size of the block of metadata, then of the index
    for _ in range(4):
        number, position = _varint(footer, position)
        handle.append(number)
    _, _, index_offset, index_size = handle
    left = len(data)
    for _, extent in _block(data, index_offset, index_size):
        offset, position = _varint(extent, 0)
        size, _ = _varint(extent, position)
        left -= size
        if left < 0:
            raise ValueError("its blocks overlap")
        yield from _block(data, offset, size)


def _block(data, offset, size):
    """Yields the keys and values of one block; keys share their beginnings."""
    block, kind = data[offset : offset + size], data[offset + size]
    (stored,) = struct.unpack_from("<I", data, offset + size + 1)
    if kind or stored != _masked_crc(data[offset : offset + size + 1]):
        raise ValueError("a block is compressed, or its checksum is wrong")
    (restarts,) = struct.unpack("<I", block[-4:])
    end = size - 4 - 4 * restarts
    position, key = 0, b""
    while position < end:
        shared, position = _varint(block, position)
        own, position = _varint(block, position)
        length, position = _varint(block, position)
        if shared + own > _MOST_KEY_BYTES or position + own + length > end:
            raise ValueError("a key or value is longer than its block")
        key = key[:shared] + block[position : position + own]
        position += own + length
        yield key, block[position - length : position]


def _shards(header):
    fields = dict(_fields(header))
    shards = fields.get(1, 0)
    if not isinstance(shards, int) or fields.get(2):
        raise ValueError("its header is wrong, or it was written on a big-endian machine")
    return shards


def _entry(value):
    fields = dict(_fields(value))
    sizes = [dict(_fields(dim)).get(1, 0) for tag, dim in _fields(fields.get(2, b"")) if tag == 2]
    entry = _Entry(
        dtype=fields.get(1, 0),
        shape=tuple(sizes),
        shard=fields.get(3, 0),
        offset=fields.get(4, 0),
        size=fields.get(5, 0),
    )
    numbers = [entry.dtype, entry.shard, entry.offset, entry.size, *sizes]
    if 7 in fields or not all(isinstance(number, int) for number in numbers):
        raise ValueError("an array is in slices, or a number is none")
    return entry


def _fields(message):
    """Yields the tags and values of a protocol buffer: ints, or bytes."""
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        if tag & 7 == 0:
            value, position = _varint(message, position)
        elif tag & 7 == 2:
            size, position = _varint(message, position)
            value, position = message[position : position + size], position + size
        elif tag & 7 in (1, 5):
            size = 8 if tag & 7 == 1 else 4
            value, position = message[position : position + size], position + size
        else:
            raise ValueError("a field of an unknown kind")
        yield tag >> 3, value


def _varint(data, position):
    """Returns the number at `position` (7 bits a byte, the lowest first) and where it ends."""
    number = 0
    for shift in range(0, 70, 7):
        byte = data[position]
        position += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, position
    raise ValueError("a number of more than 64 bits")


def _crc_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


_CRC_TABLE = _crc_table()


def _masked_crc(data):
    """Returns the CRC-32C of `data`, rotated and shifted as LevelDB stores it."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _CRC_TABLE[(crc ^ byte) & 255] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
