"""A bounded cache of decoded, not yet augmented pictures, in memory or on disk."""

import contextlib
import hashlib
import os
import pathlib
import threading
from collections.abc import Callable

import numpy as np
from absl import logging

from cyclegan_keras.files.atomic import atomic_write
from cyclegan_keras.files.errors import WriteError
from cyclegan_keras.files.names import name_bytes
from cyclegan_keras.files.writing import make_folder

MEGABYTE = 1_000_000


class MemoryCache:
    """Keeps the first pictures that fit and never evicts.

    An epoch visits every picture once, and that is where a least-recently-used cache smaller than
    the set would miss every time. Safe to use from several threads.

    Args:
        megabytes: the most it may hold.
    """

    def __init__(self, megabytes: int):
        self._free = megabytes * MEGABYTE
        self._pictures: dict[str, np.ndarray] = {}
        self._lock = threading.Lock()

    def get(self, key: str, make: Callable[[], np.ndarray]) -> np.ndarray:
        """Returns the picture kept under `key`, or makes it and keeps it if it fits."""
        kept = self._pictures.get(key)
        if kept is not None:
            return kept
        picture = make()
        with self._lock:
            if key not in self._pictures and picture.nbytes <= self._free:
                self._pictures[key] = picture
                self._free -= picture.nbytes
        return picture


class DiskCache:
    """Keeps pictures as .npy files, also for later runs; a picture appears whole or not at all.

    Where the folder cannot be written to, or the disk is full, one warning says so and the run goes
    on without the cache. Safe to use from several threads and by several runs at once.

    Args:
        folder: where the files lie.
        megabytes: the most they may take together.
    """

    def __init__(self, folder: str | os.PathLike, megabytes: int):
        self._folder = pathlib.Path(folder).expanduser()
        self._lock = threading.Lock()
        self._failed = False
        used = sum(file.stat().st_size for file in self._folder.glob("[!.]*.npy"))
        self._free = megabytes * MEGABYTE - used

    def get(self, key: str, make: Callable[[], np.ndarray]) -> np.ndarray:
        """Returns the picture kept under `key`, or makes it and keeps it if it fits."""
        path = self._folder / f"{hashlib.sha256(name_bytes(key)).hexdigest()[:40]}.npy"
        with contextlib.suppress(OSError, ValueError, EOFError):  # absent or damaged: make it anew
            return np.load(path, allow_pickle=False)
        picture = make()
        with self._lock:
            fits = not self._failed and picture.nbytes <= self._free
            if fits:
                self._free -= picture.nbytes
        if fits:
            self._write(path, picture)
        return picture

    def _write(self, path: pathlib.Path, picture: np.ndarray) -> None:
        try:
            make_folder(self._folder)
            with atomic_write(path, shared=True) as temporary:
                np.save(temporary, picture)
        except WriteError as error:
            self._failed = True
            logging.warning("The picture cache is off: %s", error.without_advice)


class NoCache:
    """Makes every picture anew."""

    def get(self, key: str, make: Callable[[], np.ndarray]) -> np.ndarray:
        """Returns `make()`."""
        return make()


# --cache -> f(DataOptions)
CACHES = {
    "memory": lambda options: MemoryCache(options.cache_mb),
    "disk": lambda options: DiskCache(
        options.cache_dir or "~/.cache/cyclegan-keras", options.cache_mb
    ),
    "none": lambda options: NoCache(),
}
