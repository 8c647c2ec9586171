"""Sorts the frames of one DICOM series into stacks: parallel slices, each place once."""

import collections
import dataclasses
import itertools
from collections.abc import Sequence

import numpy as np

from pipelines.slices.dicom_frames import APART_BY, Frame
from pipelines.slices.planes import FRAME, nearest_plane

SAME_POSITION_MM = 0.01
UNEVEN = 0.05  # of the usual distance between slices


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Stack:
    """Parallel slices of one size in the order of their places, or frames without a place.

    Attributes:
        frames: in order.
        affine: (4, 4), from (slice, row, column) to RAS+ millimeters; None without a place.
        plane: the one nearest to the slices; "frame" without a place.
        apart_by: what makes it differ from the other stacks of its series; "" for a single one.
        warnings: sentences about what is unusual.
    """

    frames: tuple[Frame, ...]
    affine: np.ndarray | None
    plane: str
    apart_by: str
    warnings: tuple[str, ...]


def stacks_of(frames: Sequence[Frame]) -> list[Stack]:
    """Returns the stacks of a series, those with the first instance numbers first.

    Slices of different sizes, spacings or directions come into stacks of their own. So do slices
    that lie at the same place: they are sorted by the first attribute that tells them apart, such
    as the time or the echo, and otherwise by their instance numbers.

    Args:
        frames: of one series, in any order.
    """
    by_geometry = collections.defaultdict(list)
    for frame in sorted(frames, key=_file_order):
        by_geometry[_geometry(frame)].append(frame)
    groups = []
    for geometry, members in by_geometry.items():
        about_geometry = _describe(geometry) if len(by_geometry) > 1 else ""
        for about_contrast, stack in _each_position_once(members):
            apart_by = ", ".join(text for text in (about_geometry, about_contrast) if text)
            groups.append((apart_by, stack))
    return [_stack(members, apart_by) for apart_by, members in groups]


def _file_order(frame: Frame) -> tuple:
    return frame.instance, str(frame.path), frame.index


def _geometry(frame: Frame) -> tuple:
    directions = None
    if frame.orientation is not None:
        directions = tuple(float(value) for value in np.round(frame.orientation, 2) + 0.0)
    spacing = tuple(round(value, 3) for value in frame.spacing)
    return frame.shape, spacing, directions


def _describe(geometry: tuple) -> str:
    (rows, columns), spacing, directions = geometry
    position = "no place" if directions is None else f"directions {directions}"
    return f"{columns}x{rows} px of {spacing[1]:g}x{spacing[0]:g} mm, {position}"


def _each_position_once(frames: list[Frame]) -> list[tuple[str, list[Frame]]]:
    """Returns groups of frames, with what sets each apart; no group has two at one place."""
    if frames[0].position is None:
        return [("", frames)]
    frames = sorted(frames, key=lambda frame: frame.height)  # equal ones stay in file order
    numbers = _position_numbers(frames)
    if max(collections.Counter(numbers).values()) == 1:
        return [("", frames)]
    for name in APART_BY:
        by_value = collections.defaultdict(list)
        for frame, number in zip(frames, numbers, strict=True):
            by_value[frame.attributes.get(name, "")].append((number, frame))
        each_once = all(
            len({number for number, _ in members}) == len(members) for members in by_value.values()
        )
        # As many groups as there are slices at a place: or every slice would be its own group.
        if each_once and len(by_value) == max(collections.Counter(numbers).values()):
            ordered = sorted(by_value.items(), key=lambda item: _as_number(item[0]))
            return [
                (f"{name} {value}", [frame for _, frame in members]) for value, members in ordered
            ]
    by_turn = collections.defaultdict(list)
    seen: collections.Counter[int] = collections.Counter()
    for frame, number in zip(frames, numbers, strict=True):
        seen[number] += 1
        by_turn[seen[number]].append(frame)
    return [(f"slice {turn} at its place", members) for turn, members in by_turn.items()]


def _position_numbers(frames: list[Frame]) -> list[int]:
    """Returns the number of the place of each frame, where frames are sorted by height."""
    numbers = [0]
    for before, frame in itertools.pairwise(frames):
        is_new = frame.height - before.height > SAME_POSITION_MM
        numbers.append(numbers[-1] + is_new)
    return numbers


def _as_number(text: str) -> tuple[float, str]:
    try:
        return float(text), text
    except ValueError:
        return 0.0, text


def _stack(frames: list[Frame], apart_by: str) -> Stack:
    if frames[0].position is None:
        return Stack(frames=tuple(frames), affine=None, plane=FRAME, apart_by=apart_by, warnings=())
    affine = _affine(frames)
    return Stack(
        frames=tuple(frames),
        affine=affine,
        plane=nearest_plane(affine),
        apart_by=apart_by,
        warnings=tuple(_gaps(frames)),
    )


def _affine(frames: list[Frame]) -> np.ndarray:
    first, last = frames[0], frames[-1]
    if len(frames) > 1:
        step = (last.position - first.position) / (len(frames) - 1)
    else:
        step = first.normal * (first.thickness or 1.0)
    lps = np.eye(4)
    lps[:3, 0] = step
    lps[:3, 1] = first.orientation[3:] * first.spacing[0]
    lps[:3, 2] = first.orientation[:3] * first.spacing[1]
    lps[:3, 3] = first.position
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ lps


def _gaps(frames: list[Frame]) -> list[str]:
    if len(frames) < 3:
        return []
    steps = np.diff([frame.height for frame in frames])
    usual = float(np.median(steps))
    uneven = np.flatnonzero(np.abs(steps - usual) > UNEVEN * usual)
    if uneven.size == 0:
        return []
    where = int(uneven[0])
    missing = int(np.sum(np.maximum(np.rint(steps / usual) - 1, 0)))
    guess = f"; {missing} slices seem to be missing" if missing else ""
    return [
        f"The distance between slices is usually {usual:.3g} mm, and not so at {uneven.size} of "
        f"{len(steps)} places, the first time with {steps[where]:.3g} mm after slice {where + 1} "
        f"as acquired{guess}."
    ]
