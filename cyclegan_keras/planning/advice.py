"""What a training would cost if it were typed otherwise, and which change to advise."""

import dataclasses
import math
from collections.abc import Callable, Sequence

from cyclegan_keras.planning.costs import CostModel, Shape

FLOAT_BYTES = 4


@dataclasses.dataclass(frozen=True, kw_only=True)
class PlannedTraining:
    """The numbers of a training on which its cost depends.

    Attributes:
        shape: of a domain's batch: pictures, height, width in px; the largest there is.
        parts: `--accumulate_steps`.
        remat: `--remat`.
        steps_per_epoch: of that batch.
        steps_fixed: whether an epoch keeps its steps when the batch changes.
        epochs: in all.
        multiple: sides must be multiples of it.
        smallest: of a side.
        pool_pictures: held by image pools.
        pool_channels: of such a picture; the mean, where those of the domains differ.
        gradient_bytes: of one more set of gradients, in which parts of a batch are added up.
        process_bytes: of main memory that the training takes beside its steps and pictures.
        cached_bytes: of pictures that it keeps there.
    """

    shape: Shape
    parts: int = 1
    remat: bool = False
    steps_per_epoch: int
    steps_fixed: bool = False
    epochs: int
    multiple: int = 4
    smallest: int = 8
    pool_pictures: int = 0
    pool_channels: float = 3
    gradient_bytes: float = 0.0
    process_bytes: float = 0.0
    cached_bytes: float = 0.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Estimate:
    """What one way to train costs.

    Attributes:
        change: what to type beside, or instead of, what was typed; empty: nothing.
        same: whether the result is the same training.
        seconds: a step.
        steps: an epoch.
        epochs: in all.
        images: pictures of each domain a step.
        peak: most bytes held.
        measured: whether steps of just this kind were measured.
    """

    change: str
    same: bool
    seconds: float
    steps: int
    epochs: int
    images: int
    peak: float
    measured: bool

    @property
    def epoch_seconds(self) -> float:
        """Seconds of an epoch."""
        return self.seconds * self.steps

    @property
    def total_seconds(self) -> float:
        """Seconds of the training."""
        return self.epoch_seconds * self.epochs


def estimate(
    costs: CostModel, training: PlannedTraining, change: str = "", *, same: bool = True
) -> Estimate:
    """Returns what `training` costs, by measurements made with its networks."""
    batch, height, width = training.shape
    step = costs.step(training.shape, training.parts)
    picture_bytes = height * width * training.pool_channels * FLOAT_BYTES
    pool_bytes = training.pool_pictures * picture_bytes
    gradient_bytes = training.gradient_bytes if training.parts > 1 else 0
    held_beside = pool_bytes + gradient_bytes + training.process_bytes + training.cached_bytes
    return Estimate(
        change=change,
        same=same,
        seconds=step.seconds,
        steps=training.steps_per_epoch,
        epochs=training.epochs,
        images=batch,
        peak=step.peak + held_beside,
        measured=step.is_measured,
    )


def same_training(
    training: PlannedTraining, costs: CostModel, other_remat: CostModel | None, limit: float
) -> list[Estimate]:
    """Returns other ways to do the same training.

    Args:
        training: what was asked for.
        costs: of its steps.
        other_remat: costs of steps with `--remat`, or without it where `training` has it; None
            where that is not possible.
        limit: bytes that a training may take. Of each change the least that fits is chosen, or the
            greatest where none fits. Where no change alone is enough, all that save memory are
            joined.
    """
    savers = _in_parts(training, costs, limit)
    if other_remat and not training.remat:
        savers.append(estimate(other_remat, training, "--remat"))
    uncached = dataclasses.replace(training, cached_bytes=0.0)
    if training.cached_bytes:
        savers.append(estimate(costs, uncached, "--cache=none"))

    joined = []
    if len(savers) > 1 and all(saver.peak > limit for saver in savers):
        changes = [saver.change for saver in savers if "accumulate" not in saver.change]
        costs_joined = other_remat if "--remat" in changes else costs
        joined = _in_parts(uncached, costs_joined, limit, changes)
        if not joined:
            joined = [estimate(costs_joined, uncached, " ".join(changes))]

    faster = []
    if other_remat and training.remat:
        faster.append(estimate(other_remat, training, "--noremat"))
    return savers + joined + faster


def _in_parts(
    training: PlannedTraining, costs: CostModel, limit: float, changes: Sequence[str] = ()
) -> list[Estimate]:
    """Returns the least number of parts of a batch that fits, beside other `changes`."""
    batch = training.shape[0]
    estimates = []
    for parts in range(training.parts + 1, batch + 1):
        if batch % parts == 0:
            words = " ".join([*changes, f"--accumulate_steps={parts}"])
            estimates.append(estimate(costs, dataclasses.replace(training, parts=parts), words))
    return _least_change(estimates, limit)


def smaller_training(
    training: PlannedTraining, costs: CostModel, limit: float, crop_flags: Callable[[int], str]
) -> list[Estimate]:
    """Returns ways to train on fewer or smaller pictures at once, with another result.

    Args:
        training: what was asked for.
        costs: of its steps.
        limit: bytes; see `same_training`.
        crop_flags: returns what to type for crops of so many pixels.
    """
    batch, height, width = training.shape
    pictures = training.steps_per_epoch * batch
    of_batches = []
    for fewer in range(batch - training.parts, 0, -training.parts):
        steps = training.steps_per_epoch if training.steps_fixed else max(1, pictures // fewer)
        changed = dataclasses.replace(training, shape=(fewer, height, width), steps_per_epoch=steps)
        of_batches.append(estimate(costs, changed, f"--batch_size={fewer}", same=False))
    of_crops = []
    for side in smaller_sides(min(height, width), training.multiple, training.smallest):
        changed = dataclasses.replace(training, shape=(batch, side, side))
        of_crops.append(estimate(costs, changed, crop_flags(side), same=False))
    return _least_change(of_batches, limit) + _least_change(of_crops, limit)


def _least_change(estimates: Sequence[Estimate], limit: float) -> list[Estimate]:
    """Returns the first that fits, or else the last; `estimates` start with the least change."""
    for each in estimates:
        if each.peak <= limit:
            return [each]
    return list(estimates[-1:])


def smaller_sides(side: int, multiple: int, smallest: int) -> list[int]:
    """Returns sides to crop to, down to a quarter: each an eighth of `side` less."""
    sides = []
    for eighths in range(7, 1, -1):
        smaller = math.floor(side * eighths / 8 / multiple) * multiple
        if smaller >= max(smallest, multiple) and smaller not in sides:
            sides.append(smaller)
    return sides


def best(typed: Estimate, others: Sequence[Estimate], limit: float) -> Estimate | None:
    """Returns the way to advise, or None where nothing fits.

    The training as typed comes first, then the same training done otherwise, then another one; of
    several the quickest.
    """
    if typed.peak <= limit:
        return typed
    fitting = [each for each in others if each.peak <= limit]
    candidates = [each for each in fitting if each.same] or fitting
    return min(candidates, key=lambda each: each.total_seconds, default=None)
