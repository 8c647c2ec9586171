"""Failures of writing, whoever reports them: a full disk, a missing right, a drive that is gone."""

import contextlib
import errno
import os
import pathlib
import re
from collections.abc import Iterator
from typing import NamedTuple

from cyclegan_keras.files.errors import WriteError, package_of

FREE_SPACE = "Free some space and run the same command again."
OTHER_PATH = "Get the right to write there, or choose another place."
ADVICE = {
    errno.ENOSPC: FREE_SPACE,
    errno.EDQUOT: FREE_SPACE,
    errno.EFBIG: "Allow larger files (ulimit -f), or choose a disk that holds them.",
    errno.EACCES: OTHER_PATH,
    errno.EPERM: OTHER_PATH,
    errno.EROFS: OTHER_PATH,
    errno.EISDIR: "Remove that folder, or choose another name.",
    errno.ENOTDIR: "Choose a folder where there is no file of that name.",
    errno.EEXIST: "Choose a folder where there is no file of that name.",
    errno.ENOENT: "See whether its folder is still there.",
    errno.ENAMETOOLONG: "Choose a shorter name.",
    errno.EIO: "See whether the drive is all right and run the same command again.",
    errno.ESTALE: "See whether the drive is all right and run the same command again.",
}
USUAL_ADVICE = "Put that right and run the same command again."
# What TensorFlow writes behind a path, in the system's words -> its number.
NUMBERS = {os.strerror(number): number for number in ADVICE}
# What HDF5, with which Keras writes weights, says where the system refuses.
OF_HDF5 = re.compile(r"write failed: .*errno = (\d+)", re.DOTALL)


class Refusal(NamedTuple):
    """What the system says where a file cannot be read or written.

    Attributes:
        number: the system's own; None where it is not known.
        words: why.
        path: of the file; "" where it is not known.
    """

    number: int | None
    words: str
    path: str = ""


@contextlib.contextmanager
def writing(path: str | os.PathLike) -> Iterator[None]:
    """Turns failures of writing in the block into a WriteError that names `path`.

    Any other error passes unchanged, and so does an OSError about a file elsewhere.

    Args:
        path: the file or folder that is written.

    Raises:
        WriteError: the system refused; the message says why and what to do.
    """
    try:
        yield
    except Exception as error:
        refusal = refusal_of(error)
        if refusal is None or _is_elsewhere(refusal, path):
            raise
        raise write_error(path, refusal) from error


def make_folder(folder: pathlib.Path) -> None:
    """Makes a folder, and those above it, unless it is there.

    Raises:
        WriteError: the disk is full, for example, or a file of that name is in the way.
    """
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)


def write_error(path: str | os.PathLike, refusal: Refusal) -> WriteError:
    """Returns the error that says why `path` could not be written."""
    advice = ADVICE.get(refusal.number, USUAL_ADVICE)
    return WriteError(
        f"Cannot write to {path}: {refusal.words}.", errno=refusal.number, advice=advice
    )


def refusal_of(error: BaseException) -> Refusal | None:
    """Returns what the system says in an error about a file, None where it is no such error.

    Args:
        error: an OSError, or an error of TensorFlow, which has its own, or of HDF5.
    """
    if isinstance(error, OSError):
        path = error.filename if isinstance(error.filename, str | bytes | os.PathLike) else ""
        words = str(error).rstrip(".") if error.errno is None else os.strerror(error.errno)
        return Refusal(error.errno, words, os.fsdecode(path))
    of_hdf5 = OF_HDF5.search(str(error)) if isinstance(error, RuntimeError) else None
    if of_hdf5:
        number = int(of_hdf5[1])
        return Refusal(number, os.strerror(number))
    message = _message_of_tensorflow(error)
    for words, number in NUMBERS.items():
        before, found, _ = message.partition(f"; {words}")  # "{{node a}} /a/b; Permission denied"
        if found:
            # A relative path cannot be told from other words, and is left out.
            named = re.search(r"(?<!\S)/.*", before.rpartition("}} ")[2])
            return Refusal(number, words, named[0] if named else "")
    if " is not a directory" in message:
        return Refusal(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    return None


def _message_of_tensorflow(error: BaseException) -> str:
    """Returns what TensorFlow says in an error, nothing where it is none of TensorFlow's.

    Where the message names a file whose name is not UTF-8, Python fails to read it.
    """
    if package_of(error) == "tensorflow":
        return str(error)
    if isinstance(error, UnicodeDecodeError):
        return error.object.decode("utf-8", "surrogateescape")
    return ""


def _is_elsewhere(refusal: Refusal, path: str | os.PathLike) -> bool:
    """Whether the system refused a file that is neither `path` nor beside or below it."""
    if not refusal.path:
        return False
    folder = pathlib.Path(os.path.abspath(path)).parent
    return not pathlib.Path(os.path.abspath(refusal.path)).is_relative_to(folder)
