import pytest

from cyclegan_keras.files.errors import WeightsError
from cyclegan_keras.weights.torch_tensors import (
    Name,
    Opaque,
    Storage,
    Tensor,
    call,
    check_key,
    fill,
    find,
    make,
    set_attributes,
    storage_of,
)

STORAGE = Storage("float32", "0", 6)


@pytest.mark.parametrize("function", ["_rebuild_tensor", "_rebuild_tensor_v2"])
def test_a_tensor_is_described(function):
    made = find("torch._utils", function).call(STORAGE, 1, (2,), (3,), False, {})
    assert made == Tensor(STORAGE, 1, (2,), (3,))
    assert find("torch._utils", "_rebuild_parameter").call(made, True, {}) is made


@pytest.mark.parametrize(
    "arguments",
    [
        ("no storage", 0, (2,), (1,)),
        (STORAGE, -1, (2,), (1,)),
        (STORAGE, 0, (2,), ()),
        (STORAGE, 0, (2.0,), (1,)),
        (STORAGE, 0, (True,), (1,)),
        (STORAGE, 0, (-2,), (1,)),
        (STORAGE, 0, (2**60,), (1,)),
        (STORAGE, 0, (1,) * 9, (1,) * 9),
        (STORAGE, 0, [2], [1]),
        (STORAGE, 0, {2: 0}, {1: 0}),
        (STORAGE, 0, (2,), (1,), False, {}, None, "one more"),
        (STORAGE, 0, "ab", (1, 1)),
        (STORAGE, 0, 2, 1),
    ],
)
def test_what_is_no_tensor(arguments):
    with pytest.raises(TypeError):
        find("torch._utils", "_rebuild_tensor_v2").call(*arguments)


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("torch", "load"),
        ("os", "system"),
        ("subprocess", "Popen"),
        ("importlib._bootstrap", "_load"),
        ("builtins", "eval"),
        ("__builtin__", "__import__"),
        ("builtins", "eval.__call__"),
        ("io", "open"),
        ("torch", "os"),
        ("torch", "os.system"),
    ],
)
def test_names_of_what_runs_code_are_refused(module, name):
    with pytest.raises(WeightsError, match=f"It asks for {module}.{name}"):
        find(module, name)


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("argparse", "Namespace"),
        ("collections", "defaultdict"),
        ("lightning.pytorch.utilities.enums", "PrecisionType"),
        ("numpy.random._pickle", "__randomstate_ctor"),
        ("pandas._libs.tslibs.timestamps", "_unpickle_timestamp"),
        ("torch", "device"),
        ("torch._utils", "_rebuild_sparse_tensor"),
        ("configs.base", "Mode"),
        ("code.models", "Options"),
    ],
)
def test_what_programs_keep_beside_networks_is_not_made(module, name):
    made = call(find(module, name), ("cuda:0",))
    assert isinstance(made, Opaque)
    assert str(made.name) == f"{module}.{name}"
    assert call(made, ()).name == made.name  # of a method, for example
    assert find("torch._utils", "_rebuild_parameter").call(made, True, {}) is made


@pytest.mark.parametrize("maker", [("copy_reg", "_reconstructor"), ("builtins", "getattr")])
def test_what_makes_an_object_of_a_class_names_that_class(maker):
    cls = find("configs.base", "Options")
    assert call(find(*maker), (cls, "", None)).name == cls == make(cls).name
    ordered = find("collections", "OrderedDict")
    assert str(call(find(*maker), (ordered, "")).name) == "collections.OrderedDict"


@pytest.mark.parametrize("arguments", [(), ("", "join")])
def test_getattr_fetches_parts_of_classes_alone(arguments):
    with pytest.raises(WeightsError, match=r"It asks for builtins\.getattr"):
        call(find("builtins", "getattr"), arguments)


def test_a_tensor_with_attributes_of_its_own():
    rebuild = find("torch._tensor", "_rebuild_from_type_v2")
    arguments = (STORAGE, 0, (2,), (1,))
    made = rebuild.call(find("torch._utils", "_rebuild_tensor_v2"), Name("a", "B"), arguments, {})
    assert made == Tensor(STORAGE, 0, (2,), (1,))
    with pytest.raises(TypeError):
        rebuild.call(rebuild, Name("a", "B"), (rebuild, None, (), None), {})


def test_a_whole_network_is_known_by_its_attributes():
    for state, expected in (
        ({"_modules": {}, "_parameters": {}}, True),
        (({"_modules": {}, "_parameters": {}}, {}), True),
        ({"lr": 1}, False),
        (None, False),
    ):
        made = make(Name("models", "Generator"))
        set_attributes(made, state)
        assert made.is_module == expected


def test_storages_by_their_identity():
    kind = find("torch", "HalfStorage")
    assert storage_of(("storage", kind, 7, "cuda:0", 6)) == Storage("float16", "7", 6)
    assert storage_of(("storage", kind, "7", "cpu", 6, None)) == Storage("float16", "7", 6)
    cls = find("models", "Generator")
    assert storage_of(("module", cls, "models.py", "class Generator")) is cls
    quantized = find("torch", "QInt8Storage")
    assert storage_of(("storage", quantized, "0", "cpu", 6)) is quantized
    for identity in (
        ("module", kind, "0", "cpu", 6),
        ("module", kind, "models.py", "class Generator"),
        ("storage", "FloatStorage", "0", "cpu", 6),
        ("storage", kind, ("0",), "cpu", 6),
        ("storage", kind, "0", "cpu", -6),
        ("storage", kind, "0", "cpu", 6, ("1", 2, 4)),  # a part of another storage
        ("storage", kind, "0", "cpu", 6, None, None),
        ["storage", kind, "0", "cpu", 6],
    ):
        with pytest.raises(TypeError):
            storage_of(identity)
    with pytest.raises(ValueError, match="unpack"):
        storage_of(("storage", kind))


@pytest.mark.parametrize("arguments", [((("a", 1),),), ({"ab": 1},), ("ab",), ([], 0), ([1],)])
def test_an_ordered_dict_is_made_of_nothing_or_of_a_list_of_pairs(arguments):
    ordered_dict = find("collections", "OrderedDict").call
    assert ordered_dict() == {}
    assert ordered_dict([["a", 1], ("b", 2)]) == {"a": 1, "b": 2}
    with pytest.raises(TypeError):
        ordered_dict(*arguments)


def test_keys_are_short_strings_or_numbers():
    assert fill({}, [("a", 1), (2, 3)]) == {"a": 1, 2: 3}
    made = make(find("configs", "Options"))
    assert fill(made, [("a", 1)]) is made
    assert made.items == {"a": 1}
    for key in (("a",), "k" * 301, "\x1b[2J", "\ud800", 1.5, None, True, -1, 2**48):
        with pytest.raises(TypeError):
            check_key(key)
        assert fill({}, [(key, "an option"), ("a", 1)]) == {"a": 1}
        with pytest.raises(TypeError):
            fill({}, [(key, Tensor(STORAGE, 0, (2,), (1,)))])
