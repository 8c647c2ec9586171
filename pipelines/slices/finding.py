"""Finds every volume in files and folders, by content, and counts what is passed over."""

import collections
import dataclasses
import os
import pathlib
from collections.abc import Sequence
from typing import Any

from tqdm import tqdm

from cyclegan_keras.files.errors import DataError, PictureError
from cyclegan_keras.files.walking import walk, without_repetitions
from cyclegan_keras.images.listing import is_passed_over_silently
from pipelines.slices import nifti
from pipelines.slices.dicom_files import may_be_dicom, read_header, reason_to_pass_over
from pipelines.slices.dicom_frames import Frame, frames_of
from pipelines.slices.dicom_pixels import unit_of
from pipelines.slices.dicom_stacks import stacks_of
from pipelines.slices.dicom_volume import DicomVolume
from pipelines.slices.names import pseudonym
from pipelines.slices.passed_over import Reason
from pipelines.slices.volume import Volume

PROGRESS_AFTER_SECONDS = 1.0


@dataclasses.dataclass(kw_only=True)
class Found:
    """What files and folders hold.

    Attributes:
        volumes: series by series, in the order of their files.
        passed_over: why files were passed over, and how many.
        damaged: sentences about files that cannot be read.
    """

    volumes: list[Volume] = dataclasses.field(default_factory=list)
    passed_over: collections.Counter[Reason] = dataclasses.field(
        default_factory=collections.Counter
    )
    damaged: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(kw_only=True)
class _Series:
    """The files of a DICOM series so far.

    Attributes:
        header: what its first file tells: keyword arguments of DicomVolume.
        frames: of all its files.
        files: the SOPInstanceUIDs of its files.
        warnings: sentences about what is unusual.
    """

    header: dict[str, Any]
    frames: list[Frame] = dataclasses.field(default_factory=list)
    files: set[str] = dataclasses.field(default_factory=set)
    warnings: dict[str, None] = dataclasses.field(default_factory=dict)


def find_volumes(inputs: Sequence[str | os.PathLike], *, salt: str = "") -> Found:
    """Looks at the header of every file.

    Hidden files, hidden folders, `__MACOSX` and the notes beside slices do not count.

    Args:
        inputs: files, and folders with everything below them.
        salt: for pseudonyms.

    Raises:
        DataError: an input does not exist, or a package is missing that its files need.
    """
    paths = _files([pathlib.Path(given) for given in inputs])
    root = _root([pathlib.Path(given) for given in inputs])
    found = Found()
    series: dict[str, _Series] = {}
    volumes_of_nifti: list[Volume] = []
    progress = tqdm(
        paths,
        "Reading headers",
        unit=" files",
        delay=PROGRESS_AFTER_SECONDS,
        leave=False,
        disable=None,  # a bar is for terminals
    )
    for path in progress:
        try:
            if nifti.is_nifti(path):
                volumes = nifti.volumes_of(path, root, salt)
                if isinstance(volumes, Reason):
                    found.passed_over[volumes] += 1
                else:
                    volumes_of_nifti.extend(volumes)
            elif may_be_dicom(path) and (dataset := read_header(path)) is not None:
                reason = _add(dataset, path, series, salt)
                if reason is not None:
                    found.passed_over[reason] += 1
            else:
                found.passed_over[_other(path)] += 1
        except PictureError as error:
            found.damaged.append(f"{path} {error}")
        except OSError as error:
            found.damaged.append(f"{path} cannot be read ({error.strerror})")
    for one in series.values():
        found.volumes.extend(_volumes(one))
    found.volumes.extend(_different(volumes_of_nifti, found))
    return found


def _files(inputs: list[pathlib.Path]) -> list[pathlib.Path]:
    found: dict[pathlib.Path, None] = {}
    for given in inputs:
        if given.is_file():
            found[given] = None
            continue
        if not given.is_dir():
            raise DataError(f"{given} does not exist: name a DICOM or NIfTI file, or a folder.")
        below = [
            file
            for file in walk(given, enter=lambda path, name: not is_passed_over_silently(name))
            if not is_passed_over_silently(file.name)
        ]
        below.sort(key=lambda file: pathlib.Path(file.path).relative_to(given).as_posix())
        for file in without_repetitions(below):
            found[pathlib.Path(file.path)] = None
    return list(found)


def _root(inputs: list[pathlib.Path]) -> pathlib.Path:
    """Returns the folder below which every patient has a folder or a file."""
    if len(inputs) == 1:
        return inputs[0] if inputs[0].is_dir() else inputs[0].parent
    return pathlib.Path(os.path.commonpath([given.parent for given in inputs]))


def _other(path: pathlib.Path) -> Reason:
    if not path.suffix:
        return Reason("file", " without an ending that is no DICOM")
    return Reason(f"{path.suffix.lower()} file")


def _add(dataset, path: pathlib.Path, series: dict[str, _Series], salt: str) -> Reason | None:
    reason = reason_to_pass_over(dataset)
    if reason is not None:
        return reason
    uid = str(dataset.SeriesInstanceUID)
    if uid not in series:
        identity = str(dataset.get("PatientID") or dataset.get("StudyInstanceUID") or uid)
        series[uid] = _Series(
            header={
                "where": str(path.parent),
                "patient": pseudonym(identity, salt),
                "series": pseudonym(uid, salt),
                "modality": str(dataset.get("Modality") or ""),
                "description": str(
                    dataset.get("SeriesDescription") or dataset.get("ProtocolName") or ""
                ),
                "unit": unit_of(dataset),
                "is_derived": "DERIVED" in (dataset.get("ImageType") or ()),
            }
        )
    one = series[uid]
    instance = str(dataset.get("SOPInstanceUID") or path)
    if instance in one.files:
        return Reason("copy", " of a file that is there already")
    try:
        frames = frames_of(dataset, path)
    except (AttributeError, TypeError, ValueError) as error:
        raise PictureError(f"is damaged ({error})") from error
    one.files.add(instance)
    one.frames.extend(frames)
    if not dataset.get("PatientID"):
        one.warnings[
            "It has no PatientID: its study is taken for one patient, who may have others."
        ] = None
    if dataset.get("BurnedInAnnotation") == "YES":
        one.warnings[
            "Its pixels contain text (BurnedInAnnotation), which may name the patient."
        ] = None
    return None


def _volumes(one: _Series) -> list[DicomVolume]:
    stacks = stacks_of(one.frames)
    volumes = []
    for number, stack in enumerate(stacks, start=1):
        volumes.append(
            DicomVolume(
                **one.header,
                part=number if len(stacks) > 1 else 0,
                apart_by=stack.apart_by,
                shape=(len(stack.frames), *stack.frames[0].shape),
                affine=stack.affine,
                plane=stack.plane,
                warnings=(*one.warnings, *stack.warnings),
                frames=stack.frames,
            )
        )
    return volumes


def _different(volumes: list[Volume], found: Found) -> list[Volume]:
    """Returns the volumes without further copies of one file, which are counted."""
    kept: dict[tuple[str, int], Volume] = {}
    for volume in volumes:
        key = (volume.series, volume.part)
        if key not in kept:
            kept[key] = volume
        elif volume.part in (0, 1):  # a file is counted once, whatever number of volumes it holds
            found.passed_over[Reason("copy", " of a file that is there already")] += 1
    return list(kept.values())
