"""Keeping other processes out of a folder."""

import contextlib
import dataclasses
import errno
import json
import os
import pathlib
import socket
import time
from collections.abc import Iterator

import filelock
import psutil
from absl import logging

from cyclegan_keras.files.errors import UserError

# What flock says on file systems that have no such locks, as some of networks and of clouds.
NO_LOCKS = (errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOLCK, errno.EINVAL)
HELD = ".held"  # ending of the file that stands for a lock there
SAME_START_SECONDS = 2.0  # two readings of when a process began differ by less


@contextlib.contextmanager
def locked(path: pathlib.Path, busy: UserError) -> Iterator[None]:
    """Holds the lock file `path` while the block lasts; a killed process frees it.

    Where the file system knows no locks, a second file beside `path` stands for one. If its owner
    was a process of this machine that has ended, it does not count; that of another machine counts
    for as long as the file is there.

    Args:
        path: the lock file.
        busy: raised when another process holds it, with a sentence about that process.

    Raises:
        UserError: `busy`.
        OSError: the file cannot be written.
    """
    lock = filelock.FileLock(path, fallback_to_soft=False)
    with contextlib.ExitStack() as stack:
        try:
            lock.acquire(blocking=False)
        except filelock.Timeout:
            owner = None
            with contextlib.suppress(FileNotFoundError):
                owner = _read_owner(path)
            raise _naming_owner(busy, owner) from None
        except OSError as error:
            if error.errno not in NO_LOCKS:
                raise
            stack.enter_context(_held(path.with_name(path.name + HELD), busy))
        else:
            stack.callback(lock.release)
            stack.enter_context(_named(path))
        yield


# ---- who holds a lock ----


@dataclasses.dataclass(frozen=True, kw_only=True)
class Owner:
    """The process that holds a lock.

    Attributes:
        host: name of its machine.
        pid: its number there.
        began: when it started, in seconds since 1970.
        since: when it took the lock, in seconds since 1970.
        namespace: in which its number counts: containers of one name have several.
    """

    host: str
    pid: int
    began: float
    since: float
    namespace: str = ""

    @classmethod
    def here(cls) -> "Owner":
        """Returns this process."""
        return cls(
            host=socket.gethostname(),
            pid=os.getpid(),
            began=psutil.Process().create_time(),
            since=time.time(),
            namespace=_namespace(),
        )

    @property
    def words(self) -> str:
        """Who that is and since when, such as "process 7 of the machine ml3, 2 hours ago"."""
        seconds = max(time.time() - self.since, 0)
        return f"process {self.pid} of the machine {self.host}, {_age(seconds)} ago"

    def has_ended(self) -> bool:
        """Whether it was a process of this machine that is gone; False where nobody can know."""
        if (self.host, self.namespace) != (socket.gethostname(), _namespace()):
            return False
        try:
            began = psutil.Process(self.pid).create_time()
        except psutil.NoSuchProcess:
            return True
        except psutil.Error:
            return False
        return abs(began - self.began) > SAME_START_SECONDS  # its number was given to another one


def _namespace() -> str:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:  # no Linux
        return ""


def _age(seconds: float) -> str:
    """Returns a time as one says it.

    Example:
        >>> [_age(seconds) for seconds in (5, 7200, 300000)]
        ['5 seconds', '2 hours', '3 days']
    """
    for size, unit in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} seconds"


def _read_owner(path: pathlib.Path) -> Owner | None:
    """Returns the owner that a file names; None where it names none, as those of earlier versions.

    Raises:
        FileNotFoundError: there is no such file.
    """
    try:
        return Owner(**json.loads(path.read_text()))
    except FileNotFoundError:
        raise
    except (OSError, ValueError, TypeError):
        return None


def _naming_owner(busy: UserError, owner: Owner | None, advice: str = "") -> UserError:
    held_by = f" It was locked by {owner.words}." if owner else ""
    return type(busy)(f"{busy}{held_by}{advice}")


@contextlib.contextmanager
def _named(path: pathlib.Path) -> Iterator[None]:
    """Writes into a lock file, while it is held, who holds it; nothing depends on that."""
    with contextlib.suppress(OSError):
        path.write_text(json.dumps(dataclasses.asdict(Owner.here())))
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            os.truncate(path, 0)


# ---- where there are no locks ----


@contextlib.contextmanager
def _held(path: pathlib.Path, busy: UserError) -> Iterator[None]:
    """Creates `path`, which must not be there, and removes it at the end."""
    own = json.dumps(dataclasses.asdict(Owner.here()))
    if not _create(path, own):
        _remove_stale(path, own, busy)
        if not _create(path, own):  # another process was faster
            raise busy
    logging.warning(
        "The file system of %s has no locks: %s keeps other processes out instead.",
        path.parent,
        path.name,
    )
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            if path.read_text() == own:
                path.unlink()


def _create(path: pathlib.Path, content: str) -> bool:
    """Creates a file; returns False where it is there already."""
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
    except FileExistsError:
        return False
    with open(descriptor, "w") as file:
        file.write(content)
    return True


def _remove_stale(path: pathlib.Path, own: str, busy: UserError) -> None:
    """Removes the file of an owner that has ended.

    Only the process that has created a further file may look at the owner and remove it, so that
    nothing is removed which another process has put there in between.

    Args:
        path: the file that stands for a lock.
        own: what is written into the further file.
        busy: raised where the owner has not ended, or another process does the same.
    """
    guard = path.with_name(f"{path.name}.removing")
    if not _create(guard, own):
        raise _naming_owner(busy, None, f" Where that is not so any more, remove {guard}.")
    try:
        owner = _read_owner(path)
        if owner is None or not owner.has_ended():
            raise _naming_owner(busy, owner, f" Where that is not so any more, remove {path}.")
        path.unlink()
    except FileNotFoundError:  # freed just now
        pass
    finally:
        guard.unlink(missing_ok=True)
