import json

import numpy as np
import pytest
import tifffile
from PIL import Image

from cyclegan_keras.files.errors import DataError, OptionError
from pipelines.slices.cutting import CutOptions, cut
from pipelines.slices.names import pseudonym

PATIENT = pseudonym("4711", salt="")
SERIES = pseudonym("1.2.3.4", salt="")


def slices_below(folder, ending="tiff"):
    return sorted(folder.rglob(f"*.{ending}"))


def test_names_and_values(ct_series, tmp_path):
    expected = ct_series(tmp_path / "ct")
    done = cut([tmp_path / "ct"], tmp_path / "out", CutOptions(split="trainA"))
    folder = tmp_path / "out" / "trainA" / PATIENT
    paths = [folder / f"{SERIES}_axial_{number:04}.tiff" for number in range(1, 6)]
    assert slices_below(tmp_path / "out") == paths == sorted(done.written)
    for path, values in zip(paths, expected, strict=True):
        read = tifffile.imread(path)
        assert read.dtype == np.int16
        np.testing.assert_array_equal(read, values)
    assert (done.lowest, done.highest) == (expected.min(), expected.max())
    assert done.units == {"HU"}


def test_pixels_have_their_size_in_the_file(ct_series, tmp_path):
    ct_series(tmp_path / "ct")
    done = cut([tmp_path / "ct"], tmp_path / "out")
    with tifffile.TiffFile(done.written[0]) as file:
        tags = file.pages[0].tags
        across, down = (tags[f"{axis}Resolution"].value for axis in "XY")
        assert across[0] / across[1] == 10  # pixels a centimeter: columns lie 1 mm apart
        assert down[0] / down[1] == 5  # and rows 2 mm
    assert Image.open(done.written[0]).size == (6, 4)


def test_the_description_leads_back(ct_series, tmp_path):
    expected = ct_series(tmp_path / "ct")
    cut([tmp_path / "ct"], tmp_path / "out")
    path = tmp_path / "out" / PATIENT / f"{SERIES}_axial.slices.json"
    about = json.loads(path.read_text())
    assert about["unit"] == "HU"
    assert about["dtype"] == "int16"
    assert about["rescale"] == [[1.0, -1024.0]]
    assert (about["lowest"], about["highest"]) == (expected.min(), expected.max())
    assert about["spacing_mm"] == {"slices": 5.0, "rows": 2.0, "columns": 1.0}
    assert about["directions"] == {"slices": "S", "rows": "P", "columns": "L"}
    assert about["shape"] == {"slices": 5, "rows": 4, "columns": 6}
    last = about["slices"][-1]
    assert last["file"] == f"{SERIES}_axial_0005.tiff"
    assert last["first_pixel_ras_mm"] == [10, 20, -80]


def test_nothing_written_names_a_person(ct_series, tmp_path):
    ct_series(tmp_path / "ct")
    cut([tmp_path / "ct"], tmp_path / "out")
    for path in (tmp_path / "out").rglob("*"):
        assert "Jane" not in str(path.relative_to(tmp_path))
        if path.is_file():
            content = path.read_bytes()
            for secret in (b"Jane", b"Doe", b"4711", b"1.2.3.4"):
                assert secret not in content


def test_a_salt_gives_other_names(ct_series, tmp_path):
    ct_series(tmp_path / "ct")
    done = cut([tmp_path / "ct"], tmp_path / "out", CutOptions(salt="ours"))
    assert done.written[0].parent.name == pseudonym("4711", salt="ours") != PATIENT


def test_another_plane(ct_series, tmp_path):
    expected = ct_series(tmp_path / "ct")
    done = cut([tmp_path / "ct"], tmp_path / "out", CutOptions(plane="coronal"))
    assert len(done.written) == 4
    # From front to back; rows go from the head (the last slice) down.
    for number in range(4):
        np.testing.assert_array_equal(tifffile.imread(done.written[number]), expected[::-1, number])
    (warning,) = done.warnings
    assert warning == "Pixels of coronal slices are not square: 1 mm wide and 5 mm high."


def test_arrays(ct_series, tmp_path):
    expected = ct_series(tmp_path / "ct")
    done = cut([tmp_path / "ct"], tmp_path / "out", CutOptions(format="npy"))
    np.testing.assert_array_equal(np.stack([np.load(path) for path in done.written]), expected)


@pytest.mark.parametrize(
    ("stored", "dtype"),
    [(np.array([[0, 40000]], np.uint16), "uint16"), (np.array([[-5, 7]], np.int16), "int16")],
)
def test_the_smallest_type_that_is_exact(write_dicom, tmp_path, stored, dtype):
    write_dicom(tmp_path / "mr" / "a", stored, Modality="MR", RescaleIntercept=0, RescaleSlope=1)
    done = cut([tmp_path / "mr"], tmp_path / "out")
    assert tifffile.imread(done.written[0]).dtype == dtype
    done = cut([tmp_path / "mr"], tmp_path / "floats", CutOptions(dtype="float32"))
    np.testing.assert_array_equal(tifffile.imread(done.written[0]), stored.astype(np.float32))


def test_a_type_that_does_not_fit_is_refused(write_dicom, tmp_path):
    stored = np.array([[0, 40000]], np.uint16)
    write_dicom(tmp_path / "mr" / "a", stored, Modality="MR", RescaleIntercept=0, RescaleSlope=1)
    with pytest.raises(DataError, match="values from 0 to 40000 that are no int16"):
        cut([tmp_path / "mr"], tmp_path / "out", CutOptions(dtype="int16"))
    assert slices_below(tmp_path / "out") == []


def test_every_second_slice_keeps_its_number(ct_series, tmp_path):
    ct_series(tmp_path / "ct")
    done = cut([tmp_path / "ct"], tmp_path / "out", CutOptions(every=2))
    assert [path.stem[-4:] for path in sorted(done.written)] == ["0001", "0003", "0005"]


def test_empty_slices_are_left_out(write_dicom, tmp_path):
    for k in range(4):
        stored = np.zeros((10, 10), np.uint16)  # air, of -1024 HU
        stored[:k] = 1060  # 0, 10, 20 and 30 percent of soft tissue
        write_dicom(tmp_path / "ct" / str(k), stored, position=(0, 0, k))
    done = cut([tmp_path / "ct"], tmp_path / "out", CutOptions(skip_empty=0.2))
    assert [path.stem[-4:] for path in sorted(done.written)] == ["0003", "0004"]
    assert done.empty == 2
    about = json.loads(next((tmp_path / "out").rglob("*.json")).read_text())
    assert about["left_out_as_empty"] == [1, 2]
    assert about["skip_empty_threshold"] == -500


def test_choosing_series(ct_series, write_dicom, tmp_path):
    ct_series(tmp_path / "a")
    slice_of_mr = np.zeros((4, 6), np.uint16)
    for number, name in enumerate(("Sag T1 MPRAGE", "t2_tse")):
        write_dicom(
            tmp_path / "a" / f"mr{number}",
            slice_of_mr,
            position=(0, 0, 0),
            Modality="MR",
            SeriesDescription=name,
            SeriesInstanceUID=f"1.2.{number}",
        )
    options = CutOptions(modalities=("MR",), description="*t1*")
    done = cut([tmp_path / "a"], tmp_path / "out", options)
    assert [one.volume.description for one in done.volumes] == ["Sag T1 MPRAGE"]
    assert sum(done.passed_over_series.values()) == 2
    ct_series(tmp_path / "b", ImageType=["DERIVED", "SECONDARY", "MPR"])
    with pytest.raises(DataError, match=r"1 volume computed from others \(--original_only\)"):
        cut([tmp_path / "b"], tmp_path / "out", CutOptions(original_only=True))
    done = cut([tmp_path / "a"], tmp_path / "out", CutOptions(min_slices=2))
    assert [one.volume.modality for one in done.volumes] == ["CT"]


def test_patients_are_divided_alike_in_both_domains(write_dicom, tmp_path):
    picture = np.zeros((4, 6), np.uint16)
    for domain in "AB":
        for patient in range(12):
            write_dicom(
                tmp_path / domain / str(patient),
                picture,
                PatientID=str(patient),
                SeriesInstanceUID=f"1.{patient}.{ord(domain)}",
            )
        options = CutOptions(split=f"train{domain}", test_share=0.4)
        cut([tmp_path / domain], tmp_path / "out", options)
    patients = {
        split: {path.name for path in (tmp_path / "out" / split).iterdir()}
        for split in ("trainA", "trainB", "testA", "testB")
    }
    assert patients["trainA"] == patients["trainB"]
    assert patients["testA"] == patients["testB"]
    assert len(patients["trainA"] | patients["testA"]) == 12
    assert not patients["trainA"] & patients["testA"]
    expected = {pseudonym(str(k), "") for k in range(12)}
    assert patients["testA"] == {one for one in expected if int(one, 16) / 16**12 < 0.4}


def test_a_patient_in_training_and_testing_is_refused(ct_series, write_dicom, tmp_path):
    ct_series(tmp_path / "ct")
    cut([tmp_path / "ct"], tmp_path / "out", CutOptions(split="trainA"))
    write_dicom(tmp_path / "later" / "a", np.zeros((4, 6), np.uint16), SeriesInstanceUID="1.9")
    with pytest.raises(DataError, match=f"{PATIENT} in testB and trainA"):
        cut([tmp_path / "later"], tmp_path / "out", CutOptions(split="testB"))
    cut([tmp_path / "later"], tmp_path / "out", CutOptions(split="trainB"))
    options = CutOptions(split="trainA", test_share=0.5)
    with pytest.raises(DataError, match="would put all 1 patients into"):
        cut([tmp_path / "later"], tmp_path / "other", options)


def test_files_that_exist_are_not_replaced(ct_series, tmp_path):
    ct_series(tmp_path / "ct")
    cut([tmp_path / "ct"], tmp_path / "out")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")}
    with pytest.raises(DataError, match=r"6 files of these series exist already.*--overwrite"):
        cut([tmp_path / "ct"], tmp_path / "out", CutOptions(every=2))
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")}
    cut([tmp_path / "ct"], tmp_path / "out", CutOptions(every=2, overwrite=True))
    # Slices of the cut before would be taken for some of this one.
    assert len(slices_below(tmp_path / "out")) == 3


def test_a_damaged_series_leaves_the_others(ct_series, write_dicom, tmp_path):
    ct_series(tmp_path / "ct")
    path = tmp_path / "ct" / "short"
    dataset = write_dicom(path, np.zeros((4, 6), np.uint16), SeriesInstanceUID="1.9")
    dataset.PixelData = dataset.PixelData[:-8]
    dataset.save_as(path)
    done = cut([tmp_path / "ct"], tmp_path / "out")
    assert len(done.written) == 5
    assert len(done.failed) == 1
    assert "short cannot be decoded" in done.failed[0]


def test_nothing_to_cut_says_what_was_there(tmp_path):
    (tmp_path / "a.txt").write_text("hello")
    with pytest.raises(DataError, match=r"no slices to cut; passed over: 1 \.txt file"):
        cut([tmp_path], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_dry_run_writes_nothing(ct_series, tmp_path):
    ct_series(tmp_path / "ct")
    done = cut([tmp_path / "ct"], tmp_path / "out", dry_run=True)
    assert [one.shape for one in done.volumes] == [(5, 4, 6)]
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"plane": "oblique"},
        {"split": "train"},
        {"test_share": 1.0, "split": "trainA"},
        {"test_share": 0.1},
        {"format": "png"},
        {"dtype": "int8"},
        {"every": 0},
        {"skip_empty": -1},
        {"min_slices": 0},
    ],
)
def test_options_that_cannot_be(wrong):
    with pytest.raises(OptionError, match="expected"):
        CutOptions(**wrong)
