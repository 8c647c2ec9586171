"""Arrays, HEIC, DICOM and NIfTI from the file to the translation."""

import numpy as np
import pytest

from cyclegan_keras.commands import train, translate
from cyclegan_keras.images.reading import read_picture
from cyclegan_keras.runs.run import Run
from pipelines.slices.cutting import CutOptions, cut
from pipelines.slices.joining import join

pytestmark = [
    pytest.mark.slow,  # whole commands
    pytest.mark.usefixtures("small_and_without_graphs"),
]

TINY = (
    "--preprocess=none",
    "--generator=resnet_3blocks",
    "--discriminator=pixel",
    "--ngf=1",
    "--ndf=1",
    "--n_epochs=1",
    "--n_epochs_decay=0",
    "--steps_per_epoch=2",
    "--sample_count=1",
    "--doctor=off",
)
SIDE = 16  # px
SLICES = 3
AFFINE = np.diag([2.0, 2.0, 5.0, 1.0])


def train_and_translate(folder, data_set):
    """Trains on a data set and translates its trainA; returns the values of x and the output."""
    run_dir, output = folder / "run", folder / "translated"
    assert train.main(["train.py", *TINY, f"--dataset={data_set}", f"--run_dir={run_dir}"]) == 0
    words = [f"--model={run_dir}", f"--input={data_set / 'trainA'}", f"--output={output}"]
    assert translate.main(["translate.py", *words]) == 0
    return Run(run_dir).saved_facts()["values"], output


def written(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.name[0] != ".")


def hounsfield(seed):
    """Three slices of noise in Hounsfield units, int16 (slices, height, width)."""
    random = np.random.default_rng(seed)
    return random.integers(-1024, 3072, (SLICES, SIDE, SIDE)).astype(np.int16)


@pytest.mark.release
def test_arrays(tmp_path):
    for domain, seed in (("trainA", 0), ("trainB", 1)):
        (tmp_path / "set" / domain).mkdir(parents=True)
        for index, numbers in enumerate(hounsfield(seed)):
            depth = numbers.astype(np.float32) / 100
            np.save(tmp_path / "set" / domain / f"{index}.npy", depth)
    values, output = train_and_translate(tmp_path, tmp_path / "set")
    assert values["A"]["dtype"] == "float32"
    assert -10.24 <= values["A"]["low"] < values["A"]["high"] <= 30.72
    paths = written(output)
    assert [path.name for path in paths] == ["0.npy", "1.npy", "2.npy"]
    translation = np.load(paths[0])
    assert translation.shape == (SIDE, SIDE, 1)
    assert translation.dtype == np.float32
    assert values["B"]["low"] <= translation.min() < translation.max() <= values["B"]["high"]


@pytest.mark.release
def test_heic(tmp_path):
    heif = pytest.importorskip("pillow_heif", reason='pip install "cyclegan-keras[heif]"')
    for domain, seed in (("trainA", 0), ("trainB", 1)):
        (tmp_path / "set" / domain).mkdir(parents=True)
        for index in range(2):
            levels = np.random.default_rng(seed + index).integers(0, 256, (64, 64, 3), np.uint8)
            picture = heif.from_bytes(mode="RGB", size=(64, 64), data=levels.tobytes())
            picture.save(tmp_path / "set" / domain / f"{index}.heic", quality=90)
    values, output = train_and_translate(tmp_path, tmp_path / "set")
    assert values["A"] == {"dtype": "uint8", "low": 0.0, "high": 255.0}
    assert [path.name for path in written(output)] == ["0.heic.png", "1.heic.png"]
    assert read_picture(written(output)[0]).pixels.shape == (64, 64, 3)


def cut_both(tmp_path):
    for split in ("trainA", "trainB"):
        cut([tmp_path / split], tmp_path / "set", CutOptions(split=split))
    return tmp_path / "set"


@pytest.mark.release
def test_dicom(tmp_path):
    pydicom = pytest.importorskip("pydicom", reason='pip install "cyclegan-keras[medical]"')
    for split, seed in (("trainA", 0), ("trainB", 1)):
        (tmp_path / split).mkdir()
        for index, numbers in enumerate(hounsfield(seed)):
            write_ct(pydicom, tmp_path / split / f"IM{9 - index}", numbers, index, series=seed)
    values, output = train_and_translate(tmp_path, cut_both(tmp_path))
    assert values["A"]["dtype"] == "int16"
    join(output, tmp_path / "series", like=tmp_path / "trainA")
    datasets = [pydicom.dcmread(path) for path in written(tmp_path / "series")]
    assert len(datasets) == SLICES
    assert {dataset.ImageType[0] for dataset in datasets} == {"DERIVED"}
    assert {dataset.SeriesInstanceUID for dataset in datasets}.isdisjoint({"1.2.0"})
    positions = sorted(float(dataset.ImagePositionPatient[2]) for dataset in datasets)
    assert positions == [0, 5, 10]
    for dataset in datasets:
        units = dataset.pixel_array * float(dataset.RescaleSlope) + float(dataset.RescaleIntercept)
        assert values["B"]["low"] - 1 <= units.min() <= units.max() <= values["B"]["high"] + 1


def write_ct(pydicom, path, numbers, index, series):
    dataset = pydicom.Dataset()
    dataset.SOPClassUID = pydicom.uid.CTImageStorage
    dataset.SOPInstanceUID = pydicom.uid.generate_uid()
    dataset.StudyInstanceUID = f"1.1.{series}"
    dataset.SeriesInstanceUID = f"1.2.{series}"
    dataset.PatientID = f"patient {series}"
    dataset.Modality = "CT"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.ImagePositionPatient = [0, 0, 5 * index]
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.PixelSpacing = [2, 2]
    dataset.Rows, dataset.Columns = numbers.shape
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit = 15
    dataset.PixelRepresentation = 0
    dataset.RescaleIntercept, dataset.RescaleSlope = -1024, 1
    dataset.PixelData = (numbers + 1024).astype(np.uint16).tobytes()
    dataset["PixelData"].VR = "OW"
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    dataset.save_as(path, enforce_file_format=True)


def test_nifti(tmp_path):
    nibabel = pytest.importorskip("nibabel", reason='pip install "cyclegan-keras[medical]"')
    for split, seed in (("trainA", 0), ("trainB", 1)):
        (tmp_path / split).mkdir()
        volume = nibabel.Nifti1Image(np.moveaxis(hounsfield(seed), 0, -1), AFFINE)
        nibabel.save(volume, tmp_path / split / f"sub-0{seed}_ct.nii.gz")
    values, output = train_and_translate(tmp_path, cut_both(tmp_path))
    assert values["B"]["dtype"] == "int16"
    join(output, tmp_path / "translated.nii.gz", like=tmp_path / "trainA" / "sub-00_ct.nii.gz")
    translated = nibabel.load(tmp_path / "translated.nii.gz")
    assert translated.shape == (SIDE, SIDE, SLICES)
    np.testing.assert_allclose(translated.affine, AFFINE)
    numbers = translated.get_fdata()
    assert values["B"]["low"] - 1 <= numbers.min() < numbers.max() <= values["B"]["high"] + 1
