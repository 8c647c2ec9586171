import numpy as np
import pytest

from pipelines.slices.finding import find_volumes
from pipelines.slices.planes import to_plane

SMALL = np.zeros((4, 6), np.uint16)


def heights(volume):
    return [float(frame.position[2]) for frame in volume.frames]


def test_sorted_by_place_and_not_by_name_or_number(ct_series, tmp_path):
    ct_series(tmp_path)
    (volume,) = find_volumes([tmp_path]).volumes
    assert heights(volume) == [-100, -95, -90, -85, -80]
    assert (volume.modality, volume.unit, volume.plane) == ("CT", "HU", "axial")
    assert volume.shape == (5, 4, 6)
    # Rows lie 2 mm apart and columns 1 mm; DICOM counts to the left and to the back, RAS+ does not.
    np.testing.assert_allclose(
        volume.affine, [[0, 0, -1, 10], [0, -2, 0, 20], [5, 0, 0, -100], [0, 0, 0, 1]]
    )
    assert volume.warnings == ()


def test_a_patient_who_lay_prone_is_turned_upright(write_dicom, tmp_path):
    stored = np.arange(24, dtype=np.uint16).reshape(4, 6)
    for k in range(2):
        write_dicom(
            tmp_path / str(k),
            stored + 100 * k,
            position=(0, 0, 5 * k),
            orientation=(-1, 0, 0, 0, -1, 0),
        )
    (volume,) = find_volumes([tmp_path]).volumes
    upright = to_plane(volume.read().values, volume.affine, "axial")
    np.testing.assert_array_equal(upright[1], stored[::-1, ::-1].astype(int) + 100 - 1024)


@pytest.mark.parametrize(
    ("orientation", "across", "plane"),
    [
        ((1, 0, 0, 0, 0, -1), (0, 1, 0), "coronal"),
        ((0, 1, 0, 0, 0, -1), (-1, 0, 0), "sagittal"),
        ((0.9397, 0.342, 0, 0, 0, -1), (-0.342, 0.9397, 0), "coronal"),
    ],
)
def test_acquired_planes(write_dicom, tmp_path, orientation, across, plane):
    for k in range(3):
        position = 5 * k * np.array(across)
        write_dicom(tmp_path / str(k), SMALL + k, position=position, orientation=orientation)
    (volume,) = find_volumes([tmp_path]).volumes
    assert volume.plane == plane
    slices = to_plane(volume.read().values, volume.affine, plane)
    np.testing.assert_array_equal(slices[:, 0, 0], [-1024, -1023, -1022])


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("EchoTime", (10, 80)),
        ("TemporalPositionIdentifier", (2, 10)),
        ("AcquisitionNumber", (1, 2)),
    ],
)
def test_slices_at_one_place_are_told_apart(write_dicom, tmp_path, name, values):
    for k in range(3):
        for which, value in enumerate(values):
            write_dicom(
                tmp_path / f"{k}{which}",
                SMALL + which,
                position=(0, 0, k),
                InstanceNumber=k + 100 * (1 - which),  # the later one has the lower numbers
                **{name: value},
            )
    first, second = find_volumes([tmp_path]).volumes
    assert (first.part, second.part) == (1, 2)
    assert first.apart_by.startswith(f"{name} {values[0]}")
    assert first.shape == second.shape == (3, 4, 6)
    assert np.unique(first.read().values) == [-1024]
    assert np.unique(second.read().values) == [-1023]


def test_without_an_attribute_the_order_of_numbers_decides(write_dicom, tmp_path):
    for k in range(3):
        for turn in range(2):
            write_dicom(
                tmp_path / f"{k}{turn}",
                SMALL + turn,
                position=(0, 0, k),
                InstanceNumber=k + 10 * turn,
            )
    first, second = find_volumes([tmp_path]).volumes
    assert np.unique(first.read().values) == [-1024]
    assert second.apart_by == "slice 2 at its place"


def test_sizes_and_directions_come_apart(write_dicom, tmp_path):
    write_dicom(tmp_path / "a", SMALL, position=(0, 0, 0), InstanceNumber=1)
    write_dicom(tmp_path / "b", SMALL[:, :4], position=(0, 0, 5), InstanceNumber=2)
    write_dicom(
        tmp_path / "c",
        SMALL,
        position=(0, 0, 0),
        orientation=(1, 0, 0, 0, 0, -1),
        InstanceNumber=3,
    )
    volumes = find_volumes([tmp_path]).volumes
    assert [volume.shape for volume in volumes] == [(1, 4, 6), (1, 4, 4), (1, 4, 6)]
    assert [volume.plane for volume in volumes] == ["axial", "axial", "coronal"]
    assert "4x4 px" in volumes[1].apart_by


def test_missing_slices_are_told(write_dicom, tmp_path):
    for k in (0, 1, 2, 5, 6):
        write_dicom(tmp_path / str(k), SMALL, position=(0, 0, 5 * k))
    (volume,) = find_volumes([tmp_path]).volumes
    assert volume.warnings == (
        "The distance between slices is usually 5 mm, and not so at 1 of 4 places, the first time "
        "with 15 mm after slice 3 as acquired; 2 slices seem to be missing.",
    )


def test_without_a_place_numbers_give_the_order(write_dicom, tmp_path):
    for name, number in (("a", 3), ("b", 1), ("c", 2)):
        write_dicom(tmp_path / name, SMALL + number, Modality="CR", InstanceNumber=number)
    (volume,) = find_volumes([tmp_path]).volumes
    assert (volume.plane, volume.affine) == ("frame", None)
    np.testing.assert_array_equal(volume.read().values[:, 0, 0], [-1023, -1022, -1021])
