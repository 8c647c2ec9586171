"""What is around every program: an expected error is one line and an exit code."""

import re
import signal
import sys
import threading
from collections.abc import Callable

from cyclegan_keras.files.errors import UserError, package_of
from cyclegan_keras.files.memory import is_out_of_memory
from cyclegan_keras.files.names import is_utf8
from cyclegan_keras.files.output import shielded_output
from cyclegan_keras.files.writing import refusal_of

MOST_CHARACTERS = 300  # of a library's message within a sentence
OUT_OF_MEMORY = (
    "The memory does not suffice: take smaller pictures or batches, or end other programs that use "
    "it. What was saved is intact."
)


def run_shielded(name: str, work: Callable[[], int]) -> int:
    """Returns the exit code of `work`; an expected error prints one line instead of a traceback.

    0 is success, 2 an error that the user can put right, 1 a failure underway, such as a full disk,
    and 130 an interruption by Ctrl-C.

    Args:
        name: of the program, for messages.
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
            names = [word for word in error.object.split() if not is_utf8(word)]
            sentence = f"{names[0]} is no UTF-8, and a library used here takes no other names."
            return _end(name, f"{sentence} Rename it. What was saved is intact.", 2)
        except Exception as error:
            if is_out_of_memory(error):
                return _end(name, f"{OUT_OF_MEMORY} ({first_line(error)})", 1)
            if refusal_of(error) is not None:
                return _end(name, f"{first_line(error)}. What was saved is intact.", 1)
            # An error raised inside a tf.data pipeline arrives as text within one of TensorFlow's.
            reason = re.search(r"(?:DataError|LostPicturesError): (.*)", str(error))
            if not (reason and package_of(error) == "tensorflow"):
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
        is_main_thread = threading.current_thread() is threading.main_thread()
        is_usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
        self._remembers = is_main_thread and is_usual  # not where Ctrl-C is to be ignored
        if self._remembers:
            signal.signal(signal.SIGINT, self._on_signal)
        return self

    def __exit__(self, *exception):
        if self._remembers:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def _on_signal(self, number, frame):
        self.arrived = True
        raise KeyboardInterrupt


def _end_interrupted(name: str) -> int:
    return _end(name, "interrupted; what was saved is intact.", 128 + signal.SIGINT)


def _end(name: str, message: str, exit_code: int) -> int:
    sys.stderr.write(f"{name}: {message}\n")
    return exit_code
