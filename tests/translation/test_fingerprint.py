import pytest

from cyclegan_keras.files.errors import TranslationError
from cyclegan_keras.translation.fingerprint import fingerprint


def test_equal_files_are_equal_wherever_they_lie(tmp_path):
    for name, data in (("a.keras", b"1"), ("b.keras", b"1"), ("c.keras", b"2")):
        (tmp_path / name).write_bytes(data)
    first, second, third = (fingerprint(f"{tmp_path}/{name}.keras") for name in "abc")
    assert first == second != third
    assert fingerprint(f"{tmp_path}/a.keras,{tmp_path}/c.keras") not in (first, third)


def test_of_a_run_the_newest_checkpoint_counts(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "step_000000001.npz").write_bytes(b"1")
    before = fingerprint(str(tmp_path))
    (tmp_path / "metrics.jsonl").write_text("more")
    assert fingerprint(str(tmp_path)) == before
    (tmp_path / "checkpoints" / "step_000000002.npz").write_bytes(b"2")
    assert fingerprint(str(tmp_path)) != before


def test_a_folder_counts_as_a_whole(tmp_path):
    (tmp_path / "variables").mkdir()
    (tmp_path / "variables" / "v").write_bytes(b"1")
    before = fingerprint(f"{tmp_path}/")
    (tmp_path / "variables" / "v").write_bytes(b"2")
    assert fingerprint(str(tmp_path)) != before


def test_files_that_share_a_prefix(tmp_path):
    (tmp_path / "model.index").write_bytes(b"1")
    assert fingerprint(str(tmp_path / "model"))


def test_nothing_there(tmp_path):
    with pytest.raises(TranslationError, match="there is no such model"):
        fingerprint(str(tmp_path / "gone.keras"))
