"""Failures of writing, whoever reports them: a full disk, a missing right, a drive that is gone."""

import contextlib
import errno
import os
import pathlib
import re
import sys
from collections.abc import Iterator

from cyclegan_keras.files.errors import WriteError

FREE_SPACE = "Free some space and run the same command again."
OTHER_PLACE = "Get the right to write there, or choose another place."
ADVICE = {
    errno.ENOSPC: FREE_SPACE,
    errno.EDQUOT: FREE_SPACE,
    errno.EFBIG: "Allow larger files (ulimit -f), or choose a disk that holds them.",
    errno.EACCES: OTHER_PLACE,
    errno.EPERM: OTHER_PLACE,
    errno.EROFS: OTHER_PLACE,
    errno.EISDIR: "Remove that folder, or choose another name.",
    errno.ENOTDIR: "Choose a folder where there is no file of that name.",
    errno.ENOENT: "See whether its folder is still there.",
    errno.ENAMETOOLONG: "Choose a shorter name.",
    errno.EIO: "See whether the drive is all right and run the same command again.",
    errno.ESTALE: "See whether the drive is all right and run the same command again.",
}
USUAL_ADVICE = "Put that right and run the same command again."
# What HDF5, with which Keras writes weights, says where the system refuses.
OF_HDF5 = re.compile(r"write failed: .*errno = (\d+)", re.DOTALL)


@contextlib.contextmanager
def writing(path: str | os.PathLike) -> Iterator[None]:
    """Turns failures of writing in the block into a WriteError that names `path`.

    What is no such failure, and an OSError about a file elsewhere, passes as it is.

    Args:
        path: the file or folder that is written.

    Raises:
        WriteError: the system refused; the message says why and what to do.
    """
    try:
        yield
    except Exception as error:
        reason = reason_of(error)
        if reason is None or _is_elsewhere(error, path):
            raise
        raise write_error(path, error, reason) from error


def make_folder(folder: pathlib.Path) -> None:
    """Makes a folder, and those above it, unless it is there.

    Raises:
        WriteError: the disk is full, for example, or a file of that name is in the way.
    """
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)


def write_error(path: str | os.PathLike, error: Exception, reason: str) -> WriteError:
    """Returns the error that says why `path` could not be written."""
    advice = ADVICE.get(errno_of(error), USUAL_ADVICE)
    return WriteError(f"Cannot write to {path}: {reason}. {advice}", errno=errno_of(error))


def reason_of(error: BaseException) -> str | None:
    """Returns what the system says in an error about a file, None where it is no such error.

    Args:
        error: an OSError, or an error of TensorFlow, which has its own, or of HDF5.
    """
    number = errno_of(error)
    if number is not None:
        return os.strerror(number)
    return str(error).rstrip(".") if isinstance(error, OSError) else None


def errno_of(error: BaseException) -> int | None:
    """Returns the number of an error of the system, None where it is none or has none."""
    if isinstance(error, OSError):
        return error.errno
    of_hdf5 = OF_HDF5.search(str(error)) if isinstance(error, RuntimeError) else None
    if of_hdf5:
        return int(of_hdf5[1])
    message = _message_of_tensorflow(error)
    for number in ADVICE:
        if f"; {os.strerror(number)}" in message:  # as in "events.v2; Permission denied"
            return number
    return errno.ENOTDIR if " is not a directory" in message else None


def _message_of_tensorflow(error: BaseException) -> str:
    """Returns what TensorFlow says in an error, nothing where it is none of TensorFlow's.

    Where the message names a file whose name is not UTF-8, Python fails to read it.
    """
    tensorflow = sys.modules.get("tensorflow")  # what is not loaded has raised nothing
    if tensorflow is not None and isinstance(error, tensorflow.errors.OpError):
        return error.message
    if isinstance(error, UnicodeDecodeError):
        return error.object.decode("utf-8", "surrogateescape")
    return ""


def _file_of(error: Exception) -> str | bytes | os.PathLike | None:
    """Returns the file that an error names, None where it names none."""
    if isinstance(error, OSError):
        named = error.filename
        return named if isinstance(named, str | bytes | os.PathLike) else None
    number = errno_of(error)
    if number is None:
        return None
    before = _message_of_tensorflow(error).partition(f"; {os.strerror(number)}")[0]
    found = re.search(r"/.*", before.rpartition("}} ")[2])  # behind the name of the operation
    return found[0] if found else None


def _is_elsewhere(error: Exception, path: str | os.PathLike) -> bool:
    """Whether an error names a file that is neither `path` nor beside or below it."""
    named = _file_of(error)
    if named is None:
        return False
    folder = pathlib.Path(os.path.abspath(path)).parent
    return not pathlib.Path(os.path.abspath(os.fsdecode(named))).is_relative_to(folder)
