"""What is to be translated: which files, and where to."""

import dataclasses
import glob
import itertools
import os
import pathlib
from collections.abc import Sequence

from cyclegan_keras.files.errors import TranslationError

PICTURES = (
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".tif", ".tiff", ".bmp", ".gif"),
    *(".jp2", ".avif", ".ppm", ".pgm", ".pbm", ".pnm", ".tga", ".ico"),
)
VIDEOS = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".wmv", ".flv")


@dataclasses.dataclass(frozen=True)
class Task:
    """One file to read and where its translation goes."""

    source: pathlib.Path
    target: pathlib.Path

    def part(self, suffix: str) -> pathlib.Path:
        """Returns where that part goes: `_cycle` of a/b.png is a/b_cycle.png."""
        return self.target.with_name(f"{self.target.stem}{suffix}{self.target.suffix}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Listing:
    """All that is to be translated.

    Attributes:
        tasks: in the order of their names.
        folder: the output folder of many pictures; None where one file becomes one file.
        videos: how many videos in the input were passed over.
    """

    tasks: tuple[Task, ...]
    folder: pathlib.Path | None = None
    videos: int = 0

    @property
    def is_video(self) -> bool:
        """Whether it is one video instead of pictures."""
        return self.folder is None and is_video(self.tasks[0].source)


def is_video(path: pathlib.Path) -> bool:
    """Whether a file's ending is that of a video."""
    return path.suffix.lower() in VIDEOS


def list_tasks(source: str, output: str, *, endings: Sequence[str], parts=("",)) -> Listing:
    """Finds what is to be translated, and where to.

    Sub-folders are mirrored. A name and its ending stay, but for an ending that is not among
    `endings`: a.gif becomes a.gif.png, and so never takes the place of a.png.

    Args:
        source: a picture, a video, a folder or a pattern such as `photos/**/*.jpg`.
        output: a folder; or the file, where `source` is one.
        endings: of pictures that can be written; the first is given to those with another.
        parts: what is appended to the names of the files that come of one picture.

    Raises:
        TranslationError: there is nothing to translate, or no place for it.
    """
    path, target = pathlib.Path(source).expanduser(), pathlib.Path(output).expanduser()
    naming = _Naming(endings, parts)
    if path.is_file():
        task = Task(path, _single(path, target, output.endswith(os.sep), naming))
        _refuse_own_input((task,), parts)
        return Listing(tasks=(task,))
    root, found = _found(path, target, source)
    pictures = sorted(file for file in found if file.suffix.lower() in PICTURES)
    videos = sum(map(is_video, found))
    if not pictures:
        more = " Videos are translated one by one: name one." if videos else ""
        raise TranslationError(
            f"--input={source}: none of {len(found)} files is a picture ({', '.join(PICTURES)})."
            + more
        )
    if target.suffix.lower() in (*PICTURES, *VIDEOS) or target.is_file():
        raise TranslationError(f"--output={output} must be a folder, for {len(pictures)} pictures.")
    if _same(root, target):
        raise TranslationError(
            f"{root} would be input and output at once: choose another --output."
        )
    tasks = tuple(Task(file, naming(target / file.relative_to(root))) for file in pictures)
    _refuse_own_input(tasks, parts)
    return Listing(tasks=tasks, folder=target, videos=videos)


def _single(path: pathlib.Path, target: pathlib.Path, is_folder: bool, naming) -> pathlib.Path:
    if target.is_dir() or is_folder or not target.suffix:
        named = target / path.name
        return named if is_video(path) else naming(named)
    if is_video(path) != is_video(target):
        kind = "video" if is_video(path) else "picture"
        raise TranslationError(f"{path} is a {kind}, so --output={target} should be one too.")
    if not is_video(path) and target.suffix.lower() not in naming.endings:
        raise TranslationError(f"--output={target}: expected the ending {_any_of(naming.endings)}.")
    return target


def _any_of(words: Sequence[str]) -> str:
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _found(path: pathlib.Path, output: pathlib.Path, typed: str):
    """Returns the folder that is mirrored, and the files in it that are not output."""
    if path.is_dir():
        return path, _walk(path, output)
    if not glob.has_magic(typed):
        raise TranslationError(f"--input={typed} does not exist.")
    root = _root(path)
    hits = map(pathlib.Path, glob.glob(str(path), recursive=True))
    inside = _is_within(output, root)
    return root, [
        hit
        for hit in hits
        if hit.is_file() and not _is_hidden(hit, root) and not (inside and _is_within(hit, output))
    ]


class _Naming:
    """Names of translations; no two are alike, even where upper and lower case are one."""

    def __init__(self, endings: Sequence[str], parts: Sequence[str]):
        self.endings, self.parts = endings, parts
        self.taken: set[str] = set()

    def __call__(self, path: pathlib.Path) -> pathlib.Path:
        if path.suffix.lower() not in self.endings:
            path = path.with_name(path.name + self.endings[0])
        stem, count = path.stem, 1
        while self.taken & (names := self._names(path)):
            count += 1
            path = path.with_name(f"{stem}_{count}{path.suffix}")
        self.taken |= names
        return path

    def _names(self, path: pathlib.Path) -> set[str]:
        task = Task(path, path)
        return {str(task.part(part)).casefold() for part in self.parts}


def _walk(root: pathlib.Path, output: pathlib.Path) -> list[pathlib.Path]:
    found = []
    for folder, folders, files in os.walk(root, onerror=_unreadable):
        here = pathlib.Path(folder)
        folders[:] = [f for f in folders if not _is_private(f) and not _same(here / f, output)]
        found += [here / file for file in files if not _is_private(file)]
    return found


def _unreadable(error: OSError) -> None:
    raise TranslationError(f"{error.filename} cannot be read: {error.strerror}.") from error


def _root(pattern: pathlib.Path) -> pathlib.Path:
    """The part of a pattern before its first wildcard."""
    plain = itertools.takewhile(lambda part: not glob.has_magic(part), pattern.parts[:-1])
    return pathlib.Path(*plain)


def _is_private(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"


def _is_hidden(path: pathlib.Path, root: pathlib.Path) -> bool:
    return any(map(_is_private, path.relative_to(root).parts))


def _same(first: pathlib.Path, second: pathlib.Path) -> bool:
    return first.resolve() == second.resolve()


def _is_within(path: pathlib.Path, folder: pathlib.Path) -> bool:
    return folder.resolve() in path.resolve().parents


def _refuse_own_input(tasks: tuple[Task, ...], parts: Sequence[str]) -> None:
    sources = {task.source.resolve() for task in tasks}
    for task in tasks:
        for part in parts:
            place = task.part(part)
            if place.resolve() in sources:
                raise TranslationError(
                    f"{place} would be input and output at once: choose another --output."
                )
            if place.is_dir():
                raise TranslationError(f"{place} is a folder, but a file is to be written there.")
