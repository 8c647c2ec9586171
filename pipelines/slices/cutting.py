"""Writes the slices of DICOM series and NIfTI volumes into folders."""

import collections
import concurrent.futures
import dataclasses
import fnmatch
import json
import os
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from tqdm import tqdm

from cyclegan_keras.files.atomic import atomic_write
from cyclegan_keras.files.errors import DataError, OptionError, PictureError, first_few
from cyclegan_keras.files.writing import writing
from pipelines.slices import names, slice_files
from pipelines.slices.finding import find_volumes
from pipelines.slices.names import VolumeName
from pipelines.slices.passed_over import Reason, describe
from pipelines.slices.planes import (
    FRAME,
    PLANES,
    plane_affine,
    plane_shape,
    spacing,
    to_plane,
)
from pipelines.slices.value_type import TYPES, as_type, smallest_type
from pipelines.slices.volume import Values, Volume

SPLITS = ("trainA", "trainB", "testA", "testB", "valA", "valB")
AIR_HU = -500  # between air and the body
_BRIGHT = 0.1  # of the way from the darkest to the brightest values
_SQUARE = 0.01  # how much the sides of a pixel may differ, as a share
ABOUT_ENDING = ".slices.json"


@dataclasses.dataclass(frozen=True, kw_only=True)
class CutOptions:
    """How volumes are cut.

    Attributes:
        plane: one of PLANES; None cuts DICOM as it was acquired and NIfTI axially.
        split: the sub-folder of the output, such as "trainA"; "" for none.
        test_share: share of the patients, 0 to 1, that goes to the test folder of `split`.
        format: "tiff" or "npy".
        dtype: one of TYPES; None takes the smallest one that holds a volume exactly.
        every: take each so manieth slice.
        skip_empty: leave out slices of which less than this share, 0 to 1, shows the patient.
        modalities: take only series of these, such as ("CT",); () for all.
        description: take only series whose description fits this pattern; "" for all.
        original_only: leave out series that were computed from others.
        min_slices: take only volumes of so many slices.
        salt: mixed into the pseudonyms of patients and series.
        overwrite: whether files that exist are replaced.
    """

    plane: str | None = None
    split: str = ""
    test_share: float = 0.0
    format: str = "tiff"
    dtype: str | None = None
    every: int = 1
    skip_empty: float = 0.0
    modalities: tuple[str, ...] = ()
    description: str = ""
    original_only: bool = False
    min_slices: int = 1
    salt: str = ""
    overwrite: bool = False

    def __post_init__(self):
        if self.plane is not None and self.plane not in PLANES:
            raise OptionError(f"plane is {self.plane!r}, expected one of {', '.join(PLANES)}.")
        if self.format not in slice_files.ENDINGS:
            raise OptionError(f"format is {self.format!r}, expected tiff or npy.")
        if self.dtype is not None and self.dtype not in TYPES:
            raise OptionError(f"dtype is {self.dtype!r}, expected one of {', '.join(TYPES)}.")
        if self.split and self.split not in SPLITS:
            raise OptionError(f"split is {self.split!r}, expected one of {', '.join(SPLITS)}.")
        if not 0 <= self.test_share < 1:
            raise OptionError(f"test_share is {self.test_share}, expected 0 to less than 1.")
        if self.test_share and not self.split.startswith("train"):
            raise OptionError(
                f"test_share is {self.test_share} with split {self.split!r}: expected trainA or "
                "trainB, of which some patients go to testA or testB instead."
            )
        if self.every < 1:
            raise OptionError(f"every is {self.every}, expected 1 or more.")
        if not 0 <= self.skip_empty < 1:
            raise OptionError(f"skip_empty is {self.skip_empty}, expected 0 to less than 1.")
        if self.min_slices < 1:
            raise OptionError(f"min_slices is {self.min_slices}, expected 1 or more.")


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class CutVolume:
    """A volume and where its slices go.

    Attributes:
        volume: what is cut.
        name: what its files are called after.
        shape: (slices, rows, columns) in its plane.
        folder: the patient's folder.
        split: "trainA" and the like; "" for none.
        ending: of the files.
    """

    volume: Volume
    name: VolumeName
    shape: tuple[int, int, int]
    folder: pathlib.Path
    split: str
    ending: str

    @property
    def about(self) -> pathlib.Path:
        """The file that describes the slices."""
        return self.folder / f"{self.name.stem}{ABOUT_ENDING}"

    def path(self, number: int) -> pathlib.Path:
        """Returns the file of a slice, which counts from 1."""
        return self.folder / self.name.of_slice(number, self.ending)

    def written_before(self) -> list[pathlib.Path]:
        """Returns the files of this volume and plane that exist, in whatever format."""
        if not self.folder.is_dir():
            return []
        found = []
        for path in sorted(self.folder.iterdir()):
            parsed = names.parse(path)
            if path == self.about or (parsed is not None and parsed[0] == self.name):
                found.append(path)
        return found


@dataclasses.dataclass(kw_only=True)
class Cut:
    """What was done, or with a dry run would be.

    Attributes:
        volumes: what is cut, and where it goes.
        written: the files of slices.
        empty: how many slices were left out as empty.
        dtypes: of the slices, and how many of each.
        units: of the values.
        lowest: value of all slices.
        highest: value of all slices.
        passed_over_files: why files were passed over, and how many.
        passed_over_series: why volumes were passed over, and how many.
        failed: sentences about files and volumes that cannot be read.
        warnings: sentences about what is unusual, each with the volumes that it is about.
    """

    volumes: list[CutVolume] = dataclasses.field(default_factory=list)
    written: list[pathlib.Path] = dataclasses.field(default_factory=list)
    empty: int = 0
    dtypes: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    units: set[str] = dataclasses.field(default_factory=set)
    lowest: float = np.inf
    highest: float = -np.inf
    passed_over_files: collections.Counter[Reason] = dataclasses.field(
        default_factory=collections.Counter
    )
    passed_over_series: collections.Counter[Reason] = dataclasses.field(
        default_factory=collections.Counter
    )
    failed: list[str] = dataclasses.field(default_factory=list)
    warnings: dict[str, list[str]] = dataclasses.field(default_factory=dict)

    def warn(self, sentences: Sequence[str], volume: Volume) -> None:
        """Notes sentences about a volume."""
        for sentence in sentences:
            self.warnings.setdefault(sentence, []).append(called(volume))


def cut(
    inputs: Sequence[str | os.PathLike],
    output: str | os.PathLike,
    options: CutOptions | None = None,
    *,
    dry_run: bool = False,
) -> Cut:
    """Writes every slice as a file, `<output>/<split>/<patient>/<series>_<plane>_0001.tiff`.

    Beside the slices of a volume lies `<series>_<plane>.slices.json`, which says what they are.
    Patients and series are named by pseudonyms, and nothing that names a person is written.
    Nothing is written where something is found wrong beforehand.

    Args:
        inputs: DICOM and NIfTI files, and folders of them.
        output: the folder to write to.
        options: how to cut; None for the defaults.
        dry_run: whether to stop before anything is read or written.

    Returns:
        What was written, and what was passed over.

    Raises:
        DataError: there is nothing to cut, files exist already, a package is missing, or a patient
            would be in a training and in a test folder.
    """
    options = options or CutOptions()
    found = find_volumes(inputs, salt=options.salt)
    done = Cut(passed_over_files=found.passed_over, failed=found.damaged)
    chosen = []
    for volume in found.volumes:
        reason = _reason_to_pass_over(volume, options)
        if reason is None:
            chosen.append(volume)
        else:
            done.passed_over_series[reason] += 1
    if not chosen:
        raise DataError(_nothing(inputs, done))
    done.volumes = [_planned(volume, pathlib.Path(output), options) for volume in chosen]
    _check_patients(done.volumes, pathlib.Path(output), options)
    for volume in chosen:
        done.warn(volume.warnings, volume)
    if dry_run:
        return done
    existing = [str(path) for one in done.volumes for path in one.written_before()]
    if existing and not options.overwrite:
        raise DataError(
            f"{len(existing)} files of these series exist already: {first_few(existing)}. Choose "
            "another --output, or replace them by --overwrite."
        )
    total = sum(len(range(0, one.shape[0], options.every)) for one in done.volumes)
    pool = concurrent.futures.ThreadPoolExecutor()
    try:
        with tqdm(total=total, desc="Cutting", unit=" slices") as progress:
            for one in done.volumes:
                try:
                    _write_volume(one, options, done=done, pool=pool, progress=progress)
                except PictureError as error:
                    done.failed.append(f"{called(one.volume)}: {error}")
    finally:
        pool.shutdown(cancel_futures=True)
    if not done.written and done.failed:
        raise DataError(f"No series can be read: {first_few(done.failed)}.")
    return done


def _reason_to_pass_over(volume: Volume, options: CutOptions) -> Reason | None:
    if options.modalities and volume.modality not in options.modalities:
        if not volume.modality:
            return Reason(f"{volume.source} volume", " of unknown modality (--modality)")
        return Reason("volume", f" of modality {volume.modality} (--modality)")
    pattern = options.description.lower()
    if pattern and not fnmatch.fnmatchcase(volume.description.lower(), pattern):
        return Reason("volume", " of another description (--description)")
    if options.original_only and volume.is_derived:
        return Reason("volume", " computed from others (--original_only)")
    if options.plane is not None and volume.affine is None:
        return Reason("volume", " without a place in the patient (--plane)")
    plane = options.plane or volume.plane
    if plane_shape(volume.shape, volume.affine, plane)[0] < options.min_slices:
        return Reason("volume", " of fewer slices (--min_slices)")
    return None


def _nothing(inputs: Sequence[str | os.PathLike], done: Cut) -> str:
    message = f"{first_few([str(given) for given in inputs])} holds no slices to cut"
    reasons = done.passed_over_files + done.passed_over_series
    if reasons:
        message += f"; passed over: {describe(reasons)}"
    if done.failed:
        message += f"; cannot be read: {first_few(done.failed)}"
    return f"{message}. Expected DICOM series or NIfTI volumes."


def _planned(volume: Volume, output: pathlib.Path, options: CutOptions) -> CutVolume:
    plane = options.plane or volume.plane
    split = options.split
    if options.test_share and _is_test_patient(volume.patient, options.test_share):
        split = split.replace("train", "test")
    return CutVolume(
        volume=volume,
        name=VolumeName(series=volume.series, part=volume.part, plane=plane),
        shape=plane_shape(volume.shape, volume.affine, plane),
        folder=output / split / volume.patient,
        split=split,
        ending=slice_files.ENDINGS[options.format],
    )


def _is_test_patient(patient: str, share: float) -> bool:
    """Whether a patient is for testing: by the pseudonym alone, so the same in every data set."""
    return int(patient, 16) < share * 16**names.DIGITS


def _check_patients(volumes: list[CutVolume], output: pathlib.Path, options: CutOptions) -> None:
    """Refuses to put a patient into training and testing, now or together with an earlier run."""
    if not options.split:
        return
    splits = collections.Counter(
        one.split for one in {one.volume.patient: one for one in volumes}.values()
    )
    if options.test_share and len(splits) == 1:
        raise DataError(
            f"--test_share={options.test_share} would put all {splits.total()} patients into "
            f"{next(iter(splits))}: their pseudonyms decide, and these are too few. Choose another "
            "share, or cut the folders of test patients by themselves with --split=test"
            f"{options.split[-1]}."
        )
    leaks = []
    for one in volumes:
        role = one.split[:-1]  # without A or B
        for split in SPLITS:
            if split[:-1] != role and (output / split / one.volume.patient).is_dir():
                leaks.append(f"{one.volume.patient} in {one.split} and {split}")
    if leaks:
        leaks = sorted(set(leaks))
        raise DataError(
            f"The same patients would be in training and test folders: {first_few(leaks)}. A model "
            "would be tested on whom it has seen: move or remove these folders, or choose another "
            "--split."
        )


def _write_volume(
    one: CutVolume,
    options: CutOptions,
    *,
    done: Cut,
    pool: concurrent.futures.Executor,
    progress: tqdm,
) -> None:
    read = one.volume.read()
    slices = to_plane(read.values, one.volume.affine, one.name.plane)
    dtype = options.dtype or smallest_type(read.values)
    slices = as_type(slices, dtype)
    numbers = list(range(1, len(slices) + 1, options.every))
    threshold = None
    kept = numbers
    if options.skip_empty:
        threshold = _threshold(read.values, one.volume.unit)
        kept = [
            number
            for number in numbers
            if np.mean(slices[number - 1] > threshold) >= options.skip_empty
        ]
    between = None if one.volume.affine is None else _spacing(one)
    before = one.written_before()
    futures = [
        pool.submit(slice_files.write_slice, slices[number - 1], one.path(number), between)
        for number in kept
    ]
    for future in concurrent.futures.as_completed(futures):
        future.result()
        progress.update()
    progress.update(len(numbers) - len(kept))
    written = [one.path(number) for number in kept]
    unusual = _unusual(one, read)
    if kept:
        about = _about(one, read, dtype=dtype, kept=kept, numbers=numbers)
        about["skip_empty_threshold"] = threshold
        about["warnings"] = [*one.volume.warnings, *unusual]
        with atomic_write(one.about, shared=True) as temporary:
            temporary.write_text(json.dumps(about, indent=1) + "\n")
    for path in set(before) - {*written, one.about}:
        with writing(path):
            path.unlink()  # or slices of an earlier cut would be taken for some of this one
    done.written.extend(written)
    done.empty += len(numbers) - len(kept)
    if kept:
        chosen = slices[np.array(kept) - 1]
        done.dtypes[dtype] += len(kept)
        done.units.add(one.volume.unit)
        done.lowest = min(done.lowest, float(chosen.min()))
        done.highest = max(done.highest, float(chosen.max()))
        done.warn(unusual, one.volume)


def _unusual(one: CutVolume, read: Values) -> list[str]:
    """Returns sentences about what only the values show, or only the plane."""
    sentences = []
    if one.name.plane != FRAME:
        between_rows, between_columns = _spacing(one)
        if abs(between_rows / between_columns - 1) > _SQUARE:
            sentences.append(
                f"Pixels of {one.name.plane} slices are not square: {between_columns:.3g} mm wide "
                f"and {between_rows:.3g} mm high."
            )
    if read.inverted is not None:
        sentences.append(
            "Low values are white (MONOCHROME1); values are inverted: v becomes "
            f"{read.inverted:g} - v."
        )
    if read.replaced:
        sentences.append(
            "Some pixels have no value (padding or NaN), and get the lowest value of the others."
        )
    return sentences


def _threshold(values: np.ndarray, unit: str) -> float:
    """Returns the value above which a pixel shows the patient."""
    if unit == "HU":
        return AIR_HU
    dark, bright = np.percentile(values, [0.5, 99.5])
    return float(dark + _BRIGHT * (bright - dark))


def _spacing(one: CutVolume) -> tuple[float, float]:
    _, between_rows, between_columns = _plane_spacing(one)
    return between_rows, between_columns


def _plane_spacing(one: CutVolume) -> tuple[float, float, float]:
    affine = plane_affine(one.volume.shape, one.volume.affine, one.name.plane)
    between_slices, between_rows, between_columns = (float(length) for length in spacing(affine))
    return between_slices, between_rows, between_columns


def _about(
    one: CutVolume, read: Values, *, dtype: str, kept: list[int], numbers: list[int]
) -> dict[str, Any]:
    """Returns what the description of the slices says: all that is needed to go back."""
    volume = one.volume
    about: dict[str, Any] = {
        "format": 1,
        "source": volume.source,
        "patient": volume.patient,
        "series": volume.series,
        "part": volume.part,
        "apart_by": volume.apart_by,
        "modality": volume.modality,
        "unit": volume.unit,
        "dtype": dtype,
        "lowest": float(read.values.min()),
        "highest": float(read.values.max()),
        "rescale": None if read.rescales is None else [list(pair) for pair in read.rescales],
        "replaced_pixels": read.replaced,
        "inverted_sum": read.inverted,
        "plane": one.name.plane,
        "plane_as_acquired": volume.plane if volume.source == "DICOM" else None,
        "shape": dict(zip(("slices", "rows", "columns"), one.shape, strict=True)),
    }
    affine = None
    if one.name.plane != FRAME:
        affine = plane_affine(volume.shape, volume.affine, one.name.plane)
        directions = PLANES[one.name.plane]
        about["directions"] = dict(zip(("slices", "rows", "columns"), directions, strict=True))
        between = _plane_spacing(one)
        about["spacing_mm"] = dict(zip(("slices", "rows", "columns"), between, strict=True))
        about["affine_to_ras_mm"] = affine.tolist()
    about["left_out_as_empty"] = sorted(set(numbers) - set(kept))
    entries = []
    for number in kept:
        entry: dict[str, Any] = {"file": one.path(number).name, "number": number}
        if affine is not None:
            entry["first_pixel_ras_mm"] = (affine @ [number - 1, 0, 0, 1])[:3].tolist()
        entries.append(entry)
    about["slices"] = entries
    return about


def called(volume: Volume) -> str:
    """Returns what a volume is called in messages."""
    part = f", part {volume.part} ({volume.apart_by})" if volume.part else ""
    return f"{volume.where}, series {volume.series}{part}"
