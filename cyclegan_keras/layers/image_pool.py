"""A memory of earlier fakes for the discriminators."""

import random

import keras
from keras import ops

from cyclegan_keras.layers.threefry import uniform


@keras.saving.register_keras_serializable(package="cyclegan_keras")
class ImagePool(keras.layers.Layer):
    """Exchanges about half of the new fakes for older ones, so that D sees a history of G.

    Pictures of a batch are handled one after the other. While the pool is not full, a picture is
    stored and returned. Once it is full, with probability one half a random stored picture is
    returned and replaced by the new one; otherwise the new picture is returned and not stored.

    All state (pictures, their number, the random state) lies in non-trainable weights, and a draw
    is a pure function of the random state, the same on every backend and kind of device: a restored
    pool goes on exactly as if never interrupted.

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
        >>> tuple(pool(np.ones((2, 4, 4, 3))).shape)  # fills the pool
        (2, 4, 4, 3)
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
        self.stored = self.add_weight((), "zeros", dtype="int", name="stored", **state)
        self.random_state = self.add_weight(  # seed, number of queries
            (2,),
            lambda shape, dtype: ops.convert_to_tensor([seed, 0], dtype),
            dtype="int",
            name="random_state",
            **state,
        )

    def call(self, images):
        images = ops.stop_gradient(images)
        if self.size == 0:
            return images
        seed, queries = ops.unstack(ops.cast(self.random_state, "uint32"))
        numbers = ops.cast(ops.arange(ops.shape(images)[0], dtype="int32"), "uint32")
        probabilities, positions = uniform((seed, ops.zeros_like(seed)), (queries, numbers))
        self.random_state.assign_add(ops.convert_to_tensor([0, 1], self.random_state.dtype))
        return self.query(images, probabilities, ops.cast(positions * self.size, "int32"))

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
        indices = ops.cast(indices, self.stored.dtype)
        batch = ops.shape(images)[0]
        position = self.stored + ops.arange(batch, dtype=self.stored.dtype)
        fills = position < self.size
        swaps = ~fills & (probabilities > 0.5)
        slots = ops.where(fills, position, indices)
        old = self.read(slots)
        candidates = ops.concatenate([old, ops.cast(images, old.dtype)], axis=0)
        before, final = _sources(slots, stores=fills | swaps)
        itself = ops.arange(batch, 2 * batch, dtype="int32")
        returned = ops.take(candidates, ops.where(swaps, before, itself), axis=0)
        # Equal slots get equal pictures, so the order of the writes does not matter.
        self.write(slots, ops.take(candidates, final, axis=0))
        self.stored.assign_add(ops.sum(ops.cast(fills, self.stored.dtype)))
        return ops.cast(returned, images.dtype)

    def read(self, slots):
        """Returns the stored pictures in `slots`."""
        return ops.take(self.images, slots, axis=0)

    def write(self, slots, pictures):
        """Stores `pictures` in `slots`."""
        # A compiled step that is given the memory of the weight writes in place.
        self.images.assign(ops.scatter_update(self.images, slots[:, None], pictures))

    def compute_output_spec(self, images):
        return keras.KerasTensor(images.shape, dtype=images.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "size": self.size, "seed": self.seed}


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
    batch = ops.shape(slots)[0]
    order = ops.arange(batch, dtype="int32")
    meets = (slots[:, None] == slots[None, :]) & stores[None, :]  # (picture, storing picture)
    earlier = meets & (order[None, :] < order[:, None])

    def last(mask):
        found = ops.max(ops.where(mask, order[None, :], -1), axis=1)
        return ops.where(found < 0, order, batch + found)

    return last(earlier), last(meets)
