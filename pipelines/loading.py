"""From a picture's place in a set to its decoded, scaled pixels."""

from collections.abc import Callable

import numpy as np

from cyclegan_keras.files.errors import PictureError
from pipelines import images
from pipelines.presets import Size
from pipelines.scan import ReadablePictures


class Loader:
    """Reads, scales and keeps pictures; the part of the work that is the same in every epoch.

    Safe to call from several threads.

    Args:
        pictures: what to read.
        cache: a cache of `pipelines.cache`, shared with other loaders.
        scaled: (width, height) of a picture -> (width, height) it is resized to.
        crop_size: side in px of a centre crop after that, or None.
    """

    def __init__(
        self,
        pictures: ReadablePictures,
        cache,
        scaled: Callable[[Size], Size],
        crop_size: int | None = None,
    ):
        self.pictures = pictures
        self._cache = cache
        self._scaled = scaled
        self._crop_size = crop_size
        self._keys: dict[int, str] = {}

    def __len__(self) -> int:
        return len(self.pictures)

    def __call__(self, index: int) -> np.ndarray:
        """Returns uint8 (height, width, 3); a damaged picture gives way to the next one."""
        return self.pictures.substitute(int(index) % len(self), self.read)

    def read(self, index: int) -> np.ndarray:
        """Returns the same, but raises PictureError for a damaged picture."""
        image = self._scaled_picture(index)
        if self._crop_size is None:
            return image
        return images.center_crop(image, self._crop_size, self._crop_size)

    def scaled_sizes(self) -> list[Size]:
        """Returns the (width, height) of every picture before any crop."""
        return [self._scaled(size) for size in self.pictures.sizes]

    def _scaled_picture(self, index: int) -> np.ndarray:
        if index not in self._keys:  # asking the file system once is enough
            size = self._scaled(self.pictures.size(index))
            self._keys[index] = f"{self.pictures.key(index)} {size}"
        return self._cache.get(self._keys[index], lambda: self._make(index))

    def _make(self, index: int) -> np.ndarray:
        image = self.pictures[index]
        return images.resize(image, self._scaled((image.shape[1], image.shape[0])))


class PairLoader:
    """Reads both sides of a pair; safe to call from several threads.

    Args:
        x: reads one side.
        y: reads the other; its picture of an index belongs to that of `x`.
    """

    def __init__(self, x: Loader, y: Loader):
        self._x, self._y = x, y

    def __len__(self) -> int:
        return len(self._x)

    def __call__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Returns x and y of one size; where either is damaged, those of the next pair."""
        return self._x.pictures.substitute(int(index) % len(self), self._read)

    def _read(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        x = self._x.read(index)
        try:
            y = self._y.read(index)
        except PictureError as error:
            raise PictureError(f"its partner {self._y.pictures.names[index]}: {error}") from error
        if x.shape != y.shape:
            raise PictureError("its partner turns out to be of another size")
        return x, y
