"""Reads PyTorch's files of tensors (.pth, .pt), without PyTorch and safely."""

import collections
import dataclasses
import io
import math
import os
import pathlib
import stat
import struct
import zipfile
import zlib
from typing import Literal

import ml_dtypes
import numpy as np

from cyclegan_keras.files.errors import WeightsError
from cyclegan_keras.weights.other_kinds import (
    HEAD_BYTES,
    other_archive,
    other_kind,
    whole_network,
)
from cyclegan_keras.weights.torch_pickle import MOST_BYTES, read_pickle
from cyclegan_keras.weights.torch_tensors import Opaque, Storage, Tensor, check_key

ByteOrder = Literal["<", ">"]  # little or big endian, as NumPy says it

_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_MOST_DIRECTORY_BYTES = 2**19  # of a zip archive: thousands of arrays
_MOST_KEYS_BYTES = 2**18
_MOST_NETWORKS = 2000  # an optimizer holds a dict of tensors for each weight
_MOST_WHOLE_NETWORKS = 20
_LEAST_UNNAMED = 4  # tensors in a list that may be a network's
_DEEPEST = 12  # dicts and lists inside each other
_MOST_NAMES = 4  # of one array: a network may be listed under its own name and in a list of all
# What zipfile may raise on a damaged or hostile archive.
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    ValueError,
    KeyError,
    IndexError,
    TypeError,
    EOFError,
    OverflowError,
    RuntimeError,
    OSError,
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class TorchFile:
    """What a file of PyTorch's holds.

    Attributes:
        states: the dicts of tensors in it, by where they lie: keys, and numbers in lists, joined by
            dots, and "" for the file's own dict. Where keys have dots of their own and two dicts
            would have one name, the second one ends in "_2". Arrays are read-only and may share
            memory.
        whole_networks: a sentence on each network in it that is an object of a program's class,
            which cannot be read.
        unnamed: the shapes of tensors in lists, by where the list lies: they are not read.
    """

    states: dict[str, dict[str, np.ndarray]]
    whole_networks: list[str]
    unnamed: dict[str, list[tuple[int, ...]]]


def read_state_dicts(path: str | os.PathLike) -> dict[str, dict[str, np.ndarray]]:
    """Returns the dicts of tensors of a file of PyTorch's: the `states` of `read_torch_file`.

    Raises:
        WeightsError, OSError: as `read_torch_file`.
    """
    return read_torch_file(path).states


def read_torch_file(path: str | os.PathLike) -> TorchFile:
    """Reads a file of PyTorch's: a state dict, or a training state that holds some at any depth.

    Both of PyTorch's formats are read: the zip archive of today and the pickles in a row of before
    version 1.6. Nothing in the file is executed. Whatever it holds, reading takes less memory than
    twice the size of the file and 50 MB; a file whose tensors are larger than itself is refused.

    Args:
        path: the file.

    Raises:
        WeightsError: neither tensors nor data that programs keep beside them, a whole network
            without a state dict, a file of another kind, a damaged file, or no file: a folder, a
            pipe.
        OSError: the file is missing or cannot be opened.
    """
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait for its other end
        raise WeightsError(f"{path} cannot be read: it is not a file.")
    with _Reader(io.FileIO(path)) as file:
        try:
            head = file.read(HEAD_BYTES)
            file.seek(0)
            sentence = other_kind(head, pathlib.Path(path).suffix.lower())
            if sentence:
                raise WeightsError(sentence)
            if head[:4] == b"PK\x03\x04":
                return _read_zip(file, status.st_size)
            return _read_legacy(file, status.st_size)
        except WeightsError as error:
            raise WeightsError(f"{path} cannot be read: {error}") from error
        except _DAMAGED as error:
            raise WeightsError(
                f"{path} cannot be read: it is damaged or no file of PyTorch's ({error})."
            ) from error


class _Reader(io.BufferedReader):
    """A file of which at most `most` bytes are read at once.

    zipfile asks for as many bytes as an archive says it needs, and memory is taken for all of them.
    """

    most = MOST_BYTES

    def read(self, size=-1, /):
        if size is not None and size > self.most:
            raise WeightsError(f"It asks for {size} bytes at once, expected {self.most} at most.")
        return super().read(size)


def _read_zip(file: _Reader, size: int) -> TorchFile:
    file.most = _MOST_DIRECTORY_BYTES
    with zipfile.ZipFile(file) as archive:
        file.most = size
        entries = {entry.filename: entry for entry in archive.infolist()}
        sentence = other_archive(entries)
        if sentence:
            raise WeightsError(sentence)
        # PyTorch stores its arrays as they are, so that no file grows when it is read.
        packed = any(
            entry.compress_type != zipfile.ZIP_STORED or entry.compress_size != entry.file_size
            for entry in entries.values()
        )
        if packed or sum(entry.file_size for entry in entries.values()) > size:
            raise WeightsError("It is a compressed archive, which PyTorch never writes.")
        pickles = [name for name in entries if name.endswith("/data.pkl")]
        if len(pickles) != 1:
            raise WeightsError(
                f"It is an archive with {len(pickles)} entries */data.pkl, expected one."
            )
        root = pickles[0].removesuffix("data.pkl")
        if entries[pickles[0]].file_size > MOST_BYTES:
            raise WeightsError(f"Its pickle is larger than {MOST_BYTES} bytes.")
        found = _find(read_pickle(archive.read(pickles[0])).content)
        order = archive.read(f"{root}byteorder") if f"{root}byteorder" in entries else b"little"
        byte_order: ByteOrder = ">" if order == b"big" else "<"
        return _load(
            found,
            lambda storage: archive.read(f"{root}data/{storage.key}"),  # checks its CRC
            byte_order,
            size,
        )


def _read_legacy(file: _Reader, size: int) -> TorchFile:
    head = []
    position = 0
    storages: dict[str, Storage] = {}
    # A magic number, the protocol, the system, the object and the keys of its arrays.
    for most in (1000, 1000, 1000, MOST_BYTES, _MOST_KEYS_BYTES):
        file.seek(position)
        part = read_pickle(file.read(most))
        head.append(part.content)
        storages |= part.storages
        position += part.length
        if head[0] != _LEGACY_MAGIC:
            raise WeightsError(
                "It does not begin as PyTorch's files do: it is a pickle that torch.save did not "
                "write."
            )
    system, content, keys = head[2:]
    if not isinstance(system, dict) or not isinstance(keys, list):
        raise WeightsError("It does not describe its system and its arrays.")
    file.most = size
    byte_order: ByteOrder = "<" if system.get("little_endian", True) else ">"
    found = _find(content)
    extents = {}  # key of an array -> its position in the file and its length
    for key in keys:
        file.seek(position)
        (count,) = struct.unpack(f"{byte_order}q", file.read(8))
        key = str(check_key(key))
        if key not in storages or count != storages[key].count:
            raise WeightsError("Its list of arrays does not fit its tensors.")
        length = count * _dtype(storages[key], byte_order).itemsize
        extents[key] = (position + 8, length)
        position += 8 + length
        if position > size:
            raise WeightsError("It ends too early.")

    def read(storage):
        start, length = extents[storage.key]
        file.seek(start)
        return file.read(length)

    return _load(found, read, byte_order, size)


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Found:
    """What a pickle describes, as in `TorchFile`."""

    states: dict[str, dict[str, Tensor]]
    whole_networks: list[str]
    unnamed: dict[str, list[tuple[int, ...]]]


def _find(content) -> _Found:
    """Finds the dicts of tensors: the content itself, or what dicts and lists in it hold."""
    states = {}
    whole_networks: list[str] = []
    unnamed: dict[str, list[tuple[int, ...]]] = {}
    waiting: collections.deque[tuple[tuple, object]] = collections.deque([((), content)])
    seen = set()
    while waiting:
        path, value = waiting.popleft()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, Opaque) and value.is_module:
            if len(whole_networks) < _MOST_WHOLE_NETWORKS:
                whole_networks.append(whole_network(str(value.name), path))
            continue
        parts = _parts(value)
        tensors = {k: v for k, v in parts if isinstance(v, Tensor) and isinstance(k, str)}
        if tensors and isinstance(value, (dict, Opaque)):
            name = ".".join(map(str, path))
            while name in states:
                name += "_2"
            states[name] = tensors
        shapes = [v.shape for k, v in parts if isinstance(v, Tensor) and isinstance(k, int)]
        if len(shapes) >= _LEAST_UNNAMED and len(unnamed) < _MOST_WHOLE_NETWORKS:
            unnamed[".".join(map(str, path))] = shapes
        if len(path) < _DEEPEST:
            containers = (dict, list, tuple, Opaque)
            waiting.extend(((*path, k), v) for k, v in parts if isinstance(v, containers))
        if len(states) > _MOST_NETWORKS:
            raise WeightsError(f"It holds tensors in more than {_MOST_NETWORKS} dicts.")
    if not states:
        raise WeightsError(whole_networks[0] if whole_networks else "It holds no tensors.")
    return _Found(states=states, whole_networks=whole_networks, unnamed=unnamed)


def _parts(container) -> list[tuple]:
    """Returns the pairs of key and value in a dict, and of number and value in a list."""
    if isinstance(container, Opaque):
        container = container.items or {}
    if isinstance(container, dict):
        return list(container.items())
    return list(enumerate(container)) if isinstance(container, (list, tuple)) else []


def _load(found: _Found, read, byte_order: ByteOrder, size: int) -> TorchFile:
    tensors = [tensor for state in found.states.values() for tensor in state.values()]
    storages = {tensor.storage: _dtype(tensor.storage, byte_order) for tensor in tensors}
    sizes = [math.prod(t.shape) * storages[t.storage].itemsize for t in tensors]
    total = sum(storage.count * dtype.itemsize for storage, dtype in storages.items())
    # Several views of one array, for example.
    if max(total, *sizes) > size or sum(sizes) > _MOST_NAMES * size:
        raise WeightsError("Its tensors would take more bytes than the file has.")
    buffers = {}
    for storage, dtype in storages.items():
        buffers[storage] = read(storage)
        if len(buffers[storage]) != storage.count * dtype.itemsize:
            raise WeightsError("One of its arrays is too short or too long.")
    states = {
        name: {key: _view(t, storages[t.storage], buffers[t.storage]) for key, t in state.items()}
        for name, state in found.states.items()
    }
    return TorchFile(states=states, whole_networks=found.whole_networks, unnamed=found.unnamed)


def _view(tensor: Tensor, dtype: np.dtype, buffer: bytes) -> np.ndarray:
    shape, strides = tensor.shape, tensor.strides
    last = tensor.offset + sum((n - 1) * step for n, step in zip(shape, strides, strict=True))
    if 0 in shape:
        return np.empty(shape, dtype)
    if last >= tensor.storage.count:
        raise WeightsError("One of its tensors reaches past the end of its array.")
    steps = [step * dtype.itemsize for step in strides]
    return np.ndarray(shape, dtype, buffer, tensor.offset * dtype.itemsize, steps)


def _dtype(storage: Storage, byte_order: ByteOrder) -> np.dtype:
    if storage.dtype != "bfloat16":
        return np.dtype(storage.dtype).newbyteorder(byte_order)
    if not np.dtype("uint16").newbyteorder(byte_order).isnative:  # ml_dtypes has one order only
        raise WeightsError("Its bfloat16 numbers have the byte order of another machine.")
    return np.dtype(ml_dtypes.bfloat16)
