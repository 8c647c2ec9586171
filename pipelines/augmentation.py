"""Random crop and mirroring of training pictures, a pure function of a seed and a sample's number.

tf.data's pipeline crops and mirrors by TensorFlow's own functions (`pipelines.batches_tensorflow`),
that of Grain by `Augmentation.changed`; pictures are the same to the bit.
"""

import dataclasses
import functools
from collections.abc import Mapping

import numpy as np

from cyclegan_keras.images.form import Form
from cyclegan_keras.images.pixels import to_float
from pipelines import draws
from pipelines.order import AUGMENTATION_STREAM, seed_of

ORDINARY = {"x": Form(), "y": Form()}  # pictures in RGB of 8 bits
LARGEST_INT32 = 2**31 - 1
BLOCK = 1024  # samples whose numbers are drawn at once, since one alone takes as long
BLOCKS_KEPT = 16


@dataclasses.dataclass(frozen=True)
class Draw:
    """What is drawn at random for one picture.

    Attributes:
        seeds: int64 (2, 2), of TensorFlow's random crop and of its random mirroring. Pictures of
            one size with equal seeds are cropped and mirrored alike.
        place: (2,), whole numbers from which the place of the crop follows.
        mirrored: whether it is mirrored, where pictures are.
    """

    seeds: np.ndarray
    place: np.ndarray
    mirrored: bool


@dataclasses.dataclass(frozen=True, kw_only=True)
class Augmentation:
    """Random crop and mirroring of training pictures, and their scaling to [-1, 1].

    Attributes:
        seed: any whole number of 64 bits.
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

    def draws(self, number: int, stream: int = AUGMENTATION_STREAM) -> tuple[Draw, Draw]:
        """Returns what is drawn for the two pictures of a sample, for each independently.

        Args:
            number: of the sample.
            stream: of random numbers, one of those of `pipelines.order`.
        """
        block, place = divmod(int(number), BLOCK)
        first, second = _block(self.seed, stream, block)
        return first.of(place), second.of(place)

    def changed(self, image: np.ndarray, draw: Draw) -> np.ndarray:
        """Augments one picture.

        Args:
            image: of a form, (height, width, channels).
            draw: what is drawn for it.

        Returns:
            float32 (height, width, channels) in [-1, 1].
        """
        if self.crop_size is not None:
            height, width, _ = image.shape
            top = int(draw.place[0]) % (height - self.crop_size + 1)
            left = int(draw.place[1]) % (width - self.crop_size + 1)
            image = image[top : top + self.crop_size, left : left + self.crop_size]
        if self.flip and draw.mirrored:
            image = image[:, ::-1]
        return to_float(image)


@dataclasses.dataclass(frozen=True)
class DrawsOfBlock:
    """What is drawn for one picture of each sample of a block; see `Draw`."""

    seeds: np.ndarray
    places: np.ndarray
    mirrored: np.ndarray

    def of(self, place: int) -> Draw:
        """Returns what is drawn for the sample at a place of the block."""
        return Draw(self.seeds[place], self.places[place], bool(self.mirrored[place]))


@functools.lru_cache(maxsize=BLOCKS_KEPT)
def _block(seed: int, stream: int, block: int) -> tuple[DrawsOfBlock, DrawsOfBlock]:
    """Draws for the two pictures of each sample of a block, as TensorFlow does."""
    numbers = np.arange(block * BLOCK, (block + 1) * BLOCK)
    seeds = draws.split(seed_of(seed, stream, numbers), 4)
    return _of_picture(seeds[:, :2]), _of_picture(seeds[:, 2:])


def _of_picture(seeds: np.ndarray) -> DrawsOfBlock:
    """Returns what TensorFlow's functions draw.

    `tf.image.stateless_random_crop` draws an int32 for each axis, and takes the remainder that fits
    the picture. `tf.image.stateless_random_flip_left_right` draws a float of 23 bits in [0, 1), and
    mirrors where it is less than a half.
    """
    return DrawsOfBlock(
        seeds=seeds,
        places=draws.words(seeds[:, 0], 2) % np.uint32(LARGEST_INT32),
        mirrored=draws.words(seeds[:, 1], 1)[:, 0] & np.uint32(1 << 22) == 0,
    )
