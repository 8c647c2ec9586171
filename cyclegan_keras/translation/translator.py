"""Pictures of any size in, pictures of the same size out."""

import functools
from collections.abc import Callable

import numpy as np

from cyclegan_keras.models.any_size import fitting_side, translate_any_size
from cyclegan_keras.models.description import Description

SMALL_SIDE = 24  # px


class Translator:
    """Translates pictures of any size, in one direction.

    What comes out is exactly as large as what goes in: pictures are mirrored up to a size that the
    network takes, and cut back.

    Args:
        network: maps float32 (batch, height, width, input channels) in [-1, 1] to the same height
            and width, for sides that fit `description`; a generator, for example.
        description: channels, sizes and names of the network.
        tiled: the same for one picture (1, height, width, channels) within bounded memory.
        most_pixels: what `network` may be given at once, height x width x batch; larger pictures
            go to `tiled`, one by one. None: everything goes to `network`.
        one_by_one: whether `network` computes each picture of a batch by itself, so that what it
            returns cannot depend on the others; else that is found out where it is asked.
        precision: in what arithmetic `network` computes, in words; None where that is not known.

    Attributes:
        description: as given.
        precision: as given.
        most_pixels: as given; None where there is no `tiled`.

    Example:
        >>> from cyclegan_keras.models.resnet_generator import ResNetGenerator
        >>> generator = ResNetGenerator(ngf=4, n_blocks=1)
        >>> translator = Translator(generator, generator.description)
        >>> translator(np.zeros((1, 7, 301, 3), "float32")).shape
        (1, 7, 301, 3)
    """

    def __init__(
        self,
        network: Callable,
        description: Description,
        tiled: Callable | None = None,
        most_pixels: int | None = None,
        one_by_one: bool = False,
        precision: str | None = None,
    ):
        self.description = description
        self.precision = precision
        self.most_pixels = most_pixels if tiled else None
        self._network = network
        self._tiled = tiled
        self._one_by_one = one_by_one

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Translates float32 (batch, height, width, channels) in [-1, 1] to the same range."""
        count, height, width, _ = images.shape
        if self.most_pixels is None or count * height * width <= self.most_pixels:
            return self._any_size(self._network, images)
        at_once = self.most_pixels // (height * width)
        network = self._network if at_once else self._tiled
        batch_size = max(at_once, 1)
        translated = [
            self._any_size(network, images[start : start + batch_size])
            for start in range(0, count, batch_size)
        ]
        return np.concatenate(translated)

    def prepare(self) -> None:
        """Makes what the network needs for pictures of any size, where it would make it later."""
        if hasattr(self._network, "prepare"):
            self._network.prepare()

    @functools.cached_property
    def is_batch_invariant(self) -> bool:
        """Whether a picture comes out the same, to the bit, alone and among others.

        On a CPU three pictures of noise show it: sums over channels that do not fill the registers
        (ngf=12, for example) depend on where in the batch a picture is, others do not. On a GPU it
        is taken for granted: kernels differ there, but batches are what makes it fast.
        """
        if self._one_by_one:
            return True
        import tensorflow as tf

        if tf.config.list_physical_devices("GPU"):
            return True
        described = self.description
        side = fitting_side(SMALL_SIDE, described.size_multiple, described.smallest_size)
        shape = (3, side, side, described.input_channels)
        images = np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)
        alone = np.concatenate([self(image[None]) for image in images])
        return np.array_equal(self(images), alone)

    def _any_size(self, network: Callable, images: np.ndarray) -> np.ndarray:
        return translate_any_size(
            network,
            images,
            multiple=self.description.size_multiple,
            smallest=self.description.smallest_size,
        )
