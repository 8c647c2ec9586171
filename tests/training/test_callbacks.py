import json
import math
import signal
from types import SimpleNamespace

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util import tensor_util

from cyclegan_keras.cli.console import Interruption
from cyclegan_keras.distribution.team import ResetMeans
from cyclegan_keras.files.errors import WriteError
from cyclegan_keras.runs.run import Run
from cyclegan_keras.tracking.tensorboard import TensorBoard
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
def board(run):
    with TensorBoard(run.tensorboard) as board:
        yield board


def metrics(run, board, *, every, steps_per_epoch=9, last_step=100):
    return callbacks.Metrics(
        run,
        board,
        every=every,
        batch_size=3,
        steps_per_epoch=steps_per_epoch,
        last_step=last_step,
    )


def rows_of(run):
    return [json.loads(line) for line in (run.directory / "metrics.jsonl").read_text().splitlines()]


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


def test_metrics_are_written_and_reset_at_every_interval(run, board, model):
    callback = begin(metrics(run, board, every=2, steps_per_epoch=3), model)
    for value in (1.0, 2.0, 3.0, 4.0):
        advance(callback, model, cycle_x=value)
    rows = rows_of(run)
    assert [(row["step"], row["epoch"], row["cycle_x"]) for row in rows] == [(2, 1, 2), (4, 2, 4)]
    assert all(row["images_per_second"] > 0 for row in rows)
    assert model.resets == 2


def test_preparing_the_first_step_does_not_count_as_speed(run, board, model, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(callbacks, "time", SimpleNamespace(perf_counter=lambda: clock[0]))
    model.step = 6  # of a run that is continued
    callback = begin(metrics(run, board, every=4), model)
    for seconds in (100, 1):
        clock[0] += seconds
        advance(callback, model)
    assert [(row["step"], row["images_per_second"]) for row in rows_of(run)] == [(8, 3.0)]


def test_an_interval_that_several_steps_at_once_pass_over_is_written_once(run, board, model):
    callback = begin(metrics(run, board, every=4), model)
    for _ in range(3):
        advance(callback, model, steps=3)
    assert [row["step"] for row in rows_of(run)] == [6, 9]


def test_the_last_step_has_a_row_whatever_the_interval(run, board, model):
    callback = begin(metrics(run, board, every=50, last_step=3), model)
    for value in (1.0, 2.0, 3.0):
        advance(callback, model, cycle_x=value)
    (row,) = rows_of(run)
    assert (row["step"], row["cycle_x"]) == (3, 3)
    assert row["generator_optimizer/learning_rate"] == 0.1


@pytest.mark.parametrize("last_step", [3, 4, 5])
def test_workers_without_metrics_reset_their_means_at_the_same_steps(run, board, last_step):
    """A reset takes part in the exchange between workers, so that one alone would stop them all."""
    resets = []
    for callback in (metrics(run, board, every=2, last_step=last_step), ResetMeans(2)):
        model = Model()
        begin(callback, model)
        counts = []
        for _ in range(last_step):
            advance(callback, model)
            counts.append(model.resets)
        resets.append(counts)
    assert resets[0] == resets[1]


def test_a_run_that_is_stopped_and_continued_has_the_rows_of_one_that_is_not(run, board, model):
    callback = begin(metrics(run, board, every=4, last_step=6), model)
    advance(callback, model, steps=1)
    callback.on_train_end()  # stopped
    assert not (run.directory / "metrics.jsonl").exists()
    callback = begin(metrics(run, board, every=4, last_step=6), model)
    for _ in range(5):
        advance(callback, model)
    assert [row["step"] for row in rows_of(run)] == [4, 6]


def test_numbers_that_json_lacks_are_null(run):
    run.append_metrics({"step": 5, "PSNR": math.inf, "L1": 0.5})
    run.append_check({"step": 5, "G/contrast": math.nan, "findings": []})
    for name in ("metrics.jsonl", "doctor.jsonl"):
        line = (run.directory / name).read_text()
        json.loads(line, parse_constant=pytest.fail)
    assert rows_of(run) == [{"step": 5, "PSNR": None, "L1": 0.5}]


def test_tensorboard_shows_all_that_a_training_writes_while_it_is_written(run, board, model):
    """It reads one file after the other: what comes late in an earlier one it would never show."""
    pictures = {name: np.zeros((1, 8, 8, 3), "float32") for name in "xy"}
    writers = [
        begin(metrics(run, board, every=1), model),
        begin(callbacks.Samples(run, board, every=1, pictures=pictures), model),
    ]
    reader = EventAccumulator(str(run.tensorboard))
    for step in (1, 2, 3):
        model.step = step
        for writer in writers:
            writer.on_train_batch_begin(0)
            writer.on_train_batch_end(0, {"cycle_x": 10.0 * step})
        reader.Reload()
    assert len(list(run.tensorboard.iterdir())) == 1
    assert set(reader.Tags()["tensors"]) == {
        "cycle_x",
        "images_per_second",
        "generator_optimizer/learning_rate",
        "samples",
    }
    curve = [
        (event.step, float(tensor_util.make_ndarray(event.tensor_proto)))
        for event in reader.Tensors("cycle_x")
    ]
    assert curve == [(1, 10), (2, 20), (3, 30)]
    images = reader.Tensors("samples")
    assert [event.step for event in images] == [0, 1, 2, 3]
    assert images[-1].tensor_proto.string_val[2].startswith(b"\x89PNG")


def test_nothing_to_show_makes_no_file(run):
    with TensorBoard(run.tensorboard):
        pass
    assert list(run.tensorboard.iterdir()) == []


def test_a_disk_that_fills_up_ends_the_training(run, board, limited_file_size):
    board.scalars(1, {"a": 1.0})
    (path,) = run.tensorboard.iterdir()
    sentence = f"^Cannot write to {run.tensorboard}: File too large"
    with limited_file_size(path.stat().st_size), pytest.raises(WriteError, match=sentence):
        board.scalars(2, {"a": 1.0})


def test_samples_are_drawn_at_the_start_every_interval_and_the_end(run, board, model):
    pictures = {name: np.zeros((1, 8, 8, 3), "float32") for name in "xy"}
    callback = begin(callbacks.Samples(run, board, every=2, pictures=pictures), model)
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
    with pytest.raises(WriteError, match=r"step_000000004.*No space left"):
        advance(callback, model)
    assert run.snapshot_steps() == [2]
    contents = {path.name: path.read_text() for path in run.snapshot(2).iterdir()}
    assert contents == {"generator_g.keras": "x_to_y 3", "generator_f.keras": "y_to_x 4"}
    assert [path.name for path in run.snapshots.iterdir()] == ["step_000000002"]
