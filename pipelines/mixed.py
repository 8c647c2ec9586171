"""Unpaired batches with a pair now and then, still a pure function of (seed, step)."""

import tensorflow as tf

from pipelines import batches
from pipelines.batches import Augmentation, Load
from pipelines.paired import LoadPair


def train(
    load_x: Load,
    load_y: Load,
    load_pair: LoadPair,
    indices: tf.data.Dataset,
    change: Augmentation,
    batch_size: int,
    every: int,
) -> tf.data.Dataset:
    """Turns `unpaired.order`'s indices into batches, with a pair in every so many samples' place.

    Args:
        load_x: reads one decoded and scaled picture of x; must be safe to call from threads.
        load_y: the same for y.
        load_pair: the same for both sides of a pair, of one size; has a length. Pairs take turns.
        indices: what `unpaired.order` returns.
        change: crop and flip, the same on both sides of a pair, else drawn for each on its own.
        batch_size: samples a batch; `unpaired.order` got the same.
        every: samples 0, `every`, twice `every` and so on are pairs.

    Returns:
        Batches {"x", "y", "paired"}: float32 (batch, height, width, 3) in [-1, 1] twice, and
        float32 (batch,) with 1 for a pair and 0 otherwise.
    """

    def load(sample, index_x, index_y):
        if sample % every == 0:
            return load_pair(sample // every % len(load_pair))
        return load_x(index_x), load_y(index_y)

    def read(sample, index_x, index_y):
        x, y = batches.read_both(load, sample, index_x, index_y)
        is_pair = sample % every == 0
        own_x, own_y = change.seeds(sample)
        return {
            "x": change(x, own_x),
            "y": change(y, tf.where(is_pair, own_x, own_y)),
            "paired": tf.cast(is_pair, tf.float32),
        }

    return batches.in_parallel(indices, read, batch_size)
