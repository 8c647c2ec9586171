"""The training doctor at work: checks the test pictures, keeps the figures, warns or stops."""

import numpy as np
import tensorflow as tf
from absl import logging

from cyclegan_keras.files.errors import DoctorError
from cyclegan_keras.runs.run import Run
from cyclegan_keras.training.callbacks import StepCallback
from cyclegan_keras.training.doctor.findings import LOSS_AT_CHANCE, Finding, Watch
from cyclegan_keras.training.doctor.measures import measure
from cyclegan_keras.training.options import AdversarialOptions


def callbacks_for(
    asked: str, run: Run, every: int, pictures: dict, method: str, options: AdversarialOptions
) -> list["Doctor"]:
    """Returns the callback that `--doctor`, "off", "warn" or "stop", asks for, or none."""
    if asked == "off":
        return []
    return [Doctor(run, every, pictures, method, options.gan_mode, stop=asked == "stop")]


class Doctor(StepCallback):
    """Looks every `every` steps for what goes wrong without an error.

    Each check is a line of doctor.jsonl and a curve in TensorBoard. What begins is a warning, once,
    and what has ended is a message, once; a resumed run goes on from the recorded checks and
    repeats neither. It must be the last callback: it raises when the others have ended.

    Args:
        run: keeps the checks.
        every: steps between checks; the first one is at this step, not at 0.
        pictures: {"x", "y"}, each (n, height, width, channels) in [-1, 1], as in the sample grids.
        method: of the training; tells what helps.
        gan_mode: of the trainer; tells when a discriminator only guesses.
        stop: end the training at what begins; `raise_if_sick` then tells why.

    Raises:
        DoctorError: with `stop`, at the start, when what was found earlier stands.
    """

    def __init__(
        self,
        run: Run,
        every: int,
        pictures: dict,
        method: str,
        gan_mode: str,
        *,
        stop: bool = False,
    ):
        super().__init__()
        self.run, self.every, self.pictures = run, every, pictures
        self.gan_mode, self.stop = gan_mode, stop
        self.watch, self.reason = Watch(method), None

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        for row in self.run.checks():
            self.watch.see(row["step"], {k: v for k, v in row.items() if "/" in k})
        if self.stop and self.watch.standing:
            raise self._sick(next(iter(self.watch.standing.values())))
        self.writer = tf.summary.create_file_writer(str(self.run.tensorboard))

    def after_step(self, before, logs):
        if self.crossed(before, self.every):
            self.check(logs)

    def on_train_end(self, logs=None):
        self.writer.close()

    def raise_if_sick(self) -> None:
        """Raises DoctorError when this has ended the training; its last state is saved by then."""
        if self.reason:
            raise self._sick(self.reason)

    def check(self, logs: dict) -> None:
        """Measures the current networks and tells what that settles."""
        measures = {**self._generators(), **self._discriminators(logs)}
        findings = self.watch.see(self.step, measures)
        self.run.append_check(
            {"step": self.step, **measures, "findings": [finding.row() for finding in findings]}
        )
        with self.writer.as_default(step=self.step):
            for name, value in measures.items():
                tf.summary.scalar(f"doctor/{name}", value)
            for finding in findings:
                tf.summary.text("doctor", finding.sentence)
        self.writer.flush()
        for finding in findings:
            logging.log(logging.WARNING if finding.begins else logging.INFO, finding.sentence)
            if self.stop and finding.begins:
                self.reason, self.model.stop_training = self.reason or finding, True

    def _generators(self) -> dict[str, float]:
        measures = {}
        for direction, generator in self.model.translators.items():
            source, target = direction[0], direction[-1]
            fake = np.asarray(self.model.translate(self.pictures[source], direction), "float32")
            told = measure(self.pictures[source], fake, self.pictures[target])
            who = generator.removeprefix("generator_").upper()
            measures |= {f"{who}/{name}": value for name, value in told.items()}
        return measures

    def _discriminators(self, logs: dict) -> dict[str, float]:
        chance = LOSS_AT_CHANCE.get(self.gan_mode)
        return {
            f"{name.upper()}/loss_to_chance": float(logs[name]) / chance
            for name in ("d_x", "d_y")
            if chance and name in logs
        }

    def _sick(self, finding: Finding) -> DoctorError:
        return DoctorError(
            f"{finding.sentence} Ended by --doctor=stop; saved up to step {self.run.last_step()} "
            f"in {self.run.checkpoints}. To continue all the same, use --doctor=warn."
        )
