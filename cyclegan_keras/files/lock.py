"""Keeping other processes out of a folder."""

import contextlib
import pathlib
from collections.abc import Iterator

import filelock

from cyclegan_keras.files.errors import UserError


@contextlib.contextmanager
def locked(path: pathlib.Path, busy: UserError) -> Iterator[None]:
    """Holds the lock file `path` while the block lasts; a killed process frees it.

    Args:
        path: the lock file.
        busy: raised when another process holds it.

    Raises:
        UserError: `busy`.
        OSError: the file cannot be written.
    """
    lock = filelock.FileLock(path)
    try:
        lock.acquire(blocking=False)
    except filelock.Timeout:
        raise busy from None
    with lock:
        yield
