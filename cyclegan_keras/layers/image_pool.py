"""A memory of earlier fakes for the discriminators."""

import random

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="cyclegan_keras")
class ImagePool(keras.layers.Layer):
    """Exchanges about half of the new fakes for older ones, so that D sees a history of G.

    Pictures of a batch are handled one after the other. While the pool is not full, a picture is
    stored and returned. Once it is full, with probability one half a random stored picture is
    returned and replaced by the new one; otherwise the new picture is returned and not stored.

    All state (pictures, their number, the random state) lies in non-trainable weights, and a draw
    is a pure function of the random state: a restored pool goes on exactly as if never interrupted.
    Under `tf.distribute`, called in replica context, all replicas query one mirrored pool with the
    global batch and keep their own part: n replicas of batch 1 equal one replica of batch n.

    Args:
        size: number of pictures to remember; 0 returns every batch as it came.
        seed: int for the draws, or None for one from Python's `random`.

    Input shape:
        `(batch, height, width, channels)`; all but the batch must be known.

    Output shape:
        The same shape and dtype; no gradient flows through it.

    Raises:
        ValueError: size is negative, or the shape of a picture is unknown.

    Example:
        >>> import numpy as np
        >>> pool = ImagePool(size=2, seed=0)
        >>> pool(np.ones((2, 4, 4, 3))).shape  # fills the pool
        TensorShape([2, 4, 4, 3])
        >>> float(pool(np.zeros((1, 4, 4, 3)))[0, 0, 0, 0]) in (0.0, 1.0)  # the new or an old one
        True

    Reference:
        Shrivastava et al., "Learning from Simulated and Unsupervised Images through Adversarial
        Training", 2017, section 2.3.
    """

    def __init__(self, size=50, seed=None, **kwargs):
        super().__init__(autocast=False, **kwargs)
        if not isinstance(size, int) or size < 0:
            raise ValueError(f"`size` must be an int >= 0. Received: size={size!r}.")
        self.size = size
        self.seed = seed

    def build(self, input_shape):
        if self.size == 0:
            return
        picture = tuple(input_shape[1:])
        if None in picture:
            raise ValueError(
                "The pool stores pictures, so their height, width and channels must be known. "
                f"Received: input_shape={tuple(input_shape)}."
            )
        # Every replica computes the same update, so the first one's may stand for all.
        state = {"trainable": False, "autocast": False, "aggregation": "only_first_replica"}
        seed = random.randrange(2**31) if self.seed is None else self.seed
        self.images = self.add_weight((self.size, *picture), "zeros", name="images", **state)
        self.stored = self.add_weight((), "zeros", dtype="int64", name="stored", **state)
        self.random_state = self.add_weight(  # seed, number of queries
            (2,), lambda shape, dtype: [seed, 0], dtype="int64", name="random_state", **state
        )

    def call(self, images):
        images = tf.stop_gradient(images)
        if self.size == 0:
            return images
        replica = tf.distribute.get_replica_context()
        if replica is None or replica.num_replicas_in_sync == 1:
            return self._draw_and_query(images)
        count = tf.shape(images)[:1]
        counts = replica.all_gather(count, axis=0)
        start = tf.reduce_sum(counts[: replica.replica_id_in_sync_group])
        pooled = self._draw_and_query(replica.all_gather(images, axis=0))
        return tf.ensure_shape(pooled[start : start + count[0]], images.shape)

    def query(self, images, probabilities, indices):
        """Exchanges one batch by given draws: the rule without the chance.

        Args:
            images: (batch, height, width, channels).
            probabilities: (batch,) numbers in [0, 1]; above one half an old picture is returned.
            indices: (batch,) ints in [0, size), the old picture to return.

        A draw of a picture that finds the pool not yet full is not used.

        Returns:
            The returned pictures, shape and dtype of `images`.
        """
        position = self.stored.value + tf.range(tf.shape(images, tf.int64)[0], dtype=tf.int64)
        fills = position < self.size
        swaps = ~fills & (probabilities > 0.5)
        slots = tf.where(fills, position, tf.cast(indices, tf.int64))
        old = tf.gather(self.images.value, slots)
        candidates = tf.concat([old, tf.cast(images, old.dtype)], axis=0)
        before, final = _sources(slots, stores=fills | swaps)
        batch = tf.shape(slots)[0]
        returned = tf.gather(candidates, tf.where(swaps, before, batch + tf.range(batch)))
        # Equal slots get equal pictures, so the order of the writes does not matter.
        with tf.control_dependencies([returned]):
            update = tf.IndexedSlices(tf.gather(candidates, final), slots)
            self.images.value.scatter_update(update)
        self.stored.assign_add(tf.reduce_sum(tf.cast(fills, tf.int64)))
        return tf.cast(returned, images.dtype)

    def compute_output_spec(self, images):
        return keras.KerasTensor(images.shape, dtype=images.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "size": self.size, "seed": self.seed}

    def _draw_and_query(self, images):
        # A fixed algorithm, so that the draws are the same on every kind of device.
        draws = tf.random.stateless_uniform(
            (2, tf.shape(images)[0]), self.random_state.value, alg="philox"
        )
        self.random_state.assign_add([0, 1])
        return self.query(images, draws[0], tf.cast(draws[1] * self.size, tf.int64))


def _sources(slots, stores):
    """Follows the pictures of one batch through the slots they meet.

    Args:
        slots: (batch,) slot that each picture stores itself in or swaps with.
        stores: (batch,) bool, whether it does.

    Returns:
        Two (batch,) int32 tensors: which picture each one's slot holds just before its turn, and
        which after the whole batch. `i` means the content before the batch of picture i's slot,
        `batch + j` means new picture j.
    """
    batch = tf.shape(slots)[0]
    order = tf.range(batch)
    meets = (slots[:, None] == slots[None, :]) & stores[None, :]  # (picture, storing picture)
    earlier = meets & (order[None, :] < order[:, None])

    def last(mask):
        found = tf.reduce_max(tf.where(mask, order[None, :], -1), axis=1)
        return tf.where(found < 0, order, batch + found)

    return last(earlier), last(meets)
