import itertools
import os
import pickle
import re
import struct
import sys
import time
import tracemalloc
import zipfile

import numpy as np
import pytest
from golden_files import FOLDER, load_golden
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from thorough import THOROUGH
from weights.torch_bytes import (
    Operations,
    described,
    legacy,
    name,
    new,
    number,
    numbers,
    ordered_dict,
    program,
    saved,
    state_dict,
    tensor,
    text,
    zipped,
)

from cyclegan_keras.files.errors import WeightsError
from cyclegan_keras.weights.torch_file import read_state_dicts, read_torch_file
from cyclegan_keras.weights.torch_writer import write_state_dict

GOLDEN = FOLDER / "checkpoints"
SIX = np.arange(6, dtype="<f4")
CONTAINERS = {"zip": zipped, "legacy": legacy}


def read(data, folder):
    path = folder / "net.pth"
    path.write_bytes(data)
    return read_state_dicts(path)


@pytest.mark.parametrize("container", ["zip", "legacy"])
def test_recorded_files_are_read_bit_for_bit(container):
    expected = load_golden("checkpoints/expected.npz")
    for file in (f"resnet6_ngf4_{container}.pth", f"resnet6_ngf4_old_instancenorm_{container}.pth"):
        state = read_state_dicts(GOLDEN / file)[""]
        for key in expected.files:
            kind, _, key_of_state = key.partition("/")
            if kind == "weights" or (kind == "old_buffers" and "old" in file):
                np.testing.assert_array_equal(state[key_of_state], expected[key])
                assert state[key_of_state].dtype == expected[key].dtype


@pytest.mark.parametrize("file", sorted(path.name for path in GOLDEN.glob("MALICIOUS*")))
def test_malicious_files_are_refused_and_nothing_runs(file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WeightsError, match=rf"{file} cannot be read: It asks for posix\.system"):
        read_state_dicts(GOLDEN / file)
    assert not list(tmp_path.iterdir())


def test_malicious_files_are_there():
    assert len(list(GOLDEN.glob("MALICIOUS*"))) == 3


@pytest.mark.parametrize("container", CONTAINERS)
def test_views_of_storages(container, tmp_path):
    content = state_dict(
        whole=tensor(),
        transposed=tensor(shape=(3, 2), strides=(1, 3)),
        part=tensor(shape=(2,), strides=(2,), offset=1),
    )
    state = read(CONTAINERS[container](content, {"0": SIX.tobytes()}), tmp_path)[""]
    np.testing.assert_array_equal(state["whole"], SIX.reshape(2, 3))
    np.testing.assert_array_equal(state["transposed"], SIX.reshape(2, 3).T)
    np.testing.assert_array_equal(state["part"], [1, 3])
    assert not state["whole"].flags.writeable


@pytest.mark.parametrize(
    ("storage", "data", "expected"),
    [
        ("DoubleStorage", np.array([1.5, 2], "<f8"), [1.5, 2]),
        ("HalfStorage", np.array([1.5, 2], "<f2"), [1.5, 2]),
        ("BFloat16Storage", np.array([0x3FC0, 0x4000], "<u2"), [1.5, 2]),
        ("LongStorage", np.array([-1, 2**40], "<i8"), [-1, 2**40]),
        ("ByteStorage", np.array([1, 255], "u1"), [1, 255]),
        ("BoolStorage", np.array([1, 0], "u1"), [True, False]),
    ],
)
@pytest.mark.parametrize("container", CONTAINERS)
def test_types(container, storage, data, expected, tmp_path):
    content = state_dict(a=tensor(count=2, shape=(2,), strides=(1,), storage=storage))
    options = {"itemsize": data.itemsize} if container == "legacy" else {}
    state = read(CONTAINERS[container](content, {"0": data.tobytes()}, **options), tmp_path)
    np.testing.assert_array_equal(state[""]["a"].astype(float), expected)


def test_files_of_big_endian_machines(tmp_path):
    data, content = {"0": SIX.astype(">f4").tobytes()}, state_dict(a=tensor())
    zip_file = zipped(content, data, extra=[("archive/byteorder", "big")])
    for file in (zip_file, legacy(content, data, little_endian=False)):
        np.testing.assert_array_equal(read(file, tmp_path)[""]["a"], SIX.reshape(2, 3))


@pytest.mark.parametrize("container", ["zip", "legacy"])
def test_a_training_state_gives_its_networks(container):
    states = read_state_dicts(GOLDEN / f"training_state_{container}.pth")
    assert {"netG_A", "netD_A"} < set(states)
    assert states["netD_A"]["net.0.weight"].shape == (2, 3, 1, 1)


def test_parts_of_parts_get_joined_names(tmp_path):
    inner = pickle.EMPTY_DICT + text("a") + tensor() + pickle.SETITEM
    states = pickle.EMPTY_DICT + number(7) + inner + pickle.SETITEM
    outer = pickle.EMPTY_DICT + text("state") + states + pickle.SETITEM + text("lr") + number(1)
    assert list(read(zipped(program(outer + pickle.SETITEM), {"0": SIX.tobytes()}), tmp_path)) == [
        "state.7"
    ]


def test_two_parts_may_have_one_name(tmp_path):
    content = {"a.b": {"x": SIX}, "a": {"b": {"x": SIX + 1}}}
    states = read(saved(content), tmp_path)
    assert {name: state["x"][0] for name, state in states.items()} == {"a.b": 0, "a.b_2": 1}


STATE = {"model.1.weight": SIX, "model.1.bias": SIX[:2]}
LOOSE = {"loss": SIX[:1], "rng": SIX}
HELD = {  # where a state dict lies, and what the file holds
    "alone": ("", STATE),
    "beside tensors": ("netG", {**LOOSE, "netG": STATE, "epoch": 3}),
    "in a list": ("nets.1", {"nets": [{"lr": 0.1}, STATE], **LOOSE}),
    "in a tuple of tensors": ("0", (STATE, SIX[:1], "x")),
    "deep": (
        "a.b.c.d.e.f",
        {"a": {"b": {"c": {"d": {"e": {"f": STATE, **LOOSE}}}}}, **LOOSE},
    ),
    "beside options": (
        "state_dict",
        {
            "hyper_parameters": new("argparse", "Namespace", state={"lr": 0.1}),
            "options": new("configs", "Options", items={"lr": 0.1}),
            "state_dict": STATE,
            "device": new("torch", "device"),
        },
    ),
    "beside a whole network": (
        "state_dict",
        {
            "net": new("models", "G", state={"_modules": {}, "_parameters": {}}),
            "state_dict": STATE,
        },
    ),
}


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("case", HELD)
def test_state_dicts_are_found_wherever_they_lie(case, container, tmp_path):
    place, content = HELD[case]
    states = read(saved(content, CONTAINERS[container]), tmp_path)
    assert list(states[place]) == list(STATE)
    np.testing.assert_array_equal(states[place]["model.1.weight"], SIX)
    loose = [key for state in states.values() for key in state if key in LOOSE]
    assert bool(loose) == (case in ("beside tensors", "in a list", "deep"))


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (new("models", "G", state={"_modules": {}, "_parameters": {}}), r"False\)\.state_dict"),
        (
            {"nets": [new("models", "G", state={"_modules": {}, "_parameters": {}})]},
            r"False\)\['nets'\]\[0\]\.state_dict\(\), \"weights\.pth\"\)",
        ),
    ],
)
def test_a_whole_network_is_called_by_its_name(content, words, container, tmp_path):
    with pytest.raises(WeightsError, match=rf"an object of the class models\.G, .*{words}"):
        read(saved(content, CONTAINERS[container]), tmp_path)


def test_a_whole_network_beside_loose_tensors_is_told(tmp_path):
    whole = new("models", "G", state={"_modules": {}, "_parameters": {}})
    (tmp_path / "net.pth").write_bytes(saved({"net": whole, **LOOSE}))
    (sentence,) = read_torch_file(tmp_path / "net.pth").whole_networks
    assert "['net'].state_dict()" in sentence


@pytest.mark.parametrize(
    "held",
    [
        new("configs", "Mode"),  # an enum comes as a call of its class
        Operations(name("configs", "Mode") + number(1) + pickle.TUPLE1 + pickle.REDUCE),
        Operations(
            name("numpy.random._pickle", "__randomstate_ctor")
            + text("MT19937")
            + pickle.TUPLE1
            + pickle.REDUCE
            + pickle.EMPTY_DICT
            + pickle.BUILD
        ),
        Operations(name("pandas", "_unpickle_timestamp") + numbers((7,)) + pickle.REDUCE),
        Operations(
            name("torch._utils", "_rebuild_sparse_tensor")
            + tensor()
            + pickle.TUPLE1
            + pickle.REDUCE
        ),
        Operations(
            name("builtins", "getattr")
            + name("lightning", "Precision")
            + text("HALF")
            + pickle.TUPLE2
            + pickle.REDUCE
        ),
        Operations(  # a class method that makes an object
            name("builtins", "getattr")
            + name("configs", "Options")
            + text("from_dict")
            + pickle.TUPLE2
            + pickle.REDUCE
            + pickle.EMPTY_TUPLE
            + pickle.REDUCE
        ),
    ],
    ids=["object", "enum", "random", "timestamp", "sparse", "string enum", "method"],
)
def test_what_a_program_keeps_beside_a_state_dict_does_not_matter(held, tmp_path):
    content = program(
        described({"held": held, "netG": Operations(ordered_dict(text("a") + tensor()))})
    )
    states = read(zipped(content, {"0": SIX.tobytes()}), tmp_path)
    assert list(states["netG"]) == ["a"]


def test_a_kind_of_dict_holds_networks_too(tmp_path):
    inner = Operations(ordered_dict(text("a") + tensor()))
    content = program(described({"models": new("addict", "Dict", items={"netG": inner})}))
    assert list(read(zipped(content, {"0": SIX.tobytes()}), tmp_path)) == ["models.netG"]


def test_one_array_under_several_names(tmp_path):
    """A program may list its networks under their own names and in a list of all of them."""
    one = tensor()
    tensors = {"netG.a": one, "all.0.a": one, "b": one}
    states = read(zipped(state_dict(**tensors), {"0": SIX.tobytes()}), tmp_path)
    assert len(states[""]) == 3


def test_files_of_other_kinds_are_called_by_their_names(tmp_path):
    for data, words in (
        (b"<!DOCTYPE html><html>", "web page"),
        (zipped(b"N.", {}, extra=[("archive/constants.pkl", b"N.")]), "TorchScript archive"),
    ):
        with pytest.raises(WeightsError, match=rf"net\.pth cannot be read: It is a .*{words}"):
            read(data, tmp_path)


def test_keys_stay_as_they_are(tmp_path):
    write_state_dict(tmp_path / "net.pth", {"module.model.1.weight": SIX})
    assert list(read_state_dicts(tmp_path / "net.pth")[""]) == ["module.model.1.weight"]


def field(data, offset, form, value, entry=0):
    """Returns the archive `data` with one number changed in an entry of its directory."""
    starts = [match.start() for match in re.finditer(b"PK\1\2", data)]
    changed = bytearray(data)
    struct.pack_into(form, changed, starts[entry] + offset, value)
    return bytes(changed)


def bloated_directory():
    """An archive that lists a hundred thousand entries."""
    start, end = GOOD.index(b"PK\1\2"), GOOD.index(b"PK\5\6")
    before, after = GOOD[start : start + 28] + b"\4\0", GOOD[start + 30 : start + 46]
    entries = b"".join(before + after + b"%04x" % (index % 2**16) for index in range(100_000))
    directory = GOOD[start:end] + entries
    size_and_offset = struct.pack("<LL", len(directory), start)
    return GOOD[:start] + directory + GOOD[end : end + 12] + size_and_offset + b"\0\0"


GOOD = zipped(state_dict(a=tensor()), {"0": SIX.tobytes()})
MANY_VIEWS = {f"k{index}": tensor(count=900, shape=(900,), strides=(1,)) for index in range(300)}
BAD = {
    "encrypted": field(GOOD, 8, "<H", 1),
    "of a later zip": field(GOOD, 6, "<H", 99),
    "packed in an unknown way": field(GOOD, 10, "<H", 99),
    "one gigabyte packed in nothing": field(GOOD, 20, "<L", 2**30),
    "one gigabyte of nothing": field(GOOD, 24, "<L", 2**30),
    "an entry past the end": field(GOOD, 42, "<L", 2**31),
    "a bloated directory": bloated_directory(),
    "bfloat16 of another machine": zipped(
        state_dict(a=tensor(storage="BFloat16Storage")),
        {"0": bytes(12)},
        extra=[("archive/byteorder", {"little": "big", "big": "little"}[sys.byteorder])],
    ),
    "a tar": b"0" * 257 + b"ustar" + bytes(762),
    "no tensors": zipped(program(ordered_dict()), {}),
    "not a dict": zipped(program(pickle.NONE), {}),
    "itself in itself": zipped(
        program(pickle.EMPTY_DICT + b"q\0" + text("a") + b"h\0" + pickle.SETITEM), {}
    ),
    "missing array": zipped(state_dict(a=tensor(key="1")), {"0": SIX.tobytes()}),
    "short array": zipped(state_dict(a=tensor()), {"0": SIX.tobytes()[:-4]}),
    "odd array": zipped(state_dict(a=tensor()), {"0": SIX.tobytes()[:-1]}),
    "past the end": zipped(state_dict(a=tensor(offset=1)), {"0": SIX.tobytes()}),
    "far past the end": zipped(state_dict(a=tensor(strides=(2**47, 1))), {"0": SIX.tobytes()}),
    "one number a million times": zipped(
        state_dict(a=tensor(shape=(1000, 1000), strides=(0, 0))), {"0": SIX.tobytes()}
    ),
    "one array many times": zipped(
        state_dict(**MANY_VIEWS),
        {"0": bytes(3600)},
    ),
    "compressed": zipped(
        state_dict(a=tensor(count=10**6, shape=(10**6,), strides=(1,))),
        {"0": bytes(4 * 10**6)},
        zipfile.ZIP_DEFLATED,
    ),
    "two pickles": zipped(state_dict(a=tensor()), {}, extra=[("other/data.pkl", b"N.")]),
    "huge pickle": zipped(b"N" * 5 * 2**20, {}),
    "wrong magic": pickle.dumps(1, 2) * 5,
    "only a beginning": legacy(state_dict(a=tensor()), {})[:60],
    "no list of arrays": legacy(state_dict(a=tensor()), {}),
    "other arrays": legacy(state_dict(a=tensor()), {"1": SIX.tobytes()}),
    "short legacy array": legacy(state_dict(a=tensor()), {"0": SIX.tobytes()})[:-1],
    "empty": b"",
    "text": b"These are no weights.\n",
    "zip alone": b"PK\x03\x04",
    "picture": b"\x89PNG\r\n\x1a\n" + bytes(100),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_refused(case, tmp_path):
    with pytest.raises(WeightsError, match=r"net\.pth cannot be read: "):
        read(BAD[case], tmp_path)
    assert not check(BAD[case], tmp_path)  # nor takes much memory


def test_a_wrong_checksum_is_noticed(tmp_path):
    data = bytearray(zipped(state_dict(a=tensor()), {"0": SIX.tobytes()}))
    data[data.index(SIX.tobytes()) + 3] ^= 1
    with pytest.raises(WeightsError, match="Bad CRC"):
        read(bytes(data), tmp_path)


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_what_is_no_file_is_not_waited_for(make, tmp_path):
    make(tmp_path / "net.pth")
    with pytest.raises(WeightsError, match="is not a file"):
        read_state_dicts(tmp_path / "net.pth")


def test_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_state_dicts(tmp_path / "net.pth")


# Property tests: whatever the bytes, the answer is arrays or WeightsError, soon and in bounds.

ANYTHING = settings(
    max_examples=500 if THOROUGH else 125,
    derandomize=True,
    database=None,
    deadline=2000,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def work_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fuzz")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)  # where whatever runs would leave its file
        yield folder


def check(data, folder):
    """Reads `data`; returns whether it was accepted."""
    tracemalloc.start()
    try:
        networks = read(data, folder)
    except WeightsError:
        return False
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 50 * 10**6 + 2 * len(data)
        assert [path.name for path in folder.iterdir()] == ["net.pth"]
    for state in networks.values():
        for array in state.values():
            assert array.nbytes <= len(data)
            array.sum()  # every element can be touched
    return True


@pytest.fixture(scope="module")
def valid_files(tmp_path_factory):
    content = state_dict(a=tensor(), b=tensor(key="1", count=4, shape=(4,), strides=(1,)))
    storages = {"0": SIX.tobytes(), "1": SIX[:4].tobytes()}
    written = tmp_path_factory.mktemp("valid") / "net.pth"
    write_state_dict(written, {"a": SIX.reshape(2, 3), "b": np.array(7)})
    recorded = [GOLDEN / f"training_state_{container}.pth" for container in CONTAINERS]
    files = [zipped(content, storages), legacy(content, storages), written.read_bytes()]
    files += [path.read_bytes() for path in recorded]
    return files


@pytest.mark.slow
@ANYTHING
@given(data=st.data())
def test_damaged_files(data, work_folder, valid_files):
    file = bytearray(data.draw(st.sampled_from(valid_files)))
    # Both ends of a file describe it; numbers fill its middle.
    spot = st.one_of(
        st.integers(0, min(len(file), 3000) - 1), st.integers(-min(len(file), 800), -1)
    )
    for index, value in data.draw(st.lists(st.tuples(spot, st.integers(0, 255)), max_size=6)):
        file[index] = value
    check(bytes(file), work_folder)
    check(bytes(file[: data.draw(st.integers(0, len(file)))]), work_folder)


@pytest.mark.slow
@ANYTHING
@given(
    entry=st.integers(0, 2),
    change=st.sampled_from(
        [
            (6, "<H"),
            (8, "<H"),
            (10, "<H"),
            (16, "<L"),
            (20, "<L"),
            (24, "<L"),
            (28, "<H"),
            (30, "<H"),
            (32, "<H"),
            (34, "<H"),
            (42, "<L"),
        ]
    ),
    value=st.one_of(st.integers(0, 400), st.sampled_from([2**15, 2**16 - 1, 2**31, 2**32 - 1])),
)
def test_directories_that_lie(entry, change, value, work_folder):
    offset, form = change
    value %= 2 ** (8 * struct.calcsize(form))
    data = zipped(state_dict(a=tensor()), {"0": SIX.tobytes(), "1": SIX.tobytes()})
    check(field(data, offset, form, value, entry), work_folder)


CALLABLES = [
    ("os", "system"),
    ("posix", "system"),
    ("nt", "system"),
    ("subprocess", "getoutput"),
    ("builtins", "eval"),
    ("__builtin__", "eval"),
    ("builtins", "exec"),
    ("builtins", "open"),
    ("torch", "load"),
    ("torch.hub", "load"),
    ("numpy", "fromfile"),
    ("numpy", "save"),
    ("torch._utils", "_rebuild_tensor_v2.__globals__"),
    ("collections", "namedtuple"),
]
COMMAND = text("open('PWNED', 'w')")
CALLS = [
    lambda *words: name(*words) + COMMAND + pickle.TUPLE1 + pickle.REDUCE,
    lambda *words: name(*words) + COMMAND + pickle.TUPLE1 + pickle.NEWOBJ,
    lambda *words: (
        b"".join(map(text, words)) + pickle.STACK_GLOBAL + COMMAND + pickle.TUPLE1 + pickle.REDUCE
    ),
    lambda *words: pickle.MARK + COMMAND + pickle.INST + "{}\n{}\n".format(*words).encode(),
    lambda *words: pickle.MARK + name(*words) + COMMAND + pickle.OBJ,
]
OPERATIONS = st.one_of(
    st.sampled_from(
        [
            pickle.MARK,
            pickle.EMPTY_DICT,
            pickle.EMPTY_LIST,
            pickle.EMPTY_TUPLE,
            pickle.TUPLE,
            pickle.TUPLE1,
            pickle.TUPLE2,
            pickle.TUPLE3,
            pickle.REDUCE,
            pickle.BUILD,
            pickle.NONE,
            pickle.SETITEM,
            pickle.SETITEMS,
            pickle.APPEND,
            pickle.APPENDS,
            pickle.BINPERSID,
            pickle.NEWTRUE,
            pickle.STACK_GLOBAL,
            pickle.MEMOIZE,
            pickle.POP,
            pickle.DUP,
            pickle.NEWOBJ,
            pickle.STOP,
            tensor(),
            ordered_dict(),
        ]
    ),
    st.sampled_from(list(itertools.product(CALLABLES, CALLS))).map(lambda pair: pair[1](*pair[0])),
    st.integers(0, 3).map(lambda index: pickle.BINPUT + bytes([index])),
    st.integers(0, 3).map(lambda index: pickle.BINGET + bytes([index])),
    st.integers(-(2**70), 2**70).map(number),
    st.integers(-3, 9).map(number),
    st.sampled_from(["storage", "0", "cpu", "a", "os", "system", "torch", "x" * 400]).map(text),
    st.sampled_from(
        [
            ("collections", "OrderedDict"),
            ("torch", "FloatStorage"),
            ("torch", "LongStorage"),
            ("torch._utils", "_rebuild_tensor_v2"),
            ("torch._utils", "_rebuild_parameter"),
            ("os", "system"),
            ("posix", "system"),
            ("builtins", "eval"),
            ("torch", "load"),
            ("subprocess", "Popen"),
            ("numpy", "fromfile"),
            ("keras.models", "load_model"),
        ]
    ).map(lambda words: name(*words)),
)


@pytest.mark.slow
@ANYTHING
@given(
    operations=st.lists(OPERATIONS, max_size=40),
    inside=st.booleans(),
    container=st.sampled_from(list(CONTAINERS)),
)
def test_hostile_pickles(operations, inside, container, work_folder):
    body = b"".join(operations)
    content = program(ordered_dict(text("a") + tensor() + text("b") + body) if inside else body)
    check(CONTAINERS[container](content, {"0": SIX.tobytes()}), work_folder)


SIZES = st.one_of(st.integers(0, 7), st.sampled_from([2**31 - 1, 2**31, 2**47, 2**63, 2**200, -1]))


@pytest.mark.slow
@ANYTHING
@given(
    tensors=st.lists(
        st.fixed_dictionaries(
            {
                "key": st.sampled_from(["0", "1", "../0", ""]),
                "count": SIZES,
                "shape": st.lists(SIZES, max_size=5),
                "strides": st.lists(SIZES, max_size=5),
                "offset": SIZES,
                "storage": st.sampled_from(["FloatStorage", "LongStorage", "BFloat16Storage"]),
            }
        ),
        min_size=1,
        max_size=4,
    ),
    container=st.sampled_from(list(CONTAINERS)),
)
def test_descriptions_that_lie(tensors, container, work_folder):
    described = {f"k{index}": tensor(**each) for index, each in enumerate(tensors)}
    content = state_dict(**described)
    check(CONTAINERS[container](content, {"0": SIX.tobytes(), "1": SIX.tobytes()}), work_folder)


@pytest.mark.slow
@ANYTHING
@given(
    shape=st.lists(st.integers(0, 3), max_size=4),
    offset=st.integers(0, 3),
    spare=st.integers(0, 3),
    container=st.sampled_from(list(CONTAINERS)),
)
def test_descriptions_that_are_true_are_read(shape, offset, spare, container, work_folder):
    size = int(np.prod(shape))
    strides = [int(np.prod(shape[index + 1 :])) for index in range(len(shape))]
    count = size + offset + spare
    data = np.arange(count, dtype="<f4")
    content = state_dict(a=tensor("0", count, shape, strides, offset))
    file = CONTAINERS[container](content, {"0": data.tobytes()})
    assert check(file, work_folder)
    expected = data[offset : offset + size].reshape(shape)
    np.testing.assert_array_equal(read(file, work_folder)[""]["a"], expected)


def crowded(count):
    """A description of `count` arrays, each of eight dimensions, with wide strings beside them."""
    wide = "\U0001f600" + "k" * 10**6
    view = tensor(count=count, shape=(1,) * 8, strides=(1,) * 8, storage="ByteStorage")
    first = text("name") + text(wide) + text("first") + view + pickle.BINPUT + b"\0"
    items = (text(f"{index:x}") + pickle.BINGET + b"\0" for index in range(count - 1))
    return program(pickle.EMPTY_DICT + pickle.MARK + first + b"".join(items) + pickle.SETITEMS)


def nested(count):
    """A description of `count` dicts of one tensor, deep down under long names."""
    state = pickle.EMPTY_DICT + text("a") + pickle.BINGET + b"\0" + pickle.SETITEM
    states = b"".join(number(index) + state for index in range(count))
    content = pickle.EMPTY_DICT + pickle.MARK + states + pickle.SETITEMS
    for _ in range(3):
        content = pickle.EMPTY_DICT + text("\U0001f600" + "k" * 299) + content + pickle.SETITEM
    made = tensor(count=1, shape=(1,), strides=(1,), storage="ByteStorage")
    spare = text("spare") + made + pickle.BINPUT + b"\0" + pickle.TUPLE1 + pickle.SETITEM
    return program(pickle.EMPTY_DICT + spare + content[1:])


GREEDY = {  # descriptions, and the bytes of the array that they describe
    "many arrays": (crowded(74_000), 74_000),
    "many networks": (nested(24_000), 1),
    "long names": (nested(1900), 1),
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("case", "container"),
    [
        # The next test reads as many arrays in an archive.
        pytest.param("many arrays", "zip", marks=pytest.mark.release),
        ("many arrays", "legacy"),
        ("many networks", "zip"),
        pytest.param("many networks", "legacy", marks=pytest.mark.release),
        ("long names", "zip"),
        ("long names", "legacy"),
    ],
)
def test_time_and_memory_have_bounds(case, container, work_folder):
    content, size = GREEDY[case]
    options = {"itemsize": 1} if container == "legacy" else {}
    start = time.process_time()
    accepted = check(CONTAINERS[container](content, {"0": bytes(size)}, **options), work_folder)
    assert accepted == (case != "many networks")
    assert time.process_time() - start < 20  # the worst takes two seconds


@pytest.mark.slow
def test_a_full_directory_and_a_full_description_stay_in_bounds(work_folder):
    spare = [(f"archive/{index:04x}", b"") for index in range(8200)]
    assert check(zipped(crowded(74_000), {"0": bytes(74_000)}, extra=spare), work_folder)
