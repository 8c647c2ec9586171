"""The planes in which a volume is cut, upright as radiologists look at them.

Six letters name directions in the patient: R and L the right and left, A and P the front (anterior)
and back (posterior), S and I the head (superior) and feet (inferior). Places are millimeters in
RAS+ coordinates, those of NIfTI, which grow toward R, A and S.
"""

import itertools

import numpy as np

# Toward which side of the patient the number of a slice, its rows and its columns grow. The
# patient's right is on the left of axial and coronal slices, and the face looks to the left on
# sagittal ones: the radiological convention, and that of DICOM.
PLANES = {
    "axial": "SPL",
    "coronal": "PIL",
    "sagittal": "RIP",
}
FRAME = "frame"  # a picture without a place in the patient, such as an X-ray, stays as it is

# The RAS+ axis of a direction, and whether coordinates grow or shrink that way.
_DIRECTIONS = {
    "R": (0, 1),
    "L": (0, -1),
    "A": (1, 1),
    "P": (1, -1),
    "S": (2, 1),
    "I": (2, -1),
}


def nearest_plane(affine: np.ndarray) -> str:
    """Returns the plane in which the first axis of a volume counts slices.

    Args:
        affine: (4, 4), from the indices of a voxel to RAS+ millimeters.

    Example:
        >>> nearest_plane(np.diag([2.0, 1.0, 1.0, 1.0]))  # its first axis goes to the right
        'sagittal'
    """
    ras_axis = _ras_axes(affine)[0]
    for plane, directions in PLANES.items():
        if _DIRECTIONS[directions[0]][0] == ras_axis:
            return plane
    raise AssertionError("every axis has its plane")


def to_plane(values: np.ndarray, affine: np.ndarray | None, plane: str) -> np.ndarray:
    """Returns a view of a volume as (slices, rows, columns) of a plane.

    Axes are only exchanged and reversed: an oblique volume is cut along its own axes, those next to
    the plane, and no value is interpolated.

    Args:
        values: (a, b, c), the volume along its own axes.
        affine: (4, 4), from the indices of a voxel to RAS+ millimeters; None for frames.
        plane: one of PLANES, or FRAME.
    """
    if plane == FRAME:
        return values
    axes, reversed_axes = _moves(affine, plane)
    return np.flip(values.transpose(axes), reversed_axes)


def from_plane(slices: np.ndarray, affine: np.ndarray | None, plane: str) -> np.ndarray:
    """Returns the volume along its own axes: the way back of `to_plane`.

    Args:
        slices: (slices, rows, columns) of a plane.
        affine: (4, 4), that of the volume along its own axes; None for frames.
        plane: one of PLANES, or FRAME.
    """
    if plane == FRAME:
        return slices
    axes, reversed_axes = _moves(affine, plane)
    return np.flip(slices, reversed_axes).transpose(np.argsort(axes))


def plane_affine(shape: tuple[int, int, int], affine: np.ndarray, plane: str) -> np.ndarray:
    """Returns (4, 4), from (slice, row, column) of a plane to RAS+ millimeters.

    Args:
        shape: of the volume along its own axes.
        affine: (4, 4), of the volume along its own axes.
        plane: one of PLANES.
    """
    axes, reversed_axes = _moves(affine, plane)
    own_from_plane = np.zeros((4, 4))
    own_from_plane[3, 3] = 1
    for axis, own_axis in enumerate(axes):
        if axis in reversed_axes:
            own_from_plane[own_axis, axis] = -1
            own_from_plane[own_axis, 3] = shape[own_axis] - 1
        else:
            own_from_plane[own_axis, axis] = 1
    return affine @ own_from_plane


def spacing(affine: np.ndarray) -> np.ndarray:
    """Returns (3,): millimeters from one voxel to the next along each axis."""
    return np.linalg.norm(affine[:3, :3], axis=0)


def plane_shape(
    shape: tuple[int, int, int], affine: np.ndarray | None, plane: str
) -> tuple[int, int, int]:
    """Returns (slices, rows, columns) of a plane of a volume with that shape."""
    if plane == FRAME:
        return shape
    axes, _ = _moves(affine, plane)
    slices, rows, columns = (shape[axis] for axis in axes)
    return slices, rows, columns


def _moves(affine: np.ndarray, plane: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Returns the volume's axis for each axis of the plane, and those of the plane to reverse."""
    ras_axes = _ras_axes(affine)
    axes = []
    reversed_axes = []
    for axis, letter in enumerate(PLANES[plane]):
        ras_axis, sign = _DIRECTIONS[letter]
        own_axis = ras_axes.index(ras_axis)
        axes.append(own_axis)
        if affine[ras_axis, own_axis] * sign < 0:
            reversed_axes.append(axis)
    return tuple(axes), tuple(reversed_axes)


def _ras_axes(affine: np.ndarray) -> tuple[int, ...]:
    """Returns the RAS+ axis that each axis of a volume is nearest to, all different."""
    cosines = np.abs(affine[:3, :3]) / spacing(affine)
    return max(
        itertools.permutations(range(3)),
        key=lambda ras_axes: cosines[list(ras_axes), range(3)].sum(),
    )
