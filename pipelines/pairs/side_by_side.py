"""Between folders A and B and pictures with A on the left and B on the right."""

import collections
import concurrent.futures
import dataclasses
import os
import pathlib
from collections.abc import Callable

import numpy as np
from PIL import Image
from tqdm import tqdm

from cyclegan_keras.files.errors import DataError, PictureError, first_few
from pipelines.sources.base import Pictures
from pipelines.sources.files import FilePictures
from pipelines.sources.partners import partners

# How each format is written; a JPEG keeps colour at full resolution, or edges of labels would run.
FORMATS = {"png": {}, "jpeg": {"quality": 95, "subsampling": 0}}
ENDINGS = {"png": ".png", "jpeg": ".jpg"}
SPLITS = ("train", "val", "test")


@dataclasses.dataclass(frozen=True)
class _Work:
    """Files to write, what they are made from, and how: () -> one uint8 (h, w, 3) a target."""

    name: str
    sources: tuple[pathlib.Path, ...]
    targets: tuple[pathlib.Path, ...]
    make: Callable[[], list[np.ndarray]]


def combine(
    folder_a: str | os.PathLike,
    folder_b: str | os.PathLike,
    output: str | os.PathLike,
    *,
    format: str = "png",
    overwrite: bool = False,
) -> list[pathlib.Path]:
    """Writes one picture a pair, A on the left and B on the right, in the sub-folders they are in.

    Args:
        folder_a: pictures of A, also in sub-folders such as train and test.
        folder_b: those of B, under the same names; endings may differ.
        output: the folder to write to.
        format: "png", which keeps every pixel, or "jpeg" of quality 95.
        overwrite: whether files may be there already.

    Returns:
        What was written. Whatever is found wrong beforehand, nothing is written.

    Raises:
        DataError: pictures are no pairs or cannot be read, sizes differ, or files are there.
    """
    for folder in (folder_a, folder_b):
        _refuse_nothing(folder, FilePictures(folder))
    a, b = partners(folder_a, folder_b)
    unequal = [
        f"{name} ({width}x{height} and {other[0]}x{other[1]})"
        for name, (width, height), other in zip(a.names, _sizes(a), _sizes(b), strict=True)
        if (width, height) != other
    ]
    if unequal:
        raise DataError(
            f"{len(unequal)} of {len(a)} pairs have sides of different sizes: {first_few(unequal)}."
            " A pixel must show the same place on both sides: cut or scale both to one size."
        )

    def work(index: int) -> _Work:
        stem = a.paths[index].relative_to(folder_a).with_suffix("")
        target = pathlib.Path(output, f"{stem}{ENDINGS[format]}")
        paths = a.paths[index], b.paths[index]
        return _Work(a.names[index], paths, (target,), lambda: [np.hstack([a[index], b[index]])])

    return _write_all([work(index) for index in range(len(a))], "Combining", format, overwrite)


def split(
    folder: str | os.PathLike,
    output: str | os.PathLike,
    *,
    format: str = "png",
    overwrite: bool = False,
) -> list[pathlib.Path]:
    """Writes the left and the right half of each picture, under its name, into folders of A and B.

    Pictures of `train` go to `trainA` and `trainB`, those of `test` to `testA` and `testB`, those
    of `val` to `valA` and `valB` or, without `test`, to `testA` and `testB`; others to `A` and `B`.

    Args:
        folder: where the pictures are.
        output: the folder to write to.
        format: "png", which keeps every pixel, or "jpeg" of quality 95.
        overwrite: whether files may be there already.

    Returns:
        What was written. Whatever is found wrong beforehand, nothing is written.

    Raises:
        DataError: pictures cannot be read, widths are odd, or files are there.
    """
    whole = FilePictures(folder)
    _refuse_nothing(folder, whole)
    odd = [
        f"{name} ({width}x{height})"
        for name, (width, height) in zip(whole.names, _sizes(whole), strict=True)
        if width % 2
    ]
    if odd:
        raise DataError(
            f"{len(odd)} of {len(whole)} pictures have an odd width, and so no two equal halves: "
            f"{first_few(odd)}. Are A and B side by side in them?"
        )
    inner = [path.relative_to(folder) for path in whole.paths]
    val_is_test = not any(path.parts[0] == "test" for path in inner)

    def work(index: int) -> _Work:
        top, *rest = inner[index].with_suffix("").parts
        if top not in SPLITS or not rest:
            top, rest = "", [top, *rest]
        top = "test" if top == "val" and val_is_test else top
        targets = [
            pathlib.Path(output, f"{top}{domain}", *rest[:-1], f"{rest[-1]}{ENDINGS[format]}")
            for domain in "AB"
        ]
        origin = whole.names[index], (whole.paths[index],)
        return _Work(*origin, tuple(targets), lambda: np.split(whole[index], 2, axis=1))

    return _write_all([work(index) for index in range(len(whole))], "Splitting", format, overwrite)


def _refuse_nothing(folder: str | os.PathLike, pictures: Pictures) -> None:
    if not pictures:
        is_there = pathlib.Path(folder).is_dir()
        raise DataError(f"{folder} {'holds no pictures' if is_there else 'is not a folder'}.")


def _sizes(pictures: Pictures) -> list[tuple[int, int]]:
    sizes, bad = [], []
    progress = tqdm(pictures.names, "Checking", delay=1.0, leave=False)
    for index, name in enumerate(progress):
        try:
            sizes.append(pictures.size(index))
        except PictureError as error:
            bad.append(f"{name} ({error})")
    if bad:
        raise DataError(
            f"{len(bad)} of {len(pictures)} pictures cannot be read: {first_few(bad)}. Replace or "
            "remove them."
        )
    return sizes


def _write_all(works: list[_Work], title: str, format: str, overwrite: bool) -> list[pathlib.Path]:
    targets = [target for work in works for target in work.targets]
    twice = [str(path) for path, count in collections.Counter(targets).items() if count > 1]
    if twice:
        raise DataError(f"Several pictures would be written as {first_few(twice)}: rename them.")
    sources = {source.resolve() for work in works for source in work.sources}
    there = [target for target in targets if target.exists()]
    own = [str(target) for target in there if target.resolve() in sources]
    if own:
        raise DataError(f"{first_few(own)} would replace its own origin: choose another --output.")
    if there and not overwrite:
        raise DataError(
            f"{len(there)} of {len(targets)} files are there already: "
            f"{first_few([str(path) for path in there])}. Choose another --output, or replace them "
            "by --overwrite."
        )
    pool = concurrent.futures.ThreadPoolExecutor()
    try:
        done = pool.map(lambda work: _write(work, format), works)
        for _ in tqdm(done, title, len(works), unit=" pairs"):
            pass
    finally:
        pool.shutdown(cancel_futures=True)  # after an error, not thousands of pictures later
    return targets


def _write(work: _Work, format: str) -> None:
    try:
        pictures = work.make()
    except PictureError as error:
        raise DataError(f"{work.name} {error}: replace or remove it.") from error
    for picture, target in zip(pictures, work.targets, strict=True):
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f".{target.name}.partial")
        try:
            Image.fromarray(picture).save(draft, format, **FORMATS[format])
            os.replace(draft, target)
        finally:
            draft.unlink(missing_ok=True)
