import os

import ml_dtypes
import numpy as np
import pytest
import safetensors

from cyclegan_keras.files.errors import UserError, WeightsError
from cyclegan_keras.weights.safetensors_file import (
    is_safetensors,
    read_safetensors,
    write_safetensors,
)


def described(array, dtype):
    data = np.ascontiguousarray(array)
    return safetensors.TensorSpec(
        dtype=dtype, shape=data.shape, data_ptr=data.ctypes.data, data_len=data.nbytes
    ), data


def test_there_and_back(tmp_path):
    arrays = {
        "model.1.weight": np.arange(24, dtype="float32").reshape(2, 3, 2, 2).transpose(3, 2, 0, 1),
        "model.2.num_batches_tracked": np.array(7, "int64"),
    }
    arrays |= {f"other.{index}": np.zeros(1, "float32") for index in range(9)}
    path = tmp_path / "net.safetensors"
    write_safetensors(path, arrays)
    read = read_safetensors(path)
    assert list(read) == sorted(arrays)
    for key, array in arrays.items():
        assert (read[key].dtype, read[key].shape) == (array.dtype, array.shape)
        np.testing.assert_array_equal(read[key], array)
    assert is_safetensors(path.read_bytes())


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("bfloat16", np.array([1.5, 2], ml_dtypes.bfloat16)),
        ("float16", np.array([1.5, 2], "float16")),
        ("float64", np.array([1.5, 2])),
    ],
)
def test_types(name, array, tmp_path):
    spec, _kept = described(array, name)
    (tmp_path / "net.safetensors").write_bytes(bytes(safetensors.serialize({"a": spec}, None)))
    read = read_safetensors(tmp_path / "net.safetensors")["a"]
    np.testing.assert_array_equal(read.astype("float32"), [1.5, 2])


def test_what_is_refused(tmp_path):
    path = tmp_path / "net.safetensors"
    for data in (b"", b"text", bytes(100), (2**40).to_bytes(8, "little") + b"{}"):
        path.write_bytes(data)
        with pytest.raises(WeightsError, match=r"net\.safetensors cannot be read: it is damaged"):
            read_safetensors(path)
    spec, _kept = described(np.zeros(2, "u1"), "float8_e4m3fn")
    path.write_bytes(bytes(safetensors.serialize({"a": spec}, None)))
    with pytest.raises(WeightsError, match="a holds numbers of the type F8_E4M3, expected"):
        read_safetensors(path)
    spec, _kept = described(np.zeros(2, "u1"), "uint8")
    path.write_bytes(bytes(safetensors.serialize({"\x1b[2J": spec}, None)))
    with pytest.raises(WeightsError, match=r"'\\x1b\[2J' is a key that is no short string"):
        read_safetensors(path)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_leaves_the_old_file(tmp_path):
    path = tmp_path / "net.safetensors"
    path.write_bytes(b"old")
    os.symlink("/dev/full", tmp_path / ".net.partial.safetensors")
    with pytest.raises((OSError, UserError), match="No space left"):
        write_safetensors(path, {"a": np.zeros(10_000, "float32")})
    assert path.read_bytes() == b"old"


def test_other_files_are_not_taken_for_one():
    for data in (b"", b"PK\x03\x04" + bytes(20), b"\x80\x02}q\0."):
        assert not is_safetensors(data)
