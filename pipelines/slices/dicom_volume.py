"""A stack of DICOM slices as a volume."""

import collections
import dataclasses
from collections.abc import Sequence

import numpy as np

from cyclegan_keras.files.errors import PictureError
from pipelines.slices.dicom_frames import Frame
from pipelines.slices.dicom_pixels import (
    in_unit,
    padding_of,
    rescale_of,
    stored_values,
    sum_when_inverted,
)
from pipelines.slices.volume import Values, Volume


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class DicomVolume(Volume):
    """A stack of a DICOM series.

    Attributes:
        frames: its slices in order.
    """

    frames: tuple[Frame, ...]

    source = "DICOM"

    def read(self) -> Values:
        slices: list[np.ndarray] = [None] * len(self.frames)
        padding: list[np.ndarray | None] = [None] * len(self.frames)
        rescales: list[tuple[float, float] | None] = [None] * len(self.frames)
        inverted = None
        numbers_by_path = collections.defaultdict(list)
        for number, frame in enumerate(self.frames):
            numbers_by_path[frame.path].append(number)
        for path, numbers in numbers_by_path.items():
            stored, dataset = stored_values(path)
            inverted = sum_when_inverted(dataset, self.unit)
            for number in numbers:
                index = self.frames[number].index
                if index >= len(stored):
                    raise PictureError(f"{path} holds {len(stored)} frames and promises more")
                values = in_unit(stored[index], dataset, index)
                if inverted is not None:
                    values = _as_number(inverted) - values
                slices[number] = values
                padding[number] = padding_of(stored[index], dataset)
                rescales[number] = rescale_of(dataset, index)
        values = np.stack(slices)
        return Values(
            values=values,
            rescales=_shortened(rescales),
            replaced=_replace_padding(values, padding),
            inverted=inverted,
        )


def _as_number(value: float) -> int | float:
    return int(value) if value.is_integer() else value


def _replace_padding(values: np.ndarray, padding: Sequence[np.ndarray | None]) -> int:
    """Gives padded pixels the lowest value of the others; returns how many there are."""
    if all(mask is None for mask in padding):
        return 0
    nowhere = np.zeros(values.shape[1:], bool)
    masks = np.stack([nowhere if mask is None else mask for mask in padding])
    if masks.all():
        return 0  # there is nothing else to take its place
    count = int(masks.sum())
    if count:
        values[masks] = values[~masks].min()
    return count


def _shortened(
    rescales: Sequence[tuple[float, float] | None],
) -> tuple[tuple[float, float], ...] | None:
    if None in rescales:
        return None
    if len(set(rescales)) == 1:
        return (rescales[0],)
    return tuple(rescales)
