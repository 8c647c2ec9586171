"""Writes PyTorch's files of tensors (.pth), without PyTorch."""

import os
import pathlib
import pickle
import struct
import zipfile
from collections.abc import Mapping

import numpy as np

from cyclegan_keras.files.atomic import atomic_write
from cyclegan_keras.files.errors import WeightsError

_STORAGES = {"float32": "FloatStorage", "int64": "LongStorage"}


def write_state_dict(path: str | os.PathLike, arrays: Mapping[str, np.ndarray]) -> None:
    """Writes a state dict as `torch.save` does, in the zip format.

    Args:
        path: the file; one that exists is replaced once the new one is whole.
        arrays: float32 or int64 arrays by key, in the order of the state dict.

    Raises:
        WeightsError: an array of another type.
        WriteError: the file cannot be written.
    """
    path = pathlib.Path(path)
    for key, array in arrays.items():
        if array.dtype.name not in _STORAGES:
            raise WeightsError(f"{key} has type {array.dtype}, expected one of {list(_STORAGES)}.")
    root = path.stem.encode("utf-8", "replace").decode()  # a name in an archive is text
    with atomic_write(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        archive.writestr(f"{root}/data.pkl", _pickle(arrays))
        archive.writestr(f"{root}/byteorder", "little")
        for number, array in enumerate(arrays.values()):
            little = np.asarray(array, array.dtype.newbyteorder("<"))
            archive.writestr(f"{root}/data/{number}", little.tobytes())
        archive.writestr(f"{root}/version", "3\n")


def _pickle(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Returns an OrderedDict of tensors in the words of pickle's protocol 2.

    The operations are written one by one, because pickle itself writes a name only when it can
    import it, and these are PyTorch's.
    """
    parts = [pickle.PROTO, b"\x02", *_ordered_dict(), pickle.MARK]
    for number, (key, array) in enumerate(arrays.items()):
        parts += [*_text(key), *_tensor(str(number), array)]
    return b"".join([*parts, pickle.SETITEMS, pickle.STOP])


def _tensor(key: str, array: np.ndarray) -> list[bytes]:
    strides = [step // array.itemsize for step in np.empty(array.shape, array.dtype).strides]
    storage = [
        pickle.MARK,
        *_text("storage"),
        *_name("torch", _STORAGES[array.dtype.name]),
        *_text(key),
        *_text("cpu"),
        *_number(array.size),
        pickle.TUPLE,
        pickle.BINPERSID,
    ]
    arguments = [
        pickle.MARK,
        *storage,
        *_number(0),
        *_numbers(array.shape),
        *_numbers(strides),
        pickle.NEWFALSE,  # no gradient
        *_ordered_dict(),  # no hooks
        pickle.TUPLE,
    ]
    return [*_name("torch._utils", "_rebuild_tensor_v2"), *arguments, pickle.REDUCE]


def _ordered_dict() -> list[bytes]:
    return [*_name("collections", "OrderedDict"), pickle.EMPTY_TUPLE, pickle.REDUCE]


def _name(module: str, name: str) -> list[bytes]:
    return [pickle.GLOBAL, f"{module}\n{name}\n".encode()]


def _text(text: str) -> list[bytes]:
    data = text.encode()
    return [pickle.BINUNICODE, struct.pack("<I", len(data)), data]


def _number(value: int) -> list[bytes]:
    return [pickle.BININT, struct.pack("<i", value)]


def _numbers(values) -> list[bytes]:
    parts = [pickle.MARK]
    for value in values:
        parts += _number(value)
    parts.append(pickle.TUPLE)
    return parts
