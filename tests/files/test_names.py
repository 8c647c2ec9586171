import os

import pytest

from cyclegan_keras.files.names import under_utf8_name


@pytest.mark.parametrize("name", ["caf\udce9", "café"])
def test_a_folder_of_any_name_is_reached_under_one_that_is_utf8(tmp_path, name):
    folder = tmp_path / name
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("this file system takes only names that are UTF-8")
    with under_utf8_name(folder) as path:
        str(path).encode()
        (path / "a.txt").write_text("a")
    assert os.listdir(folder) == ["a.txt"]
    assert path.exists() == (path == folder)
