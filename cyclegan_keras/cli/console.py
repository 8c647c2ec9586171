"""What a user meets in every command: flags, --help, log lines, Ctrl-C."""

import logging
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

import absl.logging
from tqdm import tqdm

from cyclegan_keras.cli import flags
from cyclegan_keras.files.output import leave_closed_terminal
from cyclegan_keras.files.shield import run_shielded

HANGUP = getattr(signal, "SIGHUP", None)  # what a terminal sends when it is closed


class LogLines(logging.Handler):
    """Shows log messages as plain lines above a progress bar.

    Those of TFDS are shown from WARNING on.
    """

    def emit(self, record):
        if "tensorflow_datasets" not in record.pathname or record.levelno >= logging.WARNING:
            tqdm.write(record.getMessage(), file=sys.stderr)


class Interruption:
    """Lets a command end after the work in hand when Ctrl-C, SIGTERM or SIGHUP arrives.

    As a context manager it catches the first of these signals; a second one raises
    KeyboardInterrupt at once. A second SIGHUP does nothing, because a terminal that is closed sends
    several. Under `nohup`, which ignores SIGHUP, it goes on being ignored; a signal for which a
    program around this one has a handler in C is left to it. Signals reach the main thread alone:
    in any other nothing is caught, and the work goes on to its end.

    Args:
        message: shown to the user when the first signal arrives.

    Attributes:
        number: number of the signal that arrived, None as long as none has.

    Example:
        >>> with Interruption("Stopping after this file ...") as interruption:
        ...     interruption.requested()
        False
    """

    def __init__(self, message: str):
        self.message = message
        self.number: int | None = None

    def requested(self) -> bool:
        """Returns whether a signal has arrived, so that the command should end."""
        return self.number is not None

    @property
    def signal_name(self) -> str:
        """The name of the signal that arrived, such as SIGINT."""
        return signal.Signals(self.number).name

    @property
    def exit_code(self) -> int:
        """128 + the signal that arrived, as shells expect it."""
        return 128 + self.number

    def __enter__(self):
        self._handlers: dict[int, Any] = {}
        if threading.current_thread() is not threading.main_thread():
            return self
        signals = [signal.SIGINT, signal.SIGTERM]
        if HANGUP is not None and signal.getsignal(HANGUP) is not signal.SIG_IGN:
            signals.append(HANGUP)
        for number in signals:
            if signal.getsignal(number) is None:  # Python could not put it back
                continue
            self._handlers[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *exception):
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def _on_signal(self, number, frame):
        if number == HANGUP:
            leave_closed_terminal()
            if self.requested():
                return
        if self.requested():
            raise KeyboardInterrupt
        self.number = number
        tqdm.write(self.message, file=sys.stderr)


def run_command(
    argv: list[str],
    command: Callable[[dict], int],
    groups: flags.Groups,
    usage: str,
    answers: flags.Answers = flags.NO_ANSWERS,
) -> int:
    """Runs a command and returns its exit code.

    0 is success, 2 an error that the user can put right, 1 a failure underway, such as a full disk,
    and 128 + the signal an interruption. Expected errors print one line, without a traceback.

    Args:
        argv: the command's name and its arguments, as in `sys.argv`.
        command: takes the typed options by name and returns an exit code.
        groups: the options that the command takes.
        usage: the first lines of --help.
        answers: to flags of another program, which the command does not take.
    """
    logging.basicConfig(handlers=[LogLines()])
    absl.logging.set_verbosity(absl.logging.INFO)

    def work() -> int:
        try:
            return command(flags.parse(argv, groups, answers))
        except flags.HelpRequested:
            sys.stdout.write(flags.help_text(groups, usage) + "\n")
            return 0

    return run_shielded(argv[0].rpartition("/")[2], work)
