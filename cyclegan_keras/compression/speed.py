"""How long a teacher's answer and a student's step take here, measured once."""

import dataclasses
import time
from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf

from cyclegan_keras.training.callbacks import StepCallback
from cyclegan_keras.training.trainer import SOURCES

STEPS = 3  # that are timed, after one that prepares them


@dataclasses.dataclass(frozen=True, kw_only=True)
class Speed:
    """What the parts of a distillation take, in seconds.

    Attributes:
        answer: of all teachers to a crop of each side.
        step: of all students together, without answers.
    """

    answer: float
    step: float

    def of_step(self, *, batch_size: int, repeats: int) -> float:
        """Returns what a step takes with its share of answers, in seconds.

        Args:
            batch_size: crops of each side in a step.
            repeats: how often each answer is used.

        Example:
            >>> Speed(answer=1.0, step=0.5).of_step(batch_size=4, repeats=2)
            2.5
        """
        return self.step + batch_size * self.answer / repeats

    def of_steps(
        self, steps: int, *, batch_size: int, count: int, kept: int | None = None
    ) -> float:
        """Returns what the first steps take, in seconds.

        In the first pass the teacher answers to every crop, and later to those whose answers are
        not kept.

        Args:
            steps: from the first one on.
            batch_size: crops of each side in a step.
            count: crops that there are, of each side.
            kept: answers that are kept, of each side; all of them unless given.

        Example:
            >>> speed = Speed(answer=1.0, step=0.5)
            >>> speed.of_steps(2, batch_size=4, count=12), speed.of_steps(6, batch_size=4, count=12)
            (9.0, 15.0)
            >>> speed.of_steps(6, batch_size=4, count=12, kept=6)
            21.0
        """
        uses = steps * batch_size
        asked = float(min(uses, count))
        if kept is not None:
            asked += (uses - asked) * max(count - kept, 0) / count
        return self.step * steps + self.answer * asked

    def steps_in(
        self, minutes: float, *, batch_size: int, repeats: int, kept: int | None = None
    ) -> int:
        """Returns how many steps take so many minutes, at least one.

        Args:
            minutes: to learn.
            batch_size: crops of each side in a step.
            repeats: how often each answer is used.
            kept: answers that can be kept, of each side; all of them unless given.

        Example:
            >>> speed = Speed(answer=1.0, step=1.0)
            >>> speed.steps_in(1, batch_size=4, repeats=4)
            30
            >>> speed.steps_in(1, batch_size=4, repeats=4, kept=10)
            18
        """
        seconds = minutes * 60
        steps = int(seconds / self.of_step(batch_size=batch_size, repeats=repeats))
        if kept is not None and steps * batch_size / repeats > kept:
            saved = self.answer * (repeats - 1) * kept  # by asking only once for those kept
            steps = int((seconds + saved) / (self.step + batch_size * self.answer))
        return max(1, steps)


def measure_speed(
    distiller,
    teachers: Mapping[str, Callable[[np.ndarray], np.ndarray]],
    pictures: Mapping[str, np.ndarray],
) -> Speed:
    """Measures answers and steps; the students of the distiller learn a little by that.

    Args:
        distiller: compiled; it is of no use afterwards.
        teachers: direction, "x_to_y" or "y_to_x", -> what translates crops one by one.
        pictures: direction -> a batch of crops of its source, (batch, height, width, channels).
    """
    answer_seconds = 0.0
    batch = {}
    for direction, teacher in teachers.items():
        crops = pictures[direction]
        answers = [np.asarray(teacher(crops[:1]))]  # not timed: it builds the graph
        seconds = []
        for _ in range(STEPS):
            began = time.perf_counter()
            np.asarray(teacher(crops[:1]))
            seconds.append(time.perf_counter() - began)
        answer_seconds += min(seconds)
        batch[SOURCES[direction]] = crops
        batch[f"teacher_{direction}"] = np.repeat(answers[0], len(crops), axis=0)
    timer = _Timer()
    batches = tf.data.Dataset.from_tensors(batch).repeat(1 + STEPS)
    distiller.fit(batches, verbose=0, shuffle=False, callbacks=[timer])
    return Speed(answer=answer_seconds, step=float(np.diff(timer.times).min()))


class _Timer(StepCallback):
    """Notes when each step has ended."""

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        self.times: list[float] = []

    def after_step(self, before, logs):
        for value in logs.values():
            float(value)  # waits for the step where it is computed in the background
        self.times.append(time.perf_counter())
