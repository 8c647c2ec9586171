"""Which crops a student sees in which step: a pure function of (seed, step)."""

import dataclasses
import functools

import numpy as np


@dataclasses.dataclass(frozen=True, kw_only=True)
class CropSchedule:
    """Numbers of crops for every step of a distillation.

    A teacher's answer costs more than a step of its student, so each may be used several times. The
    crops come in the order of their numbers first, since what each shows is drawn at random anyway;
    each later pass shuffles them anew.

    Attributes:
        steps: of the whole distillation.
        batch_size: crops in a step.
        repeats: how often each crop is used, where that divides evenly; 1: every crop is new.
        seed: of the later passes, at least 0.

    Example:
        >>> schedule = CropSchedule(steps=4, batch_size=2, repeats=2, seed=0)
        >>> schedule.count
        4
        >>> schedule.numbers(1).tolist()
        [2, 3]
        >>> sorted(schedule.numbers(2).tolist() + schedule.numbers(3).tolist())
        [0, 1, 2, 3]
    """

    steps: int
    batch_size: int
    repeats: int
    seed: int

    @property
    def count(self) -> int:
        """How many different crops there are, numbered from 0."""
        return -(-self.steps * self.batch_size // self.repeats)

    def numbers(self, step: int) -> np.ndarray:
        """Returns the crops of a step, counted from 0; int64 (batch_size,)."""
        return self.numbers_between(step, step + 1)[0]

    def numbers_between(self, start: int, stop: int) -> np.ndarray:
        """Returns the crops of the steps from `start` up to, not including, `stop`.

        Returns:
            int64 (stop - start, batch_size).
        """
        uses = np.arange(start * self.batch_size, stop * self.batch_size, dtype=np.int64)
        passes, places = np.divmod(uses, self.count)
        numbers = places.copy()
        for number in np.unique(passes[passes > 0]):
            of_pass = passes == number
            numbers[of_pass] = _order(self.count, self.seed, int(number))[places[of_pass]]
        return numbers.reshape(-1, self.batch_size)


@functools.lru_cache(maxsize=4)
def _order(count: int, seed: int, number: int) -> np.ndarray:
    """Returns 0..count-1 in the random order of one pass.

    NumPy promises that raw bits stay the same in all its versions, and of shuffles it does not.
    """
    bits = np.random.Philox(np.random.SeedSequence([seed, number])).random_raw(count)
    return np.argsort(bits, kind="stable")
