"""Files that cannot be read for a while, such as those of a network drive: wait, then give up."""

import concurrent.futures
import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from absl import logging

from cyclegan_keras.files.errors import LostPicturesError, OutageError, UserError

WAIT_SECONDS = 60.0  # how long a file is tried again
FIRST_PAUSE = 0.5  # seconds before the second attempt; every pause is twice as long as the last
LONGEST_PAUSE = 8.0
TICK = 0.1  # seconds between two looks at whether anybody still waits
Result = TypeVar("Result")


def has_folder(file: str | os.PathLike) -> bool:
    """Whether the folder of a file can be read."""
    try:
        os.scandir(os.path.dirname(file) or ".").close()
    except OSError:
        return False
    return True


class Patience:
    """Waits for files that could be read when a training began; safe to use from several threads.

    The threads of one training share it: when a drive goes away, all of them meet it, but one line
    says so, and when the first of them gives up, so do the others.

    Attributes:
        failure: the error by which reading has ended; None as long as it goes on. TensorFlow
            passes on no more than its text.
        is_interrupted: is asked while waiting; where it returns True, the waiting ends.
    """

    def __init__(self):
        self.failure: UserError | None = None
        self.is_interrupted: Callable[[], bool] = lambda: False
        self._gives_up = False
        self._waiting = 0
        self._is_announced = False
        self._lock = threading.Lock()

    def read(self, name: str, read: Callable[[], Result]) -> Result:
        """Returns `read()`, which is tried again for `WAIT_SECONDS` where a file cannot be read.

        Args:
            name: what the picture is called in messages.
            read: reads it.

        Raises:
            LostPicturesError: the file still cannot be read.
        """
        try:
            return read()
        except OutageError as error:
            outage = error
        begin = time.monotonic()
        pause = FIRST_PAUSE
        self._begin_to_wait(name, outage)
        try:
            while not self._is_over():
                left = begin + WAIT_SECONDS - time.monotonic()
                if left <= 0:
                    break
                self._pause(min(pause, left))
                pause = min(2 * pause, LONGEST_PAUSE)
                try:
                    result = read()
                except OutageError as error:
                    outage = error
                else:
                    self._announce_return(name, time.monotonic() - begin)
                    return result
        finally:
            with self._lock:
                self._waiting -= 1
        raise LostPicturesError(
            f"{outage.filename or name} could be read before, but {outage}, also after "
            f"{time.monotonic() - begin:.0f} s: see to its drive or network."
        )

    def end(self, error: UserError) -> None:
        """Notes the error by which reading ends; of several, the first counts."""
        with self._lock:
            if self.failure is None:
                self.failure = error

    def give_up(self) -> None:
        """Ends all waiting, now and later."""
        self._gives_up = True

    @contextlib.contextmanager
    def threads(self) -> Iterator[concurrent.futures.Executor]:
        """Returns threads to read in; an error within the block, or Ctrl-C, ends their work."""
        with concurrent.futures.ThreadPoolExecutor() as pool:
            try:
                yield pool
            except BaseException:
                self.give_up()
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _is_over(self) -> bool:
        return self._gives_up or self.failure is not None or self.is_interrupted()

    def _pause(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self._is_over():
            time.sleep(min(TICK, seconds))

    def _begin_to_wait(self, name: str, outage: OutageError) -> None:
        with self._lock:
            self._waiting += 1
            if self._is_announced:
                return
            self._is_announced = True
        logging.warning(
            "%s could be read before, but %s: trying again for %g s.",
            outage.filename or name,
            outage,
            WAIT_SECONDS,
        )

    def _announce_return(self, name: str, seconds: float) -> None:
        with self._lock:
            if not self._is_announced:
                return
            self._is_announced = False
        logging.info("%s can be read again after %.1f s; the training goes on.", name, seconds)
