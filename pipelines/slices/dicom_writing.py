"""Writes a volume as a derived DICOM series, which a viewer shows beside the original."""

import copy
import dataclasses
import datetime
import pathlib

import numpy as np

from cyclegan_keras.files.atomic import atomic_write
from cyclegan_keras.files.writing import make_folder
from pipelines.slices.dicom_frames import in_functional_group
from pipelines.slices.dicom_pixels import rescale_of
from pipelines.slices.dicom_volume import DicomVolume
from pipelines.slices.value_type import smallest_type

NOT_FOR_DIAGNOSIS = "Translated, not for diagnosis"
_DERIVATION = "Translated by a neural network (cyclegan-keras). Not for diagnosis."
_LONGEST_DESCRIPTION = 64  # characters, as DICOM allows
_SERIES_NUMBER_OFFSET = 9000
_STEPS = 65535  # of 16 bits
# Classes that need functional groups, and their classes of single frames.
_SINGLE_FRAME_CLASSES = {
    "1.2.840.10008.5.1.4.1.1.2.1": "1.2.840.10008.5.1.4.1.1.2",  # CT
    "1.2.840.10008.5.1.4.1.1.2.2": "1.2.840.10008.5.1.4.1.1.2",  # legacy converted CT
    "1.2.840.10008.5.1.4.1.1.4.1": "1.2.840.10008.5.1.4.1.1.4",  # MR
    "1.2.840.10008.5.1.4.1.1.4.4": "1.2.840.10008.5.1.4.1.1.4",  # legacy converted MR
    "1.2.840.10008.5.1.4.1.1.12.1.1": "1.2.840.10008.5.1.4.1.1.12.1",  # angiography
    "1.2.840.10008.5.1.4.1.1.12.2.1": "1.2.840.10008.5.1.4.1.1.12.2",  # fluoroscopy
    "1.2.840.10008.5.1.4.1.1.130": "1.2.840.10008.5.1.4.1.1.128",  # PET
    "1.2.840.10008.5.1.4.1.1.128.1": "1.2.840.10008.5.1.4.1.1.128",  # legacy converted PET
}
# What described the pixels, the display or the bytes of the original.
_NOT_KEPT = (
    "PixelPaddingValue",
    "PixelPaddingRangeLimit",
    "SmallestImagePixelValue",
    "LargestImagePixelValue",
    "WindowCenter",
    "WindowWidth",
    "WindowCenterWidthExplanation",
    "VOILUTSequence",
    "VOILUTFunction",
    "ModalityLUTSequence",
    "RealWorldValueMappingSequence",
    "IconImageSequence",
    "PresentationLUTShape",
    "PixelIntensityRelationship",
    "PixelIntensityRelationshipSign",
    "LossyImageCompression",
    "LossyImageCompressionRatio",
    "LossyImageCompressionMethod",
    "DigitalSignaturesSequence",
    "MACParametersSequence",
    "OriginalAttributesSequence",
    "NumberOfFrames",
    "FrameIncrementPointer",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
    "DimensionOrganizationSequence",
    "DimensionIndexSequence",
)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class _Stored:
    """A slice as it is stored.

    Attributes:
        integers: int16 or uint16 (rows, columns).
        slope: value = slope * integer + intercept.
        intercept: see there.
    """

    integers: np.ndarray
    slope: float
    intercept: float


def write_series(
    values: np.ndarray, volume: DicomVolume, folder: pathlib.Path
) -> tuple[list[pathlib.Path], float | None]:
    """Writes one uncompressed file a slice, with new UIDs and the places of the original.

    The patient and the study are those of the original. Integers of 16 bits are stored as they are,
    and so are values that the slope and intercept of the original make of such integers. Other
    values are scaled to 16 bits.

    Args:
        values: int16, uint16 or float32 (slices, rows, columns) along the volume's own axes.
        volume: the original.
        folder: where to write; it is made.

    Returns:
        The files, and the step to which values are rounded; None where all are exact.
    """
    import pydicom

    stored, is_exact = _stored(values, volume)
    series_uid = pydicom.uid.generate_uid()
    now = datetime.datetime.now()
    make_folder(folder)
    written = []
    headers: dict[pathlib.Path, pydicom.Dataset] = {}
    for number, frame in enumerate(volume.frames, start=1):
        if frame.path not in headers:
            headers = {frame.path: pydicom.dcmread(frame.path, stop_before_pixels=True, force=True)}
        dataset = _derived(headers[frame.path], frame.index, now=now)
        dataset.SeriesInstanceUID = series_uid
        dataset.InstanceNumber = number
        if frame.position is not None:
            dataset.ImagePositionPatient = [_decimal(value) for value in frame.position]
            dataset.ImageOrientationPatient = [_decimal(value) for value in frame.orientation]
            dataset.PixelSpacing = [_decimal(value) for value in frame.spacing]
        if frame.thickness and "SliceThickness" not in dataset:
            dataset.SliceThickness = _decimal(frame.thickness)
        _set_pixels(dataset, stored[number - 1])
        if volume.unit:
            dataset.RescaleType = volume.unit[:16]
        dataset.WindowCenter = _decimal((float(values.max()) + float(values.min())) / 2)
        dataset.WindowWidth = _decimal(max(float(values.max()) - float(values.min()), 1.0))
        path = folder / f"{number:04}.dcm"
        with atomic_write(path, shared=True) as temporary:
            dataset.save_as(temporary, enforce_file_format=True)
        written.append(path)
    return written, None if is_exact else stored[0].slope


def _stored(values: np.ndarray, volume: DicomVolume) -> tuple[list[_Stored], bool]:
    """Returns 16-bit integers for each slice, and whether they stand for exactly the values."""
    if values.dtype in (np.int16, np.uint16):
        return [_Stored(integers=one, slope=1.0, intercept=0.0) for one in values], True
    as_original = [
        _as_original(one, rescale)
        for one, rescale in zip(values, _original_rescales(volume), strict=True)
    ]
    if None not in as_original:
        return as_original, True
    lowest, highest = float(values.min()), float(values.max())
    # What is written has at most 16 characters, and readers compute with that.
    slope = float(_decimal((highest - lowest) / _STEPS)) or 1.0  # 0 where all values are equal
    intercept = float(_decimal(lowest))
    integers = np.rint((values.astype(np.float64) - intercept) / slope)
    integers = np.clip(integers, 0, _STEPS).astype(np.uint16)
    return [_Stored(integers=one, slope=slope, intercept=intercept) for one in integers], False


def _as_original(values: np.ndarray, rescale: tuple[float, float] | None) -> _Stored | None:
    """Returns a slice with the slope and intercept of its original; None where that is inexact."""
    if rescale is None or rescale[0] == 0:
        return None
    slope, intercept = rescale
    integers = np.rint((values.astype(np.float64) - intercept) / slope)
    name = smallest_type(integers)
    if name == "float32" or np.any((integers * slope + intercept).astype(np.float32) != values):
        return None
    return _Stored(integers=integers.astype(name), slope=slope, intercept=intercept)


def _original_rescales(volume: DicomVolume) -> list[tuple[float, float] | None]:
    import pydicom

    headers = {
        path: pydicom.dcmread(path, stop_before_pixels=True, force=True)
        for path in {frame.path for frame in volume.frames}
    }
    return [rescale_of(headers[frame.path], frame.index) for frame in volume.frames]


def _derived(original, index: int, *, now: datetime.datetime):
    import pydicom

    dataset = copy.deepcopy(original)
    groups = {
        "SliceThickness": "PixelMeasuresSequence",
        "SpacingBetweenSlices": "PixelMeasuresSequence",
    }
    for name, sequence in groups.items():
        value = in_functional_group(original, index, sequence, name)
        if value is not None:
            setattr(dataset, name, value)
    dataset.remove_private_tags()
    for name in _NOT_KEPT:
        if name in dataset:
            delattr(dataset, name)
    for element in list(dataset):
        if 0x6000 <= element.tag.group <= 0x60FF:  # overlays, drawn over the original
            del dataset[element.tag]
    sop_class = str(original.SOPClassUID)
    sop_class = _SINGLE_FRAME_CLASSES.get(sop_class, sop_class)
    kind = list(original.get("ImageType") or ())
    kind = [str(part) for part in kind] if not isinstance(kind, str) else [kind]
    dataset.ImageType = ["DERIVED", "SECONDARY", *kind[2:]]
    dataset.SOPClassUID = sop_class
    dataset.SOPInstanceUID = pydicom.uid.generate_uid()
    description = str(original.get("SeriesDescription") or "")
    dataset.SeriesDescription = f"{NOT_FOR_DIAGNOSIS}: {description}"[:_LONGEST_DESCRIPTION]
    dataset.SeriesDescription = dataset.SeriesDescription.rstrip(": ")
    dataset.SeriesNumber = int(original.get("SeriesNumber") or 0) + _SERIES_NUMBER_OFFSET
    dataset.DerivationDescription = _DERIVATION
    dataset.ContentQualification = "RESEARCH"
    if "BurnedInAnnotation" not in dataset:
        dataset.BurnedInAnnotation = "NO"
    source = pydicom.Dataset()
    source.ReferencedSOPClassUID = original.SOPClassUID
    source.ReferencedSOPInstanceUID = original.SOPInstanceUID
    if "NumberOfFrames" in original:
        source.ReferencedFrameNumber = index + 1
    dataset.SourceImageSequence = [source]
    for name in ("InstanceCreationDate", "SeriesDate", "ContentDate"):
        setattr(dataset, name, now.strftime("%Y%m%d"))
    for name in ("InstanceCreationTime", "SeriesTime", "ContentTime"):
        setattr(dataset, name, now.strftime("%H%M%S"))
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = sop_class
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.preamble = bytes(128)
    return dataset


def _set_pixels(dataset, stored: _Stored) -> None:
    integers = stored.integers
    dataset.Rows, dataset.Columns = integers.shape
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated = 16
    dataset.BitsStored = 16
    dataset.HighBit = 15
    dataset.PixelRepresentation = int(integers.dtype == np.int16)
    dataset.RescaleSlope = _decimal(stored.slope)
    dataset.RescaleIntercept = _decimal(stored.intercept)
    dataset.PixelData = integers.astype(integers.dtype.newbyteorder("<")).tobytes()
    dataset["PixelData"].VR = "OW"


def _decimal(value: float) -> str:
    """Returns a number as DICOM's decimal string, of at most 16 characters."""
    from pydicom.valuerep import format_number_as_ds

    return format_number_as_ds(float(value))
