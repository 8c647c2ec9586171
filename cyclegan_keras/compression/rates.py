"""The learning rate of a distillation, as a function of the optimizer's step."""

import math

import keras
from keras import ops

FINAL_SHARE = 0.01
ADVERSARIAL_SHARE = 0.1  # of the initial rate; a trained student would forget at all of it


class DistillationRate(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that falls to a hundredth along half a cosine, and perhaps once more.

    Args:
        learning_rate: in the first step.
        steps: of the optimizer, all together.
        second_from: the step, counted from 0, from which a second, lower cosine falls from a tenth
            of `learning_rate` to a hundredth; None: there is one cosine over all steps.

    Example:
        >>> rate = DistillationRate(1.0, steps=90, second_from=60)
        >>> [round(float(rate(step)), 3) for step in (0, 30, 59, 60, 75, 90)]
        [1.0, 0.505, 0.011, 0.1, 0.055, 0.01]
    """

    def __init__(self, learning_rate: float, steps: int, second_from: int | None = None):
        super().__init__()
        self.learning_rate = learning_rate
        self.steps = steps
        self.second_from = second_from

    def __call__(self, step):
        """Returns the learning rate (float32) for the optimizer step `step`, counted from 0."""
        step = ops.cast(step, "float32")
        if self.second_from is None:
            share = _falling(1.0, step / self.steps)
        else:
            first = _falling(1.0, step / max(self.second_from, 1))
            second = _falling(
                ADVERSARIAL_SHARE, (step - self.second_from) / (self.steps - self.second_from)
            )
            share = ops.where(step < self.second_from, first, second)
        return self.learning_rate * share

    def get_config(self):
        """Returns the constructor's arguments."""
        return {
            "learning_rate": self.learning_rate,
            "steps": self.steps,
            "second_from": self.second_from,
        }


def _falling(initial: float, progress):
    """Returns `initial` at progress 0 and `FINAL_SHARE` from progress 1 on; float32."""
    progress = ops.clip(progress, 0.0, 1.0)
    return FINAL_SHARE + (initial - FINAL_SHARE) * 0.5 * (1.0 + ops.cos(math.pi * progress))
