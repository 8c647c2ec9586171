"""Joins translated slices to a series or a volume that lies where the original lies."""

import collections
import dataclasses
import os
import pathlib
from collections.abc import Sequence

import numpy as np
from tqdm import tqdm

from cyclegan_keras.files.atomic import atomic_write
from cyclegan_keras.files.errors import DataError, PictureError, first_few
from cyclegan_keras.files.writing import make_folder, writing
from pipelines.slices import dicom_writing, names, nifti, slice_files
from pipelines.slices.cutting import called
from pipelines.slices.dicom_volume import DicomVolume
from pipelines.slices.finding import find_volumes
from pipelines.slices.names import VolumeName
from pipelines.slices.nifti import NiftiVolume
from pipelines.slices.passed_over import Reason
from pipelines.slices.planes import from_plane, plane_shape
from pipelines.slices.value_type import smallest_type
from pipelines.slices.volume import Volume

SLICE_ENDINGS = (".tiff", ".tif", ".npy")


@dataclasses.dataclass(kw_only=True)
class Joined:
    """What was written.

    Attributes:
        written: the files.
        slices: how many slices they hold.
        filled: how many of these were missing and got the fill value.
        passed_over: why files were passed over, and how many.
        step: to which values were rounded for DICOM; None where all are exact.
    """

    written: list[pathlib.Path] = dataclasses.field(default_factory=list)
    slices: int = 0
    filled: int = 0
    passed_over: collections.Counter[Reason] = dataclasses.field(
        default_factory=collections.Counter
    )
    step: float | None = None


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class _Job:
    """A volume to write.

    Attributes:
        volume: the original.
        name: what its slices are called after.
        paths: the file of each slice that there is, by its number.
    """

    volume: Volume
    name: VolumeName
    paths: dict[int, pathlib.Path]


def join(
    folder: str | os.PathLike,
    output: str | os.PathLike,
    *,
    like: str | os.PathLike | Sequence[str | os.PathLike],
    fill: float | None = None,
    salt: str = "",
    overwrite: bool = False,
) -> Joined:
    """Writes slices as a volume with the place and the directions of the original.

    Args:
        folder: of slices under the names that `cut` gave them.
        output: a file that ends with .nii or .nii.gz; or a folder, in which a DICOM original
            becomes a folder of DICOM files and a NIfTI original a .nii.gz file.
        like: the original series or volume, a file or a folder.
        fill: value of slices that are missing; None refuses.
        salt: that of `cut`.
        overwrite: whether files that exist are replaced.

    Returns:
        What was written.

    Raises:
        DataError: slices do not belong to the original, are missing, cannot be read or have another
            size; files exist already; or a package is missing.
    """
    folder, output = pathlib.Path(folder), pathlib.Path(output)
    done = Joined()
    slices = _find_slices(folder, done)
    originals = [like] if isinstance(like, str | os.PathLike) else list(like)
    found = find_volumes(originals, salt=salt)
    if not found.volumes:
        raise DataError(
            f"{first_few([str(path) for path in originals])} holds no DICOM series and no NIfTI "
            "volume: name the original that the slices were cut from."
        )
    jobs = _jobs(slices, found.volumes, folder=folder, done=done)
    for job in jobs:
        _check_numbers(job, fill)
    if output.name.lower().endswith(nifti.ENDINGS):
        targets = {output: jobs}
        _refuse_what_is_no_file(jobs, output)
    else:
        targets = _targets(jobs, output)
    _refuse_existing(targets, overwrite)
    total = sum(len(job.paths) for job in jobs)
    with tqdm(total=total, desc="Joining", unit=" slices") as progress:
        for target, jobs_of_target in targets.items():
            _write(target, jobs_of_target, fill=fill, done=done, progress=progress)
    return done


def _find_slices(folder: pathlib.Path, done: Joined) -> dict[VolumeName, dict[int, pathlib.Path]]:
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder: name one that holds translated slices.")
    slices: dict[VolumeName, dict[int, pathlib.Path]] = collections.defaultdict(dict)
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        if path.name.startswith("."):
            continue
        parsed = names.parse(path)
        if parsed is None or path.suffix.lower() not in SLICE_ENDINGS:
            done.passed_over[Reason(f"{path.suffix.lower() or 'other'} file")] += 1
            continue
        name, number = parsed
        if number in slices[name]:
            raise DataError(
                f"{slices[name][number]} and {path} are the same slice: name a folder that holds "
                "each slice once."
            )
        slices[name][number] = path
    if not slices:
        raise DataError(
            f"{folder} holds no slices: expected files such as 87063e2546e1_axial_0001.tiff, under "
            "the names that they were cut with."
        )
    return slices


def _jobs(
    slices: dict[VolumeName, dict[int, pathlib.Path]],
    volumes: Sequence[Volume],
    *,
    folder: pathlib.Path,
    done: Joined,
) -> list[_Job]:
    by_series = {(volume.series, volume.part): volume for volume in volumes}
    jobs = []
    for name in sorted(slices):
        volume = by_series.get((name.series, name.part))
        if volume is None:
            done.passed_over[Reason("slice", " of other series")] += len(slices[name])
        else:
            jobs.append(_Job(volume=volume, name=name, paths=slices[name]))
    if not jobs:
        series = sorted({name.series for name in slices})
        originals = sorted({volume.series for volume in volumes})
        raise DataError(
            f"The slices in {folder} are of series {first_few(series)}, and the original is series "
            f"{first_few(originals)}: name the original that they were cut from by --like, and the "
            "--salt that they were cut with."
        )
    twice = [
        job.name.stem for job in jobs if sum((other.volume is job.volume) for other in jobs) > 1
    ]
    if twice:
        raise DataError(
            f"{folder} holds slices of one volume in several planes: {first_few(twice)}. Name a "
            "folder that holds those of one plane."
        )
    return jobs


def _check_numbers(job: _Job, fill: float | None) -> None:
    count, _, _ = plane_shape(job.volume.shape, job.volume.affine, job.name.plane)
    beyond = sorted(number for number in job.paths if not 1 <= number <= count)
    if beyond:
        raise DataError(
            f"{job.paths[beyond[0]]} is no slice of {called(job.volume)}, which has {count} "
            f"{job.name.plane} slices: name the original that the slices were cut from."
        )
    missing = count - len(job.paths)
    if missing and fill is None:
        absent = [str(number) for number in range(1, count + 1) if number not in job.paths]
        raise DataError(
            f"{missing} of {count} slices of {job.name.stem} are missing: {first_few(absent)}. "
            "Translate all of them (cut without --every and --skip_empty), or give a value for "
            "them, such as --fill=-1024."
        )


def _refuse_what_is_no_file(jobs: list[_Job], output: pathlib.Path) -> None:
    if jobs[0].volume.affine is None:
        raise DataError(
            f"{called(jobs[0].volume)} has no place in the patient, which NIfTI needs: name a "
            "folder as --output, for DICOM."
        )
    if len({job.name.series for job in jobs}) > 1 or (
        len(jobs) > 1 and not isinstance(jobs[0].volume, NiftiVolume)
    ):
        stems = [job.name.stem for job in jobs]
        raise DataError(
            f"{output} is one file, and the slices are of {len(jobs)} volumes: {first_few(stems)}. "
            "Name a folder as --output."
        )


def _targets(jobs: list[_Job], output: pathlib.Path) -> dict[pathlib.Path, list[_Job]]:
    """Returns a folder for each DICOM volume, and a file for each NIfTI file."""
    targets = collections.defaultdict(list)
    for job in jobs:
        if isinstance(job.volume, NiftiVolume):
            targets[output / f"{job.name.series}.nii.gz"].append(job)
        else:
            part = f"-{job.name.part:02}" if job.name.part else ""
            targets[output / f"{job.name.series}{part}"].append(job)
    return targets


def _refuse_existing(targets: dict[pathlib.Path, list[_Job]], overwrite: bool) -> None:
    for target, jobs in targets.items():
        original = pathlib.Path(jobs[0].volume.where)
        if target.resolve() == original.resolve():
            raise DataError(f"{target} would replace its own original: choose another --output.")
        is_there = any(target.iterdir()) if target.is_dir() else target.exists()
        if is_there and not overwrite:
            raise DataError(
                f"{target} exists already. Choose another --output, or replace it by --overwrite."
            )


def _write(
    target: pathlib.Path,
    jobs: list[_Job],
    *,
    fill: float | None,
    done: Joined,
    progress: tqdm,
) -> None:
    volumes = [_values(job, fill, done=done, progress=progress) for job in jobs]
    original = jobs[0].volume
    is_nifti = target.name.lower().endswith(nifti.ENDINGS)
    if isinstance(original, DicomVolume) and not is_nifti:
        written, step = dicom_writing.write_series(volumes[0], original, target)
        with writing(target):
            for path in set(target.glob("*.dcm")) - set(written):
                path.unlink()  # of an earlier series
        done.written.extend(written)
        if step is not None:
            done.step = max(done.step or 0.0, step)
        return
    values = volumes[0] if len(volumes) == 1 else np.stack(volumes, axis=-1)
    values = values.astype(smallest_type(values))
    affine = original.affine
    if isinstance(original, DicomVolume):
        # The first axis goes along the rows, as converters of DICOM write it.
        values = values.transpose(2, 1, 0)
        affine = affine[:, [2, 1, 0, 3]]
    make_folder(target.parent)
    # nibabel chooses the format by the whole ending, which a temporary file needs too.
    with atomic_write(target, shared=True) as temporary:
        ending = ".nii.gz" if target.name.lower().endswith(".gz") else ".nii"
        named = temporary.with_name(f"{temporary.name}{ending}")
        try:
            like = original.path if isinstance(original, NiftiVolume) else None
            nifti.save(values, affine, named, like)
            os.replace(named, temporary)
        finally:
            named.unlink(missing_ok=True)
    done.written.append(target)


def _values(job: _Job, fill: float | None, *, done: Joined, progress: tqdm) -> np.ndarray:
    """Returns int16, uint16 or float32 along the volume's own axes."""
    shape = plane_shape(job.volume.shape, job.volume.affine, job.name.plane)
    slices = {}
    for number, path in sorted(job.paths.items()):
        try:
            values = slice_files.read_slice(path)
        except PictureError as error:
            raise DataError(f"{error}: translate it again.") from error
        if values.shape != shape[1:]:
            raise DataError(
                f"{path} is {values.shape[1]}x{values.shape[0]}, expected {shape[2]}x{shape[1]} as "
                "the original: translate.py keeps the size of its input."
            )
        slices[number] = values
        progress.update()
    if fill is not None:
        for number in range(1, shape[0] + 1):
            if number not in slices:
                slices[number] = np.full(shape[1:], fill)
                done.filled += 1
    done.slices += shape[0]
    stacked = np.stack([slices[number] for number in sorted(slices)])
    if not np.isfinite(stacked).all():
        raise DataError(f"Slices of {job.name.stem} hold values that are no numbers (NaN).")
    stacked = stacked.astype(smallest_type(stacked))
    return from_plane(stacked, job.volume.affine, job.name.plane)
