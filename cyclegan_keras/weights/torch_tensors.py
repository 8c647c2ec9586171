"""The few names that a pickle of tensors may use, and what they make here."""

import dataclasses
from collections.abc import Callable
from typing import TypeGuard

from cyclegan_keras.files.errors import WeightsError

_LONGEST_KEY = 300
_MOST_DIMENSIONS = 8


@dataclasses.dataclass(frozen=True)
class Storage:
    """A flat array that the file holds under `key`: `count` elements of `dtype` (numpy's name)."""

    dtype: str
    key: str
    count: int


@dataclasses.dataclass(frozen=True)
class Tensor:
    """A view of a storage; offset and strides are counted in elements."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class StorageType:
    """What PyTorch calls FloatStorage and so on; dtype as in `Storage`."""

    dtype: str


@dataclasses.dataclass(frozen=True)
class Function:
    """Something that a pickle may call."""

    call: Callable


def find(module: object, name: object) -> Function | StorageType:
    """Returns what stands for `module.name`, which is never imported.

    Raises:
        WeightsError: a name that tensors do not need.
    """
    if type(module) is not str or type(name) is not str:
        raise TypeError("a name that is no string")
    if (module, name) not in _GLOBALS:
        asked = ascii(f"{module}.{name}"[:100])[1:-1]
        raise WeightsError(
            f"It asks for {asked}, which is neither a tensor nor a part of one, and is refused: "
            "such a file could run any program. Expected the state dict of a network, as "
            "torch.save(network.state_dict(), path) writes it."
        )
    return _GLOBALS[module, name]


def fill(target: dict, items) -> dict:
    """Adds (key, value) pairs to `target`; TypeError for keys that `check_key` refuses."""
    for key, value in items:
        target[check_key(key)] = value
    return target


def check_key(key: object) -> str | int:
    """Returns `key`; TypeError unless it is a short, printable string or a number below 2**48.

    Hashing anything else may not be safe: a tuple nested deeply enough ends the process, a number
    of a million digits takes a millisecond each time, and numbers above 2**61 can share one hash.
    """
    if _is_count(key) or (type(key) is str and len(key) <= _LONGEST_KEY and key.isprintable()):
        return key
    raise TypeError("a key that is no short string")


def storage_of(identity: tuple) -> Storage:
    """Returns the storage that a pickle refers to; TypeError or ValueError for anything else."""
    if type(identity) is not tuple or len(identity) > 6:
        raise TypeError("a reference to something other than a storage")
    kind, storage_type, key, _location, count, *view = identity
    if kind != "storage" or not isinstance(storage_type, StorageType) or not _is_count(count):
        raise TypeError("a reference to something other than a storage")
    if any(part is not None for part in view):
        raise TypeError("a part of a storage, as only PyTorch before 0.4 wrote it")
    return Storage(storage_type.dtype, str(check_key(key)), count)


# The functions below take what PyTorch gives them and no more: where one could be called with
# things of any length, a short pickle could call it with the same long one many times.


def _ordered_dict(pairs=None):
    if pairs is None:
        return {}
    if type(pairs) is not list:  # which Python 2 wrote
        raise TypeError("an OrderedDict of something other than a list")
    made = fill({}, pairs)
    pairs.clear()
    return made


def _tensor(storage, offset, shape, strides, _requires_grad=None, _hooks=None, _metadata=None):
    if not isinstance(storage, Storage) or not type(shape) is type(strides) is tuple:
        raise TypeError("a tensor made of something else")
    if not len(shape) == len(strides) <= _MOST_DIMENSIONS:
        raise TypeError("a tensor of too many dimensions")
    if not all(_is_count(number) for number in (offset, *shape, *strides)):
        raise TypeError("a tensor with a size that is no number")
    return Tensor(storage=storage, offset=offset, shape=shape, strides=strides)


def _parameter(tensor, _requires_grad=None, _hooks=None):
    if not isinstance(tensor, Tensor):
        raise TypeError("a parameter made of something else")
    return tensor


def _is_count(value) -> TypeGuard[int]:
    return type(value) is int and 0 <= value < 2**48


_GLOBALS: dict[tuple[str, str], Function | StorageType] = {
    ("collections", "OrderedDict"): Function(_ordered_dict),
    ("torch._utils", "_rebuild_tensor"): Function(_tensor),
    ("torch._utils", "_rebuild_tensor_v2"): Function(_tensor),
    ("torch._utils", "_rebuild_parameter"): Function(_parameter),
    ("torch", "FloatStorage"): StorageType("float32"),
    ("torch", "DoubleStorage"): StorageType("float64"),
    ("torch", "HalfStorage"): StorageType("float16"),
    ("torch", "BFloat16Storage"): StorageType("bfloat16"),
    ("torch", "LongStorage"): StorageType("int64"),
    ("torch", "IntStorage"): StorageType("int32"),
    ("torch", "ShortStorage"): StorageType("int16"),
    ("torch", "CharStorage"): StorageType("int8"),
    ("torch", "ByteStorage"): StorageType("uint8"),
    ("torch", "BoolStorage"): StorageType("bool"),
}
