"""Training under JAX by Grain, in processes in which TensorFlow cannot be imported."""

import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from conftest import ROOT
from optional import optional
from tiny_options import PONIES

from cyclegan_keras.commands import train
from cyclegan_keras.runs.run import Run

pytestmark = [pytest.mark.slow, pytest.mark.process]

TINY = (
    *PONIES,
    "--check_data=off",
    "--steps_per_epoch=4",
    "--n_epochs=1",
    "--n_epochs_decay=0",
    "--sample_count=1",
    "--sample_every=2",
)
PAIRS = ("--dataset=demo/pony_pairs", "--method=pix2pix", "--eval_every=4", "--eval_pictures=4")
# Trains, and is interrupted after the third of four steps; then the same command goes on.
TWICE = """
import os, signal, sys
sys.modules["tensorflow"] = None  # importing it fails, as where it is not installed
import cyclegan_commands
from cyclegan_keras.commands.train import main
from cyclegan_keras.training.callbacks import Metrics

class Interrupting(Metrics):
    def after_step(self, before, logs):
        super().after_step(before, logs)
        if self.step == 3:
            os.kill(os.getpid(), signal.SIGINT)

from cyclegan_keras.training import callbacks
callbacks.Metrics = Interrupting
assert main(sys.argv) == 128 + signal.SIGINT
callbacks.Metrics = Metrics
assert main(sys.argv) == 0
assert not [name for name in sys.modules if name.startswith("tensorflow.")]
"""
# Trains in one go, with batches of either kind.
BY_GRAIN = """
import sys
sys.modules["tensorflow"] = None
import cyclegan_commands
from cyclegan_keras.commands.train import main
sys.exit(main(sys.argv))
"""
BY_TF_DATA = """
import sys
import cyclegan_commands
from cyclegan_keras.commands.train import main
from pipelines import batches_tensorflow, data
data.Data._feeder = lambda self: batches_tensorflow
sys.exit(main(sys.argv))
"""


def run_on_jax(program, run_dir, *words):
    environment = {
        **os.environ,
        "KERAS_BACKEND": "jax",
        "JAX_PLATFORMS": "cpu",
        "JAX_COMPILATION_CACHE_DIR": str(run_dir.parent / "compiled"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        # compiles sooner
        "XLA_FLAGS": "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false",
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        [sys.executable, "-c", program, *TINY, f"--run_dir={run_dir}", *words],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    """A run that was trained without TensorFlow, and interrupted and continued meanwhile."""
    optional("jax")
    optional("grain")
    folder = tmp_path_factory.mktemp("jax") / "run"
    output = run_on_jax(TWICE, folder, *PAIRS)
    assert "Stopped by SIGINT after step 3 of 4" in output
    assert f"Continuing {folder} after step 3." in output
    return folder


def rows(folder):
    """The lines of losses of a run; others are of evaluations."""
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    return [row for row in map(json.loads, lines) if "epoch" in row]


def test_a_run_without_tensorflow_leaves_all_files(run_dir):
    assert Run(run_dir).last_step() == 4
    assert [row["step"] for row in rows(run_dir)] == [2, 4]
    assert (run_dir / "samples" / "step_000000004.png").is_file()
    assert len(list((run_dir / "tensorboard").iterdir())) == 2
    assert json.loads((run_dir / "best" / "best.json").read_text())["step"] == 4
    generator = keras.saving.load_model(run_dir / "generator_g.keras")  # by TensorFlow
    assert np.isfinite(generator(np.zeros((1, 16, 16, 3), "float32"))).all()


@pytest.mark.release
def test_a_run_without_tensorflow_goes_on_with_it_and_back(run_dir, capsys):
    assert train.run(dataset="demo/pony_pairs", run_dir=str(run_dir), n_epochs=2) == 0
    assert f"Continuing {run_dir} after step 4." in capsys.readouterr().out
    run_on_jax(BY_GRAIN, run_dir, *PAIRS, "--n_epochs=3")
    assert [row["step"] for row in rows(run_dir)] == [2, 4, 6, 8, 10, 12]


@pytest.mark.release
@pytest.mark.parametrize("words", [(), ("--batch_size=2", *PAIRS)])
def test_losses_are_the_same_by_grain_and_by_tf_data(run_dir, tmp_path, words):
    run_on_jax(BY_GRAIN, tmp_path / "grain", *words)
    run_on_jax(BY_TF_DATA, tmp_path / "tf_data", *words)
    for row, other in zip(rows(tmp_path / "grain"), rows(tmp_path / "tf_data"), strict=True):
        assert row.pop("images_per_second") > 0
        assert other.pop("images_per_second") > 0
        assert row == other
