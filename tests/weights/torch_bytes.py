"""Pickles and containers of PyTorch's files, written operation by operation for the tests."""

import io
import pickle
import struct
import zipfile

import numpy as np


def text(value):
    data = value.encode()
    return pickle.BINUNICODE + struct.pack("<I", len(data)) + data


def number(value):
    if -(2**31) <= value < 2**31:
        return pickle.BININT + struct.pack("<i", value)
    data = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return pickle.LONG1 + bytes([len(data)]) + data


def numbers(values):
    return pickle.MARK + b"".join(map(number, values)) + pickle.TUPLE


def name(module, attribute):
    return pickle.GLOBAL + f"{module}\n{attribute}\n".encode()


def tensor(key="0", count=6, shape=(2, 3), strides=(3, 1), offset=0, storage="FloatStorage"):
    identity = text("storage") + name("torch", storage) + text(key) + text("cpu") + number(count)
    persistent = pickle.MARK + identity + pickle.TUPLE + pickle.BINPERSID
    rest = number(offset) + numbers(shape) + numbers(strides) + pickle.NEWFALSE + ordered_dict()
    arguments = pickle.MARK + persistent + rest + pickle.TUPLE
    return name("torch._utils", "_rebuild_tensor_v2") + arguments + pickle.REDUCE


def ordered_dict(items=b""):
    made = name("collections", "OrderedDict") + pickle.EMPTY_TUPLE + pickle.REDUCE
    return made + (pickle.MARK + items + pickle.SETITEMS if items else b"")


class Operations(bytes):
    """Operations that stand for themselves in what `described` is given."""


def new(module, cls, *, items=None, state=None):
    """An object of a program's class: what it holds as a dict, and its attributes."""
    made = name(module, cls) + pickle.EMPTY_TUPLE + pickle.NEWOBJ
    if items is not None:
        made += described(items)[len(pickle.EMPTY_DICT) :]
    if state is not None:
        made += described(state) + pickle.BUILD
    return Operations(made)


def described(value, storages=None):
    """Operations that make dicts, lists, tuples, numbers, strings and NumPy arrays.

    The bytes of arrays are added to `storages`, by key.
    """
    if isinstance(value, Operations):
        return bytes(value)
    if isinstance(value, np.ndarray):
        key = str(len(storages))
        storages[key] = value.tobytes()
        kind = {"float32": "FloatStorage", "int64": "LongStorage", "uint8": "ByteStorage"}
        strides = [step // value.itemsize for step in value.strides]
        return tensor(
            key=key,
            count=value.size,
            shape=value.shape,
            strides=strides,
            storage=kind[value.dtype.name],
        )
    if isinstance(value, dict):
        items = b"".join(described(part, storages) for pair in value.items() for part in pair)
        return pickle.EMPTY_DICT + pickle.MARK + items + pickle.SETITEMS
    if isinstance(value, (list, tuple)):
        items = b"".join(described(part, storages) for part in value)
        if isinstance(value, tuple):
            return pickle.MARK + items + pickle.TUPLE
        return pickle.EMPTY_LIST + pickle.MARK + items + pickle.APPENDS
    if isinstance(value, str):
        return text(value)
    if value is None:
        return pickle.NONE
    return pickle.BINFLOAT + struct.pack(">d", value) if isinstance(value, float) else number(value)


def saved(value, container=None):
    """A file that holds `value`, as `described` takes it, in a container of this module."""
    storages = {}
    content = program(described(value, storages))
    return (container or zipped)(content, storages)


def program(body):
    return pickle.PROTO + b"\x02" + body + pickle.STOP


def state_dict(**tensors):
    return program(ordered_dict(b"".join(text(key) + value for key, value in tensors.items())))


def zipped(content, storages, compression=zipfile.ZIP_STORED, root="archive", extra=()):
    """A file in today's format: `content` a pickle, `storages` bytes by key."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        archive.writestr(f"{root}/data.pkl", content)
        for key, data in storages.items():
            archive.writestr(f"{root}/data/{key}", data)
        for path, data in extra:
            archive.writestr(path, data)
    return file.getvalue()


def legacy(content, storages, little_endian=True, itemsize=4):
    """A file in the format of before PyTorch 1.6."""
    order = "<" if little_endian else ">"
    head = [
        pickle.dumps(0x1950A86A20F9469CFC6C, 2),
        pickle.dumps(1001, 2),
        pickle.dumps({"protocol_version": 1001, "little_endian": little_endian}, 2),
        content,
        pickle.dumps(list(storages), 2),
    ]
    tail = [struct.pack(f"{order}q", len(data) // itemsize) + data for data in storages.values()]
    return b"".join([*head, *tail])
