"""What a pickle written by PyTorch says of its tensors, found out without unpickling it.

Unpickling runs what the file asks for. Here `pickletools` of the standard library splits a pickle
into its operations, and a small machine carries out those alone that build dicts, lists, tuples,
numbers and strings. The few names that a pickle may call lead to functions of `torch_tensors`;
every other name and every other operation is refused.
"""

import io
import pickletools
from collections.abc import Callable

from cyclegan_keras.files.errors import WeightsError
from cyclegan_keras.weights.torch_tensors import Function, fill, find, storage_of

MOST_BYTES = 2 * 2**20  # of one pickle; a whole training state of 1800 tensors takes a tenth of it
MOST_OPERATIONS = 150_000  # and two fifths of these; each makes few and small objects

# What pickletools may raise on a damaged pickle; it warns of odd strings, perhaps as an error.
_DAMAGED = (ValueError, IndexError, KeyError, TypeError, OverflowError, EOFError, Warning)


def read_pickle(data: bytes) -> tuple[object, int]:
    """Returns what the pickle at the start of `data` describes, and its length in bytes.

    Its parts are dicts, lists, tuples, numbers, strings, bytes, None, `Storage` and `Tensor`.

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
    return result, stream.tell()


class _Machine:
    """A stack, a memo, and the operations that build plain data."""

    def __init__(self):
        self.stack: list = []
        self.memo: dict[int, object] = {}

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
        self._top(list).append(value)

    def extend(self, _):
        values = self._pop_to_mark()
        self._top(list).extend(values)

    def set_item(self, _):
        self._set_items(self._pop(2))

    def set_items(self, _):
        self._set_items(self._pop_to_mark())

    def _set_items(self, values):
        fill(self._top(dict), zip(values[::2], values[1::2], strict=True))

    def _top(self, kind: type):
        if type(self.stack[-1]) is not kind:
            raise TypeError(f"a {kind.__name__} is missing")
        return self.stack[-1]

    def global_name(self, argument: str):
        self.stack.append(find(*argument.split(" ", 1)))

    def find_popped(self, _):
        self.stack.append(find(*self._pop(2)))

    def load_storage(self, _):
        (identity,) = self._pop(1)
        self.stack.append(storage_of(identity))

    def call(self, _):
        function, arguments = self._pop(2)
        if not isinstance(function, Function) or type(arguments) is not tuple:
            raise TypeError("a call of what cannot be called")
        self.stack.append(function.call(*arguments))

    def set_state(self, _):
        self._pop(1)  # attributes, such as `_metadata` of a state dict: of no use here
        self._top(dict)

    def ignore(self, _):
        """PROTO, FRAME and STOP say nothing about the data."""


class _Mark:
    """Where a tuple, list or dict begins on the stack."""


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
    ]
)
_PUSH_NEW: dict[str, Callable[[], object]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_DICT": dict,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
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
    "BUILD": _Machine.set_state,
    "PROTO": _Machine.ignore,
    "FRAME": _Machine.ignore,
    "STOP": _Machine.ignore,
}
