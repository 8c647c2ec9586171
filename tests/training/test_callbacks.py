import json
import signal

import numpy as np
import pytest
import tensorflow as tf

from cyclegan_keras.cli.console import Interruption
from cyclegan_keras.files.errors import SaveError
from cyclegan_keras.runs.run import Run
from cyclegan_keras.training import callbacks


class Model:
    """Stands in for a trainer: a step that advances, and state to save."""

    stop_training = False
    translators = ("x_to_y",)
    needs_pairs = False

    def __init__(self):
        self.step = 0
        self.value = 0.0
        self.resets = 0

    def state(self):
        return {"net/000/kernel": np.float32(self.value)}

    def learning_rates(self):
        return {"generator_optimizer/learning_rate": 0.1}

    def reset_metrics(self):
        self.resets += 1

    def translate(self, images, direction):
        return -images


@pytest.fixture
def run(tmp_path):
    run = Run(tmp_path / "run")
    run.create()
    return run


@pytest.fixture
def model():
    return Model()


def begin(callback, model):
    callback.set_model(model)
    callback.on_train_begin()
    return callback


def advance(callback, model, steps=1, **logs):
    callback.on_train_batch_begin(0)
    model.step += steps
    callback.on_train_batch_end(0, logs)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_bad_loss_is_named_with_its_step_and_the_last_checkpoint(run, model, bad):
    callback = begin(callbacks.StopOnNonFinite(run), model)
    advance(callback, model, d_x=1.0)
    with pytest.raises(callbacks.NonFiniteLossError, match=r"d_x became .* at step 2.*No check"):
        advance(callback, model, d_x=bad, d_y=0.0)
    run.save(2, model.state())
    with pytest.raises(callbacks.NonFiniteLossError, match="that of step 2"):
        advance(callback, model, d_x=bad)


def test_checkpoints_are_saved_when_due_and_at_the_end(run, model):
    callback = begin(callbacks.Checkpoints(run, minutes=1e6), model)
    advance(callback, model)
    assert run.last_step() == 0
    callback.minutes = 0
    advance(callback, model)
    assert run.last_step() == 2
    callback.minutes = 1e6
    advance(callback, model)
    callback.on_train_end()
    assert run.last_step() == 3
    callback.on_train_end()  # nothing new
    assert len(list(run.checkpoints.iterdir())) == 2


def test_weights_that_are_not_finite_are_never_saved(run, model):
    callback = begin(callbacks.Checkpoints(run, minutes=0), model)
    advance(callback, model)
    model.value = np.nan
    with pytest.raises(callbacks.NonFiniteLossError, match=r"net/000/kernel .* that of step 1"):
        advance(callback, model)
    assert run.last_step() == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_after_the_step_and_handlers_are_put_back(model, number):
    before = signal.getsignal(number)
    with Interruption("Stopping after this step.") as interruption:
        callback = begin(callbacks.StopOnInterruption(interruption), model)
        advance(callback, model)
        assert not model.stop_training
        signal.raise_signal(number)
        assert not model.stop_training  # in the middle of a step
        advance(callback, model)
        assert model.stop_training
        assert interruption.number == number
        with pytest.raises(KeyboardInterrupt):  # asked twice
            signal.raise_signal(number)
    assert signal.getsignal(number) == before


def test_metrics_are_written_and_reset_at_every_interval(run, model):
    callback = begin(callbacks.Metrics(run, every=2, batch_size=3, steps_per_epoch=3), model)
    for value in (1.0, 2.0, 3.0, 4.0):
        advance(callback, model, cycle_x=value)
    callback.on_train_end()
    rows = [json.loads(line) for line in (run.directory / "metrics.jsonl").read_text().splitlines()]
    assert [(row["step"], row["epoch"], row["cycle_x"]) for row in rows] == [(2, 1, 2), (4, 2, 4)]
    assert all(row["images_per_second"] > 0 for row in rows)
    assert model.resets == 2
    (events,) = run.tensorboard.iterdir()
    tags = {
        value.tag
        for event in tf.compat.v1.train.summary_iterator(str(events))
        for value in event.summary.value
    }
    assert tags == {"cycle_x", "images_per_second", "generator_optimizer/learning_rate"}


def test_an_interval_that_several_steps_at_once_pass_over_is_written_once(run, model):
    callback = begin(callbacks.Metrics(run, every=4, batch_size=1, steps_per_epoch=9), model)
    for _ in range(3):
        advance(callback, model, steps=3)
    rows = [json.loads(line) for line in (run.directory / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [6, 9]


def test_samples_are_drawn_at_the_start_every_interval_and_the_end(run, model):
    pictures = {name: np.zeros((1, 8, 8, 3), "float32") for name in "xy"}
    callback = begin(callbacks.Samples(run, every=2, pictures=pictures), model)
    for _ in range(3):
        advance(callback, model)
    callback.on_train_end()
    assert [path.stem for path in sorted(run.samples.iterdir())] == [
        f"step_00000000{step}" for step in (0, 2, 3)
    ]


def test_snapshots_are_whole_or_not_there(run, model, monkeypatch):
    """Also where one of the same step is there already, of a run that continues from before it."""
    model.translators = {"x_to_y": "generator_g", "y_to_x": "generator_f"}
    written = []

    def save_generator(trainer, run, direction, path):
        written.append(direction)
        if len(written) == 6:
            raise OSError(28, "No space left on device")
        path.write_text(f"{direction} {len(written)}")

    monkeypatch.setattr("cyclegan_keras.runs.networks.save_generator", save_generator)
    callback = begin(callbacks.Snapshots(run, every=2), model)
    advance(callback, model)
    assert not run.snapshots.exists()
    advance(callback, model)
    model.step = 1
    callback.on_train_begin()
    advance(callback, model)
    model.step = 3
    callback.on_train_begin()
    with pytest.raises(SaveError, match=r"step_000000004.*No space left"):
        advance(callback, model)
    assert run.snapshot_steps() == [2]
    contents = {path.name: path.read_text() for path in run.snapshot(2).iterdir()}
    assert contents == {"generator_g.keras": "x_to_y 3", "generator_f.keras": "y_to_x 4"}
    assert [path.name for path in run.snapshots.iterdir()] == ["step_000000002"]
