"""What a training does where the machine fails: a full disk, too little memory, no main thread."""

import concurrent.futures
import dataclasses
import os
import pty
import signal
import subprocess
import sys
import time

import pytest
import tensorflow as tf
from conftest import ROOT
from tiny_options import PONIES

from cyclegan_keras.commands import train
from cyclegan_keras.files.errors import LostPicturesError
from cyclegan_keras.files.names import printable
from cyclegan_keras.planning import less_memory
from cyclegan_keras.planning.advice import PlannedTraining
from cyclegan_keras.runs.run import Run
from cyclegan_keras.training.cyclegan import CycleGAN
from pipelines.data import Data

pytestmark = pytest.mark.slow

TINY = (
    *PONIES,
    "--steps_per_epoch=2",
    "--n_epochs_decay=0",
    "--doctor=off",
    "--sample_count=1",
    "--checkpoint_minutes=100",
)


# Not every system takes such a name.
NO_UTF8 = "caf\udce9" if sys.platform == "linux" else "run"


@pytest.fixture(scope="module", autouse=True)
def without_graphs(without_blocks):
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    """A run of one epoch, trained in a thread, that all tests of this module go on with."""
    folder = tmp_path_factory.mktemp("failures") / NO_UTF8
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        assert pool.submit(train_on, folder).result() == 0
    assert Run(folder).last_step() == 2
    return folder


def train_on(run_dir, *words):
    """Trains for one more epoch; returns the exit code."""
    epochs = Run(run_dir).last_step() // 2 + 1
    return train.main(["train.py", *TINY, f"--run_dir={run_dir}", f"--n_epochs={epochs}", *words])


def last_good(run_dir, step):
    path = run_dir / "checkpoints" / f"step_{step:09d}.npz"
    assert path.exists()
    return printable(f"The last good checkpoint is {path}.")


@pytest.mark.skipif(sys.platform != "linux", reason="/proc takes no files, even of root")
@pytest.mark.parametrize(
    ("folder", "flag", "written"),
    [
        ("tensorboard", "--log_every=1", "tensorboard"),
        ("snapshots", "--snapshot_every=1", "snapshots/step_{step:09d}"),
    ],
)
def test_what_cannot_be_written_ends_the_training_with_its_state(
    run_dir, folder, flag, written, tmp_path, capsys
):
    step = Run(run_dir).last_step() + 1
    (run_dir / folder).mkdir(exist_ok=True)
    (run_dir / folder).rename(tmp_path / "away")
    (run_dir / folder).symlink_to("/proc/self")
    try:
        assert train_on(run_dir, flag) == 1
    finally:
        (run_dir / folder).unlink()
        (tmp_path / "away").rename(run_dir / folder)
    sentence = capsys.readouterr().err.splitlines()[-1]
    assert sentence == (
        f"train.py: Cannot write to {printable(str(run_dir))}/{written.format(step=step)}: No such "
        "file or directory. See "
        f"whether its folder is still there. {last_good(run_dir, step)} The same command "
        "continues from there."
    )


@pytest.fixture
def lost_later_pictures(monkeypatch):
    """Pictures of later steps could not be read by a thread that reads ahead."""
    real = Data.train

    def train(self, *arguments, **keywords):
        self.patience.end(LostPicturesError("1.png is gone."))
        return real(self, *arguments, **keywords)

    monkeypatch.setattr(Data, "train", train)


def step_that_fails(monkeypatch, error):
    """A step may have updated the generators when it fails at the discriminators."""
    real = CycleGAN.train_step

    def train_step(self, batch):
        real(self, batch)
        raise error

    monkeypatch.setattr(CycleGAN, "train_step", train_step)


@pytest.mark.usefixtures("lost_later_pictures")
def test_without_memory_in_a_step_the_last_checkpoint_counts(run_dir, monkeypatch, capsys):
    before = Run(run_dir).last_step()
    error = tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")
    step_that_fails(monkeypatch, error)
    assert train_on(run_dir) == 1
    assert Run(run_dir).last_step() == before
    sentence = capsys.readouterr().err.splitlines()[-1]
    for part in (
        "does not suffice for batches of 1 with 16x16 px. The same training goes on and takes less "
        "with --remat. Another one, in a new --run_dir, takes less with --crop_size=",
        " or --mixed_precision=bfloat16. --plan added to the command measures which of them fit. "
        f"A step was under way, so its state is not saved. {last_good(run_dir, before)}",
    ):
        assert part in sentence


@pytest.mark.usefixtures("lost_later_pictures")
def test_a_step_that_fails_keeps_its_error_and_is_not_saved(run_dir, monkeypatch):
    before = Run(run_dir).last_step()
    step_that_fails(monkeypatch, RuntimeError("a fault of the program"))
    with pytest.raises(RuntimeError, match="a fault of the program"):
        train_on(run_dir)
    assert Run(run_dir).last_step() == before


@pytest.mark.release
def test_without_pictures_and_then_without_memory_the_state_is_saved(
    run_dir, monkeypatch, capsys, caplog
):
    """The second batch cannot be read, and the grid that is drawn at the end fails as well."""
    real = Data.train

    def train(self, *arguments, **keywords):
        def fail(x):
            self.patience.end(LostPicturesError("1.png is gone."))
            raise self.patience.failure

        def lose(batch):
            lost = tf.numpy_function(fail, [batch["x"]], "float32")
            return {**batch, "x": tf.ensure_shape(lost, batch["x"].shape)}

        batches = real(self, *arguments, **keywords)
        return batches.take(1).concatenate(batches.map(lose))

    def translate(self, images, direction="x_to_y"):
        raise MemoryError

    before = Run(run_dir).last_step()
    monkeypatch.setattr(Data, "train", train)
    monkeypatch.setattr(CycleGAN, "translate", translate)
    assert train_on(run_dir) == 1
    assert Run(run_dir).last_step() == before + 1
    sentence = capsys.readouterr().err.splitlines()[-1]
    assert "does not suffice" in sentence
    assert sentence.endswith("The same command continues from there.")
    assert "1.png is gone." in caplog.messages


def test_without_memory_between_steps_the_state_is_saved(run_dir, monkeypatch, capsys):
    def translate(self, images, direction="x_to_y"):
        raise MemoryError

    before = Run(run_dir).last_step()
    monkeypatch.setattr(CycleGAN, "translate", translate)
    assert train_on(run_dir, "--sample_every=1") == 1
    assert Run(run_dir).last_step() == before + 1
    assert capsys.readouterr().err.endswith("The same command continues from there.\n")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"shape": (1, 64, 64)}, ["--remat"]),
        ({"shape": (6, 64, 64)}, ["--accumulate_steps=2", "--remat"]),
        ({"shape": (6, 64, 64), "parts": 2, "remat": True}, ["--accumulate_steps=3"]),
        ({"shape": (1, 64, 64), "remat": True}, []),
    ],
)
def test_what_takes_less_memory(changes, expected):
    training = PlannedTraining(shape=(1, 64, 64), steps_per_epoch=1, epochs=1)
    training = dataclasses.replace(training, **changes)
    assert less_memory.same_training(training, can_remat=True) == expected


CLOSED = """
import os, sys
sys.argv = ["train.py", *sys.argv[1:]]
import cyclegan_commands
sys.exit(cyclegan_commands.train())
"""


@pytest.mark.release
@pytest.mark.process
def test_a_training_whose_terminal_is_closed_saves(tmp_path):
    """The terminal goes away under it: what it prints fails, and SIGHUP arrives."""
    master, slave = pty.openpty()
    words = [*TINY, f"--run_dir={tmp_path / 'run'}", "--n_epochs=9999"]
    trained = subprocess.Popen(
        [sys.executable, "-c", CLOSED, *words],
        cwd=ROOT,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    metrics = tmp_path / "run" / "metrics.jsonl"
    deadline = time.monotonic() + 120
    while not metrics.exists():
        assert trained.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)
    os.close(master)
    trained.send_signal(signal.SIGHUP)
    assert trained.wait(60) == 128 + signal.SIGHUP
    assert Run(tmp_path / "run").last_step() > 0
