"""Recognizes DICOM files by their content, and says which of them hold slices to cut."""

import pathlib

from cyclegan_keras.files.errors import DataError, PictureError
from pipelines.slices.passed_over import Reason

PREAMBLE_BYTES = 128
INSTALL = 'pip install "cyclegan-keras[medical]"'
# Without a preamble, a file begins with an element of one of these groups, in either byte order.
_FIRST_GROUPS = (b"\x02\x00", b"\x08\x00", b"\x00\x02", b"\x00\x08")
_MONOCHROME = ("MONOCHROME1", "MONOCHROME2")
_DICOMDIR = "1.2.840.10008.1.3.10"
_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"  # photographed screens, such as dose reports
# What files of these modalities hold instead of slices.
_OTHER_MODALITIES = {
    "RTSTRUCT": "RT structure set",
    "RTPLAN": "RT plan",
    "RTRECORD": "RT record",
    "RTDOSE": "RT dose",
    "SEG": "segmentation",
    "SR": "report",
    "DOC": "document",
    "KO": "key object selection",
    "PR": "presentation state",
    "REG": "registration",
    "ECG": "waveform",
    "HD": "waveform",
    "SM": "microscopy picture",
}


def may_be_dicom(path: pathlib.Path) -> bool:
    """Whether a file begins as DICOM does, with or without its preamble.

    Raises:
        OSError: the file cannot be read.
    """
    with open(path, "rb") as file:
        head = file.read(PREAMBLE_BYTES + 4)
    return head[PREAMBLE_BYTES:] == b"DICM" or head[:2] in _FIRST_GROUPS


def has_preamble(path: pathlib.Path) -> bool:
    """Whether a file says of itself that it is DICOM.

    Raises:
        OSError: the file cannot be read.
    """
    with open(path, "rb") as file:
        return file.read(PREAMBLE_BYTES + 4)[PREAMBLE_BYTES:] == b"DICM"


def read_header(path: pathlib.Path):
    """Returns the pydicom dataset of a file without its pixels; None where it is no DICOM file.

    Args:
        path: of a file for which `may_be_dicom` holds.

    Raises:
        DataError: pydicom is not installed.
        PictureError: the file says that it is DICOM and cannot be read.
    """
    pydicom = import_pydicom(path)
    is_sure = has_preamble(path)
    try:
        dataset = pydicom.dcmread(path, stop_before_pixels=True, force=True)
        is_whole = "SOPClassUID" in dataset or "MediaStorageSOPClassUID" in dataset.file_meta
    except Exception as error:  # what pydicom raises for damaged files is not documented
        if not is_sure:
            return None
        raise PictureError(f"is damaged ({error})") from error
    if not is_whole and is_sure:
        raise PictureError("is damaged (it does not say what it holds)")
    return dataset if is_whole else None


def reason_to_pass_over(dataset) -> Reason | None:
    """Returns why a file has no slices to cut; None where it has.

    Args:
        dataset: its header.
    """
    if dataset.file_meta.get("MediaStorageSOPClassUID", "") == _DICOMDIR:
        return Reason("DICOMDIR")
    modality = str(dataset.get("Modality", ""))
    if modality in _OTHER_MODALITIES:
        return Reason(_OTHER_MODALITIES[modality])
    if not dataset.get("Rows") or not dataset.get("Columns"):
        return Reason("DICOM file", " without an image")
    sop_class = str(dataset.get("SOPClassUID", ""))
    if sop_class == _SECONDARY_CAPTURE or sop_class.startswith(f"{_SECONDARY_CAPTURE}."):
        return Reason("secondary capture")
    if "LOCALIZER" in (dataset.get("ImageType") or ()):
        return Reason("localizer")
    if dataset.get("PhotometricInterpretation", "MONOCHROME2") not in _MONOCHROME:
        return Reason("color picture")
    if not dataset.get("SeriesInstanceUID"):
        return Reason("DICOM file", " without a SeriesInstanceUID")
    return None


def import_pydicom(path: pathlib.Path):
    """Returns the module.

    Raises:
        DataError: pydicom is not installed.
    """
    try:
        import pydicom
    except ImportError as error:
        raise DataError(f"{path} is a DICOM file, and needs pydicom: {INSTALL}.") from error
    return pydicom
