"""Training crops by number: each follows from its own number, whichever others are asked for.

An epoch's batches come in one order. Whoever keeps something of each crop, such as another
network's answer to it, needs to name a crop and to get it once more.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from cyclegan_keras.images.form import Form
from pipelines.batches import Augmentation, Load, LoadPair
from pipelines.order import seed_of


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

    def read(number, index):
        image = tf.numpy_function(
            load,
            [index],
            form.dtype,
            stateful=False,  # or tf.data reads one picture at a time under op determinism
        )
        image = tf.ensure_shape(image, (None, None, form.channels))
        seeds = tf.random.split(seed_of(augmentation.seed, stream, number), 2)
        return {"number": number, "picture": augmentation(image, seeds)}

    numbers_and_indices = tf.data.Dataset.from_tensor_slices((numbers, indices))
    return numbers_and_indices.map(
        read, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
    ).prefetch(tf.data.AUTOTUNE)


def side_of_pairs(load_pair: LoadPair, side: str) -> Callable[[int], np.ndarray]:
    """Returns what reads one side, "x" or "y", of pairs that can be read."""

    def load(index: int) -> np.ndarray:
        x, y = load_pair(index)
        return x if side == "x" else y

    return load
