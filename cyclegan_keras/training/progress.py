"""What a training shows while it runs: the first step's time and memory, then a bar."""

import sys
import time
from collections.abc import Sequence

from absl import logging
from tqdm.auto import tqdm

from cyclegan_keras.training.callbacks import StepCallback
from cyclegan_keras.training.memory import peak_memory

SHOWN = ("generator_loss", "cycle_x", "cycle_y", "d_x", "d_y")


class FirstStep(StepCallback):
    """Logs the time and the peak memory of the first step.

    Later steps take as much memory and less time.
    """

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        self.start_time = time.monotonic()
        self.is_logged = False

    def after_step(self, before, logs):
        if self.is_logged:
            return
        self.is_logged = True
        seconds = time.monotonic() - self.start_time
        peak, owner = peak_memory()
        logging.info(
            "The first step took %.1f s, most of it to prepare; peak memory of %s: %.2f GB.",
            seconds,
            owner,
            peak,
        )


class Progress(StepCallback):
    """A progress bar with images per second, the time left and losses.

    Where the output is not a terminal, it is a line every `line_seconds`.

    Args:
        batch_size: pictures of each domain in a step.
        total_steps: of the training.
        shown: the terms beside the bar, where there are such.
    """

    line_seconds = 30.0

    def __init__(self, batch_size: int, total_steps: int, shown: Sequence[str] = SHOWN):
        super().__init__()
        self.batch_size, self.total_steps, self.shown = batch_size, total_steps, shown
        self.bar: tqdm | None = None

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        is_terminal = sys.stderr.isatty()
        interval = 0.5 if is_terminal else self.line_seconds
        self.bar = tqdm(
            total=self.total_steps * self.batch_size,
            initial=self.step * self.batch_size,
            unit="img",
            unit_scale=True,
            dynamic_ncols=is_terminal,
            mininterval=interval,
            maxinterval=interval,
            desc="Training",
        )

    def after_step(self, before, logs):
        losses = {name: f"{float(logs[name]):.3f}" for name in self.shown if name in logs}
        self.bar.set_postfix(losses, refresh=False)
        self.bar.update((self.step - before) * self.batch_size)

    def on_train_end(self, logs=None):
        self.close()

    def close(self) -> None:
        """Ends the line of the bar, also where the training fails."""
        if self.bar is not None:
            self.bar.close()
