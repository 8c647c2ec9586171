"""Unpaired batches whose order and augmentation are a pure function of (seed, step)."""

import tensorflow as tf

from pipelines import batches, images
from pipelines.batches import Augmentation, Load


def order(
    count_x: int, count_y: int, *, batch_size: int, seed: int, start_step: int, stop_step: int
) -> tf.data.Dataset:
    """Which pictures meet in which sample.

    The longer domain (on a tie, x) is shuffled anew for every epoch and visited once; its partners
    are drawn at random from the other, with replacement. Where `batch_size` does not divide the
    longer domain, the last few of that epoch's shuffle are left out.

    Returns:
        A finite dataset of int64 scalars (sample, index_x, index_y), `batch_size` a step.
    """
    steps = batches.steps_per_epoch(count_x, count_y, batch_size)
    size = steps * batch_size  # samples in an epoch

    def order_of(epoch):
        once = batches.shuffled(max(count_x, count_y), seed, epoch)[:size]
        drawn = tf.random.stateless_uniform(
            [size],
            batches.seed_of(seed, batches.PARTNER, epoch),
            maxval=min(count_x, count_y),
            dtype=tf.int64,
        )
        return (once, drawn) if count_x >= count_y else (drawn, once)

    window = {"batch_size": batch_size, "start_step": start_step, "stop_step": stop_step}
    return batches.over_epochs(order_of, steps=steps, **window)


def train(
    load_x: Load, load_y: Load, indices: tf.data.Dataset, change: Augmentation, batch_size: int
) -> tf.data.Dataset:
    """Turns `order`'s indices into batches.

    Args:
        load_x: reads one decoded and scaled picture of x; must be safe to call from threads.
        load_y: the same for y.
        indices: what `order` returns.
        change: crop and flip, drawn for each side on its own.
        batch_size: samples a batch; `order` got the same.

    Returns:
        Batches {"x", "y"} of float32 (batch, height, width, 3) in [-1, 1].
    """

    def read(sample, index_x, index_y):
        x, y = batches.read_both(lambda i, j: (load_x(i), load_y(j)), index_x, index_y)
        own_x, own_y = change.seeds(sample)
        return {"x": change(x, own_x), "y": change(y, own_y)}

    return batches.in_parallel(indices, read, batch_size)


def test(load_x: Load, load_y: Load) -> tf.data.Dataset:
    """Returns all pictures in order, batch 1; the shorter domain starts over when it ends.

    Args:
        load_x: reads one picture of x and has a length.
        load_y: the same for y.

    Returns:
        {"x", "y"} of float32 (1, height, width, 3) in [-1, 1].
    """

    def read(index):
        x, y = batches.read_both(
            lambda i: (load_x(i % len(load_x)), load_y(i % len(load_y))), index
        )
        return {"x": images.to_float(x), "y": images.to_float(y)}

    count = max(len(load_x), len(load_y))
    return batches.in_parallel(tf.data.Dataset.range(count), read, 1)
