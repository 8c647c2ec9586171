"""Random changes to one training picture, each a pure function of (image, seed)."""

import tensorflow as tf


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
