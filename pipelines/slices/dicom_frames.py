"""What a DICOM header tells about each of its frames: its place, and what sets it apart."""

import dataclasses
import pathlib

import numpy as np

# Attributes in which slices at one place may differ, the most telling first, with the name of the
# functional group that holds them in multi-frame files.
APART_BY = {
    "TemporalPositionIdentifier": "FrameContentSequence",
    "TemporalPositionIndex": "FrameContentSequence",
    "EchoTime": "MREchoSequence",
    "EffectiveEchoTime": "MREchoSequence",
    "EchoNumbers": "MREchoSequence",
    "InversionTime": "MRModifierSequence",
    "DiffusionBValue": "MRDiffusionSequence",
    "ImageType": "",
    "FrameType": "MRImageFrameTypeSequence",
    "AcquisitionNumber": "",
    "TriggerTime": "",
    "AcquisitionTime": "",
}


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Frame:
    """One picture of a DICOM file.

    Attributes:
        path: the file.
        index: counts its frames from 0.
        instance: InstanceNumber of the file.
        shape: (rows, columns).
        position: (3,) of the first pixel, in LPS millimeters; None where unknown.
        orientation: (6,) direction along a row, then along a column; None where unknown.
        spacing: (2,) millimeters from row to row and from column to column.
        thickness: millimeters from slice to slice, or the thickness of one; 0 where unknown.
        attributes: those of APART_BY that it has.
    """

    path: pathlib.Path
    index: int
    instance: int
    shape: tuple[int, int]
    position: np.ndarray | None
    orientation: np.ndarray | None
    spacing: tuple[float, float]
    thickness: float
    attributes: dict[str, str]

    @property
    def normal(self) -> np.ndarray:
        """(3,): the direction across the slice, in LPS."""
        return np.cross(self.orientation[:3], self.orientation[3:])

    @property
    def height(self) -> float:
        """Millimeters along the normal."""
        return float(self.position @ self.normal)


def frames_of(dataset, path: pathlib.Path) -> list[Frame]:
    """Returns the frames of a file in their order.

    Args:
        dataset: its header.
        path: where it lies.
    """
    count = int(dataset.get("NumberOfFrames") or 1)
    return [_frame(dataset, path, index) for index in range(count)]


def in_functional_group(dataset, index: int, sequence: str, name: str):
    """Returns an attribute of a frame: its own, that of all frames, or that of the file.

    Args:
        dataset: header of the file.
        index: of the frame.
        sequence: the functional group; "" for none.
        name: of the attribute.
    """
    groups = []
    own_groups = dataset.get("PerFrameFunctionalGroupsSequence") or ()
    if index < len(own_groups):
        groups.append(own_groups[index])
    groups.extend(dataset.get("SharedFunctionalGroupsSequence") or ())
    for group in groups:
        items = (group.get(sequence) if sequence else None) or ()
        for item in items:
            if item.get(name) is not None:
                return item.get(name)
    return dataset.get(name)


def _frame(dataset, path: pathlib.Path, index: int) -> Frame:
    position = in_functional_group(dataset, index, "PlanePositionSequence", "ImagePositionPatient")
    orientation = in_functional_group(
        dataset, index, "PlaneOrientationSequence", "ImageOrientationPatient"
    )
    spacing = in_functional_group(dataset, index, "PixelMeasuresSequence", "PixelSpacing")
    between = in_functional_group(dataset, index, "PixelMeasuresSequence", "SpacingBetweenSlices")
    thickness = in_functional_group(dataset, index, "PixelMeasuresSequence", "SliceThickness")
    if not _are_numbers(spacing, 2):
        spacing = dataset.get("ImagerPixelSpacing") or (1, 1)
    attributes = {}
    for name, sequence in APART_BY.items():
        value = in_functional_group(dataset, index, sequence, name)
        if value is not None:
            attributes[name] = _text(value)
    has_position = (
        _are_numbers(position, 3)
        and _are_numbers(orientation, 6)
        and min(spacing) > 0
        and np.linalg.norm(np.cross(orientation[:3], orientation[3:])) > 0.5
    )
    in_classic_file = "PerFrameFunctionalGroupsSequence" not in dataset
    if in_classic_file and int(dataset.get("NumberOfFrames") or 1) > 1:
        has_position = False  # such a file gives one position for all of its frames
    return Frame(
        path=path,
        index=index,
        instance=int(dataset.get("InstanceNumber") or 0),
        shape=(int(dataset.Rows), int(dataset.Columns)),
        position=np.array(position, np.float64) if has_position else None,
        orientation=np.array(orientation, np.float64) if has_position else None,
        spacing=(float(spacing[0]), float(spacing[1])),
        thickness=float(between or thickness or 0),
        attributes=attributes,
    )


def _are_numbers(values, count: int) -> bool:
    return values is not None and len(values) == count and None not in values


def _text(value) -> str:
    if isinstance(value, str | int | float):
        return str(value)
    return "\\".join(str(item) for item in value)
