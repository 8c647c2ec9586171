"""The training doctor as a callback: it checks test pictures, keeps the figures, warns or stops."""

import numpy as np
from absl import logging

from cyclegan_keras.files.errors import DoctorError
from cyclegan_keras.losses import ADVERSARIAL
from cyclegan_keras.runs.run import Run
from cyclegan_keras.tracking.tracker import Tracker
from cyclegan_keras.training.callbacks import StepCallback
from cyclegan_keras.training.doctor.findings import Diagnosis, Finding
from cyclegan_keras.training.doctor.measures import measure
from cyclegan_keras.training.options import AdversarialOptions
from cyclegan_keras.training.trainer import SOURCES, TARGETS


def callbacks_for(
    *,
    mode: str,
    run: Run,
    tracker: Tracker,
    every: int,
    pictures: dict,
    method: str,
    options: AdversarialOptions,
) -> list["Doctor"]:
    """Returns the callback for `--doctor=<mode>`, or none.

    Args:
        mode: "off", "warn" or "stop".
        run: as in `Doctor`.
        tracker: as in `Doctor`.
        every: steps between checks.
        pictures: {"x", "y"}.
        method: of the training.
        options: of the trainer.
    """
    if mode == "off":
        return []
    doctor = Doctor(
        run=run,
        tracker=tracker,
        every=every,
        pictures=pictures,
        method=method,
        gan_mode=options.gan_mode,
        stop=mode == "stop",
    )
    return [doctor]


class Doctor(StepCallback):
    """Looks every `every` steps for what goes wrong without an error.

    Each check is a line of doctor.jsonl and a point of curves in TensorBoard. An ailment that
    begins is logged once as a warning, and one that has ended once as a message. A resumed run
    continues from the recorded checks and repeats neither.

    Args:
        run: keeps the checks.
        tracker: shows them as curves and texts.
        every: steps between checks; the first one is at this step, not at 0.
        pictures: {"x", "y"}, each (n, height, width, channels) in [-1, 1], as in the sample grids.
        method: of the training; what helps depends on it.
        gan_mode: of the trainer; what a discriminator loses by guessing depends on it.
        stop: whether to end the training when an ailment begins; `raise_if_sick` then raises it.

    Raises:
        DoctorError: with `stop`, at the start, when an earlier finding has not ended.
    """

    def __init__(
        self,
        run: Run,
        tracker: Tracker,
        *,
        every: int,
        pictures: dict,
        method: str,
        gan_mode: str,
        stop: bool = False,
    ):
        super().__init__()
        self.run, self.tracker = run, tracker
        self.every, self.pictures = every, pictures
        self.loss_at_chance = ADVERSARIAL[gan_mode].loss_at_chance
        self.stop = stop
        self.diagnosis = Diagnosis(method)
        self.reason: Finding | None = None

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        for row in self.run.checks():
            measures = {name: value for name, value in row.items() if "/" in name}
            self.diagnosis.add_check(row["step"], measures)
        if self.stop and self.diagnosis.current:
            first_finding = next(iter(self.diagnosis.current.values()))
            raise self._error(first_finding)

    def after_step(self, before, logs):
        if self.crossed(before, self.every):
            self.check(logs)

    def raise_if_sick(self) -> None:
        """Raises DoctorError if a finding has ended the training.

        To be called after the training, when its last state is saved.
        """
        if self.reason is not None:
            raise self._error(self.reason)

    def check(self, logs: dict) -> None:
        """Measures the current networks, records the figures and reports findings."""
        measures = {**self._measure_generators(), **self._measure_discriminators(logs)}
        findings = self.diagnosis.add_check(self.step, measures)
        self.run.append_check(
            {"step": self.step, **measures, "findings": [finding.row() for finding in findings]}
        )
        curves = {f"doctor/{name}": value for name, value in measures.items()}
        self.tracker.scalars(self.step, curves)
        for finding in findings:
            self.tracker.text(self.step, "doctor", finding.sentence)
        for finding in findings:
            logging.log(logging.WARNING if finding.begins else logging.INFO, finding.sentence)
            if self.stop and finding.begins:
                self.reason = self.reason or finding
                self.model.stop_training = True

    def _measure_generators(self) -> dict[str, float]:
        measures = {}
        for direction, generator in self.model.translators.items():
            source = self.pictures[SOURCES[direction]]
            target = self.pictures[TARGETS[direction]]
            fake = np.asarray(self.model.translate(source, direction), "float32")
            who = generator.removeprefix("generator_").upper()
            for name, value in measure(source, fake, target).items():
                measures[f"{who}/{name}"] = value
        return measures

    def _measure_discriminators(self, logs: dict) -> dict[str, float]:
        if self.loss_at_chance is None:
            return {}
        return {
            f"{name.upper()}/loss_to_chance": float(logs[name]) / self.loss_at_chance
            for name in ("d_x", "d_y")
            if name in logs
        }

    def _error(self, finding: Finding) -> DoctorError:
        return DoctorError(
            f"{finding.sentence} Ended by --doctor=stop; saved up to step {self.run.last_step()} "
            f"in {self.run.checkpoints}. To continue all the same, use --doctor=warn."
        )
