"""From a picture's index to its decoded and scaled pixels, as often as training asks for them."""

import threading
from collections.abc import Callable
from typing import TypeVar

import numpy as np
from absl import logging

from cyclegan_keras.files.errors import OutageError, PictureError, UserError
from cyclegan_keras.images.form import Form
from cyclegan_keras.images.reading import CURRENT
from cyclegan_keras.images.resizing import resize
from pipelines import images
from pipelines.outage import Patience
from pipelines.preprocess import Size
from pipelines.readable import ReadablePictures

Result = TypeVar("Result")


class Loader:
    """Reads, scales and caches pictures: the part of the work that is the same in every epoch.

    Safe to call from several threads.

    Args:
        pictures: what to read.
        cache: one of `pipelines.cache`, which may be shared with other loaders.
        scaled_size: (width, height) of a picture -> the (width, height) that it is resized to.
        form: channels and numbers of what it returns.
        resize_filter: one of `images.resizing.FILTERS`.
        reader_version: of the rules by which files are read; names what is cached.
        crop_size: side in px of a center crop after that, or None.
        patience: with files that cannot be read for a while; shared with other loaders.
        refuse: whether a damaged picture is an error; otherwise the next one takes its place.
    """

    def __init__(
        self,
        pictures: ReadablePictures,
        cache,
        scaled_size: Callable[[Size], Size],
        *,
        form: Form,
        resize_filter: str = "bicubic",
        reader_version: int = CURRENT,
        crop_size: int | None = None,
        patience: Patience | None = None,
        refuse: bool = False,
    ):
        self.pictures = pictures
        self.form = form
        self.patience = patience or Patience()
        self.refuse = refuse
        self._cache = cache
        self._scaled_size = scaled_size
        self._resize_filter = resize_filter
        self._crop_size = crop_size
        # What the first version of the rules had cached is still found.
        self._key_prefix = "" if reader_version == 1 else f"{reader_version} {form} "
        if resize_filter != "bicubic":
            self._key_prefix += f"{resize_filter} "
        self._keys: dict[int, str] = {}
        self._known_notes: set[str] = set()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self.pictures)

    def __call__(self, index: int) -> np.ndarray:
        """Returns an array of the form; the next picture takes the place of a damaged one."""
        return self.substitute(int(index) % len(self), self.read)

    def substitute(self, index: int, read: Callable[[int], Result]) -> Result:
        """Returns `read` of an index, or of the next where that picture is damaged.

        Files that cannot be opened or read are tried again for a while.

        Args:
            index: of the picture.
            read: reads the picture of an index.

        Raises:
            LostPicturesError: a file still cannot be read, or is damaged where that is an error.
            DataError: all pictures are damaged.
        """

        def read_patiently(candidate: int) -> Result:
            return self.patience.read(self.pictures.names[candidate], lambda: read(candidate))

        try:
            return self.pictures.substitute(index, read_patiently, refuse=self.refuse)
        except UserError as error:
            self.patience.end(error)
            raise

    def read(self, index: int) -> np.ndarray:
        """Returns the same, but raises PictureError for a picture that cannot be read."""
        if index not in self._keys:  # the file system need not be asked twice
            size = self._scaled_size(self.pictures.size(index))
            self._keys[index] = f"{self._key_prefix}{self.pictures.key(index)} {size}"
        image = self._cache.get(self._keys[index], lambda: self._decode_and_scale(index))
        if self._crop_size is None:
            return image
        return images.center_crop(image, self._crop_size, self._crop_size)

    def scaled_sizes(self) -> list[Size]:
        """Returns the (width, height) of every picture after scaling, before any crop."""
        return [self._scaled_size(size) for size in self.pictures.sizes]

    def _decode_and_scale(self, index: int) -> np.ndarray:
        picture = self.pictures.picture(index, self.form.channels)
        for note in picture.notes:
            self._say_once(index, note)
        image = self.form.array(picture)
        height, width, _ = image.shape
        return resize(image, self._scaled_size((width, height)), self._resize_filter)

    def _say_once(self, index: int, note: str) -> None:
        """Logs what was left out of a picture, where no other one had the same note before."""
        with self._lock:
            if note in self._known_notes:
                return
            self._known_notes.add(note)
        logging.info("%s: %s (Shown once.)", self.pictures.names[index], note)


class PairLoader:
    """Reads both sides of a pair; safe to call from several threads.

    Args:
        x: reads one side.
        y: reads the other; its picture of an index belongs to that of `x`.
    """

    def __init__(self, x: Loader, y: Loader):
        self._x = x
        self._y = y
        self.forms = {"x": x.form, "y": y.form}

    def __len__(self) -> int:
        return len(self._x)

    def __call__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Returns x and y of one size; where either is damaged, those of the next pair."""
        return self._x.substitute(int(index) % len(self), self._read)

    def side(self, side: str) -> Callable[[int], np.ndarray]:
        """Returns what reads one side, "x" or "y", of pairs that can be read."""

        def load(index: int) -> np.ndarray:
            x, y = self(index)
            return x if side == "x" else y

        return load

    def _read(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        x = self._x.read(index)
        try:
            y = self._y.read(index)
        except OutageError:
            raise
        except PictureError as error:
            raise PictureError(f"its partner {self._y.pictures.names[index]}: {error}") from error
        if x.shape[:2] != y.shape[:2]:
            raise PictureError("its partner turns out to be of another size")
        return x, y
