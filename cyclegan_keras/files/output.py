"""What a command prints: neither a name that is not text nor a closed pipe makes it fail."""

import contextlib
import errno
import io
import os
import stat
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from cyclegan_keras.files.errors import WriteError

NOBODY_READS = (errno.EPIPE, errno.EIO)  # `| head` has ended, or the terminal is closed


@contextlib.contextmanager
def shielded_output() -> Iterator[None]:
    """Shields sys.stdout and sys.stderr while the block lasts.

    Characters that they cannot hold, as in names of files that are not UTF-8, are written as
    escapes. Where nobody reads what is printed any more, the work goes on without a word; a full
    disk behind them is a WriteError.
    """
    before = sys.stdout, sys.stderr
    sys.stdout = ShieldedStream(sys.stdout, "standard output")
    sys.stderr = ShieldedStream(sys.stderr, "standard error")
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


class ShieldedStream:
    """A stream of text that goes on when nobody reads it any more.

    Args:
        stream: what is written to; None where the process was started without one.
        name: for messages.
    """

    def __init__(self, stream: Any, name: str):
        self._stream = io.StringIO() if stream is None else stream
        self._name = name
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")

    def write(self, text: str) -> int:
        """Writes, unless nobody reads it any more."""
        try:
            return self._stream.write(text)
        except OSError as error:
            self._give_up(error)
            return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Writes, unless nobody reads it any more."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Writes what is waiting, unless nobody reads it any more."""
        try:
            self._stream.flush()
        except OSError as error:
            self._give_up(error)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _give_up(self, error: OSError) -> None:
        """Sends all that follows, and what is waiting in a buffer, nowhere."""
        with contextlib.suppress(OSError, ValueError):  # a stream that is no file of the system
            _send_nowhere(self._stream.fileno())
        if error.errno not in NOBODY_READS:
            raise WriteError(
                f"Cannot write to {self._name}: {error.strerror}. Free some space, or send what is "
                "printed elsewhere, and run the same command again.",
                errno=error.errno,
            ) from error


def leave_closed_terminal() -> None:
    """Sends what is printed nowhere where it went to a terminal that is closed by now."""
    for number in (1, 2):
        with contextlib.suppress(OSError):  # the process was started without it
            is_device = stat.S_ISCHR(os.fstat(number).st_mode)
            if is_device and not os.isatty(number):
                _send_nowhere(number)


def _send_nowhere(number: int) -> None:
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, number)
    os.close(null)
