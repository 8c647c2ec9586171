import pathlib

import numpy as np
import pytest

from cyclegan_keras.files.errors import PictureError
from pipelines.slices.dicom_pixels import stored_values
from pipelines.slices.finding import find_volumes

RAMP = np.arange(24, dtype=np.uint16).reshape(4, 6)


def read(folder):
    (volume,) = find_volumes([folder]).volumes
    return volume, volume.read()


def test_hounsfield_units_are_integers(ct_series, tmp_path):
    expected = ct_series(tmp_path)
    _, read_values = read(tmp_path)
    np.testing.assert_array_equal(read_values.values, expected)
    assert read_values.values.dtype.kind == "i"
    assert read_values.rescales == ((1.0, -1024.0),)


def test_pet_has_a_slope_of_its_own_on_each_slice(write_dicom, tmp_path):
    for k in range(3):
        write_dicom(
            tmp_path / str(k),
            RAMP,
            position=(0, 0, k),
            Modality="PT",
            Units="BQML",
            RescaleSlope=0.5 + k,
            RescaleIntercept=0,
        )
    volume, read_values = read(tmp_path)
    assert volume.unit == "BQML"
    expected = RAMP * np.array([0.5, 1.5, 2.5])[:, None, None]
    np.testing.assert_array_equal(read_values.values, expected)
    assert read_values.rescales == ((0.5, 0.0), (1.5, 0.0), (2.5, 0.0))


def test_a_lookup_table(write_dicom, tmp_path):
    import pydicom

    table = pydicom.Dataset()
    table.LUTDescriptor = [24, 0, 16]
    table.LUTData = [int(value) ** 2 for value in range(24)]
    table["LUTData"].VR = "US"
    table["LUTDescriptor"].VR = "US"
    table.ModalityLUTType = "US"
    write_dicom(
        tmp_path / "a",
        RAMP,
        Modality="CR",
        ModalityLUTSequence=[table],
        RescaleSlope=None,
        RescaleIntercept=None,
    )
    _, read_values = read(tmp_path)
    np.testing.assert_array_equal(read_values.values[0], RAMP.astype(int) ** 2)
    assert read_values.rescales is None


@pytest.mark.parametrize("signed", [False, True])
def test_white_is_high_where_monochrome1_has_it_low(write_dicom, tmp_path, signed):
    stored = RAMP.astype(np.int16) - 5 if signed else RAMP
    write_dicom(
        tmp_path / "a",
        stored,
        Modality="CR",
        PhotometricInterpretation="MONOCHROME1",
        BitsStored=12,
        HighBit=11,
        RescaleSlope=2,
        RescaleIntercept=10,
    )
    _, read_values = read(tmp_path)
    lowest, highest = (-2048, 2047) if signed else (0, 4095)
    expected = (2 * lowest + 10) + (2 * highest + 10) - (2 * stored.astype(int) + 10)
    np.testing.assert_array_equal(read_values.values[0], expected)
    assert read_values.inverted == 2 * lowest + 2 * highest + 20


def test_hounsfield_units_are_never_inverted(write_dicom, tmp_path):
    write_dicom(tmp_path / "a", RAMP, PhotometricInterpretation="MONOCHROME1")
    _, read_values = read(tmp_path)
    np.testing.assert_array_equal(read_values.values[0], RAMP.astype(int) - 1024)
    assert read_values.inverted is None


@pytest.mark.parametrize("limit", [None, -1990])
def test_padding_gets_the_lowest_of_the_other_values(write_dicom, tmp_path, limit):
    stored = RAMP.astype(np.int16) - 1000
    stored[0, :2] = (-2000, -1990)
    write_dicom(
        tmp_path / "a",
        stored,
        position=(0, 0, 0),
        PixelPaddingValue=-2000,
        PixelPaddingRangeLimit=limit,
        RescaleSlope=1,
        RescaleIntercept=0,
    )
    _, read_values = read(tmp_path)
    lowest = -1990 if limit is None else -998
    expected = stored.astype(int)
    expected[0, 0] = lowest
    expected[0, 1] = -1990 if limit is None else lowest
    np.testing.assert_array_equal(read_values.values[0], expected)
    assert read_values.replaced == (1 if limit is None else 2)


def test_frames_of_one_file(enhanced_mr, tmp_path):
    """Frames lie at places of their own, out of order, in two echoes."""
    echoes = enhanced_mr(tmp_path)
    for echo, volume in enumerate(find_volumes([tmp_path]).volumes, start=1):
        assert volume.apart_by == f"EffectiveEchoTime {10.0 * echo}"
        np.testing.assert_array_equal(volume.read().values, echoes[echo - 1])
        np.testing.assert_allclose(np.abs(np.diag(volume.affine[:3, [2, 1, 0]])), [1, 2, 3])


def shipped(name: str) -> pathlib.Path:
    """A file that lies in pydicom's package."""
    data = pytest.importorskip("pydicom.data", reason="reads the files that pydicom ships")
    return pathlib.Path(data.__file__).parent / "test_files" / name


@pytest.mark.parametrize(
    "name", ["MR_small_jpeg_ls_lossless.dcm", "MR_small_RLE.dcm", "MR_small_jp2klossless.dcm"]
)
def test_compressed_files_hold_the_same_values(name):
    np.testing.assert_array_equal(
        stored_values(shipped(name))[0], stored_values(shipped("MR_small.dcm"))[0]
    )


def test_lossless_jpeg_needs_no_further_package(write_dicom, tmp_path):
    """The most frequent compression of archives, here with negative values of 12 bits."""
    import imagecodecs
    import pydicom

    stored = RAMP.astype(np.int16) * 50 - 600
    dataset = write_dicom(tmp_path / "a", stored, BitsStored=12, HighBit=11)
    encoded = imagecodecs.ljpeg_encode((stored & 0xFFF).astype(np.uint16), bitspersample=12)
    dataset.PixelData = pydicom.encaps.encapsulate([bytes(encoded)])
    dataset["PixelData"].VR = "OB"
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.JPEGLosslessSV1
    pydicom.dcmwrite(tmp_path / "b", dataset, enforce_file_format=True)
    np.testing.assert_array_equal(stored_values(tmp_path / "b")[0][0], stored)


def test_what_cannot_be_decoded_is_named(write_dicom, tmp_path):
    path = tmp_path / "a"
    dataset = write_dicom(path, RAMP)
    dataset.PixelData = dataset.PixelData[:-10]
    dataset.save_as(path)
    with pytest.raises(PictureError, match=r"a cannot be decoded: .*bytes"):
        stored_values(path)
