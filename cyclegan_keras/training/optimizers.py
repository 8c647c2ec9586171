"""Learning rates by epoch, as functions of the optimizer's step."""

import dataclasses
import math
from collections.abc import Sequence

import keras
from keras import ops

from cyclegan_keras.training.options import OptimizerOptions
from cyclegan_keras.training.rates import Rate


class EpochSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that is constant within an epoch: `learning_rate * factor(epoch)`.

    Epochs count from 1: `epoch = step // steps_per_epoch + 1`. A rate is thus a pure function of
    the step, and a resumed optimizer continues with the right one.

    Args:
        learning_rate: the rate in the first epoch.
        steps_per_epoch: optimizer steps in an epoch.

    Raises:
        ValueError: steps_per_epoch is not a positive int.
    """

    def __init__(self, learning_rate, steps_per_epoch):
        super().__init__()
        if not isinstance(steps_per_epoch, int) or steps_per_epoch < 1:
            raise ValueError(
                "`steps_per_epoch` must be an int >= 1. "
                f"Received: steps_per_epoch={steps_per_epoch!r}."
            )
        self.learning_rate = learning_rate
        self.steps_per_epoch = steps_per_epoch

    def __call__(self, step):
        """Returns the learning rate (float32) for the optimizer step `step`, counted from 0."""
        # Whole numbers until the division is done: float32 is inexact beyond 2^24 steps.
        epoch = ops.floor_divide(ops.convert_to_tensor(step), self.steps_per_epoch) + 1
        epoch = ops.cast(epoch, "float32")
        return self.initial_rate(epoch) * self.factor(epoch)

    def initial_rate(self, epoch):
        """Returns the rate that `factor` is multiplied by in `epoch`, a float32 tensor."""
        return self.learning_rate

    def factor(self, epoch):
        """Returns the factor of the learning rate in `epoch`, a float32 tensor."""
        raise NotImplementedError

    def get_config(self):
        """Returns the constructor's arguments."""
        return {"learning_rate": self.learning_rate, "steps_per_epoch": self.steps_per_epoch}


@keras.saving.register_keras_serializable(package="cyclegan_keras")
class Constant(EpochSchedule):
    """The same learning rate in all epochs."""

    def factor(self, epoch):
        """One."""
        return ops.ones_like(epoch)


class _Decay(EpochSchedule):
    """Constant for `n_epochs`, then falling over `n_epochs_decay` epochs.

    Args:
        learning_rate: the rate in the first epoch.
        steps_per_epoch: optimizer steps in an epoch.
        n_epochs: epochs at the full rate.
        n_epochs_decay: additional epochs.
    """

    def __init__(self, learning_rate, steps_per_epoch, n_epochs=100, n_epochs_decay=100):
        super().__init__(learning_rate, steps_per_epoch)
        if n_epochs < 0 or n_epochs_decay < 0:
            raise ValueError(
                "`n_epochs` and `n_epochs_decay` must not be negative. "
                f"Received: n_epochs={n_epochs}, n_epochs_decay={n_epochs_decay}."
            )
        self.n_epochs = n_epochs
        self.n_epochs_decay = n_epochs_decay

    def progress(self, epoch):
        """Returns 0 up to epoch `n_epochs`, and 1 in the epoch after the last one."""
        after = ops.maximum(epoch - self.n_epochs, 0.0)
        return ops.minimum(after / (self.n_epochs_decay + 1), 1.0)

    def get_config(self):
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "n_epochs": self.n_epochs,
            "n_epochs_decay": self.n_epochs_decay,
        }


@keras.saving.register_keras_serializable(package="cyclegan_keras")
class LinearDecay(_Decay):
    """`factor(e) = 1 - max(0, e - n_epochs) / (n_epochs_decay + 1)`, the paper's schedule.

    As in the reference implementation the last epoch still learns (at 1/101 by default); the rate
    is 0 after it, and stays 0.

    Args:
        learning_rate: the rate in the first epoch.
        steps_per_epoch: optimizer steps in an epoch.
        n_epochs: epochs at the full rate.
        n_epochs_decay: additional epochs.
    """

    def factor(self, epoch):
        """One, then falling by equal steps."""
        return 1.0 - self.progress(epoch)


@keras.saving.register_keras_serializable(package="cyclegan_keras")
class CosineDecay(_Decay):
    """As `LinearDecay`, but along half a cosine: slow, quick, slow.

    The reference implementation anneals over `n_epochs` from the first epoch on, so that its rate
    is 0 in the middle of the training and rises again. That is not copied.

    Args:
        learning_rate: the rate in the first epoch.
        steps_per_epoch: optimizer steps in an epoch.
        n_epochs: epochs at the full rate.
        n_epochs_decay: additional epochs.
    """

    def factor(self, epoch):
        """One, then `(1 + cos(pi t)) / 2` with t from 0 to 1."""
        return 0.5 * (1.0 + ops.cos(math.pi * self.progress(epoch)))


@keras.saving.register_keras_serializable(package="cyclegan_keras")
class StepDecay(EpochSchedule):
    """A tenth of the learning rate after every `decay_epochs` epochs.

    Args:
        learning_rate: the rate in the first epoch.
        steps_per_epoch: optimizer steps in an epoch.
        decay_epochs: epochs between two drops.
    """

    def __init__(self, learning_rate, steps_per_epoch, decay_epochs=50):
        super().__init__(learning_rate, steps_per_epoch)
        if decay_epochs < 1:
            raise ValueError(f"`decay_epochs` must be at least 1. Received: {decay_epochs!r}.")
        self.decay_epochs = decay_epochs

    def factor(self, epoch):
        """`0.1 ** floor((epoch - 1) / decay_epochs)`."""
        return ops.power(0.1, ops.floor((epoch - 1) / self.decay_epochs))

    def get_config(self):
        """Returns the constructor's arguments."""
        return {**super().get_config(), "decay_epochs": self.decay_epochs}


@keras.saving.register_keras_serializable(package="cyclegan_keras")
class ChangedRates(EpochSchedule):
    """Another schedule, whose initial rate changes at the beginning of some epochs.

    Args:
        schedule: the other schedule, with the first rate.
        changes: [epoch, the rate that is multiplied by the factor of `schedule` from then on], in
            rising order of epochs.
    """

    def __init__(self, schedule, changes):
        super().__init__(schedule.learning_rate, schedule.steps_per_epoch)
        self.schedule = schedule
        self.changes = [[int(epoch), float(rate)] for epoch, rate in changes]

    def factor(self, epoch):
        """The factor of the other schedule."""
        return self.schedule.factor(epoch)

    def initial_rate(self, epoch):
        """The latest rate of `changes`, or the first one."""
        rate = ops.convert_to_tensor(self.learning_rate, "float32")
        for first_epoch, changed_rate in self.changes:
            changed_rate = ops.convert_to_tensor(changed_rate, "float32")
            rate = ops.where(epoch >= first_epoch, changed_rate, rate)
        return rate

    def get_config(self):
        """Returns the constructor's arguments."""
        schedule = keras.optimizers.schedules.serialize(self.schedule)
        return {"schedule": schedule, "changes": self.changes}

    @classmethod
    def from_config(cls, config):
        """Returns the schedule that `get_config` described."""
        schedule = keras.optimizers.schedules.deserialize(config["schedule"])
        return cls(schedule, config["changes"])


# --lr_policy -> (options, steps_per_epoch) -> schedule
SCHEDULES = {
    "linear": lambda options, steps_per_epoch: LinearDecay(
        options.learning_rate, steps_per_epoch, options.n_epochs, options.n_epochs_decay
    ),
    "cosine": lambda options, steps_per_epoch: CosineDecay(
        options.learning_rate, steps_per_epoch, options.n_epochs, options.n_epochs_decay
    ),
    "step": lambda options, steps_per_epoch: StepDecay(
        options.learning_rate, steps_per_epoch, options.lr_decay_iters
    ),
    "constant": lambda options, steps_per_epoch: Constant(options.learning_rate, steps_per_epoch),
}


def build_schedule(
    options: OptimizerOptions, steps_per_epoch: int, rates: Sequence[Rate] = ()
) -> EpochSchedule:
    """Returns a new schedule.

    Args:
        options: of the optimizer.
        steps_per_epoch: optimizer steps in an epoch.
        rates: the initial rates of a run that had several; they replace the one in `options`.
    """
    if not rates:
        return SCHEDULES[options.lr_policy](options, steps_per_epoch)
    first = dataclasses.replace(options, learning_rate=rates[0].learning_rate)
    schedule = SCHEDULES[options.lr_policy](first, steps_per_epoch)
    if len(rates) == 1:
        return schedule
    return ChangedRates(schedule, [[rate.from_epoch, rate.learning_rate] for rate in rates[1:]])


class Adam(keras.optimizers.Adam):
    """Keras' Adam, which computes once a step what is the same for all variables.

    Keras computes it for each one, twenty operations of forty. The compiled step has it only once
    in either case, but half as many operations are traced and compiled in half the time. Every
    number is the same.
    """

    def apply(self, grads, trainable_variables=None):
        """Updates the variables, see `keras.optimizers.Adam`."""
        self._shared: dict[str, _SharedByVariables] = {}
        return super().apply(grads, trainable_variables)

    def update_step(self, gradient, variable, learning_rate):
        """Updates one variable."""
        if variable.dtype not in self._shared:
            self._shared[variable.dtype] = self._shared_by_variables(variable.dtype, learning_rate)
        shared = self._shared[variable.dtype]
        index = self._get_variable_index(variable)
        m, v = self._momentums[index], self._velocities[index]
        gradient = ops.cast(gradient, variable.dtype)
        self.assign_add(m, (gradient - m) * shared.rest_1)
        self.assign_add(v, (ops.square(gradient) - v) * shared.rest_2)
        self.assign_sub(variable, m * shared.alpha / (ops.sqrt(v) + shared.epsilon))

    def _shared_by_variables(self, dtype, learning_rate) -> "_SharedByVariables":
        step = ops.cast(self.iterations + 1, dtype)
        power_1 = ops.power(ops.cast(self.beta_1, dtype), step)
        power_2 = ops.power(ops.cast(self.beta_2, dtype), step)
        return _SharedByVariables(
            alpha=ops.cast(learning_rate, dtype) * ops.sqrt(1 - power_2) / (1 - power_1),
            rest_1=ops.convert_to_tensor(1 - self.beta_1, dtype),
            rest_2=ops.convert_to_tensor(1 - self.beta_2, dtype),
            epsilon=ops.convert_to_tensor(self.epsilon, dtype),
        )


@dataclasses.dataclass(frozen=True)
class _SharedByVariables:
    """What an update of Adam has in common for all variables of a type, as tensors.

    Attributes:
        alpha: the learning rate, corrected for the bias of young means.
        rest_1: 1 - beta_1.
        rest_2: 1 - beta_2.
        epsilon: as in `keras.optimizers.Adam`.
    """

    alpha: object
    rest_1: object
    rest_2: object
    epsilon: object


def adam(
    options: OptimizerOptions, steps_per_epoch: int, rates: Sequence[Rate] = ()
) -> keras.optimizers.Adam:
    """Returns a new Adam with the reference implementation's epsilon; see `build_schedule`."""
    return Adam(
        build_schedule(options, steps_per_epoch, rates),
        beta_1=options.beta_1,
        epsilon=1e-8,
    )
