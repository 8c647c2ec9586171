"""Pictures of any size in, pictures of the same size out."""

import functools
from collections.abc import Callable

import numpy as np

from cyclegan_keras.models.any_size import translate_any_size
from cyclegan_keras.models.description import Description

SMALL_SIDE = 24  # px


class Translator:
    """Translates pictures of any size, one way.

    What comes out is exactly as large as what goes in: pictures are mirrored up to a size that the
    network takes, and cut back.

    Args:
        network: maps float32 (batch, height, width, input channels) in [-1, 1] to the same height
            and width, for sides that fit `description`; a generator, for example.
        description: what the network tells of itself.
        tiled: the same for one picture (1, height, width, channels) within bounded memory.
        most_pixels: what `network` may be given at once, height x width x batch; larger pictures
            go to `tiled`, one by one. None: everything goes to `network`.

    Attributes:
        description, most_pixels: what it was given.

    Example:
        >>> from cyclegan_keras.models import ResNetGenerator
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
    ):
        self.description = description
        self.most_pixels = most_pixels if tiled else None
        self._network = network
        self._tiled = tiled

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Translates float32 (batch, height, width, channels) in [-1, 1] to the same range."""
        count, height, width, _ = images.shape
        at_once = count
        if self.most_pixels is not None:
            at_once = self.most_pixels // (height * width)
        if at_once >= count:
            return self._any_size(self._network, images)
        network = self._network if at_once else self._tiled
        step = max(at_once, 1)
        parts = [self._any_size(network, images[i : i + step]) for i in range(0, count, step)]
        return np.concatenate(parts)

    @functools.cached_property
    def is_batch_proof(self) -> bool:
        """Whether a picture comes out the same, to the bit, alone and among others.

        On a CPU three pictures of noise find it out: sums over channels that do not fill the
        registers (ngf=12, say) depend on where in the batch a picture lies, others do not. On a GPU
        it is taken for granted: kernels differ there, but batches are what makes it fast.
        """
        import tensorflow as tf

        if tf.config.list_physical_devices("GPU"):
            return True
        told = self.description
        side = -(-max(told.smallest_size, SMALL_SIDE) // told.size_multiple) * told.size_multiple
        shape = (3, side, side, told.input_channels)
        images = np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)
        alone = np.concatenate([self(image[None]) for image in images])
        return np.array_equal(self(images), alone)

    def _any_size(self, network, images):
        return translate_any_size(
            network,
            images,
            multiple=self.description.size_multiple,
            smallest=self.description.smallest_size,
        )
