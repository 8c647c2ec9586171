"""What the names in a pickle of tensors lead to.

Few of them lead to tensors. The others are of a program's own objects, such as the options that a
training state has beside its networks: those become an `Opaque`, whatever they are. Nothing that a
pickle names is ever imported or called, so none of this is what makes reading safe. A file that
names what runs any code is hostile to those who unpickle it, and is refused to warn them.
"""

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
class Name:
    """A class or a function of a program, which is never imported."""

    module: str
    name: str

    def __str__(self) -> str:
        return ascii(f"{self.module}.{self.name}"[:100])[1:-1]


@dataclasses.dataclass(frozen=True)
class Function:
    """A class or a function that makes tensors or dicts of them, and what stands for it here."""

    name: Name
    call: Callable


class Opaque:
    """An object of a program's own class, which is never made.

    Attributes:
        name: of its class, or of the function that would make it.
        items: what it holds by key, where it is a kind of dict.
        is_module: whether it is a whole network of PyTorch's, a torch.nn.Module.
    """

    __slots__ = ("is_module", "items", "name")

    def __init__(self, name: Name, is_module: bool = False):
        self.name = name
        self.items: dict | None = None
        self.is_module = is_module


def find(module: object, name: object) -> Function | StorageType | Name:
    """Returns what stands for `module.name`, which is never imported.

    Raises:
        WeightsError: a function that runs any code, or a module of such functions.
    """
    if type(module) is not str or type(name) is not str:
        raise TypeError("a name that is no string")
    if len(module) + len(name) > _LONGEST_KEY:
        raise TypeError("a name that is too long")
    if (module, name) in _TYPES:
        return _TYPES[module, name]
    found = Name(module, name)
    if (module, name) in _CALLS:
        return Function(found, _CALLS[module, name])
    if _runs_code(module, name):
        raise _hostile(found)
    return found


def call(function: object, arguments: tuple) -> object:
    """Returns what a call in a pickle makes. No program's own function is called for it.

    Raises:
        WeightsError: a call of `getattr` for something other than a part of a program's class.
    """
    if type(arguments) is not tuple:
        raise TypeError("a call without arguments")
    if isinstance(function, Function):
        return function.call(*arguments)
    if isinstance(function, Opaque):  # such as a method of a class
        return Opaque(function.name)
    if not isinstance(function, Name):
        raise TypeError("a call of what cannot be called")
    name = (function.module, function.name)
    if name in _GETATTR and not (arguments and isinstance(arguments[0], (Name, Function, Opaque))):
        raise _hostile(function)
    if name in _MAKERS_OF_THEIR_ARGUMENT and arguments:
        return make(arguments[0])
    return Opaque(function)


def make(cls: object) -> Opaque:
    """Returns what stands for a new object of a class, and TypeError where it is none."""
    if isinstance(cls, Name):
        return Opaque(cls)
    if isinstance(cls, (Function, Opaque)):
        return Opaque(cls.name)
    raise TypeError("an object of what is no class")


def set_attributes(target: object, state: object) -> None:
    """Takes what a pickle says of an object's attributes, of which almost nothing is of use."""
    if isinstance(target, Opaque):
        own = state[0] if type(state) is tuple and len(state) == 2 else state
        if type(own) is dict and "_modules" in own and "_parameters" in own:
            target.is_module = True
    elif type(target) is not dict and not isinstance(target, Tensor):
        raise TypeError("attributes of what has none")


def fill(target: dict | Opaque, items) -> dict | Opaque:
    """Adds (key, value) pairs to `target`, but those whose key `check_key` refuses.

    Raises:
        TypeError: a tensor under such a key.
    """
    if isinstance(target, Opaque):
        if target.items is None:
            target.items = {}
        fill(target.items, items)
        return target
    for key, value in items:
        try:
            key = check_key(key)
        except TypeError:
            if isinstance(value, Tensor):
                raise
            continue  # options of a program may have any keys
        target[key] = value
    return target


def check_key(key: object) -> str | int:
    """Returns `key`; TypeError unless it is a short, printable string or a number below 2**48.

    Hashing anything else may not be safe: a tuple nested deeply enough ends the process, a number
    of a million digits takes a millisecond each time, and numbers above 2**61 can share one hash.
    """
    if _is_count(key) or (type(key) is str and len(key) <= _LONGEST_KEY and key.isprintable()):
        return key
    raise TypeError("a key that is no short string")


def storage_of(identity: tuple) -> Storage | Name:
    """Returns the storage that a pickle refers to; TypeError or ValueError for anything else.

    Before PyTorch 1.6, the class of a network is referred to as well, with its source text. Of a
    storage of a type that no weights have, such as quantized numbers, the type is returned.
    """
    if type(identity) is tuple and len(identity) == 4 and identity[0] == "module":
        if not isinstance(identity[1], Name):
            raise TypeError("a module that is no class")
        return identity[1]
    if type(identity) is not tuple or len(identity) > 6:
        raise TypeError("a reference to something other than a storage")
    kind, storage_type, key, _location, count, *view = identity
    if kind == "storage" and isinstance(storage_type, Name):
        return storage_type
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


def _parameter(tensor, _requires_grad=None, _hooks=None, _state=None):
    if not isinstance(tensor, (Tensor, Opaque)):  # a sparse tensor is opaque
        raise TypeError("a parameter made of something else")
    return tensor


def _tensor_with_attributes(function, _cls, arguments, _state):
    """A tensor of a class of its own, or one that a program has given attributes."""
    if isinstance(function, Function) and function.call is _tensor_with_attributes:
        raise TypeError("a tensor with attributes that is made of another one")
    return call(function, arguments)


def _is_count(value) -> TypeGuard[int]:
    return type(value) is int and 0 <= value < 2**48


def _runs_code(module: str, name: str) -> bool:
    """Whether `module.name` runs any code, also where it is reached through another module."""
    package = module.split(".")[0]
    parts = [package, *name.split(".")]
    if package in _BUILTINS and parts[1] in _BUILTINS_THAT_RUN_CODE:
        return True
    if (module, name) in _FUNCTIONS_THAT_RUN_CODE:
        return True
    return not _MODULES_THAT_RUN_CODE.isdisjoint(parts)


def _hostile(name: Name) -> WeightsError:
    return WeightsError(
        f"It asks for {name}, which no file of weights needs, and is refused. Nothing in it was "
        "run; in a program that unpickles it, it could run anything."
    )


_TYPES: dict[tuple[str, str], StorageType] = {
    ("torch", "FloatStorage"): StorageType("float32"),
    ("torch", "DoubleStorage"): StorageType("float64"),
    ("torch", "HalfStorage"): StorageType("float16"),
    ("torch", "BFloat16Storage"): StorageType("bfloat16"),
    ("torch", "ComplexFloatStorage"): StorageType("complex64"),
    ("torch", "ComplexDoubleStorage"): StorageType("complex128"),
    ("torch", "LongStorage"): StorageType("int64"),
    ("torch", "IntStorage"): StorageType("int32"),
    ("torch", "ShortStorage"): StorageType("int16"),
    ("torch", "CharStorage"): StorageType("int8"),
    ("torch", "ByteStorage"): StorageType("uint8"),
    ("torch", "BoolStorage"): StorageType("bool"),
    ("torch.storage", "UntypedStorage"): StorageType("uint8"),
}
_CALLS: dict[tuple[str, str], Callable] = {
    ("collections", "OrderedDict"): _ordered_dict,
    ("torch._utils", "_rebuild_tensor"): _tensor,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_parameter"): _parameter,
    ("torch._utils", "_rebuild_parameter_with_state"): _parameter,
    ("torch._tensor", "_rebuild_from_type_v2"): _tensor_with_attributes,
}

_BUILTINS = ("builtins", "__builtin__")
_GETATTR = frozenset((module, "getattr") for module in _BUILTINS)
# Functions that make an object of the class that they are given, or fetch a part of it.
_MAKERS_OF_THEIR_ARGUMENT = frozenset(
    [
        ("copy_reg", "_reconstructor"),
        ("copyreg", "_reconstructor"),
        ("copyreg", "__newobj__"),
        ("copyreg", "__newobj_ex__"),
        *_GETATTR,
    ]
)
_BUILTINS_THAT_RUN_CODE = frozenset(
    [
        "__import__",
        "apply",
        "breakpoint",
        "compile",
        "delattr",
        "eval",
        "exec",
        "execfile",
        "file",
        "globals",
        "input",
        "locals",
        "open",
        "setattr",
        "vars",
    ]
)
_FUNCTIONS_THAT_RUN_CODE = frozenset([("_io", "open"), ("io", "open"), ("torch", "load")])
# But those that a program's own package may be called like, such as `code`.
_MODULES_THAT_RUN_CODE = frozenset(
    [
        "_pickle",
        "_posixsubprocess",
        "asyncio",
        "bdb",
        "codeop",
        "ctypes",
        "imp",
        "importlib",
        "marshal",
        "multiprocessing",
        "nt",
        "os",
        "pdb",
        "pickle",
        "pkgutil",
        "popen2",
        "posix",
        "pty",
        "runpy",
        "shutil",
        "socket",
        "subprocess",
        "sys",
        "timeit",
        "webbrowser",
    ]
)
