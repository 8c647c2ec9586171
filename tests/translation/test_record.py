import dataclasses
import os

import filelock
import pytest

from cyclegan_keras.files.errors import TranslationError, WriteError
from cyclegan_keras.translation.options import TranslateOptions
from cyclegan_keras.translation.record import Record, fingerprint, record_of

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
    ("changed", "sentence"),
    [({"model": "x"}, "by another model"), ({"strength": 0.5}, "strength was 1.0, now 0.5")],
)
def test_other_options_are_refused(changed, sentence, tmp_path):
    started(tmp_path)
    with pytest.raises(TranslationError, match=sentence):
        started(tmp_path, {**MADE_BY, **changed})
    started(tmp_path, {**MADE_BY, **changed}, overwrite=True)
    started(tmp_path, {**MADE_BY, **changed})


def test_the_bit_depth_counts_only_where_it_is_asked_for(tmp_path):
    """So that folders of versions that did not know the option are continued."""
    (tmp_path / "g.keras").write_bytes(b"1")
    options = TranslateOptions(model=str(tmp_path / "g.keras"))
    before = record_of(options, tmp_path, "AtoB").made_by
    assert set(before) == {"model", "direction", "strength", "side_by_side", "cycle", "quality"}
    deep = dataclasses.replace(options, bit_depth=16)
    assert record_of(deep, tmp_path, "AtoB").made_by == {**before, "bit_depth": 16}


def test_somebody_s_own_files_are_not_taken_for_done(tmp_path):
    (tmp_path / "a.png").touch()
    with pytest.raises(TranslationError, match=r"a\.png exists already and was not written by"):
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


def test_equal_files_are_equal_wherever_they_lie(tmp_path):
    for name, data in (("a.keras", b"1"), ("b.keras", b"1"), ("c.keras", b"2")):
        (tmp_path / name).write_bytes(data)
    first, second, third = (fingerprint(f"{tmp_path}/{name}.keras") for name in "abc")
    assert first == second != third
    assert fingerprint(f"{tmp_path}/a.keras,{tmp_path}/c.keras") not in (first, third)
    a = f"{tmp_path}/a.keras"
    words = (a, f"{a}@netG", f"{a}@netG_ema", f"generator_f={a}", f"generator_f={a}@netG")
    assert len({fingerprint(word) for word in words}) == len(words)


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


def test_the_precision_counts_unless_it_is_the_usual_one(tmp_path):
    """A folder that was begun in float32 is not continued in int8."""
    (tmp_path / "g.keras").write_bytes(b"1")
    options = TranslateOptions(model=str(tmp_path / "g.keras"))
    before = record_of(options, tmp_path, "AtoB").made_by
    usual = dataclasses.replace(options, precision="float32")
    assert record_of(usual, tmp_path, "AtoB").made_by == before
    fast = record_of(dataclasses.replace(options, precision="int8"), tmp_path, "AtoB").made_by
    assert fast == {**before, "precision": "int8"}
    started(tmp_path / "out", before)
    with pytest.raises(TranslationError, match="precision was float32, now int8"):
        started(tmp_path / "out", fast)


def test_int8_graphs_are_no_part_of_a_model(tmp_path):
    (tmp_path / "generator_g.keras").write_bytes(b"1")
    before = fingerprint(str(tmp_path))
    (tmp_path / ".int8").mkdir()
    (tmp_path / ".int8" / "graph.tflite").write_bytes(b"2")
    assert fingerprint(str(tmp_path)) == before
