"""DICOM and NIfTI files, made for the tests."""

import pathlib

import numpy as np
import pytest

CT = "1.2.840.10008.5.1.4.1.1.2"
ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.4.1"
AXIAL = (1, 0, 0, 0, 1, 0)
WHY = 'pip install "cyclegan-keras[medical]"'


@pytest.fixture
def write_dicom():
    """Returns a function that writes one DICOM file, by default a slice of a CT."""
    pydicom = pytest.importorskip("pydicom", reason=f"needs pydicom: {WHY}")

    def write(
        path: pathlib.Path,
        stored: np.ndarray,
        *,
        position=None,
        orientation=AXIAL,
        sop_class=CT,
        preamble=True,
        **attributes,
    ):
        dataset = pydicom.Dataset()
        dataset.SOPClassUID = sop_class
        dataset.SOPInstanceUID = pydicom.uid.generate_uid()
        dataset.StudyInstanceUID = "1.2.3"
        dataset.SeriesInstanceUID = "1.2.3.4"
        dataset.PatientID = "4711"
        dataset.PatientName = "Doe^Jane"
        dataset.Modality = "CT"
        dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        dataset.SeriesDescription = "Thorax of Jane"
        if position is not None:
            dataset.ImagePositionPatient = list(position)
            dataset.ImageOrientationPatient = list(orientation)
        dataset.PixelSpacing = [2, 1]
        dataset.SliceThickness = 5
        dataset.Rows, dataset.Columns = stored.shape[-2:]
        if stored.ndim == 3:
            dataset.NumberOfFrames = len(stored)
        dataset.SamplesPerPixel = 1
        dataset.PhotometricInterpretation = "MONOCHROME2"
        dataset.BitsAllocated = dataset.BitsStored = 8 * stored.itemsize
        dataset.HighBit = dataset.BitsStored - 1
        dataset.PixelRepresentation = int(stored.dtype.kind == "i")
        dataset.PixelData = stored.tobytes()
        dataset["PixelData"].VR = "OW"
        if dataset.Modality == "CT" and "RescaleSlope" not in attributes:
            dataset.RescaleIntercept, dataset.RescaleSlope = -1024, 1
        for name, value in attributes.items():
            if value is None:
                if name in dataset:
                    delattr(dataset, name)
            else:
                setattr(dataset, name, value)
        path.parent.mkdir(parents=True, exist_ok=True)
        if not preamble:
            pydicom.dcmwrite(path, dataset, implicit_vr=False, little_endian=True)
            return dataset
        dataset.file_meta = pydicom.dataset.FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
        pydicom.dcmwrite(path, dataset, enforce_file_format=True)
        return dataset

    return write


@pytest.fixture
def ct_series(write_dicom):
    """Returns a function that writes a CT of five slices, out of order and without endings.

    It returns the values in Hounsfield units, int16 (5, 4, 6) from the feet to the head.
    """

    def write(folder: pathlib.Path, *, seed=0, **attributes):
        rng = np.random.default_rng(seed)
        stored = rng.integers(0, 4096, (5, 4, 6)).astype(np.uint16)
        for name, k in zip(("c", "a", "e", "b", "d"), range(5), strict=True):
            write_dicom(
                folder / name,
                stored[k],
                position=(-10, -20, 5 * k - 100),
                InstanceNumber=50 - k,  # scanned from the head to the feet
                **attributes,
            )
        return stored.astype(np.int16) - 1024

    return write


@pytest.fixture
def enhanced_mr(write_dicom):
    """Returns a function that writes one file of six frames: three positions in each of two echoes.

    It returns the values, int64 (echoes, positions, 4, 6) from the feet to the head.
    """
    import pydicom

    def item(**attributes):
        dataset = pydicom.Dataset()
        for name, value in attributes.items():
            setattr(dataset, name, value)
        return dataset

    def group(position, echo):
        rescale = item(RescaleSlope=echo, RescaleIntercept=position)
        return item(
            PlanePositionSequence=[item(ImagePositionPatient=[0, 0, 3 * position])],
            MREchoSequence=[item(EffectiveEchoTime=10.0 * echo)],
            PixelValueTransformationSequence=[rescale],
        )

    def write(folder: pathlib.Path):
        ramp = np.arange(24, dtype=np.uint16).reshape(4, 6)
        order = [(2, 1), (0, 1), (1, 1), (1, 2), (0, 2), (2, 2)]
        shared = item(
            PixelMeasuresSequence=[item(PixelSpacing=[2, 1], SliceThickness=3)],
            PlaneOrientationSequence=[item(ImageOrientationPatient=list(AXIAL))],
        )
        write_dicom(
            folder / "a",
            np.stack([ramp + 100 * position for position, _ in order]),
            sop_class=ENHANCED_MR,
            Modality="MR",
            RescaleSlope=None,
            RescaleIntercept=None,
            PixelSpacing=None,
            SliceThickness=None,
            SharedFunctionalGroupsSequence=[shared],
            PerFrameFunctionalGroupsSequence=[group(position, echo) for position, echo in order],
        )
        echoes = [
            [(ramp.astype(int) + 100 * position) * echo + position for position in range(3)]
            for echo in (1, 2)
        ]
        return np.array(echoes)

    return write


@pytest.fixture
def write_nifti():
    """Returns a function that writes a NIfTI file."""
    nibabel = pytest.importorskip("nibabel", reason=f"needs nibabel: {WHY}")

    def write(path: pathlib.Path, values: np.ndarray, affine=None, *, slope=1.0, intercept=0.0):
        image = nibabel.Nifti1Image(values, np.eye(4) if affine is None else affine)
        image.set_data_dtype(values.dtype)
        image.header.set_slope_inter(slope, intercept)  # values are stored as they are
        path.parent.mkdir(parents=True, exist_ok=True)
        nibabel.save(image, path)

    return write
