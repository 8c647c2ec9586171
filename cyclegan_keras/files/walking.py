"""Walking through the files below a folder: it ends, and meets nothing twice."""

import collections
import os
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

Identity = tuple[int, int]  # of a file or folder: device and inode


class WalkedFile(NamedTuple):
    """A file below a folder.

    Attributes:
        path: where it was met, below the folder as that was given.
        name: the last part of the path.
        is_link: whether it is a symbolic link to a file.
        identity: of the file, or of that which the link leads to; None where it is not known.
    """

    path: str
    name: str
    is_link: bool
    identity: Identity | None


def walk(
    folder: str | os.PathLike,
    *,
    enter: Callable[[str, str], bool] = lambda path, name: True,
    follow_links: bool = True,
    on_error: Callable[[OSError], object] | None = None,
) -> Iterator[WalkedFile]:
    """Yields every file below a folder, in the order in which the file system lists them.

    A folder that links lead to a second time is not entered again, so that a link to a folder
    above ends there. Folders are entered by their own path rather than by a link.

    Args:
        folder: where to begin.
        enter: (path, name) of a sub-folder -> whether to look there too.
        follow_links: whether to look into folders that are links.
        on_error: is called with the error where a folder cannot be read; otherwise such a folder
            is passed over.
    """
    seen: set[Identity | str] = set()
    links = [os.fspath(folder)]
    while links:
        # All that is reached without a further link comes before what the links lead to.
        folders = links
        links = []
        while folders:
            path = folders.pop()
            try:
                state = os.stat(path)
                # Some network file systems have no inodes.
                identity = (state.st_dev, state.st_ino) if state.st_ino else os.path.realpath(path)
                if identity in seen:
                    continue
                seen.add(identity)
                entries = _entries(path)
            except OSError as error:
                if on_error is not None:
                    on_error(error)
                continue
            for entry in entries:
                is_link = entry.is_symlink()
                if _is_folder(entry):
                    if (follow_links or not is_link) and enter(entry.path, entry.name):
                        (links if is_link else folders).append(entry.path)
                else:
                    yield WalkedFile(
                        path=entry.path,
                        name=entry.name,
                        is_link=is_link,
                        identity=_identity_of_file(entry, is_link, state.st_dev),
                    )
        links.sort(reverse=True)  # the last is taken first


def without_repetitions(files: Sequence[WalkedFile]) -> list[WalkedFile]:
    """Returns the files without those that links lead to a second time, in their order.

    Of several links to one file, hard or symbolic, the first counts; but the file itself comes
    before symbolic links to it.

    Args:
        files: in the order of their names.
    """
    counts = collections.Counter(file.identity for file in files)
    alike = [file for file in files if file.identity is not None and counts[file.identity] > 1]
    met = set()
    repeated = set()
    for file in sorted(alike, key=lambda file: file.is_link):
        own = _shared_identity(file.path)
        if own in met:
            repeated.add(file.path)
        met.add(own)
    return [file for file in files if file.path not in repeated]


def leads_back(folder: str | os.PathLike, root: str | os.PathLike) -> bool:
    """Whether a link leads to a folder through which a walk from `root` has come to it.

    Args:
        folder: a path below `root`.
        root: where the walk has begun.
    """
    if not os.path.islink(folder):
        return False
    target = os.path.realpath(folder)
    path, root = os.fspath(folder), os.fspath(root)
    while path != root and os.path.dirname(path) != path:
        path = os.path.dirname(path)
        if os.path.realpath(path) == target:
            return True
    return False


def _entries(path: str) -> list[os.DirEntry]:
    with os.scandir(path) as listing:
        return list(listing)


def _is_folder(entry: os.DirEntry) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _identity_of_file(entry: os.DirEntry, is_link: bool, device: int) -> Identity | None:
    """Returns the identity of a file; only where it is a link, the system is asked for it.

    Args:
        entry: of the file.
        is_link: whether it is one.
        device: of the folder.
    """
    if not is_link:
        inode = entry.inode()
        return (device, inode) if inode else None
    try:
        state = entry.stat()
    except OSError:
        return None
    return (state.st_dev, state.st_ino) if state.st_ino else None


def _shared_identity(path: str) -> Identity | str:
    """Returns what all names of a file have in common.

    Some file systems give one number to several files: only a file with several names is known by
    its number, and a link by where it leads.
    """
    try:
        state = os.stat(path)
    except OSError:
        return path
    return (state.st_dev, state.st_ino) if state.st_nlink > 1 else os.path.realpath(path)
