import numpy as np
import pytest
import tifffile

from cyclegan_keras.files.errors import DataError
from pipelines.slices.cutting import CutOptions, cut
from pipelines.slices.finding import find_volumes
from pipelines.slices.joining import join
from pipelines.slices.names import pseudonym

SERIES = pseudonym("1.2.3.4", salt="")


def translate(folder, change):
    """Stands for translate.py, which keeps names and sizes."""
    for path in folder.rglob("*.tiff"):
        tifffile.imwrite(path, change(tifffile.imread(path)))


@pytest.mark.parametrize("plane", [None, "coronal", "sagittal"])
def test_dicom_there_and_back(ct_series, tmp_path, plane):
    expected = ct_series(tmp_path / "ct")
    cut([tmp_path / "ct"], tmp_path / "out", CutOptions(plane=plane))
    done = join(tmp_path / "out", tmp_path / "joined", like=tmp_path / "ct")
    assert [path.parent.name for path in done.written] == [SERIES] * 5
    (original,) = find_volumes([tmp_path / "ct"]).volumes
    (joined,) = find_volumes([tmp_path / "joined"]).volumes
    np.testing.assert_array_equal(joined.read().values, expected)
    np.testing.assert_allclose(joined.affine, original.affine)
    assert (joined.unit, joined.patient) == (original.unit, original.patient)


def test_the_series_says_what_it_is(ct_series, tmp_path):
    import pydicom

    ct_series(tmp_path / "ct", PixelPaddingValue=63536, WindowCenter=40, WindowWidth=400)
    cut([tmp_path / "ct"], tmp_path / "out")
    translate(tmp_path / "out", lambda values: values + 10)
    done = join(tmp_path / "out", tmp_path / "joined", like=tmp_path / "ct")
    written = [pydicom.dcmread(path) for path in done.written]
    originals = [pydicom.dcmread(path) for path in (tmp_path / "ct").iterdir()]
    assert len({dataset.SeriesInstanceUID for dataset in written}) == 1
    assert written[0].SeriesInstanceUID != originals[0].SeriesInstanceUID
    assert written[0].StudyInstanceUID == originals[0].StudyInstanceUID
    ids = {dataset.SOPInstanceUID for dataset in [*written, *originals]}
    assert len(ids) == 10
    first = written[0]
    assert list(first.ImageType) == ["DERIVED", "SECONDARY", "AXIAL"]
    assert first.SeriesDescription.startswith("Translated, not for diagnosis")
    assert "Not for diagnosis" in first.DerivationDescription
    assert first.ContentQualification == "RESEARCH"
    assert first.BurnedInAnnotation == "NO"
    assert "PixelPaddingValue" not in first
    assert first.PatientID == "4711"
    references = {one.SourceImageSequence[0].ReferencedSOPInstanceUID for one in written}
    assert references == {dataset.SOPInstanceUID for dataset in originals}
    assert first.file_meta.MediaStorageSOPInstanceUID == first.SOPInstanceUID
    assert (first.RescaleSlope, first.RescaleIntercept) == (1, 0)


def test_fractions_are_rounded_to_steps_that_are_told(ct_series, tmp_path):
    ct_series(tmp_path / "ct")
    cut([tmp_path / "ct"], tmp_path / "out")
    translate(tmp_path / "out", lambda values: (values / np.float32(7)).astype(np.float32))
    expected = np.stack([tifffile.imread(p) for p in sorted((tmp_path / "out").rglob("*.tiff"))])
    done = join(tmp_path / "out", tmp_path / "joined", like=tmp_path / "ct")
    (joined,) = find_volumes([tmp_path / "joined"]).volumes
    assert 0 < done.step < 0.02
    np.testing.assert_allclose(joined.read().values, expected, rtol=0, atol=done.step * 0.51)
    # NIfTI holds them as they are.
    join(tmp_path / "out", tmp_path / "joined.nii", like=tmp_path / "ct")
    (joined,) = find_volumes([tmp_path / "joined.nii"]).volumes
    np.testing.assert_array_equal(
        joined.read().values.transpose(2, 1, 0), expected.astype(np.float64)
    )


def test_dicom_as_nifti_lies_at_the_same_place(ct_series, tmp_path):
    nibabel = pytest.importorskip("nibabel", reason="reads what was written")
    expected = ct_series(tmp_path / "ct")
    cut([tmp_path / "ct"], tmp_path / "out")
    join(tmp_path / "out", tmp_path / "joined.nii.gz", like=tmp_path / "ct")
    image = nibabel.load(tmp_path / "joined.nii.gz")
    values = np.asarray(image.dataobj)
    assert values.dtype == np.int16
    # Pixel (row 1, column 2) of slice 3: its place in DICOM's LPS, with two signs changed.
    point = image.affine @ [2, 1, 3, 1]
    np.testing.assert_allclose(point[:3], [-(-10 + 2 * 1), -(-20 + 1 * 2), 3 * 5 - 100])
    assert values[2, 1, 3] == expected[3, 1, 2]


@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
@pytest.mark.parametrize("times", [None, 2])
def test_nifti_there_and_back(write_nifti, tmp_path, plane, times):
    nibabel = pytest.importorskip("nibabel", reason="reads what was written")
    shape = (3, 4, 5) if times is None else (3, 4, 5, times)
    values = np.random.default_rng(0).integers(-1000, 1000, shape).astype(np.int16)
    turn = np.radians(20)
    affine = np.array(
        [
            [0, -2 * np.cos(turn), -np.sin(turn), 5],
            [0, -2 * np.sin(turn), np.cos(turn), 6],
            [-3, 0, 0, 7],
            [0, 0, 0, 1],
        ]
    )
    write_nifti(tmp_path / "mr" / "a.nii.gz", values, affine)
    cut([tmp_path / "mr"], tmp_path / "out", CutOptions(plane=plane))
    translate(tmp_path / "out", lambda slices: slices + 1)
    done = join(tmp_path / "out", tmp_path / "joined", like=tmp_path / "mr")
    (path,) = done.written
    image = nibabel.load(path)
    np.testing.assert_array_equal(np.asarray(image.dataobj), values + 1)
    np.testing.assert_allclose(image.affine, nibabel.load(tmp_path / "mr" / "a.nii.gz").affine)


def test_frames_of_one_file_become_files_of_one_frame(write_dicom, tmp_path):
    stored = np.arange(48, dtype=np.uint16).reshape(2, 4, 6)
    write_dicom(tmp_path / "xa" / "a", stored, Modality="XA", RescaleSlope=1, RescaleIntercept=0)
    cut([tmp_path / "xa"], tmp_path / "out")
    done = join(tmp_path / "out", tmp_path / "joined", like=tmp_path / "xa")
    (joined,) = find_volumes([tmp_path / "joined"]).volumes
    assert len(done.written) == 2
    np.testing.assert_array_equal(joined.read().values, stored)
    with pytest.raises(DataError, match="no place in the patient, which NIfTI needs"):
        join(tmp_path / "out", tmp_path / "joined.nii", like=tmp_path / "xa")


def test_a_file_of_two_echoes_becomes_two_series(enhanced_mr, tmp_path):
    import pydicom

    echoes = enhanced_mr(tmp_path / "mr")
    cut([tmp_path / "mr"], tmp_path / "out")
    done = join(tmp_path / "out", tmp_path / "joined", like=tmp_path / "mr")
    originals = find_volumes([tmp_path / "mr"]).volumes
    joined = find_volumes([tmp_path / "joined"]).volumes
    for expected, original, volume in zip(echoes, originals, joined, strict=True):
        np.testing.assert_array_equal(volume.read().values, expected)
        np.testing.assert_allclose(volume.affine, original.affine)
    first = pydicom.dcmread(done.written[0])
    assert first.SOPClassUID == pydicom.uid.MRImageStorage
    assert "PerFrameFunctionalGroupsSequence" not in first
    assert first.SliceThickness == 3
    assert first.SourceImageSequence[0].ReferencedFrameNumber == 2


def test_fractions_of_the_original_stay_exact(write_dicom, tmp_path):
    """A PET series, with a slope of its own on each slice."""
    stored = np.arange(24, dtype=np.uint16).reshape(4, 6)
    for k, slope in enumerate((0.37, 1.4142, 12.25)):
        write_dicom(
            tmp_path / "pet" / str(k),
            stored,
            position=(0, 0, k),
            Modality="PT",
            Units="BQML",
            RescaleSlope=slope,
            RescaleIntercept=0,
        )
    cut([tmp_path / "pet"], tmp_path / "out")
    done = join(tmp_path / "out", tmp_path / "joined", like=tmp_path / "pet")
    assert done.step is None
    (joined,) = find_volumes([tmp_path / "joined"]).volumes
    expected = stored * np.array([0.37, 1.4142, 12.25])[:, None, None]
    np.testing.assert_array_equal(joined.read().values, expected)
    assert joined.unit == "BQML"


def test_missing_slices_need_a_value(ct_series, tmp_path):
    expected = ct_series(tmp_path / "ct")
    cut([tmp_path / "ct"], tmp_path / "out", CutOptions(every=2))
    with pytest.raises(DataError, match=r"2 of 5 slices of .* are missing: 2, 4\."):
        join(tmp_path / "out", tmp_path / "joined", like=tmp_path / "ct")
    assert not (tmp_path / "joined").exists()
    done = join(tmp_path / "out", tmp_path / "joined", like=tmp_path / "ct", fill=-1000)
    (joined,) = find_volumes([tmp_path / "joined"]).volumes
    expected[[1, 3]] = -1000
    np.testing.assert_array_equal(joined.read().values, expected)
    assert done.filled == 2


def test_slices_of_another_series_are_refused(ct_series, write_dicom, tmp_path):
    ct_series(tmp_path / "ct")
    cut([tmp_path / "ct"], tmp_path / "out")
    write_dicom(tmp_path / "other" / "a", np.zeros((4, 6), np.uint16), SeriesInstanceUID="1.9")
    with pytest.raises(DataError, match=f"are of series {SERIES}, and the original is series"):
        join(tmp_path / "out", tmp_path / "joined", like=tmp_path / "other")
    with pytest.raises(DataError, match="--salt"):
        join(tmp_path / "out", tmp_path / "joined", like=tmp_path / "ct", salt="ours")


def test_slices_of_other_series_beside_are_passed_over(ct_series, write_dicom, tmp_path):
    ct_series(tmp_path / "ct")
    write_dicom(tmp_path / "other" / "a", np.zeros((4, 6), np.uint16), SeriesInstanceUID="1.9")
    cut([tmp_path / "ct", tmp_path / "other"], tmp_path / "out")
    done = join(tmp_path / "out", tmp_path / "joined", like=tmp_path / "ct")
    assert done.slices == 5
    assert {reason.noun + reason.remark for reason in done.passed_over} == {
        "slice of other series",
        ".json file",
    }


def test_another_size_is_refused(ct_series, tmp_path):
    ct_series(tmp_path / "ct")
    cut([tmp_path / "ct"], tmp_path / "out")
    translate(tmp_path / "out", lambda values: values[:, :4])
    with pytest.raises(DataError, match="is 4x4, expected 6x4"):
        join(tmp_path / "out", tmp_path / "joined", like=tmp_path / "ct")


def test_what_exists_is_not_replaced(ct_series, tmp_path):
    ct_series(tmp_path / "ct")
    cut([tmp_path / "ct"], tmp_path / "out")
    join(tmp_path / "out", tmp_path / "joined", like=tmp_path / "ct")
    with pytest.raises(DataError, match=r"exists already.*--overwrite"):
        join(tmp_path / "out", tmp_path / "joined", like=tmp_path / "ct")
    done = join(tmp_path / "out", tmp_path / "joined", like=tmp_path / "ct", overwrite=True)
    assert len(list((tmp_path / "joined").rglob("*.dcm"))) == len(done.written) == 5


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: None, "is not a folder"),
        (lambda folder: folder.mkdir(), "holds no slices: expected files such as"),
    ],
)
def test_a_folder_without_slices(ct_series, tmp_path, make, message):
    ct_series(tmp_path / "ct")
    make(tmp_path / "out")
    with pytest.raises(DataError, match=message):
        join(tmp_path / "out", tmp_path / "joined", like=tmp_path / "ct")
