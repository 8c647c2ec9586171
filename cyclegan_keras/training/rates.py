"""The learning rates of a run that was continued with another one than it began with.

A rate applies from the beginning of an epoch, so that a run which is interrupted once more
continues exactly: the rates are written down with the run, and none depends on when it stopped.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rate:
    """The `--learning_rate` from an epoch on.

    Attributes:
        from_epoch: the first epoch with this rate, counted from 1.
        learning_rate: before --lr_policy lowers it.
    """

    from_epoch: int
    learning_rate: float


def rates_with(
    rates: Sequence[Rate], learning_rate: float, *, step: int, steps_per_epoch: int
) -> list[Rate]:
    """Returns the rates of a run that is started, or continued, with `learning_rate`.

    Args:
        rates: of the run so far, in the order of their epochs; empty for a new run.
        learning_rate: the one that applies from the next beginning of an epoch.
        step: finished steps.
        steps_per_epoch: steps in an epoch.

    Example:
        >>> began = rates_with([], 2e-4, step=0, steps_per_epoch=10)
        >>> changed = rates_with(began, 1e-4, step=15, steps_per_epoch=10)  # within epoch 2
        >>> words(changed)
        '0.0002 from epoch 1, 0.0001 from epoch 3'
    """
    next_epoch = -(-step // steps_per_epoch) + 1
    kept = [rate for rate in rates if rate.from_epoch < next_epoch]
    following = [rate for rate in rates if rate.from_epoch >= next_epoch]
    if rates and rates[-1].learning_rate == learning_rate:
        return kept + following
    if kept and kept[-1].learning_rate == learning_rate:
        return kept
    return [*kept, Rate(from_epoch=next_epoch, learning_rate=learning_rate)]


def words(rates: Sequence[Rate]) -> str:
    """Returns the rates as a message names them."""
    return ", ".join(f"{rate.learning_rate:g} from epoch {rate.from_epoch}" for rate in rates)


def to_json(rates: Sequence[Rate]) -> list[dict[str, Any]]:
    """Returns the rates as facts.json holds them."""
    return [dataclasses.asdict(rate) for rate in rates]


def from_json(
    facts: Mapping[str, Any], saved_options: Mapping[str, Any], default: float
) -> list[Rate]:
    """Returns the rates that a run has had so far; none for a new run.

    Args:
        facts: what facts.json holds; runs whose rate never changed have no entry there.
        saved_options: what options.json holds; empty for a new run.
        default: the rate of a run whose options do not name it.
    """
    if not saved_options:
        return []
    if "learning_rates" in facts:
        return [Rate(**fields) for fields in facts["learning_rates"]]
    return [Rate(from_epoch=1, learning_rate=saved_options.get("learning_rate", default))]
