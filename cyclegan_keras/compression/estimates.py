"""Means over pictures with their intervals."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cyclegan_keras.metrics.intervals import bootstrap_interval


@dataclasses.dataclass(frozen=True, kw_only=True)
class Estimate:
    """A number that was measured on some pictures, and what others would have given.

    Attributes:
        value: the measured number.
        low: lower end of its 95 % interval.
        high: upper end of its 95 % interval.
    """

    value: float
    low: float
    high: float

    @classmethod
    def of_mean(cls, values: Sequence[float] | np.ndarray, *, seed: int = 0) -> "Estimate":
        """Returns the mean of one number a picture, with its percentile bootstrap interval.

        Args:
            values: one number a picture, at least one.
            seed: of the draws of the bootstrap.

        Example:
            >>> Estimate.of_mean([2.0, 2.0, 2.0])
            Estimate(value=2.0, low=2.0, high=2.0)
        """
        low, high = bootstrap_interval(np.asarray(values, "float64"), seed=seed)
        return cls(value=float(np.mean(values)), low=low, high=high)

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any] | None) -> "Estimate | None":
        """Reads what `dataclasses.asdict` made of an estimate; None stays None."""
        if fields is None:
            return None
        return cls(value=fields["value"], low=fields["low"], high=fields["high"])
