"""Unpaired batches whose order and augmentation are a pure function of (seed, step)."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from pipelines import augment, images

Load = Callable[[int], np.ndarray]  # index -> uint8 (height, width, 3), scaled, not augmented

# Streams of random numbers that must not repeat one another.
_ORDER, _PARTNER, _AUGMENT = range(3)


def steps_per_epoch(count_x: int, count_y: int, batch_size: int) -> int:
    """Returns the whole batches in one pass over the longer domain."""
    return max(count_x, count_y) // batch_size


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
    steps = steps_per_epoch(count_x, count_y, batch_size)
    size = steps * batch_size  # samples in an epoch
    longer, shorter = max(count_x, count_y), min(count_x, count_y)

    def epoch_order(epoch):
        once = tf.random.experimental.stateless_shuffle(
            tf.range(longer, dtype=tf.int64), seed=_seed(seed, _ORDER, epoch)
        )[:size]
        drawn = tf.random.stateless_uniform(
            [size], _seed(seed, _PARTNER, epoch), maxval=shorter, dtype=tf.int64
        )
        sample = epoch * size + tf.range(size, dtype=tf.int64)
        index_x, index_y = (once, drawn) if count_x >= count_y else (drawn, once)
        return tf.data.Dataset.from_tensor_slices((sample, index_x, index_y))

    count = max(0, stop_step - start_step) * batch_size
    epochs = tf.data.Dataset.range(start_step // steps, -(-stop_step // steps))
    return (
        epochs.flat_map(epoch_order)
        .skip(start_step % steps * batch_size)
        .take(count)
        .apply(tf.data.experimental.assert_cardinality(count))
    )


def train(
    load_x: Load,
    load_y: Load,
    indices: tf.data.Dataset,
    *,
    batch_size: int,
    seed: int,
    crop_size: int | None,
    flip: bool,
    picture_shape: tuple[int, int, int] | None = None,
) -> tf.data.Dataset:
    """Turns `order`'s indices into batches.

    Args:
        load_x: reads one decoded and scaled picture of x; must be safe to call from threads.
        load_y: the same for y.
        indices: what `order` returns.
        batch_size: samples a batch; `order` got the same.
        seed: the seed of the augmentation.
        crop_size: side in px of the random crop; None: no crop.
        flip: whether to mirror half of the pictures.
        picture_shape: (height, width, 3) that every picture ends up with, where it is known.

    Returns:
        Batches {"x", "y"} of float32 (batch, height, width, 3) in [-1, 1].
    """

    def augmented(image, crop_seed, flip_seed):
        if crop_size is not None:
            image = augment.random_crop(image, crop_size, crop_seed)
        if flip:
            image = augment.random_flip(image, flip_seed)
        return tf.ensure_shape(images.to_float(image), picture_shape or (None, None, 3))

    def sample_pair(sample, index_x, index_y):
        x, y = _load_pair(load_x, load_y, index_x, index_y)
        seeds = tf.random.split(_seed(seed, _AUGMENT, sample), 4)
        return {"x": augmented(x, seeds[0], seeds[1]), "y": augmented(y, seeds[2], seeds[3])}

    return _in_parallel(indices, sample_pair, batch_size)


def test(load_x: Load, load_y: Load) -> tf.data.Dataset:
    """Returns all pictures in order, batch 1; the shorter domain starts over when it ends.

    Args:
        load_x: reads one picture of x and has a length.
        load_y: the same for y.

    Returns:
        {"x", "y"} of float32 (1, height, width, 3) in [-1, 1].
    """

    def pair(index):
        x, y = _load_pair(load_x, load_y, index % len(load_x), index % len(load_y))
        return {"x": images.to_float(x), "y": images.to_float(y)}

    return _in_parallel(tf.data.Dataset.range(max(len(load_x), len(load_y))), pair, 1)


def _load_pair(load_x: Load, load_y: Load, index_x, index_y):
    """Reads uint8 (height, width, 3) of each domain inside a tf.data graph."""
    x, y = tf.numpy_function(
        lambda i, j: (load_x(i), load_y(j)),
        (index_x, index_y),
        (tf.uint8, tf.uint8),
        stateful=False,  # or tf.data reads one picture at a time under op determinism
    )
    return tf.ensure_shape(x, (None, None, 3)), tf.ensure_shape(y, (None, None, 3))


def _in_parallel(indices: tf.data.Dataset, read, batch_size: int) -> tf.data.Dataset:
    batches = (
        indices.map(read, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        .batch(batch_size, drop_remainder=True)
        .prefetch(tf.data.AUTOTUNE)
    )
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return batches.with_options(options)


def _seed(seed: int, stream: int, number) -> tf.Tensor:
    """A seed (2,) of its own for each number of each stream."""
    root = tf.random.fold_in(tf.constant([seed, 0], tf.int64), stream)
    return tf.random.fold_in(root, number)
