"""Batches for TensorFlow: tf.data reads, crops, mirrors, and scales to [-1, 1].

`pipelines.batches_jax` makes the same batches without TensorFlow.
"""

from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf

from cyclegan_keras.images.form import Form
from pipelines.augmentation import Augmentation
from pipelines.loading import Loader
from pipelines.order import Numbers
from pipelines.training_samples import Load, Samples


def training(samples: Samples, numbers: Numbers, batch_size: int) -> tf.data.Dataset:
    """Makes batches of samples.

    Args:
        samples: of one of the functions of `pipelines.training_samples`.
        numbers: of the samples, in the order in which they come.
        batch_size: samples a batch.

    Returns:
        Batches {"x", "y"} of float32 (batch, height, width, channels) in [-1, 1]; where the samples
        tell pairs also "paired", float32 (batch,), with 1 for a pair and 0 otherwise.
    """
    augmentation = samples.augmentation

    def load(number):
        sample = samples.read(int(number))
        return (
            sample.x,
            sample.y,
            sample.draw_x.seeds,
            sample.draw_y.seeds,
            np.float32(sample.is_pair),
        )

    def read(place):
        dtypes = (*_dtypes(augmentation.forms), tf.int64, tf.int64, tf.float32)
        x, y, seeds_x, seeds_y, is_pair = _numpy(load, numbers[place], dtypes)
        batch = {
            "x": augmented(_of_form(x, augmentation.forms["x"]), seeds_x, augmentation),
            "y": augmented(_of_form(y, augmentation.forms["y"]), seeds_y, augmentation),
        }
        if samples.tells_pairs:
            batch["paired"] = tf.ensure_shape(is_pair, ())
        return batch

    return _read_in_parallel(tf.data.Dataset.range(len(numbers)), read, batch_size)


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
        x, y = _numpy(load, index, _dtypes(forms))
        return {
            "x": to_float(_of_form(x, forms["x"])),
            "y": to_float(_of_form(y, forms["y"])),
        }

    count = max(len(load_x), len(load_y))
    return _read_in_parallel(tf.data.Dataset.range(count), read, batch_size=1)


def crops(
    load: Load,
    numbers: np.ndarray,
    indices: np.ndarray,
    augmentation: Augmentation,
    *,
    form: Form,
    stream: int,
) -> tf.data.Dataset:
    """Reads pictures on all cores, in order, and crops and mirrors each by its number.

    Each crop follows from its own number, whichever others are asked for: whoever keeps something
    of each crop, such as another network's answer to it, needs to name a crop and get it once more.

    Args:
        load: reads one picture of the form; safe to call from threads.
        numbers: int64 (n,), of the crops.
        indices: int64 (n,), of the pictures that they are cut from.
        augmentation: crop and mirroring; its seed.
        form: of the pictures.
        stream: of random numbers, one of `order.CROP_STREAMS`.

    Returns:
        n of {"number", "picture"}: int64 and float32 (height, width, channels) in [-1, 1].
    """

    def load_with_seeds(number, index):
        draw, _ = augmentation.draws(number, stream)
        return load(index), draw.seeds

    def read(number, index):
        image, seeds = tf.numpy_function(
            load_with_seeds, (number, index), (form.dtype, tf.int64), stateful=False
        )
        picture = augmented(_of_form(image, form), seeds, augmentation)
        return {"number": number, "picture": picture}

    numbers_and_indices = tf.data.Dataset.from_tensor_slices((numbers, indices))
    return numbers_and_indices.map(
        read, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
    ).prefetch(tf.data.AUTOTUNE)


def augmented(image: tf.Tensor, seeds: tf.Tensor, augmentation: Augmentation) -> tf.Tensor:
    """Augments one picture.

    Args:
        image: of a form, (height, width, channels).
        seeds: of a `Draw`, integers (2, 2). Pictures of one size with equal seeds are cropped and
            mirrored alike.
        augmentation: crop and mirroring.

    Returns:
        float32 (height, width, channels) in [-1, 1].
    """
    seeds = tf.ensure_shape(seeds, (2, 2))
    if augmentation.crop_size is not None:
        image = random_crop(image, augmentation.crop_size, seeds[0])
    if augmentation.flip:
        image = random_flip(image, seeds[1])
    height, width = augmentation.picture_size or (None, None)
    return tf.ensure_shape(to_float(image), (height, width, image.shape[-1]))


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


def to_float(image: tf.Tensor) -> tf.Tensor:
    """Maps uint8 0..255 of any shape to float32 in [-1, 1]; floats are in [-1, 1] already."""
    if image.dtype != tf.uint8:
        return tf.cast(image, tf.float32)
    return tf.cast(image, tf.float32) / 127.5 - 1.0


def _numpy(function: Callable, argument: tf.Tensor, dtypes: tuple) -> list[tf.Tensor]:
    """Calls a function of one number inside a tf.data graph.

    It counts as stateless, or tf.data would read one picture at a time under op determinism.
    """
    return tf.numpy_function(function, (argument,), dtypes, stateful=False)


def _dtypes(forms: Mapping[str, Form]) -> tuple:
    return forms["x"].dtype, forms["y"].dtype


def _of_form(image: tf.Tensor, form: Form) -> tf.Tensor:
    """Says of a picture what tf.data cannot know."""
    return tf.ensure_shape(image, (None, None, form.channels))


def _read_in_parallel(places: tf.data.Dataset, read: Callable, batch_size: int) -> tf.data.Dataset:
    """Maps `read` over `places` on all cores, in order, and makes whole batches of it."""
    # It has no loops and branches over tensors: AutoGraph would rewrite it for nothing.
    read = tf.autograph.experimental.do_not_convert(read)
    batches = (
        places.map(read, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        .batch(batch_size, drop_remainder=True)
        .prefetch(tf.data.AUTOTUNE)
    )
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return batches.with_options(options)
