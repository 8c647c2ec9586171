"""NIfTI files as volumes: one for each point in time."""

import dataclasses
import pathlib
import re

import numpy as np

from cyclegan_keras.files.digest import sha256
from cyclegan_keras.files.errors import DataError, PictureError
from pipelines.slices.dicom_files import INSTALL
from pipelines.slices.names import pseudonym
from pipelines.slices.passed_over import Reason
from pipelines.slices.volume import Values, Volume

ENDINGS = (".nii", ".nii.gz")
_BIDS_SUBJECT = re.compile(r"(?:^|[/_])(sub-[0-9A-Za-z]+)(?=[/_.]|$)")


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class NiftiVolume(Volume):
    """A NIfTI file, or one of its points in time.

    Attributes:
        path: the file.
        time: counts its volumes from 0; None where it has three axes or fewer.
    """

    path: pathlib.Path
    time: int | None

    source = "NIfTI"

    def read(self) -> Values:
        nibabel = import_nibabel(self.path)
        try:
            image = nibabel.load(self.path)
            data = image.dataobj
            # Without a slope these are the stored integers, else float64.
            # Axes behind that of time have length 1.
            values = np.asarray(data if self.time is None else data[:, :, :, self.time])
        except Exception as error:  # what nibabel raises for damaged files is not documented
            raise PictureError(f"{self.path} cannot be read: {error}") from error
        values = values.reshape(self.shape)
        replaced = 0
        if not np.issubdtype(values.dtype, np.integer):
            values = values.astype(np.float64)  # also where it was read-only
            no_number = ~np.isfinite(values)
            replaced = int(no_number.sum())
            if replaced == values.size:
                raise PictureError(f"{self.path} holds no finite value")
            if replaced:
                values[no_number] = values[~no_number].min()
        return Values(
            values=values,
            rescales=((float(data.slope), float(data.inter)),),
            replaced=replaced,
        )


def is_nifti(path: pathlib.Path) -> bool:
    """Whether a file's name ends as those of NIfTI do.

    Example:
        >>> is_nifti(pathlib.Path("T1.NII.gz")), is_nifti(pathlib.Path("T1.gz"))
        (True, False)
    """
    return path.name.lower().endswith(ENDINGS)


def volumes_of(path: pathlib.Path, root: pathlib.Path, salt: str) -> list[NiftiVolume] | Reason:
    """Returns the volumes of a file, or why it has none to cut.

    The series is named after the content of the file, so that it is recognized wherever it lies.
    The patient is the subject that a name after BIDS tells, such as sub-01, or else the first
    folder below the root, or else the file.

    Args:
        path: the file.
        root: the folder below which every patient has a folder or a file.
        salt: for pseudonyms.

    Raises:
        DataError: nibabel is not installed.
        PictureError: the file is damaged.
    """
    nibabel = import_nibabel(path)
    try:
        image = nibabel.load(path)
        header = image.header
        axes = [int(length) for length in image.shape]
        affine = np.array(image.affine, np.float64)
    except Exception as error:  # what nibabel raises for damaged files is not documented
        raise PictureError(f"is damaged ({error})") from error
    kind = header.get_data_dtype()
    if kind.names is not None:
        return Reason("NIfTI file", " of colors")
    if np.issubdtype(kind, np.complexfloating):
        return Reason("NIfTI file", " of complex numbers")
    while len(axes) > 4 and axes[-1] == 1:
        axes.pop()
    if len(axes) > 4 or min(axes, default=0) < 1:
        return Reason("NIfTI file", f" of {len(axes)} axes")
    times = axes[3] if len(axes) == 4 else None
    a, b, c = [*axes, 1, 1][:3]
    warnings = []
    if header["sform_code"] == 0 and header["qform_code"] == 0:
        warnings.append(
            "It does not say how it lies in the patient (sform and qform are 0): its axes are "
            "taken to go to the left, to the front and to the head."
        )
    if abs(np.linalg.det(affine[:3, :3])) < 1e-9:
        raise PictureError("is damaged (its affine cannot be inverted)")
    series = pseudonym(sha256(path), salt)
    patient = pseudonym(_patient(path, root), salt)
    volumes = []
    for number in range(times or 1):
        volumes.append(
            NiftiVolume(
                where=str(path),
                patient=patient,
                series=series,
                part=number + 1 if (times or 1) > 1 else 0,
                apart_by=f"volume {number + 1} of {times}" if (times or 1) > 1 else "",
                description=path.name,
                shape=(a, b, c),
                affine=affine,
                plane="axial",
                warnings=tuple(warnings),
                path=path,
                time=None if times is None else number,
            )
        )
    return volumes


def save(
    values: np.ndarray, affine: np.ndarray, path: pathlib.Path, like: pathlib.Path | None
) -> None:
    """Writes a NIfTI file.

    Args:
        values: (a, b, c), or (a, b, c, time), int16, uint16 or float32.
        affine: (4, 4), from the indices of a voxel to RAS+ millimeters.
        path: ends with .nii or .nii.gz.
        like: the NIfTI file whose units, codes and timing it takes; None for none.

    Raises:
        DataError: nibabel is not installed.
    """
    nibabel = import_nibabel(path)
    header = None
    if like is not None:
        original = nibabel.load(like)
        header = original.header.copy()
        header.extensions.clear()  # they may name the patient, and describe the original
    image_type = nibabel.Nifti1Image if header is None else type(original)
    image = image_type(values, affine, header)
    image.header.set_data_dtype(values.dtype)
    image.header.set_slope_inter(1, 0)
    image.header["cal_min"] = 0  # how bright viewers show it, which was that of the original
    image.header["cal_max"] = 0
    image.header["descrip"] = b"Translated by cyclegan-keras, not for diagnosis"
    if header is None:
        image.header.set_xyzt_units("mm")
        image.set_qform(affine, code=1)
        image.set_sform(affine, code=1)
    nibabel.save(image, path)


def import_nibabel(path: pathlib.Path):
    """Returns the module.

    Raises:
        DataError: nibabel is not installed.
    """
    try:
        import nibabel
    except ImportError as error:
        raise DataError(f"{path} is a NIfTI file, and needs nibabel: {INSTALL}.") from error
    return nibabel


def _patient(path: pathlib.Path, root: pathlib.Path) -> str:
    inner = path.relative_to(root)
    subject = _BIDS_SUBJECT.search(inner.as_posix())
    if subject is not None:
        return subject[1]
    if len(inner.parts) > 1:
        return inner.parts[0]
    return inner.name.lower().removesuffix(".gz").removesuffix(".nii")
