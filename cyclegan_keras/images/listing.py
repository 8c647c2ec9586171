"""Finds the picture files below a folder, and says what else there was."""

import collections
import dataclasses
import os
import pathlib
import stat
from collections.abc import Callable

from cyclegan_keras.files.walking import walk, without_repetitions
from cyclegan_keras.images.kinds import (
    ARCHIVE,
    TEXT,
    UNREADABLE,
    VIDEO,
    Kind,
    avif,
    heic,
    jpeg_xl,
    kind_of,
)

# Files with one of these are taken without being opened.
ENDINGS = frozenset(
    {
        ".bmp",
        ".dib",
        ".gif",
        ".ico",
        ".j2k",
        ".jfif",
        ".jp2",
        ".jpe",
        ".jpeg",
        ".jpf",
        ".jpg",
        ".jpx",
        ".npy",
        ".npz",
        ".pam",
        ".pbm",
        ".pcx",
        ".pfm",
        ".pgm",
        ".png",
        ".pnm",
        ".ppm",
        ".qoi",
        ".sgi",
        ".tga",
        ".tif",
        ".tiff",
        ".webp",
    }
)
# And these where they can be read here.
ENDINGS_OF_EXTRAS = {
    ".avif": avif,
    ".heic": heic,
    ".heif": heic,
    ".hif": heic,
    ".jxl": jpeg_xl,
}
# Files of these are often as many as the pictures, and need not be opened either.
ENDINGS_OF_OTHERS = {
    ".csv": TEXT,
    ".htm": TEXT,
    ".html": TEXT,
    ".json": TEXT,
    ".jsonl": TEXT,
    ".log": TEXT,
    ".md": TEXT,
    ".py": TEXT,
    ".tsv": TEXT,
    ".txt": TEXT,
    ".xml": TEXT,
    ".xmp": TEXT,
    ".yaml": TEXT,
    ".yml": TEXT,
    ".avi": VIDEO,
    ".flv": VIDEO,
    ".m4v": VIDEO,
    ".mkv": VIDEO,
    ".mov": VIDEO,
    ".mp4": VIDEO,
    ".mpeg": VIDEO,
    ".mpg": VIDEO,
    ".webm": VIDEO,
    ".wmv": VIDEO,
    ".7z": ARCHIVE,
    ".rar": ARCHIVE,
    ".tar": ARCHIVE,
    ".tgz": ARCHIVE,
    ".zip": ARCHIVE,
}


NOTES_OF_SLICES = ".slices.json"  # what `pipelines.slices` writes beside slices


@dataclasses.dataclass(frozen=True, kw_only=True)
class Found:
    """What lies below a folder.

    Attributes:
        folder: where it was looked for.
        pictures: paths of the pictures, in the order of their names below the folder.
        passed_over: how many other files there are, by (name of the kind, advice). Hidden files
            do not count.
    """

    folder: pathlib.Path
    pictures: list[pathlib.Path]
    passed_over: collections.Counter[tuple[str, str]]


def find_pictures(
    folder: str | os.PathLike,
    *,
    enter: Callable[[pathlib.Path], bool] = lambda subfolder: True,
    follow_links: bool = True,
    each_once: bool = False,
    on_error: Callable[[OSError], object] | None = None,
) -> Found:
    """Finds all pictures below a folder.

    Hidden files, hidden folders, `__MACOSX` and the notes of `pipelines.slices` are passed over
    without a word. A file whose ending
    is that of a picture is one; what all others are is told by their first bytes. Endings may be
    in upper or lower case. A folder that links lead to again is not looked into twice.

    Args:
        folder: where to look.
        enter: says of a sub-folder whether to look there too.
        follow_links: whether to look into folders that are links.
        each_once: whether a file counts once to which links, hard or symbolic, lead again.
        on_error: is called with the error where a folder cannot be read; otherwise such a folder
            is passed over.
    """
    folder = pathlib.Path(folder)
    pictures = []
    passed_over: collections.Counter[tuple[str, str]] = collections.Counter()
    walked = walk(
        folder,
        enter=lambda path, name: not is_passed_over_silently(name) and enter(pathlib.Path(path)),
        follow_links=follow_links,
        on_error=on_error,
    )
    files = [file for file in walked if not is_passed_over_silently(file.name)]
    if each_once:
        files = without_repetitions(sorted(files, key=lambda file: file.path))
    for file in files:
        kind = kind_of_file(file.path)
        if kind is None or kind.is_picture:
            pictures.append(pathlib.Path(file.path))
        else:
            passed_over[kind.name, kind.advice] += 1
    pictures.sort(key=lambda path: path.relative_to(folder).as_posix())
    return Found(folder=folder, pictures=pictures, passed_over=passed_over)


def is_passed_over_silently(name: str) -> bool:
    """Whether a file or a folder of this name does not count at all."""
    is_note = name.endswith(NOTES_OF_SLICES)
    return name.startswith(".") or name == "__MACOSX" or is_note


def kind_of_file(path: str | os.PathLike) -> Kind | None:
    """Returns what a file is; None for a picture by its ending, which is not opened."""
    ending = os.path.splitext(path)[1].lower()
    if ending in ENDINGS_OF_EXTRAS:
        kind = ENDINGS_OF_EXTRAS[ending]()
        return None if kind.is_picture else kind
    if ending in ENDINGS:
        return None
    if ending in ENDINGS_OF_OTHERS:
        return ENDINGS_OF_OTHERS[ending]
    try:
        is_file = stat.S_ISREG(os.stat(path).st_mode)
    except OSError:
        return UNREADABLE
    return kind_of(path) if is_file else UNREADABLE  # opening a pipe would wait for ever


def passed_over_line(found: Found) -> str:
    """Returns one line about the files that are no pictures, or "" where there are none.

    Example:
        >>> found = Found(
        ...     folder=pathlib.Path("photos"),
        ...     pictures=[],
        ...     passed_over=collections.Counter({("video", ""): 1, ("text", ""): 2}),
        ... )
        >>> passed_over_line(found)
        'Passed over 3 files of photos: 2 text, 1 video.'
    """
    total = found.passed_over.total()
    if not total:
        return ""
    parts = []
    for (name, advice), count in sorted(
        found.passed_over.items(), key=lambda item: (-item[1], item[0])
    ):
        parts.append(f"{count} {name} ({advice})" if advice else f"{count} {name}")
    files = "file" if total == 1 else "files"
    return (
        f"Passed over {total} {files} of {found.folder.name or found.folder}: {', '.join(parts)}."
    )
