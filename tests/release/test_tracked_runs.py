"""Trainings that are killed and continued are one run in every tracker."""

import collections
import json
import os
import signal
import subprocess
import sys
import time

import pytest
from conftest import ROOT
from optional import optional
from tiny_options import PONIES
from tracked_runs import from_mlflow, from_wandb, wandb_files

pytestmark = pytest.mark.release

SMALL = """
import functools, os, runpy
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.models.table import GENERATORS
from cyclegan_keras.tracking import wandb_runs
from pipelines.sources import demo

GENERATORS["resnet_3blocks"] = functools.partial(ResNetGenerator.from_options, n_blocks=0)
demo.TEST_COUNT = 6
wandb_runs.FLUSH_SECONDS = 0.5  # wandb loses more in a crash than it usually does
wandb_runs.SETTLE_SECONDS = 1.0  # and the test does not wait for half a minute
runpy.run_path(os.path.join(os.environ["PYTHONPATH"], "train.py"), run_name="__main__")
"""
TINY = (
    *PONIES,
    "--n_epochs_decay=0",
    "--steps_per_epoch=10",
    "--sample_every=10",
    "--sample_count=1",
    "--eval_every=10",
)


def start(run_dir, *words, folder):
    """Starts a training as a process of its own, with its stores in `folder`."""
    environment = {name: value for name, value in os.environ.items() if name[:5] != "WANDB"}
    environment |= {
        "HOME": str(folder),
        "PYTHONPATH": str(ROOT),
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "WANDB_MODE": "offline",
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db",
        "MLFLOW_EXPERIMENT_NAME": "ponies",
    }
    return subprocess.Popen(
        [sys.executable, "-c", SMALL, *TINY, f"--run_dir={run_dir}", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,  # where MLflow keeps the pictures of a local store
        env=environment,
        start_new_session=True,  # so that wandb's own process can be killed with it
    )


def finish(process, code=0):
    out, err = process.communicate(timeout=900)  # only so that a fault does not hang
    assert process.returncode == code, err[-3000:]
    return out, err


def wait_for_step(run_dir, process, step):
    """Waits until the run knows that the trackers have this step."""
    while process.poll() is None:
        steps = [logged(run_dir, name).get("cycle_x", 0) for name in ("wandb", "mlflow")]
        if min(steps) >= step:
            return
        time.sleep(0.01)
    pytest.fail(process.communicate()[1][-3000:])


def logged(run_dir, name):
    try:
        return json.loads((run_dir / "trackers" / f"{name}.json").read_text())["logged"]
    except FileNotFoundError:
        return {}


def once(steps, noted):
    """Returns the steps; only those may be there twice of which the run did not know them there."""
    assert all(count == 1 or step > noted for step, count in collections.Counter(steps).items())
    return sorted(set(steps))


def test_a_run_that_is_killed_and_continued_is_one_run_in_each_tracker(tmp_path):
    optional("wandb"), optional("mlflow")
    run_dir = tmp_path / "ponies"
    # ---- one epoch without these trackers ----
    finish(start(run_dir, "--n_epochs=1", folder=tmp_path))
    # ---- a training that is killed long after its checkpoint ----
    trackers = "--tracker=tensorboard,wandb,mlflow"
    process = start(run_dir, "--n_epochs=10000", trackers, folder=tmp_path)
    wait_for_step(run_dir, process, 30)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    known = {name: logged(run_dir, name) for name in ("wandb", "mlflow")}
    noted = {name: known[name]["cycle_x"] for name in known}
    # ---- one that is stopped by a signal, from the checkpoint of step 10 ----
    process = start(run_dir, "--n_epochs=10000", folder=tmp_path)
    wait_for_step(run_dir, process, max(noted.values()) + 10)
    process.send_signal(signal.SIGTERM)
    out, _ = finish(process, 128 + signal.SIGTERM)
    assert f"Continuing {run_dir} after step 10." in out
    rows = [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]
    losses = {row["step"]: row["cycle_x"] for row in rows if "cycle_x" in row}
    scores = {row["step"]: row["eval/score"] for row in rows if "eval/score" in row}

    # ---- what the trackers hold ----
    run_id = json.loads((run_dir / "trackers" / "mlflow.json").read_text())["run"]["id"]
    in_wandb = from_wandb(run_dir)
    in_mlflow = from_mlflow(f"sqlite:///{tmp_path}/mlflow.db", run_id)
    assert len(wandb_files(run_dir)) == 2
    drawn = [int(path.stem[5:]) for path in sorted((run_dir / "samples").iterdir())]
    for found, name in ((in_wandb, "wandb"), (in_mlflow, "mlflow")):
        step = noted[name]
        scored, pictured = known[name].get("eval/score", 0), known[name].get("samples", 0)
        assert once(found.steps("cycle_x"), step) == [each for each in losses if each > 10]
        assert once(found.steps("eval/score"), scored) == [each for each in scores if each > 10]
        assert once(found.pictures["samples"], pictured) == [each for each in drawn if each > 10]
        later = {each: value for each, value in found.points["cycle_x"] if each > step}
        assert len(later) >= 5
        for each, value in later.items():
            assert value == pytest.approx(losses[each], rel=1e-6)
    assert in_wandb.options["crop_size"] == 16
    assert in_mlflow.options["crop_size"] == "16"
    assert in_wandb.options["facts"]["data"]["trainA"]["count"] == 400
    assert in_mlflow.options["facts/data/trainA/count"] == "400"
    assert (in_wandb.status, in_mlflow.status) == (255, "KILLED")
