"""What is told on the way: the first step's time and memory, then a bar."""

import sys
import time

from absl import logging
from tqdm.auto import tqdm

from cyclegan_keras.training.callbacks import StepCallback
from cyclegan_keras.training.memory import peak_memory


class FirstStep(StepCallback):
    """Tells how long the first step took, and its memory: later ones are like it, but quicker."""

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        self.began, self.told = time.monotonic(), False

    def after_step(self, before, logs):
        if not self.told:
            self.told = True
            seconds, (peak, owner) = time.monotonic() - self.began, peak_memory()
            logging.info(
                "The first step took %.1f s, most of it to prepare; peak memory of %s: %.2f GB.",
                *(seconds, owner, peak),
            )


class Progress(StepCallback):
    """A progress bar with images/s, time left and losses; on no terminal, a line now and then."""

    shown = ("generator_loss", "cycle_x", "cycle_y", "d_x", "d_y")
    line_seconds = 30.0

    def __init__(self, batch_size: int, total_steps: int):
        super().__init__()
        self.batch_size, self.total_steps = batch_size, total_steps

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        terminal = sys.stderr.isatty()
        self.bar = tqdm(
            total=self.total_steps * self.batch_size,
            initial=self.step * self.batch_size,
            unit="img",
            unit_scale=True,
            dynamic_ncols=terminal,
            mininterval=0.5 if terminal else self.line_seconds,
            maxinterval=0.5 if terminal else self.line_seconds,
            desc="Training",
        )

    def after_step(self, before, logs):
        losses = {name: f"{float(logs[name]):.3f}" for name in self.shown if name in logs}
        self.bar.set_postfix(losses, refresh=False)
        self.bar.update((self.step - before) * self.batch_size)

    def on_train_end(self, logs=None):
        self.bar.close()
