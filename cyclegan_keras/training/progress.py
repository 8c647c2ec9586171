"""What a training shows while it runs: the first step's time and memory, then a bar."""

import sys
import time
from collections.abc import Callable, Sequence

from absl import logging
from tqdm.auto import tqdm

from cyclegan_keras.training.callbacks import StepCallback
from cyclegan_keras.training.memory import peak_memory

SHOWN = ("generator_loss", "cycle_x", "cycle_y", "d_x", "d_y")
BAR_OF_SECONDS = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}"


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
        seconds_of: number of steps -> how long the first so many take, estimated, where some take
            longer than others. The bar then grows by time, and shows steps instead of images per
            second.
    """

    line_seconds = 30.0

    def __init__(
        self,
        batch_size: int,
        total_steps: int,
        shown: Sequence[str] = SHOWN,
        seconds_of: Callable[[int], float] | None = None,
    ):
        super().__init__()
        self.batch_size, self.total_steps, self.shown = batch_size, total_steps, shown
        self.seconds_of = seconds_of
        self.bar: tqdm | None = None

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        is_terminal = sys.stderr.isatty()
        interval = 0.5 if is_terminal else self.line_seconds
        self.bar = tqdm(
            total=self.work(self.total_steps),
            initial=self.work(self.step),
            unit="img",
            unit_scale=True,
            dynamic_ncols=is_terminal,
            mininterval=interval,
            maxinterval=interval,
            desc="Training",
            bar_format=None if self.seconds_of is None else BAR_OF_SECONDS,
        )

    def work(self, steps: int) -> float:
        """Returns what of the bar the first steps make up."""
        return steps * self.batch_size if self.seconds_of is None else self.seconds_of(steps)

    def after_step(self, before, logs):
        shown = {name: f"{float(logs[name]):.3f}" for name in self.shown if name in logs}
        if self.seconds_of is not None:
            shown = {"step": f"{self.step}/{self.total_steps}", **shown}
        self.bar.set_postfix(shown, refresh=False)
        self.bar.update(self.work(self.step) - self.work(before))

    def on_train_end(self, logs=None):
        self.close()

    def close(self) -> None:
        """Ends the line of the bar, also where the training fails."""
        if self.bar is not None:
            self.bar.close()
