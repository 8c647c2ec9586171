import json
import shutil

import pytest

from cyclegan_keras.files.errors import RunError
from cyclegan_keras.runs.run import Run
from cyclegan_keras.tracking.record import Record, record_of_training


@pytest.fixture
def run(tmp_path):
    """A run with a tracked run."""
    run = Run(tmp_path / "run")
    record = Record(run, "wandb")
    record.begin({"id": "abc"})
    record.note([("loss", 20)])
    return run


def test_a_later_process_knows_the_run_and_what_it_holds(tmp_path):
    run = Run(tmp_path)
    first = Record(run, "wandb")
    assert first.tracked == {}
    first.begin({"id": "abc"})
    first.note([("loss", 10)])
    first.note([("loss", 20), ("samples", 20)])
    assert first.is_new("loss", 20)  # several findings of one step have one name

    second = Record(run, "wandb")
    assert second.tracked == {"id": "abc"}
    assert not second.is_new("loss", 20)
    assert second.is_new("loss", 21)
    assert second.is_new("eval/score", 0)
    second.note([("loss", 15)])
    assert not Record(run, "wandb").is_new("loss", 20)


def test_a_copy_has_no_tracked_run(run, tmp_path, caplog):
    caplog.set_level("INFO")
    copy = Run(shutil.copytree(run.directory, tmp_path / "copy"))
    record = record_of_training(copy, "wandb")
    assert record.tracked == {}
    assert record.is_new("loss", 20)
    assert f"{copy.directory} is a copy of {run.directory.resolve()}" in caplog.text
    record.begin({"id": "new"})
    assert Record(copy, "wandb").tracked == {"id": "new"}
    assert Record(run, "wandb").tracked == {"id": "abc"}


def test_a_run_that_was_moved_keeps_its_tracked_run(run, tmp_path, caplog):
    caplog.set_level("INFO")
    moved = Run(shutil.move(run.directory, tmp_path / "moved"))
    record = record_of_training(moved, "wandb")
    assert record.tracked == {"id": "abc"}
    assert not record.is_new("loss", 20)
    assert "goes on in the same tracked run of wandb" in caplog.text
    assert Record(moved, "wandb").moved_from is None  # said once


def test_a_run_that_a_link_leads_to_is_the_same_one(run, tmp_path, caplog):
    caplog.set_level("INFO")
    (tmp_path / "link").symlink_to(run.directory)
    assert record_of_training(Run(tmp_path / "link"), "wandb").tracked == {"id": "abc"}
    assert not caplog.messages


def test_another_run_in_the_old_place_is_not_the_original(run, tmp_path):
    moved = Run(shutil.move(run.directory, tmp_path / "moved"))
    Record(run, "wandb").begin({"id": "another"})
    assert Record(moved, "wandb").tracked == {"id": "abc"}


@pytest.mark.parametrize(
    "content",
    ["", "[]", '{"run": {}, "directory": 3, "logged": {}}', '{"run": {}, "directory": "a"}'],
)
def test_a_damaged_file_is_a_sentence(run, content):
    Record(run, "wandb").path.write_text(content)
    with pytest.raises(RunError, match="restore it, or remove it to begin a new one"):
        Record(run, "wandb")


def test_a_damaged_original_is_none(run, tmp_path):
    copy = Run(shutil.copytree(run.directory, tmp_path / "copy"))
    Record(run, "wandb").path.write_text(json.dumps([]))
    assert Record(copy, "wandb").moved_from == run.directory.resolve()
