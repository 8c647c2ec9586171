"""Which pictures are in which training sample: a pure function of (seed, step).

An epoch shuffles the larger domain anew and visits it once. The order of an epoch follows from its
number alone, so that any step can be computed without those before it.
"""

import math
from collections.abc import Callable

import numpy as np
import tensorflow as tf

# Streams of random numbers that must not repeat one another.
SHUFFLE_STREAM = 0
PARTNER_STREAM = 1
AUGMENTATION_STREAM = 2
CROP_SHUFFLE_STREAMS = {"x": 3, "y": 4}
CROP_STREAMS = {"x": 5, "y": 6}


def steps_per_epoch(count_x: int, count_y: int, batch_size: int) -> int:
    """Returns the number of whole batches in one pass over the larger domain."""
    return max(count_x, count_y) // batch_size


def unpaired(
    count_x: int, count_y: int, *, seed: int, batch_size: int, start_step: int, stop_step: int
) -> tf.data.Dataset:
    """Draws which pictures of x and of y meet.

    The larger domain (on a tie, x) is shuffled anew for every epoch and visited once; its partners
    are drawn at random from the other, with replacement. Where `batch_size` does not divide the
    larger domain, the last few of that epoch's shuffle are left out.

    Args:
        count_x: pictures of x.
        count_y: pictures of y.
        seed: any whole number.
        batch_size: samples a step.
        start_step: the first step, counted over all epochs.
        stop_step: the step after the last.

    Returns:
        A finite dataset of int64 scalars (sample, index_x, index_y), `batch_size` a step; samples
        are numbered over all epochs.
    """
    steps = steps_per_epoch(count_x, count_y, batch_size)
    samples = steps * batch_size

    def epoch_order(epoch):
        visited_once = _shuffled(max(count_x, count_y), seed, epoch)[:samples]
        drawn = tf.random.stateless_uniform(
            [samples],
            seed_of(seed, PARTNER_STREAM, epoch),
            maxval=min(count_x, count_y),
            dtype=tf.int64,
        )
        if count_x >= count_y:
            return visited_once, drawn
        return drawn, visited_once

    return _over_epochs(
        epoch_order,
        steps=steps,
        batch_size=batch_size,
        start_step=start_step,
        stop_step=stop_step,
    )


def paired(
    count: int, *, seed: int, batch_size: int, start_step: int, stop_step: int
) -> tf.data.Dataset:
    """Draws in which order pairs come.

    Pairs are shuffled anew for every epoch and visited once. Where `batch_size` does not divide
    their number, the last few of that epoch's shuffle are left out.

    Args:
        count: pairs.
        seed: any whole number.
        batch_size: samples a step.
        start_step: the first step, counted over all epochs.
        stop_step: the step after the last.

    Returns:
        A finite dataset of int64 scalars (sample, index), `batch_size` a step; samples are numbered
        over all epochs.
    """
    steps = steps_per_epoch(count, count, batch_size)

    def epoch_order(epoch):
        return (_shuffled(count, seed, epoch)[: steps * batch_size],)

    return _over_epochs(
        epoch_order,
        steps=steps,
        batch_size=batch_size,
        start_step=start_step,
        stop_step=stop_step,
    )


def of_crops(count: int, numbers: np.ndarray, *, seed: int, side: str) -> np.ndarray:
    """Returns which picture each of some numbered crops is cut from.

    Crops visit all pictures of a side once before they visit any a second time, in an order drawn
    anew for each pass.

    Args:
        count: pictures of the side.
        numbers: int64 (n,), of the crops, in any order.
        seed: any whole number.
        side: "x" or "y", which have orders of their own.

    Returns:
        int64 (n,): indices of pictures; each follows from its own number alone.
    """
    passes, places = np.divmod(np.asarray(numbers, np.int64), count)
    passes, rows = np.unique(passes, return_inverse=True)
    stream = CROP_SHUFFLE_STREAMS[side]
    orders = [_shuffled(count, seed, number, stream).numpy() for number in passes]
    return np.reshape(orders, (-1, count))[rows, places]


def part_of_batches(
    indices: tf.data.Dataset, batch_size: int, part: int, parts: int
) -> tf.data.Dataset:
    """Keeps one of `parts` equal parts of every batch; together, in order, they are that batch.

    Args:
        indices: what `unpaired` or `paired` returns.
        batch_size: samples a batch, a multiple of `parts`.
        part: which part, from 0.
        parts: how many there are.
    """
    if parts == 1:
        return indices
    size = batch_size // parts

    def cut(*batch):
        return tuple(column[part * size : (part + 1) * size] for column in batch)

    return indices.batch(batch_size, drop_remainder=True).map(cut).unbatch()


def seed_of(seed: int, stream: int, number) -> tf.Tensor:
    """Returns a seed (2,) of its own for each number of each stream."""
    root = tf.random.fold_in(tf.constant([seed, 0], tf.int64), stream)
    return tf.random.fold_in(root, number)


def _shuffled(count: int, seed: int, epoch, stream: int = SHUFFLE_STREAM) -> tf.Tensor:
    """Returns int64 (count,): 0..count-1 in the random order of one epoch."""
    return tf.random.experimental.stateless_shuffle(
        tf.range(count, dtype=tf.int64), seed=seed_of(seed, stream, epoch)
    )


def _over_epochs(
    epoch_order: Callable, *, steps: int, batch_size: int, start_step: int, stop_step: int
) -> tf.data.Dataset:
    """Numbers the samples of all epochs and puts the number before what each one reads.

    Args:
        epoch_order: epoch -> a tuple of tensors, each with one entry a sample of that epoch.
        steps: batches in an epoch.
        batch_size: samples a batch.
        start_step: the first step, counted over all epochs.
        stop_step: the step after the last.
    """
    samples = steps * batch_size  # in an epoch

    def numbered(epoch):
        numbers = epoch * samples + tf.range(samples, dtype=tf.int64)
        return tf.data.Dataset.from_tensor_slices((numbers, *epoch_order(epoch)))

    first_epoch = start_step // steps
    end_epoch = math.ceil(stop_step / steps)
    count = max(0, stop_step - start_step) * batch_size
    return (
        tf.data.Dataset.range(first_epoch, end_epoch)
        .flat_map(numbered)
        .skip(start_step % steps * batch_size)
        .take(count)
        .apply(tf.data.experimental.assert_cardinality(count))
    )
