import pytest

from cyclegan_keras.files.errors import WeightsError
from cyclegan_keras.weights.torch_tensors import Storage, Tensor, check_key, fill, find, storage_of

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


def test_other_names_are_refused():
    for module, name in (("torch", "load"), ("torch._utils", "_rebuild_model"), ("os", "system")):
        with pytest.raises(WeightsError, match=f"It asks for {module}.{name}"):
            find(module, name)


def test_storages_by_their_identity():
    kind = find("torch", "HalfStorage")
    assert storage_of(("storage", kind, 7, "cuda:0", 6)) == Storage("float16", "7", 6)
    assert storage_of(("storage", kind, "7", "cpu", 6, None)) == Storage("float16", "7", 6)
    for identity in (
        ("module", kind, "0", "cpu", 6),
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
    for key in (("a",), "k" * 301, "\x1b[2J", "\ud800", 1.5, None, True, -1, 2**48):
        with pytest.raises(TypeError):
            check_key(key)
