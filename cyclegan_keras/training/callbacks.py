"""What happens between training steps: checkpoints, metrics, samples, a clean end."""

import math
import time
from collections.abc import Iterable, Mapping

import keras
import numpy as np
from absl import logging
from keras import ops

from cyclegan_keras.cli.console import Interruption
from cyclegan_keras.files.atomic import atomic_write
from cyclegan_keras.files.errors import NonFiniteLossError, SaveError, WriteError
from cyclegan_keras.images.form import Form
from cyclegan_keras.runs.networks import save_snapshot
from cyclegan_keras.runs.run import Run
from cyclegan_keras.tracking.tracker import Tracker
from cyclegan_keras.training.sample_grid import sample_grid, to_png


class StepCallback(keras.callbacks.Callback):
    """A callback that knows the step of the whole run, not only that of the current epoch.

    Attributes:
        step: finished steps of the run.
        writes: whether it writes files or messages. Where several processes train together, such a
            callback is for one of them.
    """

    step = 0
    writes = True
    has_begun = False

    def on_train_begin(self, logs=None):
        self.step = self.model.step
        self.has_begun = True

    def on_train_batch_end(self, batch, logs=None):
        before, self.step = self.step, self.model.step
        self.after_step(before, logs or {})

    def after_step(self, before: int, logs: dict) -> None:
        """Is called when the steps from `before + 1` to `self.step` are done.

        Args:
            before: finished steps before.
            logs: means of the terms, by name.
        """

    def crossed(self, before: int, every: int) -> bool:
        """Returns whether a multiple of `every` is among the steps just done."""
        return self.step // every > before // every


def end(callbacks: Iterable[StepCallback]) -> None:
    """Ends a training that an error has left between two steps, as if it were asked to stop."""
    for callback in callbacks:
        if callback.has_begun:
            callback.on_train_end()


class StopOnNonFinite(StepCallback):
    """Raises NonFiniteLossError at the step whose loss is NaN or infinite."""

    writes = False

    def __init__(self, run: Run):
        super().__init__()
        self.run = run

    def after_step(self, before, logs):
        not_finite = [name for name, value in logs.items() if not math.isfinite(float(value))]
        if not_finite:
            raise _non_finite(", ".join(not_finite), self.step, self.run)


class StopOnInterruption(StepCallback):
    """Ends the training after the current step when a signal has arrived.

    Args:
        interruption: catches the signals.
    """

    writes = False

    def __init__(self, interruption: Interruption):
        super().__init__()
        self.interruption = interruption

    def after_step(self, before, logs):
        if self.interruption.requested():
            self.model.stop_training = True


class Checkpoints(StepCallback):
    """Saves the exact state every `minutes` and at the end.

    Raises:
        NonFiniteLossError: a weight is NaN or infinite; it is not saved then.
    """

    def __init__(self, run: Run, minutes: float):
        super().__init__()
        self.run, self.minutes = run, minutes
        self.saved_step: int | None = None  # None before the training begins

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        self.saved_step, self.saved_time = self.step, time.monotonic()

    def after_step(self, before, logs):
        if time.monotonic() - self.saved_time >= self.minutes * 60:
            self.save()

    def on_train_end(self, logs=None):
        if self.saved_step != self.step:
            self.save()

    def rescue(self, *, is_whole: bool) -> str:
        """Saves what can be saved after a failure; returns a sentence that says what is saved.

        Args:
            is_whole: whether the state is that of a finished step.
        """
        if not is_whole:
            return f"A step was under way, so its state is not saved. {self.run.what_is_saved()}"
        if self.saved_step is None:  # nothing is trained yet, or another process saves
            return self.run.what_is_saved()
        self.step = self.model.step
        if self.step != self.saved_step:
            try:
                self.save()
            except NonFiniteLossError as error:
                return f"Nor can the state be saved: {error}"
            except (SaveError, WriteError):
                return f"Nor can the state be saved there. {self.run.what_is_saved()}"
        return f"{self.run.what_is_saved()} The same command continues from there."

    def save(self) -> None:
        """Writes the checkpoint of the current step, unless a weight is NaN or infinite."""
        state = {}
        for name, variable in self.model.state().items():
            state[name] = ops.convert_to_numpy(variable)
        not_finite = [name for name, value in state.items() if not np.isfinite(value).all()]
        if not_finite:
            raise _non_finite(f"The weights {', '.join(not_finite[:3])}", self.step, self.run)
        path = self.run.save(self.step, state)
        self.saved_step, self.saved_time = self.step, time.monotonic()
        logging.info("Saved %s", path)


class Snapshots(StepCallback):
    """Keeps the generators as they are every `every` steps, in a folder for each step.

    Raises:
        WriteError: the disk is full or not writable.
    """

    def __init__(self, run: Run, every: int):
        super().__init__()
        self.run, self.every = run, every

    def after_step(self, before, logs):
        if self.crossed(before, self.every):
            logging.info("Kept %s", save_snapshot(self.model, self.run))


class Metrics(StepCallback):
    """Writes the means of the terms over the last `every` steps to metrics.jsonl and TensorBoard.

    The last step has a row too, so that a run shorter than `every` steps leaves one. A run that is
    stopped before has none of the step at which it stopped: continued, it ends with the same rows.

    The time of the first step, which prepares the others, counts only where it has a row itself.

    Args:
        run: keeps the metrics.
        tracker: gets the same numbers.
        every: steps between two rows.
        batch_size: pictures of each domain in a step.
        steps_per_epoch: steps in an epoch.
        last_step: of the run.
    """

    def __init__(
        self,
        run: Run,
        tracker: Tracker,
        *,
        every: int,
        batch_size: int,
        steps_per_epoch: int,
        last_step: int,
    ):
        super().__init__()
        self.run, self.tracker, self.every = run, tracker, every
        self.batch_size, self.steps_per_epoch = batch_size, steps_per_epoch
        self.last_step = last_step

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        self.rates: dict[str, float] = {}
        self.first_step = self.step
        self.logged_step, self.logged_time = self.step, time.perf_counter()

    def on_train_batch_begin(self, batch, logs=None):
        step = self.step + 1
        if not self.rates or step % self.every == 0 or step == self.last_step:
            self.rates = self.model.learning_rates()  # afterwards they would be the next step's

    def after_step(self, before, logs):
        if not self.crossed(before, self.every) and self.step != self.last_step:
            if before == self.first_step:  # it prepares the others, which says nothing of them
                self.logged_step, self.logged_time = self.step, time.perf_counter()
            return
        seconds = time.perf_counter() - self.logged_time
        row = {
            "step": self.step,
            "epoch": (self.step - 1) // self.steps_per_epoch + 1,
            "images_per_second": self.batch_size * (self.step - self.logged_step) / seconds,
        }
        row.update(self.rates)
        for name, value in logs.items():
            row[name] = float(value)
        self.run.append_metrics(row)
        curves = {name: value for name, value in row.items() if name not in ("step", "epoch")}
        self.tracker.scalars(self.step, curves)
        if self.crossed(before, self.every):  # the steps at which other workers reset theirs
            self.model.reset_metrics()
        self.logged_step, self.logged_time = self.step, time.perf_counter()


class Samples(StepCallback):
    """Writes translations of the same test pictures every `every` steps and at the end.

    Args:
        run: keeps the pictures in its folder samples/.
        tracker: gets the same pictures.
        every: steps between two grids; there is one before the first step too.
        pictures: {"x", "y"}, each (n, height, width, channels) in [-1, 1].
        forms: {"x", "y"}, what their numbers mean; see `sample_grid`.
    """

    def __init__(
        self,
        run: Run,
        tracker: Tracker,
        *,
        every: int,
        pictures: dict,
        forms: Mapping[str, Form] | None = None,
    ):
        super().__init__()
        self.run, self.tracker = run, tracker
        self.every, self.pictures, self.forms = every, pictures, forms
        self.drawn_step: int | None = None

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        if self.step == 0:
            self.draw()

    def after_step(self, before, logs):
        if self.crossed(before, self.every):
            self.draw()

    def on_train_end(self, logs=None):
        if self.drawn_step != self.step:
            self.draw()

    def draw(self) -> None:
        """Writes samples/step_<step>.png and the same grid to TensorBoard."""
        grid = self.grid()
        with atomic_write(self.run.samples / f"step_{self.step:09d}.png") as temporary:
            temporary.write_bytes(to_png(grid))
        self.tracker.image(self.step, "samples", grid)
        self.drawn_step = self.step

    def grid(self) -> np.ndarray:
        """Returns the grid, uint8 (height, width, 3)."""
        return sample_grid(self.model, self.pictures, self.forms)


def _non_finite(what: str, step: int, run: Run) -> NonFiniteLossError:
    saved_step = run.last_step()
    if saved_step:
        saved = f"The last good checkpoint is that of step {saved_step}."
    else:
        saved = "No checkpoint exists yet."
    return NonFiniteLossError(
        f"{what} became NaN or infinite at step {step}. {saved} Try a lower --learning_rate in a "
        "new --run_dir, or bfloat16 instead of --mixed_precision=float16."
    )
