import collections
import contextlib
import datetime
import enum
import functools
import logging
import os
import pathlib
import pickle
import re
import time
import tracemalloc
import warnings

import numpy as np
import pytest
from weights.torch_bytes import name, number, numbers, program, tensor, text

from cyclegan_keras.files.errors import WeightsError
from cyclegan_keras.weights.torch_pickle import MOST_BYTES, MOST_OPERATIONS, read_pickle


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize(
    "value",
    [
        {"a": 1, "b": [1.5, None, True, False], 3: ("x", (), {})},
        {"many": list(range(3000)), "long": 2**40, "negative": -(2**70)},
        ["same", "same", {"deep": [[[1]]]}],
    ],
)
def test_plain_data_are_read_as_pickle_reads_them(value, protocol):
    data = pickle.dumps(value, protocol)
    read = read_pickle(data + b"what follows")
    assert (read.content, read.length, read.storages) == (value, len(data), {})


def test_an_ordered_dict_of_python_2():
    """Its items come as a list of pairs."""
    inner = pickle.EMPTY_LIST + pickle.MARK + text("a") + number(1) + pickle.APPENDS
    pairs = pickle.EMPTY_LIST + inner + pickle.APPEND
    made = name("collections", "OrderedDict") + pairs + pickle.TUPLE1 + pickle.REDUCE
    assert read_pickle(program(made))[0] == {"a": 1}


def test_attributes_are_ignored():
    state = collections.OrderedDict(a=1)
    state._metadata = {"version": 1}
    assert read_pickle(pickle.dumps(state, 2))[0] == {"a": 1}


class Mode(enum.Enum):
    PAIRED = 1


KEPT = {
    "enum": Mode.PAIRED,
    "class": Mode,
    "method": datetime.datetime.fromtimestamp,
    "date": datetime.datetime(2020, 1, 2, tzinfo=datetime.UTC),
    "random": np.random.RandomState(0),
    "generator": np.random.default_rng(0),
    "array": np.arange(3),
    "scalar": np.float64(1),
    "path": pathlib.PurePosixPath("a"),
    "default": collections.defaultdict(list, a=[1]),
    "partial": functools.partial(int, base=2),
    "pattern": re.compile("a"),
    "exception": ValueError("a"),
    "bytes": bytearray(b"a"),
    "logger": logging.getLogger("a"),
}


@pytest.mark.parametrize("protocol", [2, 5])
@pytest.mark.parametrize("kept", KEPT)
def test_what_else_a_program_keeps_does_not_matter(kept, protocol):
    content, _, _ = read_pickle(pickle.dumps({"kept": KEPT[kept], "net": {"a": 1}}, protocol))
    assert content["net"] == {"a": 1}


class Call:
    """Pickled, it asks the reader to call a function."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize(
    ("call", "asked"),
    [
        (Call(os.system, "touch PWNED"), f"{os.name}.system"),
        (Call(eval, "open('PWNED', 'w')"), "builtin"),
        (Call(open, "PWNED", "w"), "open"),
        (Call(getattr, "", "join"), "getattr"),
    ],
)
def test_calls_are_refused_by_name(call, asked, protocol, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for value in (call, {"weight": call}, [call]):
        with pytest.raises(WeightsError, match=f"It asks for .*{asked}.*is refused"):
            read_pickle(pickle.dumps(value, protocol))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "damaged"),
        (pickle.TUPLE, "a mark is missing"),
        (pickle.NONE + pickle.NONE, "damaged"),
        (pickle.BINGET + b"\x05", "damaged"),
        (pickle.EMPTY_DICT + number(1) * 2 + pickle.APPEND, "damaged"),
        (pickle.EMPTY_DICT + pickle.EMPTY_TUPLE + tensor() + pickle.SETITEM, "short string"),
        (pickle.EMPTY_DICT + text("k" * 301) + tensor() + pickle.SETITEM, "short string"),
        (pickle.NONE + pickle.EMPTY_TUPLE + pickle.REDUCE, "cannot be called"),
        (text("os") + number(1) + pickle.STACK_GLOBAL, "a name that is no string"),
        (pickle.EMPTY_TUPLE + pickle.BINPERSID, "damaged"),
        (pickle.PERSID + b"x\n", "operation PERSID"),
        (pickle.INST + b"os\nsystem\n", "operation INST"),
        (pickle.EXT1 + b"\x01", "operation EXT1"),
        (pickle.NEWOBJ, "damaged"),
        (text("os") + pickle.EMPTY_TUPLE + pickle.NEWOBJ, "what is no class"),
        (name("os", "system") + text("x") + pickle.REDUCE, "asks for os.system"),
        (name("torch", "Size") + text("x") + pickle.REDUCE, "damaged"),
        (name("a" * 301, "b"), "a name that is too long"),
        (number(1) + pickle.EMPTY_DICT + pickle.BUILD, "attributes of what has none"),
        (pickle.BYTEARRAY8 + (2**40).to_bytes(8, "little"), "damaged"),
        (pickle.BINUNICODE + b"\xff\xff\xff\xff", "damaged"),
        (pickle.LONG4 + b"\xff\xff\xff\x7f", "damaged"),
        (b"\xfe", "damaged"),
    ],
)
def test_what_is_no_description_of_tensors_is_refused(body, words):
    with pytest.raises(WeightsError, match=words):
        read_pickle(program(body))


@pytest.mark.slow
def test_names_are_hashed_only_when_they_are_strings():
    """Hashing a tuple nested this deeply would end the process."""
    nested = pickle.EMPTY_TUPLE + pickle.TUPLE1 * 100_000
    assert read_pickle(program(pickle.EMPTY_DICT + nested + pickle.NONE + pickle.SETITEM))[0] == {}
    for body in (
        nested + text("system") + pickle.STACK_GLOBAL,
        pickle.EMPTY_DICT + nested + tensor() + pickle.SETITEM,
        pickle.MARK
        + text("storage")
        + name("torch", "FloatStorage")
        + nested
        + text("cpu")
        + number(1)
        + pickle.TUPLE
        + pickle.BINPERSID,
    ):
        with pytest.raises(WeightsError):
            read_pickle(program(body))


def test_a_huge_memo_index_takes_no_memory():
    tracemalloc.start()
    read_pickle(program(pickle.NONE + pickle.LONG_BINPUT + b"\xff\xff\xff\x7f"))
    assert tracemalloc.get_traced_memory()[1] < 10**6
    tracemalloc.stop()


def test_odd_strings_are_refused_where_warnings_are_errors():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(WeightsError, match="damaged"):
            read_pickle(program(pickle.STRING + b"'\\q'\n"))


def test_a_message_is_short():
    with pytest.raises(WeightsError) as caught:
        read_pickle(program(pickle.STRING + bytes(10**6) + b"\n"))
    assert len(str(caught.value)) < 500


def put(index):
    return pickle.BINPUT + bytes([index])


def get(index):
    return pickle.BINGET + bytes([index])


def array(values, end, begin=pickle.MARK):
    return begin + b"".join(values) + end


def long(value):
    data = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return pickle.LONG4 + len(data).to_bytes(4, "little") + data


HALF = MOST_OPERATIONS // 2
ORDERED_DICT = name("collections", "OrderedDict") + put(1)
PAIRS = [number(index) + pickle.NONE + pickle.TUPLE2 for index in range(20_000)]
CALL = get(1) + get(0) + pickle.TUPLE1 + pickle.REDUCE  # function 1 of object 0
LIST = pickle.EMPTY_LIST + pickle.MARK
GREEDY = {
    "many dicts": pickle.MARK + pickle.EMPTY_DICT * (MOST_OPERATIONS - 4) + pickle.TUPLE,
    "too many dicts": pickle.EMPTY_DICT * MOST_OPERATIONS,
    "too many bytes": b"N" * (MOST_BYTES + 1),
    "many marks": pickle.MARK * (HALF - 4) + pickle.TUPLE * (HALF - 4),
    "a deep tuple": pickle.EMPTY_TUPLE + pickle.TUPLE1 * (MOST_OPERATIONS - 4),
    "one list many times": pickle.EMPTY_LIST + put(0) + (get(0) + pickle.APPEND) * (HALF - 4),
    "dicts of one list": ORDERED_DICT + array(PAIRS, pickle.APPENDS, LIST) + put(0) + CALL * 10_000,
    "dicts of one tuple": ORDERED_DICT + array(PAIRS, pickle.TUPLE) + put(0) + CALL * 10_000,
    "one million digits as key": (
        long(1 << 8 * 1_500_000)
        + put(0)
        + pickle.EMPTY_DICT
        + (get(0) + pickle.NONE + pickle.SETITEM) * 40_000
    ),
    "keys of one hash": pickle.EMPTY_DICT
    + array([number(i * (2**61 - 1)) + pickle.NONE for i in range(70_000)], pickle.SETITEMS),
    "long arguments": (
        name("torch._utils", "_rebuild_tensor_v2")
        + put(1)
        + pickle.MARK
        + array([tensor(), number(0), numbers((2,)), numbers((1,)), b"N" * 50_000], pickle.TUPLE)
        + put(0)
        + (get(1) + get(0) + pickle.REDUCE) * 30_000
    ),
    "a long identity": (
        array([text("storage"), name("torch", "FloatStorage"), b"N" * 50_000], pickle.TUPLE)
        + put(0)
        + (get(0) + pickle.BINPERSID) * 40_000
    ),
    "many storages": (
        array([text("storage"), name("torch", "FloatStorage"), number(0) * 3], pickle.TUPLE)
        + put(0)
        + pickle.MARK
        + (get(0) + pickle.BINPERSID) * (HALF - 20)
        + pickle.TUPLE
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", GREEDY)
def test_time_and_memory_have_bounds(case):
    data = program(GREEDY[case])
    tracemalloc.start()
    start = time.process_time()
    with contextlib.suppress(WeightsError):
        read_pickle(data)
    assert time.process_time() - start < 10  # the worst takes two seconds while memory is traced
    assert tracemalloc.get_traced_memory()[1] < 30 * 10**6
    tracemalloc.stop()
