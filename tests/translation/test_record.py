import os

import filelock
import pytest

from cyclegan_keras.files.errors import TranslationError, WriteError
from cyclegan_keras.translation.record import Record

MADE_BY = {"model": "abc", "strength": 1.0}


def started(folder, made_by=MADE_BY, overwrite=False, targets=()):
    record = Record(folder, made_by)
    with record.locked():
        if not overwrite:
            record.check(targets)
        record.begin(overwrite=overwrite)
    return record


def test_what_is_there_is_done(tmp_path):
    out = tmp_path / "new" / "out"
    record = started(out)
    assert not record.is_done(out / "a.png")
    (out / "a.png").touch()
    assert record.is_done(out / "a.png")
    assert started(out, targets=[out / "a.png"]).is_done(out / "a.png")


def test_overwriting_forgets_what_is_older(tmp_path):
    started(tmp_path)
    for name, age in (("old.png", -5), ("new.png", 5)):
        (tmp_path / name).touch()
        now = (tmp_path / ".translation.json").stat().st_mtime
        os.utime(tmp_path / name, (now + age, now + age))
    for record in (started(tmp_path, overwrite=True), started(tmp_path)):  # also when it goes on
        assert not record.is_done(tmp_path / "old.png")
        assert record.is_done(tmp_path / "new.png")


@pytest.mark.parametrize(
    ("changed", "told"),
    [({"model": "x"}, "by another model"), ({"strength": 0.5}, "strength was 1.0, now 0.5")],
)
def test_other_options_are_refused(changed, told, tmp_path):
    started(tmp_path)
    with pytest.raises(TranslationError, match=told):
        started(tmp_path, {**MADE_BY, **changed})
    started(tmp_path, {**MADE_BY, **changed}, overwrite=True)
    started(tmp_path, {**MADE_BY, **changed})


def test_somebody_s_own_files_are_not_taken_for_done(tmp_path):
    (tmp_path / "a.png").touch()
    with pytest.raises(TranslationError, match=r"a\.png is there already and was not written by"):
        started(tmp_path, targets=[tmp_path / "a.png"])
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".json"] == []
    started(tmp_path, targets=[tmp_path / "b.png"])


def test_a_damaged_record_is_a_sentence(tmp_path):
    (tmp_path / ".translation.json").write_text("{")
    with pytest.raises(TranslationError, match="cannot be read"):
        started(tmp_path)
    started(tmp_path, overwrite=True)


def test_leftovers_go_and_nothing_else(tmp_path):
    (tmp_path / "sub").mkdir()
    names = (".a.partial.png", "sub/.b.partial.jpg", "c.partial.png", ".hidden.png")
    for name in names:
        (tmp_path / name).touch()
    started(tmp_path)
    assert [(tmp_path / name).exists() for name in names] == [False, False, True, True]


def test_one_process_at_a_time(tmp_path):
    with (
        filelock.FileLock(tmp_path / ".translation.lock"),
        pytest.raises(TranslationError, match="Another process"),
    ):
        started(tmp_path)


def test_a_folder_that_cannot_be(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(WriteError, match="Cannot write to"):
        started(tmp_path / "file" / "out")
