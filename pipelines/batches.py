"""From indices of pictures to batches: read, crop, mirror, and scale to [-1, 1].

Each function is given readers of decoded and scaled pictures, which must be safe to call from
threads, and the indices of `pipelines.order`. An augmentation is a pure function of the seed and of
a sample's number.
"""

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf

from cyclegan_keras.images.form import Form
from pipelines import images
from pipelines.loading import Loader
from pipelines.order import AUGMENTATION_STREAM, seed_of

# index -> an array of a `Form`, (height, width, channels), scaled, not augmented
Load = Callable[[int], np.ndarray]
LoadPair = Callable[[int], tuple[np.ndarray, np.ndarray]]  # index -> both sides, of one size
ORDINARY = {"x": Form(), "y": Form()}  # pictures in RGB of 8 bits


@dataclasses.dataclass(frozen=True, kw_only=True)
class Augmentation:
    """Random crop and mirroring of training pictures, and their scaling to [-1, 1].

    Attributes:
        seed: any whole number.
        crop_size: side in px of the random crop; None: no crop.
        flip: whether to mirror half of the pictures.
        picture_size: (height, width) that every picture ends up with; None where it varies.
        forms: {"x", "y"}: the form of the pictures of each side.
    """

    seed: int
    crop_size: int | None
    flip: bool
    picture_size: tuple[int, int] | None = None
    forms: Mapping[str, Form] = dataclasses.field(default_factory=lambda: ORDINARY)

    def seeds(self, sample: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns two independent seeds (2, 2) for the two pictures of a sample."""
        seeds = tf.random.split(seed_of(self.seed, AUGMENTATION_STREAM, sample), 4)
        return seeds[:2], seeds[2:]

    def __call__(self, image: tf.Tensor, seeds: tf.Tensor) -> tf.Tensor:
        """Augments one picture.

        Args:
            image: of a form, (height, width, channels).
            seeds: integers (2, 2). Pictures of one size with equal seeds are cropped and mirrored
                alike.

        Returns:
            float32 (height, width, channels) in [-1, 1].
        """
        if self.crop_size is not None:
            image = random_crop(image, self.crop_size, seeds[0])
        if self.flip:
            image = random_flip(image, seeds[1])
        height, width = self.picture_size or (None, None)
        return tf.ensure_shape(images.to_float(image), (height, width, image.shape[-1]))


def random_crop(image: tf.Tensor, size: int, seed: tf.Tensor) -> tf.Tensor:
    """Cuts `size` x `size` px at a place drawn uniformly.

    Args:
        image: (height, width, channels), each side at least `size`; any dtype.
        size: side of the result in px.
        seed: integers (2,); the same seed cuts the same place.
    """
    return tf.image.stateless_random_crop(image, (size, size, image.shape[-1]), seed)


def random_flip(image: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Mirrors left to right with probability one half; shape and dtype stay."""
    return tf.image.stateless_random_flip_left_right(image, seed)


def unpaired(
    load_x: Load,
    load_y: Load,
    indices: tf.data.Dataset,
    augmentation: Augmentation,
    batch_size: int,
) -> tf.data.Dataset:
    """Makes batches of pictures that need not correspond, each augmented on its own.

    Args:
        load_x: reads one picture of x.
        load_y: reads one picture of y.
        indices: what `order.unpaired` returns.
        augmentation: crop and mirroring.
        batch_size: samples a batch.

    Returns:
        Batches {"x", "y"} of float32 (batch, height, width, channels) in [-1, 1].
    """

    def load(index_x, index_y):
        return load_x(index_x), load_y(index_y)

    def read(sample, index_x, index_y):
        x, y = _read_both(load, augmentation.forms, index_x, index_y)
        seeds_x, seeds_y = augmentation.seeds(sample)
        return {"x": augmentation(x, seeds_x), "y": augmentation(y, seeds_y)}

    return _read_in_parallel(indices, read, batch_size)


def paired(
    load_pair: LoadPair, indices: tf.data.Dataset, augmentation: Augmentation, batch_size: int
) -> tf.data.Dataset:
    """Makes batches of pairs, both sides of which are cropped and mirrored alike.

    Args:
        load_pair: reads both sides of a pair.
        indices: what `order.paired` returns.
        augmentation: crop and mirroring.
        batch_size: samples a batch.

    Returns:
        Batches {"x", "y"} of float32 (batch, height, width, channels) in [-1, 1]; x[i] and y[i]
        show the same part of one scene.
    """

    def read(sample, index):
        x, y = _read_both(load_pair, augmentation.forms, index)
        seeds, _ = augmentation.seeds(sample)
        return {"x": augmentation(x, seeds), "y": augmentation(y, seeds)}

    return _read_in_parallel(indices, read, batch_size)


def mixed(
    load_x: Load,
    load_y: Load,
    load_pair: LoadPair,
    indices: tf.data.Dataset,
    augmentation: Augmentation,
    *,
    batch_size: int,
    pairs_every: int,
) -> tf.data.Dataset:
    """Makes unpaired batches in which every so many samples are replaced by a pair.

    Args:
        load_x: reads one picture of x.
        load_y: reads one picture of y.
        load_pair: reads both sides of a pair, and has a length. Pairs take turns.
        indices: what `order.unpaired` returns.
        augmentation: crop and mirroring, the same on both sides of a pair.
        batch_size: samples a batch.
        pairs_every: samples 0, `pairs_every`, twice `pairs_every` and so on are pairs.

    Returns:
        Batches {"x", "y", "paired"}: twice float32 (batch, height, width, channels) in [-1, 1], and
        float32 (batch,) with 1 for a pair and 0 otherwise.
    """

    def load(sample, index_x, index_y):
        if sample % pairs_every == 0:
            return load_pair(sample // pairs_every % len(load_pair))
        return load_x(index_x), load_y(index_y)

    def read(sample, index_x, index_y):
        x, y = _read_both(load, augmentation.forms, sample, index_x, index_y)
        is_pair = sample % pairs_every == 0
        seeds_x, seeds_y = augmentation.seeds(sample)
        return {
            "x": augmentation(x, seeds_x),
            "y": augmentation(y, tf.where(is_pair, seeds_x, seeds_y)),
            "paired": tf.cast(is_pair, tf.float32),
        }

    return _read_in_parallel(indices, read, batch_size)


def in_order(load_x: Loader, load_y: Loader) -> tf.data.Dataset:
    """Makes batches of one of all pictures; the shorter domain starts over when it ends.

    Args:
        load_x: reads one picture of x.
        load_y: reads one picture of y.

    Returns:
        {"x", "y"} of float32 (1, height, width, channels) in [-1, 1].
    """

    def load(index):
        return load_x(index % len(load_x)), load_y(index % len(load_y))

    forms = {"x": load_x.form, "y": load_y.form}

    def read(index):
        x, y = _read_both(load, forms, index)
        return {"x": images.to_float(x), "y": images.to_float(y)}

    count = max(len(load_x), len(load_y))
    return _read_in_parallel(tf.data.Dataset.range(count), read, batch_size=1)


def _read_both(
    load: Callable, forms: Mapping[str, Form], *indices: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Calls `load` inside a tf.data graph.

    Args:
        load: numpy integers -> arrays (height, width, channels) of x and of y.
        forms: {"x", "y"}: the form of each.
        *indices: what it is called with.
    """
    x, y = tf.numpy_function(
        load,
        indices,
        (forms["x"].dtype, forms["y"].dtype),
        stateful=False,  # or tf.data reads one picture at a time under op determinism
    )
    return (
        tf.ensure_shape(x, (None, None, forms["x"].channels)),
        tf.ensure_shape(y, (None, None, forms["y"].channels)),
    )


def _read_in_parallel(indices: tf.data.Dataset, read: Callable, batch_size: int) -> tf.data.Dataset:
    """Maps `read` over `indices` on all cores, in order, and makes whole batches of it."""
    batches = (
        indices.map(read, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        .batch(batch_size, drop_remainder=True)
        .prefetch(tf.data.AUTOTUNE)
    )
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return batches.with_options(options)
