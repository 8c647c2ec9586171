"""What is to be translated: which files, and where to."""

import collections
import dataclasses
import fnmatch
import glob
import itertools
import os
import pathlib
from collections.abc import Iterable, Iterator, Sequence

from cyclegan_keras.files.errors import TranslationError
from cyclegan_keras.files.walking import walk
from cyclegan_keras.images.animation import WRITERS, is_animated
from cyclegan_keras.images.listing import (
    ENDINGS,
    Found,
    find_pictures,
    is_passed_over_silently,
    kind_of_file,
    passed_over_line,
)
from cyclegan_keras.images.writing import FORMATS
from cyclegan_keras.translation.options import TranslateOptions

# The names of translations are chosen for these first, as when no others were found, so that a
# folder that an earlier version began is continued under the same names.
FIRST_NAMED = (
    ".png",
    ".jpg",
    ".jpeg",
    ".jpe",
    ".jfif",
    ".webp",
    ".tif",
    ".tiff",
    ".bmp",
    ".gif",
    ".jp2",
    ".avif",
    ".ppm",
    ".pgm",
    ".pbm",
    ".pnm",
    ".tga",
    ".ico",
)
VIDEO = ("video", "")  # the kind of videos and its advice, as they are counted
VIDEOS = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".wmv", ".flv")

ARRAY = ".npy"
ARCHIVE_OF_ARRAYS = ".npz"  # is not written; what is made of one is an array again

# What is made of one picture is one file or two; these are appended to their names.
TRANSLATION = ""
CYCLE = "_cycle"


@dataclasses.dataclass(frozen=True)
class Task:
    """One file to read and where its translation goes."""

    source: pathlib.Path
    target: pathlib.Path

    def part(self, suffix: str) -> pathlib.Path:
        """Returns where one part of the result goes: `_cycle` of a/b.png is a/b_cycle.png."""
        return self.target.with_name(f"{self.target.stem}{suffix}{self.target.suffix}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Inputs:
    """The files that are to be translated.

    Attributes:
        files: in the order of their names.
        found: the folder that was searched, and what else lies there; None where the input is one
            file.
    """

    files: Sequence[pathlib.Path]
    found: Found | None = None

    @property
    def is_video(self) -> bool:
        """Whether it is one video instead of pictures."""
        return self.found is None and is_video(self.files[0])

    @property
    def passed_over(self) -> str:
        """A line about the files that are no pictures, "" where there are none."""
        return "" if self.found is None else _passed_over(self.found)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Listing:
    """All that is to be translated.

    Attributes:
        tasks: in the order of their names.
        folder: the output folder of many pictures; None where one file becomes one file.
        videos: how many videos in the input are left out.
    """

    tasks: Sequence[Task]
    folder: pathlib.Path | None = None
    videos: int = 0

    @property
    def is_video(self) -> bool:
        """Whether it is one video instead of pictures."""
        return self.folder is None and is_video(self.tasks[0].source)

    @property
    def is_animation(self) -> bool:
        """Whether it is one animated picture of which all frames are translated."""
        if self.folder is not None:
            return False
        task = self.tasks[0]
        return _holds_frames(task.target) and not self.is_video and is_animated(task.source)


def find_input(options: TranslateOptions) -> Inputs:
    """Finds what the options ask to translate.

    Raises:
        TranslationError: an option is missing, or there is nothing to translate.
    """
    for name in ("model", "input", "output"):
        if not vars(options)[name]:
            raise TranslationError(f"--{name} is missing. See --help.")
    inputs = find_files(options.input, options.output)
    if inputs.is_video and options.cycle and not options.side_by_side:
        raise TranslationError("--cycle of a video goes only with --side_by_side.")
    return inputs


def find_files(source: str, output: str | None = None, *, flag: str = "--input") -> Inputs:
    """Finds the files to translate.

    Pictures are known by their endings, and files with other endings by what they hold.

    Args:
        source: a picture, a video, a folder or a pattern such as `photos/**/*.jpg`.
        output: where translations go, if anywhere; nothing in there is read.
        flag: by which `source` was given, for messages.

    Raises:
        TranslationError: there is nothing to translate.
    """
    path = pathlib.Path(source).expanduser()
    target = pathlib.Path(output).expanduser() if output else None
    if path.is_file():
        return Inputs(files=(path,))
    if path.is_dir():
        found = find_pictures(
            path,
            enter=lambda subfolder: target is None or not _is_same(subfolder, target),
            follow_links=False,
            on_error=_refuse_unreadable,
        )
    elif glob.has_magic(source):
        found = _matches(path, target)
    else:
        raise TranslationError(f"{flag}={source} does not exist.")
    if not found.pictures:
        message = f"{flag}={source}: none of {found.passed_over.total()} files is a picture."
        raise TranslationError(f"{message} {_passed_over(found)}".strip())
    return Inputs(files=tuple(sorted(found.pictures)), found=found)


def name_outputs(
    inputs: Inputs,
    output: str,
    *,
    endings: Sequence[str],
    parts: Sequence[str] = (TRANSLATION,),
    because: str = "",
) -> Listing:
    """Chooses where the translations of files go.

    Sub-folders are mirrored. A name and its ending stay, but for an ending that is not among
    `endings`: a.gif becomes a.gif.png, and so never replaces a.png.

    Args:
        inputs: what is translated.
        output: a folder; or the file, where there is one input.
        endings: of pictures that can be written; the first is given to those with another.
        parts: what is appended to the names of the files that are made of one picture.
        because: why these are the endings, in words that follow them.

    Raises:
        TranslationError: it cannot be written there.
    """
    target = pathlib.Path(output).expanduser()
    names = _Names(endings, parts, because)
    if inputs.found is None:
        path = inputs.files[0]
        is_folder = target.is_dir() or output.endswith(os.sep) or not target.suffix
        task = Task(path, _target_of_one(path, target, is_folder, names))
        _refuse_own_input([task], parts)
        listing = Listing(tasks=(task,))
        if listing.is_animation and len(parts) > 1:
            raise TranslationError("--cycle of an animation goes only with --side_by_side.")
        return listing
    root = inputs.found.folder
    ending = target.suffix.lower()
    names_a_file = ending in ENDINGS or ending in FIRST_NAMED or is_video(target)
    if names_a_file or target.is_file():
        raise TranslationError(
            f"--output={output} must be a folder, for {len(inputs.files)} pictures."
        )
    if _is_same(root, target):
        raise TranslationError(f"{root} is both the input and the output: choose another --output.")
    target_of = {}
    for file in sorted(inputs.files, key=lambda file: file.suffix.lower() not in FIRST_NAMED):
        target_of[file] = names.choose(target / file.relative_to(root))
    tasks = [Task(file, target_of[file]) for file in inputs.files]
    _refuse_own_input(tasks, parts)
    videos = inputs.found.passed_over[VIDEO]
    return Listing(tasks=tuple(tasks), folder=target, videos=videos)


def list_tasks(
    source: str,
    output: str,
    *,
    endings: Sequence[str],
    parts: Sequence[str] = (TRANSLATION,),
) -> Listing:
    """Finds what is to be translated, and where to: `find_files`, then `name_outputs`.

    Raises:
        TranslationError: there is nothing to translate, or it cannot be written there.
    """
    inputs = find_files(source, output)
    return name_outputs(inputs, output, endings=endings, parts=parts)


def is_video(path: pathlib.Path) -> bool:
    """Whether the ending of a file is that of a video."""
    return path.suffix.lower() in VIDEOS


def _holds_frames(path: pathlib.Path) -> bool:
    """Whether the ending of a file is that of an animation or a video."""
    return is_video(path) or path.suffix.lower() in WRITERS


def kept_line(count: int, total: int) -> str:
    """Returns a line about translations that an earlier command has written."""
    return f"{count} of {total} exist already and are kept; --overwrite translates them again."


def outline(tasks: Sequence[Task], parts: Iterable[str]) -> list[str]:
    """Returns lines that say what would be done."""
    parts = tuple(parts)
    lines = []
    for task in tasks:
        targets = ", ".join(str(task.part(part)) for part in parts)
        lines.append(f"{task.source} -> {targets}")
    return [*lines, f"{len(tasks)} to translate."]


class _Names:
    """Chooses names of translations; no two are alike, even where upper and lower case are one."""

    def __init__(self, endings: Sequence[str], parts: Sequence[str], because: str):
        self.endings = endings
        self.because = because
        self._parts = parts
        self._taken: set[str] = set()

    def choose(self, path: pathlib.Path) -> pathlib.Path:
        """Returns `path`, with another ending or a number where that is necessary."""
        ending = path.suffix.lower()
        if ending not in self.endings:
            is_array = ending == ARCHIVE_OF_ARRAYS and ARRAY in self.endings
            path = path.with_name(path.name + (ARRAY if is_array else self.endings[0]))
        stem = path.stem
        names = self._names_of_parts(path)
        number = 1
        while self._taken & names:
            number += 1
            path = path.with_name(f"{stem}_{number}{path.suffix}")
            names = self._names_of_parts(path)
        self._taken |= names
        return path

    def _names_of_parts(self, path: pathlib.Path) -> set[str]:
        task = Task(path, path)
        return {str(task.part(part)).casefold() for part in self._parts}


def _target_of_one(
    path: pathlib.Path, target: pathlib.Path, is_folder: bool, names: _Names
) -> pathlib.Path:
    if is_folder:
        target = target / path.name
        keeps_endings = set(FORMATS) <= set(names.endings)  # unless --format asks for one
        is_animation = keeps_endings and _holds_frames(target) and is_animated(path)
        return target if is_video(path) or is_animation else names.choose(target)
    if _holds_frames(target) and not is_video(path) and is_animated(path):
        return target
    if is_video(path) != is_video(target):
        kind = "video" if is_video(path) else "picture"
        raise TranslationError(f"{path} is a {kind}, so --output={target} should be one too.")
    if not is_video(path) and target.suffix.lower() not in names.endings:
        *others, last = names.endings
        expected = f"{', '.join(others)} or {last}" if others else last
        raise TranslationError(f"--output={target}: expected the ending {expected}{names.because}.")
    return target


def _refuse_unreadable(error: OSError) -> None:
    raise TranslationError(f"{error.filename} cannot be read: {error.strerror}.") from error


def _folder_before_wildcards(pattern: pathlib.Path) -> pathlib.Path:
    plain = itertools.takewhile(lambda part: not glob.has_magic(part), pattern.parts[:-1])
    return pathlib.Path(*plain)


def _matches(pattern: pathlib.Path, output: pathlib.Path | None) -> Found:
    """The files that a pattern matches, but for hidden ones and those of the output folder."""
    root = _folder_before_wildcards(pattern)
    output_inside = output if output is not None and _is_within(output, root) else None
    pictures = []
    passed_over: collections.Counter[tuple[str, str]] = collections.Counter()
    for path in _paths_that_match(pattern, root):
        parts = path.relative_to(root).parts
        if not path.is_file() or any(is_passed_over_silently(part) for part in parts):
            continue
        if output_inside is not None and _is_within(path, output_inside):
            continue
        kind = kind_of_file(path)
        if kind is None or kind.is_picture:
            pictures.append(path)
        else:
            passed_over[kind.name, kind.advice] += 1
    return Found(folder=root, pictures=pictures, passed_over=passed_over)


def _paths_that_match(pattern: pathlib.Path, root: pathlib.Path) -> Iterator[pathlib.Path]:
    """Yields what a pattern matches; `**`, any number of folders, enters each folder once.

    Args:
        pattern: with wildcards.
        root: the folder before the first wildcard.
    """
    wanted = pattern.relative_to(root).parts
    if "**" not in wanted:
        for name in glob.glob(str(pattern)):
            yield pathlib.Path(name)
        return
    for file in walk(root, enter=lambda path, name: not is_passed_over_silently(name)):
        path = pathlib.Path(file.path)
        if _parts_match(path.relative_to(root).parts, wanted):
            yield path


def _parts_match(parts: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
    """Whether the parts of a path match those of a pattern.

    Example:
        >>> _parts_match(("a", "b", "c.jpg"), ("**", "*.jpg"))
        True
        >>> _parts_match(("c.jpg",), ("*", "**", "*.jpg"))
        False
    """
    if not wanted:
        return not parts
    if wanted[0] == "**":
        return any(_parts_match(parts[skip:], wanted[1:]) for skip in range(len(parts) + 1))
    if not parts or not fnmatch.fnmatchcase(parts[0], wanted[0]):
        return False
    return _parts_match(parts[1:], wanted[1:])


def _passed_over(found: Found) -> str:
    line = passed_over_line(found)
    if found.passed_over[VIDEO]:
        line += " Videos are translated one by one, by translate.py."
    return line


def _is_same(first: pathlib.Path, second: pathlib.Path) -> bool:
    return first.resolve() == second.resolve()


def _is_within(path: pathlib.Path, folder: pathlib.Path) -> bool:
    return folder.resolve() in path.resolve().parents


def _refuse_own_input(tasks: Sequence[Task], parts: Sequence[str]) -> None:
    sources = {task.source.resolve() for task in tasks}
    for task in tasks:
        for part in parts:
            path = task.part(part)
            if path.resolve() in sources:
                raise TranslationError(
                    f"{path} is both the input and the output: choose another --output."
                )
            if path.is_dir():
                raise TranslationError(f"{path} is a folder, but a file is to be written there.")
