"""One volume: parallel slices of one series, found by their headers and read when needed."""

import abc
import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True, kw_only=True)
class Values:
    """The values of a volume.

    Attributes:
        values: (a, b, c) along the volume's own axes, in the unit of its modality, finite.
        rescales: (slope, intercept) of each slice as acquired, or one for all; None where a
            lookup table took their place.
        replaced: how many pixels had no value (padding, NaN or infinity) and hold the lowest value
            of the others.
        inverted: the sum of a value and what was written for it, where values were inverted; else
            None.
    """

    values: np.ndarray
    rescales: tuple[tuple[float, float], ...] | None
    replaced: int = 0
    inverted: float | None = None


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Volume(abc.ABC):
    """What the headers of a volume tell.

    Attributes:
        where: the file or folder that it lies in, for messages.
        patient: pseudonym of the patient.
        series: pseudonym of the series.
        part: counts the volumes of a series from 1; 0 where the series is one volume.
        apart_by: what makes it differ from the other parts; "" where there are none.
        modality: "CT", "MR", ...; "" where unknown.
        description: what the scanner calls the series; may name a person, and is never written.
        unit: of its values; "" where unknown.
        shape: (a, b, c) along its own axes; of DICOM, (slices, rows, columns).
        affine: (4, 4), from the indices of a voxel to RAS+ millimeters; None where its place in the
            patient is unknown.
        is_derived: whether it was computed from a scan, as reformats, projections and maps are.
        plane: the plane that it is cut in unless another one is asked for.
        warnings: sentences about what is unusual.
    """

    where: str
    patient: str
    series: str
    part: int = 0
    apart_by: str = ""
    modality: str = ""
    description: str = ""
    unit: str = ""
    shape: tuple[int, int, int]
    affine: np.ndarray | None
    is_derived: bool = False
    plane: str
    warnings: tuple[str, ...] = ()

    source = ""  # the name of the file format

    @abc.abstractmethod
    def read(self) -> Values:
        """Reads its values.

        Raises:
            PictureError: a file is damaged, or needs a decoder that is not installed.
        """
