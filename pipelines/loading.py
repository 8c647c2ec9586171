"""From a picture's index to its decoded and scaled pixels, as often as training asks for them."""

from collections.abc import Callable

import numpy as np

from cyclegan_keras.files.errors import PictureError
from pipelines import images
from pipelines.preprocess import Size
from pipelines.readable import ReadablePictures


class Loader:
    """Reads, scales and caches pictures: the part of the work that is the same in every epoch.

    Safe to call from several threads.

    Args:
        pictures: what to read.
        cache: one of `pipelines.cache`, which may be shared with other loaders.
        scaled_size: (width, height) of a picture -> the (width, height) that it is resized to.
        crop_size: side in px of a center crop after that, or None.
    """

    def __init__(
        self,
        pictures: ReadablePictures,
        cache,
        scaled_size: Callable[[Size], Size],
        crop_size: int | None = None,
    ):
        self.pictures = pictures
        self._cache = cache
        self._scaled_size = scaled_size
        self._crop_size = crop_size
        self._keys: dict[int, str] = {}

    def __len__(self) -> int:
        return len(self.pictures)

    def __call__(self, index: int) -> np.ndarray:
        """Returns uint8 (height, width, 3); the next picture takes the place of a damaged one."""
        return self.pictures.substitute(int(index) % len(self), self.read)

    def read(self, index: int) -> np.ndarray:
        """Returns the same, but raises PictureError for a damaged picture."""
        if index not in self._keys:  # the file system need not be asked twice
            size = self._scaled_size(self.pictures.size(index))
            self._keys[index] = f"{self.pictures.key(index)} {size}"
        image = self._cache.get(self._keys[index], lambda: self._decode_and_scale(index))
        if self._crop_size is None:
            return image
        return images.center_crop(image, self._crop_size, self._crop_size)

    def scaled_sizes(self) -> list[Size]:
        """Returns the (width, height) of every picture after scaling, before any crop."""
        return [self._scaled_size(size) for size in self.pictures.sizes]

    def _decode_and_scale(self, index: int) -> np.ndarray:
        image = self.pictures[index]
        height, width, _ = image.shape
        return images.resize(image, self._scaled_size((width, height)))


class PairLoader:
    """Reads both sides of a pair; safe to call from several threads.

    Args:
        x: reads one side.
        y: reads the other; its picture of an index belongs to that of `x`.
    """

    def __init__(self, x: Loader, y: Loader):
        self._x = x
        self._y = y

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
