import json
import pathlib

import numpy as np
import pytest
from absl import logging

from cyclegan_keras.files.errors import RunError, SaveError
from cyclegan_keras.runs.run import Run

STATE = {"net/000/kernel": np.arange(6, dtype="float32").reshape(2, 3), "step": np.array(7)}
SHAPES = {name: value.shape for name, value in STATE.items()}


@pytest.fixture
def run(tmp_path):
    run = Run(tmp_path / "run", keep_checkpoints=2)
    run.create()
    run.save_options({"seed": 1})
    return run


def shifted(by):
    return {name: value + by for name, value in STATE.items()}


def test_checkpoints_round_trip_bit_for_bit(run):
    run.save(7, STATE)
    step, state = run.restore(SHAPES)
    assert step == 7
    for name, value in STATE.items():
        assert state[name].dtype == value.dtype
        np.testing.assert_array_equal(state[name], value)


def test_only_the_newest_are_kept(run):
    for step in (1, 2, 3):
        run.save(step, STATE)
    assert [path.name for path in sorted(run.checkpoints.iterdir())] == [
        "step_000000002.npz",
        "step_000000003.npz",
    ]
    assert run.last_step() == 3


def test_new_run_has_nothing_to_restore(run):
    assert run.restore(SHAPES) is None
    assert run.last_step() == 0


@pytest.mark.parametrize("keep", [0.0, 0.3, 0.9])
def test_truncated_checkpoint_is_refused_and_the_one_before_is_used(run, keep, caplog):
    run.save(1, shifted(1))
    path = run.save(2, shifted(2))
    path.write_bytes(path.read_bytes()[: int(keep * path.stat().st_size)])
    step, state = run.restore(SHAPES)
    assert step == 1
    np.testing.assert_array_equal(state["step"], 8)
    assert f"{path} is refused" in caplog.text


def test_one_flipped_bit_is_noticed(run):
    run.save(1, STATE)
    path = run.save(2, STATE)
    content = bytearray(path.read_bytes())
    at = content.index(STATE["net/000/kernel"].tobytes())
    content[at + 5] ^= 1
    path.write_bytes(content)
    assert run.restore(SHAPES)[0] == 1


def test_no_flipped_bit_gives_a_traceback_or_another_state(run):
    run.save(1, shifted(1))
    path = run.save(2, STATE)
    content = path.read_bytes()
    for at in range(len(content)):
        path.with_suffix(".refused").unlink(missing_ok=True)
        damaged = bytearray(content)
        damaged[at] ^= 1 << at % 8
        path.write_bytes(damaged)
        step, state = run.restore(SHAPES)
        for name, value in {1: shifted(1), 2: STATE}[step].items():
            np.testing.assert_array_equal(state[name], value)


def test_refused_checkpoints_are_set_aside_and_later_ones_kept(run):
    run = Run(run.directory, keep_checkpoints=1)
    run.save(1, STATE)
    torn = run.checkpoints / "step_000000009.npz"
    torn.write_bytes(b"torn")
    assert run.restore(SHAPES)[0] == 1
    assert run.last_step() == 1
    path = run.save(5, STATE)
    assert path.exists()
    assert torn.with_suffix(".refused").exists()


def test_newest_state_asks_for_nothing(run):
    with pytest.raises(RunError, match="holds no checkpoint"):
        run.newest_state()
    run.save(1, {"a": np.arange(3)})
    run.save(2, {"b": np.arange(4)})
    step, state = run.newest_state()
    assert step == 2
    np.testing.assert_array_equal(state["b"], np.arange(4))
    (run.checkpoints / "step_000000003.npz").write_bytes(b"torn")
    with pytest.raises(RunError, match=r"step_000000003\.npz cannot be read"):
        run.newest_state()


def test_half_written_checkpoints_of_a_killed_process_are_removed(run):
    partial = run.checkpoints / ".step_000000003.partial.npz"
    partial.write_bytes(b"half")
    with run.locked():
        assert not partial.exists()


def test_options_that_are_no_mapping_are_a_sentence(run):
    (run.directory / "options.json").write_text("[]")
    with pytest.raises(RunError, match="holds no options"):
        run.saved_options()


@pytest.mark.parametrize(
    "expected",
    [{**SHAPES, "net/001/bias": (3,)}, {**SHAPES, "step": (1,)}, {"step": ()}],
    ids=["missing", "other shape", "superfluous"],
)
def test_foreign_checkpoint_is_refused(run, expected, caplog):
    run.save(1, STATE)
    with pytest.raises(RunError, match="None of the 1 checkpoints"):
        run.restore(expected)
    assert "belongs to another model" in caplog.text


def test_other_npz_is_not_a_checkpoint(run, caplog):
    np.savez(run.checkpoints / "step_000000005.npz", a=1)
    with pytest.raises(RunError):
        run.restore(SHAPES)
    assert "not a checkpoint of this program" in caplog.text


@pytest.mark.skipif(not pathlib.Path("/dev/full").exists(), reason="needs /dev/full")
def test_full_disk_leaves_the_last_checkpoint(run):
    good = run.save(1, STATE)
    temporary = run.checkpoints / ".step_000000002.partial.npz"
    temporary.symlink_to("/dev/full")  # every write there fails as on a full disk
    with pytest.raises(SaveError, match=r"No space left.*step_000000001.npz"):
        run.save(2, STATE)
    assert not temporary.exists()
    assert run.restore(SHAPES)[0] == 1
    assert list(run.checkpoints.iterdir()) == [good]


def test_options_are_saved_and_read(run):
    assert run.saved_options() == {"seed": 1}
    assert Run(run.directory / "other").saved_options() == {}


def test_broken_options_file_is_a_sentence(run):
    (run.directory / "options.json").write_text("{")
    with pytest.raises(RunError, match="not valid JSON"):
        run.saved_options()


def test_a_directory_with_other_files_is_not_taken_over(tmp_path):
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(RunError, match="is not a run"):
        Run(tmp_path).create()
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_unwritable_directory_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="Cannot write the run directory"):
        Run(tmp_path / "file" / "run").create()


def test_metrics_of_steps_to_be_repeated_are_forgotten(run):
    for step in (10, 20, 30):
        run.append_metrics({"step": step, "cycle_x": 0.5})
    path = run.directory / "metrics.jsonl"
    path.write_text(path.read_text() + '{"step": 40, "cyc')  # torn by a kill
    run.forget_metrics_after(20)
    assert [json.loads(line)["step"] for line in path.read_text().splitlines()] == [10, 20]


def test_checks_are_read_back_and_forgotten_like_metrics(run):
    assert run.checks() == []
    rows = [{"step": step, "G/change": 0.5, "findings": []} for step in (10, 20, 30)]
    for row in rows:
        run.append_check(row)
    assert run.checks() == rows
    run.forget_metrics_after(20)
    assert run.checks() == rows[:2]


def test_a_second_process_is_kept_out(run):
    with run.locked():
        second = Run(run.directory)
        with pytest.raises(RunError, match=r"Another process.*--run_dir"), second.locked():
            pass
    with Run(run.directory).locked():
        pass


def facts(count, digest):
    data = {"name": "horses", "trainA": {"count": count, "sha256": digest}}
    return {"domains": ["horse", "zebra"], "data": data}


def test_changed_pictures_are_named_in_a_warning(run, caplog):
    with caplog.at_level(logging.WARNING):
        run.note_facts(facts(3, "a"))
        run.note_facts(facts(3, "a"))
        assert not caplog.records
        run.note_facts(facts(4, "b"))
    assert "trainA had 3 and now has 4" in caplog.text
    assert run.saved_facts()["data"]["trainA"]["count"] == 4
    assert "keras" in run.saved_facts()["versions"]
