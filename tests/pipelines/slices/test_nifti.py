import sys

import numpy as np
import pytest

from cyclegan_keras.files.errors import DataError, PictureError
from pipelines.slices.finding import find_volumes
from pipelines.slices.passed_over import describe
from pipelines.slices.planes import to_plane

VALUES = np.arange(60, dtype=np.int16).reshape(3, 4, 5) - 1024


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_integers_stay_what_they_are(write_nifti, tmp_path, ending):
    write_nifti(tmp_path / f"a{ending}", VALUES)
    (volume,) = find_volumes([tmp_path]).volumes
    read = volume.read()
    np.testing.assert_array_equal(read.values, VALUES)
    assert read.values.dtype == np.int16
    assert (volume.plane, volume.shape, volume.part) == ("axial", (3, 4, 5), 0)


def test_slope_and_intercept_are_applied(write_nifti, tmp_path):
    write_nifti(tmp_path / "a.nii.gz", VALUES, slope=0.5, intercept=3)
    (volume,) = find_volumes([tmp_path]).volumes
    read = volume.read()
    np.testing.assert_array_equal(read.values, VALUES * 0.5 + 3)
    assert read.rescales == ((0.5, 3.0),)


def test_rotated_and_oblique_volumes_are_cut_along_their_own_axes(write_nifti, tmp_path):
    """An axial slice shows the left of the patient on the right, whatever the order of axes."""
    turn = np.radians(20)
    oblique = np.eye(4)
    oblique[:2, :2] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    # The first axis goes to the feet, the second one to the left, the third one to the front.
    axes = np.array([[0, -1, 0, 5], [0, 0, 1, 6], [-1, 0, 0, 7], [0, 0, 0, 1.0]])
    write_nifti(tmp_path / "a.nii", VALUES, oblique @ axes)
    (volume,) = find_volumes([tmp_path]).volumes
    slices = to_plane(volume.read().values, volume.affine, "axial")
    # Slices from the feet (reversed), rows from the front (reversed), columns from the right.
    np.testing.assert_array_equal(slices, VALUES[::-1].transpose(0, 2, 1)[:, ::-1])


def test_every_point_in_time_is_a_volume(write_nifti, tmp_path):
    values = np.stack([VALUES, VALUES + 100], axis=-1)
    write_nifti(tmp_path / "a.nii.gz", values)
    first, second = find_volumes([tmp_path]).volumes
    assert (first.part, second.part) == (1, 2)
    assert second.apart_by == "volume 2 of 2"
    np.testing.assert_array_equal(second.read().values, VALUES + 100)
    write_nifti(tmp_path / "a.nii.gz", values[..., None])
    _, second = find_volumes([tmp_path]).volumes
    np.testing.assert_array_equal(second.read().values, VALUES + 100)


def test_values_that_are_no_numbers_get_the_lowest(write_nifti, tmp_path):
    values = VALUES.astype(np.float32)
    values[0, 0, :2] = (np.nan, np.inf)
    write_nifti(tmp_path / "a.nii", values)
    (volume,) = find_volumes([tmp_path]).volumes
    read = volume.read()
    np.testing.assert_array_equal(read.values[0, 0], [-1022, -1022, -1022, -1021, -1020])
    assert read.replaced == 2


def test_kinds_that_are_passed_over(write_nifti, tmp_path):
    nibabel = pytest.importorskip("nibabel", reason="needs nibabel")
    colors = np.zeros((2, 2, 2), np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")]))
    nibabel.save(nibabel.Nifti1Image(colors, np.eye(4)), tmp_path / "colors.nii")
    nibabel.save(
        nibabel.Nifti1Image(np.zeros((2, 2, 2), np.complex64), np.eye(4)), tmp_path / "mri.nii"
    )
    write_nifti(tmp_path / "vectors.nii", np.zeros((2, 2, 2, 1, 3), np.float32))
    found = find_volumes([tmp_path])
    assert found.volumes == []
    assert sorted(describe(found.passed_over).split(", ")) == [
        "1 NIfTI file of 5 axes",
        "1 NIfTI file of colors",
        "1 NIfTI file of complex numbers",
    ]


def test_damage_is_told(write_nifti, tmp_path):
    (tmp_path / "a.nii").write_bytes(b"no NIfTI")
    write_nifti(tmp_path / "b.nii", VALUES)
    data = (tmp_path / "b.nii").read_bytes()
    (tmp_path / "b.nii").write_bytes(data[:-20])
    found = find_volumes([tmp_path])
    assert len(found.damaged) == 1
    assert "a.nii is damaged" in found.damaged[0]
    with pytest.raises(PictureError, match=r"b\.nii cannot be read"):
        found.volumes[0].read()


def test_a_file_without_directions_is_warned_of(write_nifti, tmp_path):
    nibabel = pytest.importorskip("nibabel", reason="needs nibabel")
    image = nibabel.Nifti1Image(VALUES, None)
    nibabel.save(image, tmp_path / "a.nii")
    (volume,) = find_volumes([tmp_path]).volumes
    assert "sform and qform are 0" in volume.warnings[0]


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("a/t1.nii", "a/t2.nii", True),  # a folder for each patient
        ("a/t1.nii", "b/t1.nii", False),
        ("a.nii", "b.nii", False),  # a file for each patient
        ("T1/sub-01_T1w.nii", "T1/sub-02_T1w.nii", False),  # names after BIDS
        ("sub-01/anat/sub-01_T1w.nii", "derived/sub-01_T2w.nii", True),
    ],
)
def test_whose_volume_it_is(write_nifti, tmp_path, first, second, same):
    write_nifti(tmp_path / first, VALUES)
    write_nifti(tmp_path / second, VALUES + 1)
    patients = {volume.patient for volume in find_volumes([tmp_path]).volumes}
    assert len(patients) == (1 if same else 2)


def test_several_inputs_are_several_patients(write_nifti, tmp_path):
    for number, name in enumerate(("a", "b")):
        write_nifti(tmp_path / name / "t1.nii", VALUES + number)
    volumes = find_volumes([tmp_path / "a", tmp_path / "b"]).volumes
    together = find_volumes([tmp_path]).volumes
    assert [one.patient for one in volumes] == [one.patient for one in together]
    assert len({one.patient for one in volumes}) == 2


def test_copies_of_one_file_count_once(write_nifti, tmp_path):
    for name in ("a", "b"):
        write_nifti(tmp_path / f"{name}.nii", np.stack([VALUES, VALUES], axis=-1))
    found = find_volumes([tmp_path])
    assert len(found.volumes) == 2
    assert describe(found.passed_over) == "1 copy of a file that is there already"


def test_without_nibabel_the_message_names_it(write_nifti, tmp_path, monkeypatch):
    write_nifti(tmp_path / "a.nii", VALUES)
    monkeypatch.setitem(sys.modules, "nibabel", None)
    with pytest.raises(DataError, match=r'needs nibabel: pip install "cyclegan-keras\[medical\]"'):
        find_volumes([tmp_path])
