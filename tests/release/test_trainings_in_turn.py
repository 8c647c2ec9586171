"""Whole trainings one after the other: none takes anything over but what it is meant to."""

import functools
import json
import os
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from conftest import ROOT

from cyclegan_keras.commands import train
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.models.table import GENERATORS
from cyclegan_keras.runs.run import Run
from cyclegan_keras.training import progress

pytestmark = pytest.mark.release

TINY = {
    "dataset": "demo/ponies",
    "load_size": 18,
    "crop_size": 16,
    "generator": "resnet_3blocks",
    "discriminator": "pixel",
    "ngf": 2,
    "ndf": 2,
    "dropout": True,
    "n_epochs_decay": 0,
    "sample_count": 1,
    "log_every": 1,
    "doctor": "off",
}

# The first training of a process has nothing before it that it could take over.
IN_TURN = f"""
import functools, sys

import tensorflow as tf

from cyclegan_keras.commands import train
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.models.table import GENERATORS
from pipelines.sources import demo

tf.config.optimizer.set_experimental_options({{"disable_meta_optimizer": True}})  # quicker
GENERATORS["resnet_3blocks"] = functools.partial(ResNetGenerator.from_options, n_blocks=0)
demo.TEST_COUNT = 2
tiny = {TINY!r} | dict(n_epochs=1, steps_per_epoch=2)
plain = dict(tiny, seed=3, deterministic=True)
other = dict(tiny, seed=5, mixed_precision="float16", batch_size=2)
assert train.run(**plain, run_dir=sys.argv[1] + "/first") == 0
assert train.run(**other, run_dir=sys.argv[1] + "/other") == 0
assert train.run(**plain, run_dir=sys.argv[1] + "/second") == 0
"""


def rows_of(run_dir):
    """The rows of metrics.jsonl without what no two trainings share."""
    rows = [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]
    for row in rows:
        del row["images_per_second"]
    return rows


def assert_same_run(run_dir, other):
    assert rows_of(run_dir) == rows_of(other)
    state, expected = Run(run_dir).newest_state(), Run(other).newest_state()
    assert state.step == expected.step
    assert state.state.keys() == expected.state.keys()
    for name, value in expected.state.items():
        np.testing.assert_array_equal(state.state[name], value, err_msg=name)


@pytest.mark.process
def test_a_training_after_another_one_equals_the_first_of_a_process(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", IN_TURN, str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "generator_optimizer/001/learning_rate" in Run(tmp_path / "other").newest_state().state
    assert_same_run(tmp_path / "second", tmp_path / "first")


@pytest.fixture
def stop_at(monkeypatch):
    """Returns a function that has the next trainings interrupted after a step; 0 for none.

    Steps are taken without a graph, whose tracing would take longer.
    """
    tf.config.run_functions_eagerly(True)
    after_step = progress.Progress.after_step
    stops = [0]

    def interrupt(self, before, logs):
        after_step(self, before, logs)
        if self.step == stops[0]:
            signal.raise_signal(signal.SIGTERM)

    def choose(step):
        stops[0] = step

    monkeypatch.setattr(progress.Progress, "after_step", interrupt)
    yield choose
    tf.config.run_functions_eagerly(False)


def test_a_changed_learning_rate_outlives_further_interruptions(tmp_path, monkeypatch, stop_at):
    """And so do added epochs: a run of two epochs that is given a third one."""
    shallow = functools.partial(ResNetGenerator.from_options, n_blocks=0)
    monkeypatch.setitem(GENERATORS, "resnet_3blocks", shallow)
    run_dir, other = tmp_path / "run", tmp_path / "other"
    interrupted = 128 + signal.SIGTERM

    stop_at(3)  # within the first epoch
    begun = dict(TINY, seed=3, lr_policy="constant", steps_per_epoch=2, n_epochs=3)
    assert train.run(**begun, run_dir=str(run_dir)) == interrupted
    shutil.copytree(run_dir, other)

    stop_at(0)
    assert train.run(run_dir=str(other), learning_rate=0.01) == 0

    stop_at(4)  # where the rate changes
    assert train.run(run_dir=str(run_dir), learning_rate=0.01) == interrupted
    stop_at(5)
    assert train.run(run_dir=str(run_dir)) == interrupted
    stop_at(0)
    assert train.run(run_dir=str(run_dir)) == 0

    assert_same_run(run_dir, other)
    rates = {row["step"]: row["generator_optimizer/learning_rate"] for row in rows_of(run_dir)}
    np.testing.assert_allclose(list(rates.values()), [2e-4] * 4 + [0.01] * 2)
    assert train.run(run_dir=str(run_dir), n_epochs=4) == 0
    assert Run(run_dir).last_step() == 8
