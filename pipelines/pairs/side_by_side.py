"""Between folders A and B and pictures with A on the left and B on the right."""

import collections
import concurrent.futures
import dataclasses
import os
import pathlib
from collections.abc import Callable

import numpy as np
from tqdm import tqdm

from cyclegan_keras.files.errors import DataError, PictureError, first_few
from cyclegan_keras.files.writing import make_folder
from cyclegan_keras.images.picture import Picture, side_by_side
from cyclegan_keras.images.writing import write_picture
from pipelines.readable import PROGRESS_AFTER_SECONDS, unequal_sizes
from pipelines.sources.base import Pictures
from pipelines.sources.files import FilePictures
from pipelines.sources.folders import partners

SPLITS = ("train", "val", "test")


# --format -> ending of the files. PNG and TIFF keep every pixel; JPEG, which keeps color at full
# resolution here, or edges of labels would run, takes less disk space.
FORMATS = {"png": ".png", "jpeg": ".jpg", "tiff": ".tif"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Job:
    """Files to write together.

    Attributes:
        name: what the origin is called in messages.
        sources: the files that they are made from.
        targets: the files to write.
        make: () -> one picture for each target.
    """

    name: str
    sources: tuple[pathlib.Path, ...]
    targets: tuple[pathlib.Path, ...]
    make: Callable[[], list[Picture]]


def combine(
    folder_a: str | os.PathLike,
    folder_b: str | os.PathLike,
    output: str | os.PathLike,
    *,
    format: str = "png",
    overwrite: bool = False,
) -> list[pathlib.Path]:
    """Writes one picture a pair, A on the left and B on the right, in the sub-folders they are in.

    Nothing is written where something is found wrong beforehand.

    Args:
        folder_a: pictures of A, also in sub-folders such as train and test.
        folder_b: those of B, under the same names; endings may differ.
        output: the folder to write to.
        format: "png" or "tiff", which keep every pixel, or "jpeg" of quality 95. TIFF also holds
            negative numbers, fractions, and bands other than gray and RGB.
        overwrite: whether files that exist are replaced.

    Returns:
        What was written.

    Raises:
        DataError: pictures are no pairs or cannot be read, sizes differ, or files exist already.
    """
    all_a = FilePictures(folder_a, each_once=False)
    all_b = FilePictures(folder_b, each_once=False)
    _refuse_empty(folder_a, all_a)
    _refuse_empty(folder_b, all_b)
    a, b, names = partners(all_a, all_b)
    unequal = unequal_sizes(a.names, _sizes(a), _sizes(b))
    if unequal:
        raise DataError(
            f"{len(unequal)} of {len(a)} pairs have sides of different sizes: {first_few(unequal)}."
            " A pixel must show the same place on both sides: cut or scale both to one size."
        )

    def job(index: int) -> _Job:
        return _Job(
            name=a.names[index],
            sources=(a.paths[index], b.paths[index]),
            targets=(pathlib.Path(output, f"{names[index]}{FORMATS[format]}"),),
            make=lambda: [_beside(_read(a, index), _read(b, index), names[index])],
        )

    return _write_all([job(index) for index in range(len(a))], "Combining", format, overwrite)


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
    Nothing is written where something is found wrong beforehand.

    Args:
        folder: where the pictures are.
        output: the folder to write to.
        format: "png" or "tiff", which keep every pixel, or "jpeg" of quality 95. TIFF also holds
            negative numbers, fractions, and bands other than gray and RGB.
        overwrite: whether files that exist are replaced.

    Returns:
        What was written.

    Raises:
        DataError: pictures cannot be read, widths are odd, or files exist already.
    """
    whole = FilePictures(folder, each_once=False)
    _refuse_empty(folder, whole)
    odd = [
        f"{name} ({width}x{height})"
        for name, (width, height) in zip(whole.names, _sizes(whole), strict=True)
        if width % 2
    ]
    if odd:
        raise DataError(
            f"{len(odd)} of {len(whole)} pictures have an odd width, and so no two equal halves: "
            f"{first_few(odd)}. Expected A and B side by side, each of half the width: cut or "
            "remove them."
        )
    inner_paths = [path.relative_to(folder) for path in whole.paths]
    val_is_test = not any(path.parts[0] == "test" for path in inner_paths)

    def job(index: int) -> _Job:
        inner = inner_paths[index].with_suffix("")
        split_name = ""
        if len(inner.parts) > 1 and inner.parts[0] in SPLITS:
            split_name = inner.parts[0]
            inner = inner.relative_to(split_name)
        if split_name == "val" and val_is_test:
            split_name = "test"
        file = f"{inner}{FORMATS[format]}"
        return _Job(
            name=whole.names[index],
            sources=(whole.paths[index],),
            targets=(
                pathlib.Path(output, f"{split_name}A", file),
                pathlib.Path(output, f"{split_name}B", file),
            ),
            make=lambda: _halves(_read(whole, index)),
        )

    return _write_all([job(index) for index in range(len(whole))], "Splitting", format, overwrite)


def _refuse_empty(folder: str | os.PathLike, pictures: Pictures) -> None:
    if pictures:
        return
    if not pathlib.Path(folder).is_dir():
        raise DataError(f"{folder} is not a folder: name one that holds pictures.")
    raise DataError(f"{folder} holds no pictures: name a folder that does.")


def _sizes(pictures: Pictures) -> list[tuple[int, int]]:
    sizes = []
    unreadable = []
    progress = tqdm(
        pictures.names, "Checking", delay=PROGRESS_AFTER_SECONDS, leave=False, disable=None
    )
    for index, name in enumerate(progress):
        try:
            sizes.append(pictures.size(index))
        except PictureError as error:
            unreadable.append(f"{name} ({error})")
    if unreadable:
        raise DataError(
            f"{len(unreadable)} of {len(pictures)} pictures cannot be read: "
            f"{first_few(unreadable)}. Replace or remove them."
        )
    return sizes


def _write_all(jobs: list[_Job], title: str, format: str, overwrite: bool) -> list[pathlib.Path]:
    targets = [target for job in jobs for target in job.targets]
    times = collections.Counter(targets)
    twice = [str(target) for target in times if times[target] > 1]
    if twice:
        raise DataError(f"Several pictures would be written as {first_few(twice)}: rename them.")
    sources = {source.resolve() for job in jobs for source in job.sources}
    existing = [target for target in targets if target.exists()]
    own = [str(target) for target in existing if target.resolve() in sources]
    if own:
        raise DataError(f"{first_few(own)} would replace its own origin: choose another --output.")
    if existing and not overwrite:
        raise DataError(
            f"{len(existing)} of {len(targets)} files exist already: "
            f"{first_few([str(target) for target in existing])}. Choose another --output, or "
            "replace them by --overwrite."
        )
    pool = concurrent.futures.ThreadPoolExecutor()
    try:
        done = pool.map(_write, jobs)
        for _ in tqdm(done, title, len(jobs), unit=" pairs"):
            pass
    finally:
        pool.shutdown(cancel_futures=True)  # after an error, not thousands of pictures later
    return targets


def _write(job: _Job) -> None:
    for picture, target in zip(job.make(), job.targets, strict=True):
        make_folder(target.parent)
        try:
            write_picture(picture, target)
        except PictureError as error:
            raise DataError(f"{job.name} cannot be written as {target}: {error}") from error


def _read(pictures: Pictures, index: int) -> Picture:
    """Reads a picture as training sees it: opaque and in sRGB."""
    try:
        picture = pictures.picture(index)
    except PictureError as error:
        raise DataError(f"{pictures.names[index]} {error}: replace or remove it.") from error
    return dataclasses.replace(picture.over_white(), icc_profile=None, in_srgb=False)


def _beside(a: Picture, b: Picture, name: str) -> Picture:
    """Returns one picture with A on the left and B on the right, of channels that hold both."""
    dtypes = {a.pixels.dtype.name, b.pixels.dtype.name}
    if dtypes == {"uint8", "uint16"}:
        a, b = a.at_depth(16), b.at_depth(16)
    elif len(dtypes) > 1:
        raise DataError(
            f"{name} holds {' and '.join(sorted(dtypes))} numbers, which one picture cannot hold "
            "side by side: keep them apart, in trainA and trainB."
        )
    counts = {a.pixels.shape[-1], b.pixels.shape[-1]}
    if len(counts) > 1 and counts != {1, 3}:
        raise DataError(
            f"{name} has {' and '.join(map(str, sorted(counts)))} channels, which one picture "
            "cannot hold side by side: keep them apart, in trainA and trainB."
        )
    return side_by_side([a, b])


def _halves(whole: Picture) -> list[Picture]:
    return [dataclasses.replace(whole, pixels=half) for half in np.split(whole.pixels, 2, axis=1)]
