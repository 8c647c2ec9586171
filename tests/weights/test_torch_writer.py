import os
import zipfile

import numpy as np
import pytest

from cyclegan_keras.files.errors import WeightsError, WriteError
from cyclegan_keras.weights.torch_file import read_state_dicts
from cyclegan_keras.weights.torch_writer import write_state_dict

ARRAYS = {
    "model.1.weight": np.arange(24, dtype="float32").reshape(2, 3, 2, 2),
    "model.1.bias": np.array([1.5, -2.5], "float32"),
    "model.2.num_batches_tracked": np.array(7, "int64"),
    "transposed": np.arange(6, dtype="float32").reshape(2, 3).T,
    "empty": np.zeros((0, 3), "float32"),
}


def test_what_is_written_is_read(tmp_path):
    write_state_dict(tmp_path / "net.pth", ARRAYS)
    read = read_state_dicts(tmp_path / "net.pth")[""]
    assert list(read) == list(ARRAYS)
    for key, array in ARRAYS.items():
        assert read[key].dtype == array.dtype
        np.testing.assert_array_equal(read[key], array)


def test_the_archive_is_laid_out_as_pytorch_does(tmp_path):
    write_state_dict(tmp_path / "net.pth", ARRAYS)
    with zipfile.ZipFile(tmp_path / "net.pth") as archive:
        assert archive.read("net/version") == b"3\n"
        assert archive.read("net/byteorder") == b"little"
        assert archive.read("net/data/1") == ARRAYS["model.1.bias"].tobytes()
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}


def test_pytorch_reads_it(tmp_path):
    torch = pytest.importorskip("torch")
    write_state_dict(tmp_path / "net.pth", ARRAYS)
    read = torch.load(tmp_path / "net.pth", weights_only=True)
    for key, array in ARRAYS.items():
        np.testing.assert_array_equal(read[key].numpy(), array)


def test_other_types_are_refused(tmp_path):
    with pytest.raises(WeightsError, match="a has type float64, expected one of"):
        write_state_dict(tmp_path / "net.pth", {"a": np.zeros(2)})
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "net.pth"
    path.write_bytes(b"old")
    os.symlink("/dev/full", tmp_path / ".net.partial.pth")
    with pytest.raises(WriteError, match="No space left"):
        write_state_dict(path, ARRAYS)
    assert path.read_bytes() == b"old"
