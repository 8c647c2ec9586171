"""How every command speaks: plain lines, sentences instead of tracebacks, exit codes."""

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
    """Shows log messages as plain lines above a progress bar; TFDS's chatter is left out."""

    def emit(self, record):
        if "tensorflow_datasets" not in record.pathname or record.levelno >= logging.WARNING:
            tqdm.write(record.getMessage(), file=sys.stderr)


class Interruption:
    """Lets a command end at its next good moment when Ctrl-C or SIGTERM arrives.

    It catches the signals while it is entered as a context; a second one interrupts at once.

    Args:
        message: what the user reads when the first signal arrives.

    Attributes:
        number: the signal that arrived, None when none did.

    Example:
        >>> with Interruption("Stopping after this file ...") as interruption:
        ...     interruption.requested()
        False
    """

    def __init__(self, message: str):
        self.message = message
        self.number: int | None = None

    def requested(self) -> bool:
        """Returns whether it is time to end."""
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
    argv: list[str], command: Callable[[dict], int], groups: flags.Groups, usage: str
) -> int:
    """Runs a command and returns its exit code.

    0 is success, 2 an error that the user can put right, 1 a failure underway, such as a full disk,
    and 128 + the signal an interruption.

    Args:
        argv: the command's name and what was typed.
        command: takes the options typed, by name; returns an exit code.
        groups: its options, by heading of --help.
        usage: what --help begins with.
    """
    name = argv[0].rpartition("/")[2]
    logging.basicConfig(handlers=[LogLines()])
    absl.logging.set_verbosity(absl.logging.INFO)
    try:
        return command(flags.parse(argv, groups))
    except flags.HelpRequested:
        sys.stdout.write(flags.help_text(groups, usage) + "\n")
        return 0
    except UserError as error:
        return _end(name, f"{error}", error.exit_code)
    except OSError as error:  # a full disk, for example; files are written whole or not at all
        return _end(name, f"{error}. What was saved is intact.", 1)
    except KeyboardInterrupt:
        return _end(name, "interrupted; what was saved is intact.", 128 + signal.SIGINT)
    except Exception as error:
        # What the pipeline raised comes wrapped in TensorFlow's words.
        reason = re.search(r"DataError: (.*)", str(error))
        if not (reason and type(error).__module__.startswith("tensorflow.")):
            raise
        return _end(name, f"{reason[1]} What was saved is intact.", 1)


def _end(name: str, sentence: str, code: int) -> int:
    sys.stderr.write(f"{name}: {sentence}\n")
    return code
