"""What a user meets in every command: log lines, error messages, exit codes, Ctrl-C."""

import logging
import re
import signal
import sys
from collections.abc import Callable

import absl.logging
from tqdm import tqdm

from cyclegan_keras.cli import flags
from cyclegan_keras.files.errors import UserError


class LogLines(logging.Handler):
    """Shows log messages as plain lines above a progress bar.

    Those of TFDS are shown from WARNING on.
    """

    def emit(self, record):
        if "tensorflow_datasets" not in record.pathname or record.levelno >= logging.WARNING:
            tqdm.write(record.getMessage(), file=sys.stderr)


class Interruption:
    """Lets a command end after the work in hand when Ctrl-C or SIGTERM arrives.

    As a context manager it catches the first of these signals; a second one raises
    KeyboardInterrupt at once.

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
        signals = (signal.SIGINT, signal.SIGTERM)
        self._handlers = {number: signal.signal(number, self._on_signal) for number in signals}
        return self

    def __exit__(self, *exception):
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def _on_signal(self, number, frame):
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
    name = argv[0].rpartition("/")[2]
    logging.basicConfig(handlers=[LogLines()])
    absl.logging.set_verbosity(absl.logging.INFO)
    with _RememberedInterrupt() as interrupt:
        try:
            return command(flags.parse(argv, groups, answers))
        except flags.HelpRequested:
            sys.stdout.write(flags.help_text(groups, usage) + "\n")
            return 0
        except UserError as error:
            if interrupt.arrived:
                return _end_interrupted(name)
            return _end(name, f"{error}", error.exit_code)
        except OSError as error:  # a full disk, for example; files are written whole or not at all
            return _end(name, f"{error}. What was saved is intact.", 1)
        except KeyboardInterrupt:
            return _end_interrupted(name)
        except Exception as error:
            # An error raised inside a tf.data pipeline arrives as text within one of TensorFlow's.
            reason = re.search(r"(?:DataError|LostPicturesError): (.*)", str(error))
            if not (reason and type(error).__module__.startswith("tensorflow.")):
                raise
            return _end(name, f"{reason[1]} What was saved is intact.", 1)


class _RememberedInterrupt:
    """Raises KeyboardInterrupt at Ctrl-C, as Python does, and remembers that it arrived.

    Some libraries swallow a KeyboardInterrupt while they are imported.
    """

    def __init__(self):
        self.arrived = False

    def __enter__(self):
        self._handler = signal.getsignal(signal.SIGINT)
        if self._handler is signal.default_int_handler:  # not where the signal is to be ignored
            signal.signal(signal.SIGINT, self._on_signal)
        return self

    def __exit__(self, *exception):
        signal.signal(signal.SIGINT, self._handler)

    def _on_signal(self, number, frame):
        self.arrived = True
        raise KeyboardInterrupt


def _end_interrupted(name: str) -> int:
    return _end(name, "interrupted; what was saved is intact.", 128 + signal.SIGINT)


def _end(name: str, message: str, exit_code: int) -> int:
    sys.stderr.write(f"{name}: {message}\n")
    return exit_code
