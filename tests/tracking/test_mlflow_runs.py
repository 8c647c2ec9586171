"""What a local store of MLflow holds afterwards, by MLflow's own client."""

import functools
import json
import re
import shutil
import signal
import sqlite3
import time

import numpy as np
import pytest
import tensorflow as tf
import tiny_compressions
from optional import optional
from tiny_options import PONIES
from tracked_runs import from_mlflow

from cyclegan_keras.commands import compress, train
from cyclegan_keras.files.errors import OptionError
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.models.table import GENERATORS
from cyclegan_keras.runs.run import Run
from cyclegan_keras.tracking.mlflow_runs import check_file
from cyclegan_keras.tracking.opening import open_for_evaluation, open_trackers
from cyclegan_keras.tracking.record import Record
from cyclegan_keras.training.callbacks import Metrics
from pipelines.sources import demo

pytestmark = pytest.mark.slow  # MLflow makes its tables

TINY = (*PONIES, "--n_epochs=1", "--n_epochs_decay=0", "--steps_per_epoch=2", "--sample_count=1")
PICTURE = np.full((4, 6, 3), 200, "uint8")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    optional("mlflow")
    return f"sqlite:///{tmp_path_factory.mktemp('store')}/mlflow.db"


@pytest.fixture
def run(store, tmp_path, monkeypatch):
    for name in ("RUN_ID", "EXPERIMENT_ID", "EXPERIMENT_NAME"):
        monkeypatch.delenv(f"MLFLOW_{name}", raising=False)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    monkeypatch.chdir(tmp_path)  # where MLflow keeps the pictures of a local store
    run = Run(tmp_path / "photos")
    run.create()
    return run


@pytest.fixture
def shallow(monkeypatch):
    """Two steps of a generator without blocks, which take less time than tracing."""
    small = functools.partial(ResNetGenerator.from_options, n_blocks=0)
    monkeypatch.setitem(GENERATORS, "resnet_3blocks", small)
    monkeypatch.setattr(demo, "TEST_COUNT", 2)
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def test_a_continued_run_is_one_run_of_mlflow_without_repeated_steps(run, store):
    import mlflow

    with open_trackers(["mlflow"], run) as tracker:
        tracker.options({"learning_rate": 0.1, "crop_size": None})
        tracker.facts({"versions": {"keras": "3.0"}})
        tracker.image(0, "samples", PICTURE)
        tracker.scalars(2, {"cycle_x": 0.5, "eval/x_to_y/LPIPS (VGG)": 7.0})
        tracker.scalars(4, {"cycle_x": 0.25})
        tracker.text(4, "doctor", "G inverts.")
        tracker.text(4, "doctor", "G copies.")
    with open_trackers(["mlflow"], run) as tracker:  # from a checkpoint of step 2
        tracker.options({"learning_rate": 0.2, "crop_size": None, "remat": True})
        tracker.facts({"versions": {"keras": "3.1"}})
        tracker.scalars(4, {"cycle_x": 0.25})
        tracker.image(4, "samples", PICTURE)
        tracker.scalars(6, {"cycle_x": float("nan")})
    run_id = Record(run, "mlflow").tracked["id"]
    with open_for_evaluation(run) as tracker:
        tracker.scalars(2, {"test/x_to_y/KID": 3.0})

    found = from_mlflow(store, run_id)
    assert found.points["cycle_x"] == [(2, 0.5), (4, 0.25), (6, pytest.approx(np.nan, nan_ok=True))]
    assert found.points["eval/x_to_y/LPIPS _VGG_"] == [(2, 7.0)]
    assert found.points["test/x_to_y/KID"] == [(2, 3.0)]
    assert found.pictures == {"samples": [0, 4]}
    expected = {
        "learning_rate": "0.1",
        "changed/learning_rate": "0.2",
        "crop_size": "None",
        "remat": "True",
        "facts/versions/keras": "3.1",
        "mlflow.runName": "photos",
    }
    assert expected.items() <= found.options.items()
    assert found.status == "FINISHED"
    client = mlflow.MlflowClient()
    assert client.get_experiment(client.get_run(run_id).info.experiment_id).name == "cyclegan-keras"
    facts = mlflow.artifacts.load_dict(f"runs:/{run_id}/facts.json")
    assert facts == {"versions": {"keras": "3.1"}}
    texts = [
        mlflow.artifacts.load_text(f"runs:/{run_id}/{file.path}")
        for file in client.list_artifacts(run_id, "doctor")
    ]
    assert texts == ["G inverts.\n", "G copies.\n"]


def test_a_training_shows_its_curves_options_and_facts(store, run, tmp_path, shallow):
    folder = tmp_path / "ponies"
    assert train.main(["train.py", *TINY, f"--run_dir={folder}", "--tracker=mlflow"]) == 0
    found = from_mlflow(store, Record(Run(folder), "mlflow").tracked["id"])
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    for name in rows[0].keys() - {"step", "epoch"}:
        assert found.points[name] == [(row["step"], pytest.approx(row[name])) for row in rows]
    assert found.pictures == {"samples": [0, 2]}
    saved = Run(folder).saved_options()
    assert {name: str(value) for name, value in saved.items()}.items() <= found.options.items()
    assert found.options["facts/data/trainA/count"] == "400"
    assert found.status == "FINISHED"
    assert not list((folder / "tensorboard").iterdir())


def test_a_compression_shows_its_curves_options_and_facts(
    store, run, tmp_path, shallow, monkeypatch
):
    tiny_compressions.keep_small(monkeypatch)
    monkeypatch.setattr(compress, "write_results", lambda *arguments: None)
    teacher = tiny_compressions.untrained_ponies(tmp_path / "ponies")
    folder = tmp_path / "small"
    words = (*tiny_compressions.TINY, "--steps=2", "--direction=AtoB", "--tracker=mlflow")
    assert tiny_compressions.run(f"--model={teacher}", f"--run_dir={folder}", *words) == 0
    found = from_mlflow(store, Record(Run(folder), "mlflow").tracked["id"])
    (row,) = map(json.loads, (folder / "metrics.jsonl").read_text().splitlines())
    assert found.points["l1_g"] == [(2, pytest.approx(row["l1_g"]))]
    assert found.pictures == {"samples": [0, 2]}
    assert found.options["shape"] == "4x1"
    assert found.options["facts/compression/steps"] == "2"
    assert found.status == "FINISHED"
    assert not list((folder / "tensorboard").iterdir())


def test_a_run_that_fails_is_marked_so(run, store):
    with pytest.raises(ZeroDivisionError), open_trackers(["mlflow"], run):
        raise ZeroDivisionError
    assert from_mlflow(store, Record(run, "mlflow").tracked["id"]).status == "FAILED"


def test_a_run_that_a_signal_ends_is_marked_so(run, store, tmp_path, shallow, monkeypatch):
    monkeypatch.setattr(
        Metrics, "after_step", lambda *arguments: signal.raise_signal(signal.SIGINT)
    )
    folder = tmp_path / "ponies"
    words = (*TINY, f"--run_dir={folder}", "--tracker=mlflow")
    assert train.main(["train.py", *words]) == 128 + signal.SIGINT
    assert Run(folder).last_step() == 1
    assert from_mlflow(store, Record(Run(folder), "mlflow").tracked["id"]).status == "KILLED"
    with pytest.raises(KeyboardInterrupt), open_trackers(["mlflow"], run):  # the second Ctrl-C
        raise KeyboardInterrupt
    assert from_mlflow(store, Record(run, "mlflow").tracked["id"]).status == "KILLED"


def test_an_evaluation_leaves_a_training_under_way(run, store):
    with open_trackers(["mlflow"], run):
        run_id = Record(run, "mlflow").tracked["id"]
        with open_for_evaluation(run) as tracker:
            tracker.scalars(2, {"test/x_to_y/KID": 3.0})
        assert from_mlflow(store, run_id).status == "RUNNING"


def test_a_run_that_is_gone_ends_no_training_that_is_continued(run, tmp_path, caplog):
    import mlflow

    with open_trackers(["mlflow"], run):
        pass
    run_id = Record(run, "mlflow").tracked["id"]
    mlflow.MlflowClient().delete_run(run_id)
    with open_trackers(["tensorboard", "mlflow"], run) as tracker:
        tracker.scalars(2, {"cycle_x": 0.5})
    assert re.search(
        f"run {run_id} is deleted there.*without that file a new.*goes on without", caplog.text
    )
    assert len(list(run.tensorboard.iterdir())) == 1


def test_a_copy_is_a_run_of_its_own(run, store, tmp_path):
    with open_trackers(["mlflow"], run) as tracker:
        tracker.scalars(2, {"cycle_x": 0.5})
        tracker.about("data/tiny", "3 pictures are tiny.")
    copy = Run(shutil.copytree(run.directory, tmp_path / "copy"))
    with open_for_evaluation(copy) as tracker:
        tracker.scalars(2, {"test/x_to_y/KID": 3.0})
    with open_trackers(["mlflow"], copy) as tracker:
        tracker.scalars(2, {"cycle_x": 0.25})
    found = from_mlflow(store, Record(run, "mlflow").tracked["id"])
    assert found.points == {"cycle_x": [(2, 0.5)]}
    found = from_mlflow(store, Record(copy, "mlflow").tracked["id"])
    assert found.points == {"cycle_x": [(2, 0.25)]}


def test_an_evaluation_is_logged_to_what_is_asked_for(run, store, caplog):
    with open_trackers(["mlflow"], run):
        pass
    with open_for_evaluation(run, []) as tracker:  # --tracker=none
        tracker.scalars(2, {"test/x_to_y/KID": 3.0})
    assert "not logged" not in caplog.text
    with open_for_evaluation(run, ["wandb", "mlflow"]) as tracker:
        tracker.scalars(4, {"test/x_to_y/KID": 3.0})
    found = from_mlflow(store, Record(run, "mlflow").tracked["id"])
    assert found.points == {"test/x_to_y/KID": [(4, 3.0)]}
    assert "not logged to wandb: " in caplog.text
    assert "has no tracked run there: train.py --tracker=wandb begins one" in caplog.text


def test_a_server_that_does_not_answer_is_a_sentence_without_its_password(run, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:secret@127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    words = r"cannot be used with http://127\.0\.0\.1:9: it does not answer\. Set"
    with pytest.raises(OptionError, match=words) as refusal:
        open_trackers(["mlflow"], run)
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("name", ["folder", "no_file"])
def test_a_store_that_cannot_be_written_is_a_sentence_at_once(run, tmp_path, monkeypatch, name):
    (tmp_path / "folder").mkdir()
    (tmp_path / "no_file").symlink_to(tmp_path / "folder" / "none" / "mlflow.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / name}")
    before = time.monotonic()
    with pytest.raises(OptionError, match=r"with sqlite:.*: unable to open database file\. Set"):
        open_trackers(["mlflow"], run)
    assert time.monotonic() - before < 5.0


def test_a_store_that_is_in_use_is_not_refused(tmp_path):
    path = tmp_path / "mlflow.db"
    check_file(f"sqlite:///{path}")
    with sqlite3.connect(path) as other:
        other.execute("BEGIN IMMEDIATE")
        check_file(f"sqlite:///{path}")


def test_a_training_without_its_store_ends_before_its_pictures_are_checked(
    run, tmp_path, shallow, monkeypatch, caplog, capsys
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}")
    words = (*TINY, f"--run_dir={tmp_path / 'ponies'}", "--tracker=mlflow", "--check_data=full")
    assert train.main(["train.py", *words]) == 2
    assert "unable to open database file" in capsys.readouterr().err
    assert "Looked at the pictures" not in caplog.text
    assert not (tmp_path / "ponies").exists()


def test_evaluations_go_on_where_a_tracker_does_not_answer(run, monkeypatch, caplog):
    with open_trackers(["mlflow"], run):
        pass
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with open_for_evaluation(run) as tracker:
        tracker.scalars(2, {"test/x_to_y/KID": 3.0})
    assert "The evaluation is not logged to mlflow: " in caplog.text


def test_the_record_names_the_run_alone(run):
    with open_trackers(["mlflow"], run):
        pass
    content = json.loads(Record(run, "mlflow").path.read_text())
    assert content["run"].keys() == {"id"}
