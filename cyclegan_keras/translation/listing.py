"""What is to be translated: which files, and where to."""

import dataclasses
import glob
import itertools
import os
import pathlib
from collections.abc import Iterable, Sequence

from cyclegan_keras.files.errors import TranslationError
from cyclegan_keras.images.animation import WRITERS, is_animated
from cyclegan_keras.images.writing import FORMATS
from cyclegan_keras.translation.options import TranslateOptions

PICTURES = (
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
VIDEOS = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".wmv", ".flv")

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


def list_input(options: TranslateOptions) -> Listing:
    """Finds what the options ask to translate, and where to.

    Raises:
        TranslationError: an option is missing, there is nothing to translate, or it cannot be
            written there.
    """
    for name in ("model", "input", "output"):
        if not vars(options)[name]:
            raise TranslationError(f"--{name} is missing. See --help.")
    parts = [TRANSLATION]
    if options.cycle and not options.side_by_side:
        parts.append(CYCLE)
    endings = list(FORMATS)
    if options.format is not None:
        first = f".{options.format}"
        others = [
            ending for ending in FORMATS if FORMATS[ending] is FORMATS[first] and ending != first
        ]
        endings = [first, *others]
    listing = list_tasks(options.input, options.output, endings=endings, parts=parts)
    if listing.is_video and len(parts) > 1:
        raise TranslationError("--cycle of a video goes only with --side_by_side.")
    if listing.is_animation and len(parts) > 1:
        raise TranslationError("--cycle of an animation goes only with --side_by_side.")
    return listing


def list_tasks(
    source: str,
    output: str,
    *,
    endings: Sequence[str],
    parts: Sequence[str] = (TRANSLATION,),
) -> Listing:
    """Finds what is to be translated, and where to.

    Sub-folders are mirrored. A name and its ending stay, but for an ending that is not among
    `endings`: a.gif becomes a.gif.png, and so never replaces a.png.

    Args:
        source: a picture, a video, a folder or a pattern such as `photos/**/*.jpg`.
        output: a folder; or the file, where `source` is one.
        endings: of pictures that can be written; the first is given to those with another.
        parts: what is appended to the names of the files that are made of one picture.

    Raises:
        TranslationError: there is nothing to translate, or it cannot be written there.
    """
    path = pathlib.Path(source).expanduser()
    target = pathlib.Path(output).expanduser()
    names = _Names(endings, parts)
    if path.is_file():
        is_folder = target.is_dir() or output.endswith(os.sep) or not target.suffix
        task = Task(path, _target_of_one(path, target, is_folder, names))
        _refuse_own_input([task], parts)
        return Listing(tasks=(task,))
    if path.is_dir():
        root = path
        found = _files_below(root, target)
    elif glob.has_magic(source):
        root = _folder_before_wildcards(path)
        found = _matches(path, root, target)
    else:
        raise TranslationError(f"--input={source} does not exist.")
    pictures = sorted(file for file in found if file.suffix.lower() in PICTURES)
    videos = sum(is_video(file) for file in found)
    if not pictures:
        message = f"--input={source}: none of {len(found)} files is a picture"
        message += f" ({', '.join(PICTURES)})."
        if videos:
            message += " Videos are translated one by one: name one."
        raise TranslationError(message)
    names_a_file = target.suffix.lower() in PICTURES or is_video(target)
    if names_a_file or target.is_file():
        raise TranslationError(f"--output={output} must be a folder, for {len(pictures)} pictures.")
    if _is_same(root, target):
        raise TranslationError(f"{root} is both the input and the output: choose another --output.")
    tasks = [Task(file, names.choose(target / file.relative_to(root))) for file in pictures]
    _refuse_own_input(tasks, parts)
    return Listing(tasks=tuple(tasks), folder=target, videos=videos)


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

    def __init__(self, endings: Sequence[str], parts: Sequence[str]):
        self.endings = endings
        self._parts = parts
        self._taken: set[str] = set()

    def choose(self, path: pathlib.Path) -> pathlib.Path:
        """Returns `path`, with another ending or a number where that is necessary."""
        if path.suffix.lower() not in self.endings:
            path = path.with_name(path.name + self.endings[0])
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
        raise TranslationError(f"--output={target}: expected the ending {expected}.")
    return target


def _files_below(root: pathlib.Path, output: pathlib.Path) -> list[pathlib.Path]:
    """All files below a folder but for hidden ones and those of the output folder."""
    found = []
    for name_of_folder, subfolders, files in os.walk(root, onerror=_refuse_unreadable):
        folder = pathlib.Path(name_of_folder)
        subfolders[:] = [
            name
            for name in subfolders
            if not _is_hidden(name) and not _is_same(folder / name, output)
        ]
        found += [folder / name for name in files if not _is_hidden(name)]
    return found


def _refuse_unreadable(error: OSError) -> None:
    raise TranslationError(f"{error.filename} cannot be read: {error.strerror}.") from error


def _folder_before_wildcards(pattern: pathlib.Path) -> pathlib.Path:
    plain = itertools.takewhile(lambda part: not glob.has_magic(part), pattern.parts[:-1])
    return pathlib.Path(*plain)


def _matches(pattern: pathlib.Path, root: pathlib.Path, output: pathlib.Path) -> list[pathlib.Path]:
    """The files that a pattern matches, but for hidden ones and those of the output folder."""
    output_is_inside = _is_within(output, root)
    found = []
    for name in glob.glob(str(pattern), recursive=True):
        path = pathlib.Path(name)
        is_hidden = any(_is_hidden(part) for part in path.relative_to(root).parts)
        is_output = output_is_inside and _is_within(path, output)
        if path.is_file() and not is_hidden and not is_output:
            found.append(path)
    return found


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"


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
