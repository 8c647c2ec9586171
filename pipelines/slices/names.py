"""Names of slices: pseudonyms in place of patients and series, a plane and a number."""

import dataclasses
import hashlib
import pathlib
import re

from cyclegan_keras.files.names import name_bytes

DIGITS = 12  # hexadecimal ones of a pseudonym: 48 bits

_NAME = re.compile(
    r"(?P<series>[0-9a-f]{12})(?:-(?P<part>\d+))?_(?P<plane>axial|coronal|sagittal|frame)"
    r"_(?P<number>\d+)$"
)


def pseudonym(identity: str, salt: str) -> str:
    """Returns twelve hexadecimal digits that stand for a patient or a series.

    The same identity and salt always give the same digits, so that a patient who appears in two
    data sets is recognized. Whoever knows the salt can find the identity behind a pseudonym by
    trying all that are possible; without a salt, everybody can who can guess a hospital's numbers.

    Args:
        identity: what is not to be written, such as a PatientID.
        salt: mixed in; "" for none.

    Example:
        >>> pseudonym("4711", salt="")
        '87063e2546e1'
        >>> pseudonym("4711", salt="ours") == pseudonym("4711", salt="")
        False
    """
    return hashlib.sha256(name_bytes(f"{salt}\0{identity}")).hexdigest()[:DIGITS]


@dataclasses.dataclass(frozen=True, kw_only=True, order=True)
class VolumeName:
    """What the files of one volume, cut in one plane, have in common.

    Attributes:
        series: the pseudonym of its series.
        part: counts the volumes of a series from 1; 0 where the series is one volume.
        plane: one of PLANES, or "frame" for pictures without a place in the patient.
    """

    series: str
    part: int
    plane: str

    @property
    def stem(self) -> str:
        """How the names of its files begin.

        Example:
            >>> VolumeName(series="87063e2546e1", part=2, plane="axial").stem
            '87063e2546e1-02_axial'
        """
        part = f"-{self.part:02}" if self.part else ""
        return f"{self.series}{part}_{self.plane}"

    def of_slice(self, number: int, ending: str) -> str:
        """Returns the name of the file of a slice, which counts from 1."""
        return f"{self.stem}_{number:04}{ending}"


def parse(path: pathlib.Path) -> tuple[VolumeName, int] | None:
    """Returns the volume and the number that a slice's file name tells; None for other names.

    Further endings, as `translate.py` appends them to some names, do not matter.

    Example:
        >>> parse(pathlib.Path("testA/87063e2546e1_axial_0017.tiff"))
        (VolumeName(series='87063e2546e1', part=0, plane='axial'), 17)
        >>> parse(pathlib.Path("horse.jpg"))
    """
    found = _NAME.match(path.name.split(".")[0])
    if found is None:
        return None
    name = VolumeName(series=found["series"], part=int(found["part"] or 0), plane=found["plane"])
    return name, int(found["number"])
