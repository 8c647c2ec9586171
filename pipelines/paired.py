"""Paired batches: x and y of one scene, cut and mirrored alike, as a function of (seed, step)."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from pipelines import batches
from pipelines.batches import Augmentation

LoadPair = Callable[[int], tuple[np.ndarray, np.ndarray]]  # both uint8 (height, width, 3)


def order(
    count: int, *, batch_size: int, seed: int, start_step: int, stop_step: int
) -> tf.data.Dataset:
    """Which pair is in which sample.

    Pairs are shuffled anew for every epoch and visited once. Where `batch_size` does not divide
    their number, the last few of that epoch's shuffle are left out.

    Returns:
        A finite dataset of int64 scalars (sample, index), `batch_size` a step.
    """
    steps = batches.steps_per_epoch(count, count, batch_size)
    return batches.over_epochs(
        lambda epoch: (batches.shuffled(count, seed, epoch)[: steps * batch_size],),
        steps=steps,
        **{"batch_size": batch_size, "start_step": start_step, "stop_step": stop_step},
    )


def train(
    load: LoadPair, indices: tf.data.Dataset, change: Augmentation, batch_size: int
) -> tf.data.Dataset:
    """Turns `order`'s indices into batches.

    Args:
        load: reads both decoded and scaled pictures of a pair, of one size; must be safe to call
            from threads.
        indices: what `order` returns.
        change: crop and flip, the same on both sides.
        batch_size: samples a batch; `order` got the same.

    Returns:
        Batches {"x", "y"} of float32 (batch, height, width, 3) in [-1, 1]; x[i] and y[i] show the
        same part of one scene.
    """

    def read(sample, index):
        x, y = batches.read_both(load, index)
        common, _ = change.seeds(sample)
        return {"x": change(x, common), "y": change(y, common)}

    return batches.in_parallel(indices, read, batch_size)
