"""What wandb's own files hold afterwards, written offline."""

import numpy as np
import pytest
from optional import optional
from tracked_runs import from_wandb, wait_for_exit, wandb_files

from cyclegan_keras.files.errors import OptionError
from cyclegan_keras.runs.run import Run
from cyclegan_keras.tracking.opening import open_for_evaluation, open_trackers, try_out
from cyclegan_keras.tracking.record import record_path

pytestmark = [pytest.mark.slow, pytest.mark.process]  # wandb logs by a process of its own

PICTURE = np.full((4, 6, 3), 200, "uint8")
VARIABLES = ("API_KEY", "DIR", "ENTITY", "MODE", "NAME", "PROJECT", "RUN_ID")


@pytest.fixture
def run(tmp_path, monkeypatch):
    optional("wandb")
    for name in VARIABLES:
        monkeypatch.delenv(f"WANDB_{name}", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))  # without the login of whoever runs the tests
    monkeypatch.setenv("WANDB_MODE", "offline")
    run = Run(tmp_path / "photos")
    run.create()
    return run


def test_a_continued_run_is_one_run_of_wandb_without_repeated_steps(run, monkeypatch, caplog):
    with open_trackers(["wandb"], run) as tracker:
        tracker.options({"learning_rate": 0.1, "crop_size": None})
        tracker.facts({"versions": {"keras": "3.0"}})
        tracker.image(0, "samples", PICTURE)
        tracker.scalars(2, {"cycle_x": 0.5, "eval/x_to_y/L1 to the truth": 7.0})
        tracker.scalars(4, {"cycle_x": 0.25})
        tracker.text(4, "doctor", "G <inverts>.")
    with open_trackers(["wandb"], run) as tracker:  # from a checkpoint of step 2
        tracker.options({"learning_rate": 0.2, "crop_size": None})
        tracker.scalars(4, {"cycle_x": 0.25})
        tracker.image(4, "samples", PICTURE)
        tracker.scalars(6, {"cycle_x": 0.125})
    with open_for_evaluation(run) as tracker:
        tracker.scalars(2, {"test/x_to_y/KID": 3.0})

    files = wandb_files(run.directory)
    assert len(files) == 3
    for file in files:
        wait_for_exit(file)
    found = from_wandb(run.directory)
    assert found.points == {
        "cycle_x": [(2, 0.5), (4, 0.25), (6, 0.125)],
        "eval/x_to_y/L1 to the truth": [(2, 7.0)],
        "test/x_to_y/KID": [(2, 3.0)],
    }
    assert found.pictures == {"samples": [0, 4], "doctor": [4]}
    assert found.options["learning_rate"] == 0.2
    assert found.options["crop_size"] is None
    assert found.options["facts"] == {"versions": {"keras": "3.0"}}
    assert found.status == 0
    # ---- without the server, a run that is continued goes on all the same ----
    monkeypatch.setenv("WANDB_MODE", "online")
    with open_trackers(["wandb"], run) as tracker:
        tracker.scalars(8, {"cycle_x": 0.5})
    assert "--tracker=wandb cannot be used" in caplog.text
    assert "The training goes on without it" in caplog.text
    (page,) = run.directory.glob("wandb/*/files/media/html/doctor*.html")
    assert "G &lt;inverts&gt;." in page.read_text()


def test_without_an_api_key_the_sentence_says_what_to_do(run, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "online")
    words = r"--tracker=wandb cannot be used: .*WANDB_MODE=offline"
    with pytest.raises(OptionError, match=words) as refusal:
        open_trackers(["tensorboard", "wandb"], run)
    assert str(refusal.value).count("wandb login") == 1
    optional("wandb").teardown()  # so that it reads its variables anew, as in a new process
    with pytest.raises(OptionError, match=words):
        try_out(["tensorboard", "wandb"])
    assert not record_path(run.directory, "wandb").exists()


def test_a_run_that_a_signal_ends_is_marked_as_wandb_does(run):
    with open_trackers(["wandb"], run) as tracker:
        tracker.interrupted()
    (file,) = wandb_files(run.directory)
    wait_for_exit(file)
    assert from_wandb(run.directory).status == 255


def test_disabled_by_its_variable_wandb_keeps_nothing(run, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "disabled")
    with open_trackers(["wandb"], run) as tracker:
        tracker.scalars(2, {"cycle_x": 0.5})
        tracker.image(2, "samples", PICTURE)
    assert not wandb_files(run.directory)
