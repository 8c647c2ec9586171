import errno
import os
import pathlib

import pytest

from cyclegan_keras.files.atomic import atomic_write
from cyclegan_keras.files.errors import WriteError


def test_atomic_write_keeps_the_old_file_when_the_block_fails(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def write_half():
        with atomic_write(path) as temporary:
            temporary.write_text("ne")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(WriteError, match=r"a\.txt: No space left on device\. Free some"):
        write_half()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_path_without_a_name_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with (
        pytest.raises(WriteError, match=r"Cannot write to \.: "),
        atomic_write(pathlib.Path(".")) as temporary,
    ):
        temporary.write_text("new")
    assert not list(tmp_path.iterdir())
