"""What a user meets in every command: log lines, error messages, exit codes, Ctrl-C."""

import logging
import re
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

import absl.logging
from tqdm import tqdm

from cyclegan_keras.cli import flags
from cyclegan_keras.files.errors import UserError
from cyclegan_keras.files.memory import is_out_of_memory
from cyclegan_keras.files.names import is_utf8
from cyclegan_keras.files.output import leave_closed_terminal, shielded_output
from cyclegan_keras.files.writing import reason_of

MOST_CHARACTERS = 300  # of a library's message within a sentence
OUT_OF_MEMORY = (
    "The memory does not suffice: take smaller pictures or batches, or end other programs that use "
    "it. What was saved is intact."
)
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
    several. Under `nohup`, which ignores SIGHUP, it goes on being ignored. Signals reach the main
    thread alone: in any other nothing is caught, and the work goes on to its end.

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


def run_shielded(name: str, work: Callable[[], int]) -> int:
    """Returns the exit code of `work`; an expected error prints one line instead of a traceback.

    Args:
        name: of the command, for messages.
        work: returns the exit code where nothing fails.
    """
    with shielded_output(), _RememberedInterrupt() as interrupt:
        try:
            exit_code = work()
            sys.stdout.flush()
            return exit_code
        except UserError as error:
            if interrupt.arrived:
                return _end_interrupted(name)
            return _end(name, f"{error}", error.exit_code)
        except OSError as error:  # a full disk, for example; files are written whole or not at all
            return _end(name, f"{error}. What was saved is intact.", 1)
        except KeyboardInterrupt:
            return _end_interrupted(name)
        except UnicodeEncodeError as error:
            if is_utf8(error.object):
                raise
            named = next(word for word in error.object.split() if not is_utf8(word))
            sentence = f"{named} is no UTF-8, and a library used here takes no other names."
            return _end(name, f"{sentence} Rename it. What was saved is intact.", 2)
        except Exception as error:
            if is_out_of_memory(error):
                return _end(name, f"{OUT_OF_MEMORY} ({first_line(error)})", 1)
            if reason_of(error) is not None:
                return _end(name, f"{first_line(error)}. What was saved is intact.", 1)
            # An error raised inside a tf.data pipeline arrives as text within one of TensorFlow's.
            reason = re.search(r"(?:DataError|LostPicturesError): (.*)", str(error))
            if not (reason and type(error).__module__.startswith("tensorflow.")):
                raise
            return _end(name, f"{reason[1]} What was saved is intact.", 1)


def first_line(error: BaseException) -> str:
    """Returns the beginning of an error's message, which may have hundreds of lines."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:MOST_CHARACTERS].rstrip(".")


class _RememberedInterrupt:
    """Raises KeyboardInterrupt at Ctrl-C, as Python does, and remembers that it arrived.

    Some libraries swallow a KeyboardInterrupt while they are imported.
    """

    def __init__(self):
        self.arrived = False

    def __enter__(self):
        self._is_main_thread = threading.current_thread() is threading.main_thread()
        self._handler = signal.getsignal(signal.SIGINT)
        is_usual = self._handler is signal.default_int_handler  # not where it is to be ignored
        if is_usual and self._is_main_thread:
            signal.signal(signal.SIGINT, self._on_signal)
        return self

    def __exit__(self, *exception):
        if self._is_main_thread:
            signal.signal(signal.SIGINT, self._handler)

    def _on_signal(self, number, frame):
        self.arrived = True
        raise KeyboardInterrupt


def _end_interrupted(name: str) -> int:
    return _end(name, "interrupted; what was saved is intact.", 128 + signal.SIGINT)


def _end(name: str, message: str, exit_code: int) -> int:
    sys.stderr.write(f"{name}: {message}\n")
    return exit_code
