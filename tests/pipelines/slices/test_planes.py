import itertools

import numpy as np
import pytest

from pipelines.slices.planes import (
    FRAME,
    PLANES,
    from_plane,
    nearest_plane,
    plane_affine,
    plane_shape,
    spacing,
    to_plane,
)

SHAPE = (3, 4, 5)
VALUES = np.arange(60).reshape(SHAPE)


def signed_permutations():
    for axes in itertools.permutations(range(3)):
        for signs in itertools.product((1, -1), repeat=3):
            affine = np.eye(4)
            affine[:3, :3] = np.eye(3)[:, axes] * signs * [1.0, 2.0, 3.0]
            affine[:3, 3] = (7, 8, 9)
            yield affine


def rotation(x: float, y: float, z: float) -> np.ndarray:
    rotated = np.eye(4)
    for axis, angle in enumerate(np.radians([x, y, z])):
        a, b = [other for other in range(3) if other != axis]
        turn = np.eye(4)
        turn[a, a] = turn[b, b] = np.cos(angle)
        turn[a, b], turn[b, a] = -np.sin(angle), np.sin(angle)
        rotated = turn @ rotated
    return rotated


AFFINES = [*signed_permutations(), *(rotation(20, -15, 25) @ a for a in signed_permutations())]


@pytest.mark.parametrize("plane", PLANES)
def test_nibabel_turns_volumes_alike(plane):
    orientations = pytest.importorskip("nibabel.orientations", reason="the oracle is nibabel")
    wanted = orientations.axcodes2ornt(tuple(PLANES[plane]))
    for affine in AFFINES:
        own = orientations.io_orientation(affine)
        turn = orientations.ornt_transform(own, wanted)
        expected = orientations.apply_orientation(VALUES, turn)
        np.testing.assert_array_equal(to_plane(VALUES, affine, plane), expected)
        expected_affine = affine @ orientations.inv_ornt_aff(turn, SHAPE)
        np.testing.assert_allclose(plane_affine(SHAPE, affine, plane), expected_affine, atol=1e-12)


@pytest.mark.parametrize("plane", [*PLANES, FRAME])
def test_there_and_back(plane):
    for affine in AFFINES:
        slices = to_plane(VALUES, affine, plane)
        assert slices.shape == plane_shape(SHAPE, affine, plane)
        np.testing.assert_array_equal(from_plane(slices, affine, plane), VALUES)


@pytest.mark.parametrize(
    ("plane", "first_pixel"),
    # The corner that a radiologist sees top left on the first slice.
    [("axial", "RAI"), ("coronal", "RAS"), ("sagittal", "LAS")],
)
def test_the_first_pixel_lies_where_radiologists_expect_it(plane, first_pixel):
    # In RAS+ a volume whose voxel (i, j, k) lies at (i, j, k) mm: R, A and S are the last ones.
    values = np.zeros((2, 2, 2), "<U3")
    for i, j, k in itertools.product(range(2), repeat=3):
        values[i, j, k] = "LR"[i] + "PA"[j] + "IS"[k]
    assert to_plane(values, np.eye(4), plane)[0, 0, 0] == first_pixel


def test_nearest_plane_of_oblique_slices():
    for plane, axis in (("sagittal", 0), ("coronal", 1), ("axial", 2)):
        order = [axis, *[other for other in range(3) if other != axis], 3]
        affine = (rotation(20, -15, 25))[:, order]
        assert nearest_plane(affine) == plane


def test_spacing_is_the_length_of_a_step():
    np.testing.assert_allclose(spacing(rotation(20, -15, 25) @ np.diag([1, 2, 3, 1.0])), [1, 2, 3])
