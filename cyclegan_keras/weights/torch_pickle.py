"""What a pickle written by PyTorch says of its tensors, found out without unpickling it.

Unpickling runs what the file asks for. Here `pickletools` of the standard library splits a pickle
into its operations, and a small machine carries out those alone that build dicts, lists, tuples,
numbers and strings. `torch_tensors` says what the names in it lead to: nothing that they name is
ever imported or called, and names of what runs any code are refused.
"""

import io
import pickletools
from collections.abc import Callable
from typing import NamedTuple

from cyclegan_keras.files.errors import WeightsError
from cyclegan_keras.weights.torch_tensors import (
    Name,
    Opaque,
    Storage,
    call,
    fill,
    find,
    make,
    set_attributes,
    storage_of,
)

MOST_BYTES = 2 * 2**20  # of one pickle; a whole training state of 1800 tensors takes a tenth of it
MOST_OPERATIONS = 150_000  # and two fifths of these; each makes few and small objects

# What pickletools may raise on a damaged pickle; it warns of odd strings, perhaps as an error.
_DAMAGED = (ValueError, IndexError, KeyError, TypeError, OverflowError, EOFError, Warning)


class Pickle(NamedTuple):
    """What a pickle describes.

    Attributes:
        content: dicts, lists, tuples, numbers, strings, bytes, None, `Storage`, `Tensor`, and
            `Name` and `Opaque` for what belongs to other programs.
        length: of the pickle, in bytes.
        storages: all that it refers to, by key.
    """

    content: object
    length: int
    storages: dict[str, Storage]


def read_pickle(data: bytes) -> Pickle:
    """Returns what the pickle at the start of `data` describes.

    Raises:
        WeightsError: a damaged pickle, one that asks for anything else, or one of more than
            `MOST_BYTES` or `MOST_OPERATIONS`.
    """
    stream = io.BytesIO(data[:MOST_BYTES])
    machine = _Machine()
    try:
        for count, (operation, argument, _) in enumerate(pickletools.genops(stream)):
            if count == MOST_OPERATIONS:
                raise WeightsError(f"Its pickle has more than {MOST_OPERATIONS} operations.")
            machine.carry_out(operation.name, argument)
        (result,) = machine.stack
    except WeightsError:
        raise
    except _DAMAGED as error:
        raise WeightsError(
            f"It is not a PyTorch file, or it is damaged ({ascii(str(error)[:100])[1:-1]})."
        ) from error
    return Pickle(content=result, length=stream.tell(), storages=machine.storages)


class _Machine:
    """A stack, a memo, and the operations that build plain data."""

    def __init__(self):
        self.stack: list = []
        self.memo: dict[int, object] = {}
        self.storages: dict[str, Storage] = {}

    def carry_out(self, name: str, argument) -> None:
        if name in _PUSH_ARGUMENT:
            self.stack.append(argument)
        elif name in _PUSH_NEW:
            self.stack.append(_PUSH_NEW[name]())
        elif name in _TUPLES:
            self.stack.append(tuple(self._pop(_TUPLES[name])))
        elif name in _OPERATIONS:
            _OPERATIONS[name](self, argument)
        else:
            raise WeightsError(f"Its pickle uses the operation {name}, which tensors never need.")

    def _pop(self, count: int) -> list:
        if count > len(self.stack):
            raise IndexError("the stack is too short")
        values = self.stack[len(self.stack) - count :]
        del self.stack[len(self.stack) - count :]
        return values

    def _pop_to_mark(self) -> list:
        above = next((i for i, value in enumerate(reversed(self.stack)) if value is _MARK), None)
        if above is None:
            raise IndexError("a mark is missing")
        _, *values = self._pop(above + 1)
        return values

    def make_tuple(self, _):
        self.stack.append(tuple(self._pop_to_mark()))

    def remember(self, index):
        self.memo[len(self.memo) if index is None else index] = self.stack[-1]

    def recall(self, index):
        self.stack.append(self.memo[index])

    def append(self, _):
        (value,) = self._pop(1)
        self._extend([value])

    def extend(self, _):
        self._extend(self._pop_to_mark())

    def _extend(self, values):
        target = self._top(list, Opaque)
        if type(target) is list:
            target.extend(values)

    def add_items(self, _):
        self._pop_to_mark()
        self._top(Opaque)

    def make_frozen_set(self, _):
        self._pop_to_mark()
        self.stack.append(_set())

    def set_item(self, _):
        self._set_items(self._pop(2))

    def set_items(self, _):
        self._set_items(self._pop_to_mark())

    def _set_items(self, values):
        fill(self._top(dict, Opaque), zip(values[::2], values[1::2], strict=True))

    def _top(self, *kinds: type):
        if type(self.stack[-1]) not in kinds:
            raise TypeError(f"a {kinds[0].__name__} is missing")
        return self.stack[-1]

    def global_name(self, argument: str):
        self.stack.append(find(*argument.split(" ", 1)))

    def find_popped(self, _):
        self.stack.append(find(*self._pop(2)))

    def load_storage(self, _):
        (identity,) = self._pop(1)
        found = storage_of(identity)
        if isinstance(found, Storage):
            self.storages[found.key] = found
        self.stack.append(found)

    def call(self, _):
        function, arguments = self._pop(2)
        self.stack.append(call(function, arguments))

    def new_object(self, _):
        cls, _ = self._pop(2)
        self.stack.append(make(cls))

    def new_object_of_keywords(self, _):
        cls, _, _ = self._pop(3)
        self.stack.append(make(cls))

    def set_state(self, _):
        (state,) = self._pop(1)
        set_attributes(self.stack[-1], state)

    def drop(self, _):
        self._pop(1)

    def drop_to_mark(self, _):
        self._pop_to_mark()

    def ignore(self, _):
        """PROTO, FRAME and STOP say nothing about the data."""


class _Mark:
    """Where a tuple, list or dict begins on the stack."""


def _set() -> Opaque:
    """A set: tensors have no use for one."""
    return Opaque(Name("builtins", "set"))


_MARK = _Mark()
_PUSH_ARGUMENT = frozenset(
    [
        "LONG1",
        "LONG4",
        "BININT",
        "BININT1",
        "BININT2",
        "BINFLOAT",
        "BINSTRING",
        "SHORT_BINSTRING",
        "BINUNICODE",
        "SHORT_BINUNICODE",
        "BINBYTES",
        "SHORT_BINBYTES",
        "BINUNICODE8",
        "BINBYTES8",
        "BYTEARRAY8",
    ]
)
_PUSH_NEW: dict[str, Callable[[], object]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_DICT": dict,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
    "EMPTY_SET": _set,
    "MARK": lambda: _MARK,
}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_OPERATIONS = {
    "TUPLE": _Machine.make_tuple,
    "BINPUT": _Machine.remember,
    "LONG_BINPUT": _Machine.remember,
    "MEMOIZE": _Machine.remember,
    "BINGET": _Machine.recall,
    "LONG_BINGET": _Machine.recall,
    "APPEND": _Machine.append,
    "APPENDS": _Machine.extend,
    "SETITEM": _Machine.set_item,
    "SETITEMS": _Machine.set_items,
    "GLOBAL": _Machine.global_name,
    "STACK_GLOBAL": _Machine.find_popped,
    "BINPERSID": _Machine.load_storage,
    "REDUCE": _Machine.call,
    "NEWOBJ": _Machine.new_object,
    "NEWOBJ_EX": _Machine.new_object_of_keywords,
    "BUILD": _Machine.set_state,
    "ADDITEMS": _Machine.add_items,
    "FROZENSET": _Machine.make_frozen_set,
    "POP": _Machine.drop,
    "POP_MARK": _Machine.drop_to_mark,
    "PROTO": _Machine.ignore,
    "FRAME": _Machine.ignore,
    "STOP": _Machine.ignore,
}
