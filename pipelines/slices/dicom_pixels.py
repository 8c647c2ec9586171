"""Reads the values of DICOM frames in the unit of their modality."""

import pathlib

import numpy as np

from cyclegan_keras.files.errors import PictureError
from pipelines.slices.dicom_frames import in_functional_group

# Units in which the sign and the order of values mean something, so that none is ever inverted.
_REAL_UNITS = ("HU", "BQML", "GML")
_JPEG_EXTENDED = "1.2.840.10008.1.2.4.51"
_LOSSLESS_JPEG = ("1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70")
_JPEG_LS = ("1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81")
_HIGH_THROUGHPUT = tuple(f"1.2.840.10008.1.2.4.{number}" for number in (201, 202, 203))


def unit_of(dataset) -> str:
    """Returns the unit of a file's values: "HU", that of PET, or "" where there is none.

    Args:
        dataset: its header.
    """
    modality = dataset.get("Modality", "")
    rescale_type = in_functional_group(
        dataset, 0, "PixelValueTransformationSequence", "RescaleType"
    )
    if rescale_type and rescale_type not in ("US", "normalized"):
        return str(rescale_type)
    slope = in_functional_group(dataset, 0, "PixelValueTransformationSequence", "RescaleSlope")
    if modality == "CT" and slope is not None:
        return "HU"
    if modality == "PT":
        return str(dataset.get("Units") or "")
    return ""


def stored_values(path: pathlib.Path) -> tuple[np.ndarray, object]:
    """Returns integers (frames, rows, columns) as they are stored, and the dataset.

    Raises:
        PictureError: the file is damaged, or compressed in a way that nothing here can decode.
    """
    import pydicom

    try:
        dataset = pydicom.dcmread(path, force=True)
        if "TransferSyntaxUID" not in dataset.file_meta:
            dataset.file_meta.TransferSyntaxUID = _uncompressed(dataset)
        values = _decoded(dataset).reshape(-1, int(dataset.Rows), int(dataset.Columns))
    except PictureError:
        raise
    except Exception as error:  # what pydicom raises for damaged files is not documented
        raise PictureError(f"{path} cannot be decoded: {' '.join(str(error).split())}") from error
    return values, dataset


def padding_of(stored: np.ndarray, dataset) -> np.ndarray | None:
    """Returns bool (rows, columns): where a frame has padding instead of values; None for nowhere.

    Args:
        stored: (rows, columns) as they are stored.
        dataset: header of its file.
    """
    padding = dataset.get("PixelPaddingValue")
    if padding is None:
        return None
    limit = dataset.get("PixelPaddingRangeLimit")
    ends = [int(padding), int(padding if limit is None else limit)]
    if dataset.get("PixelRepresentation") == 1:
        bits = int(dataset.get("BitsAllocated", 16))
        ends = [end - 2**bits if end >= 2 ** (bits - 1) else end for end in ends]
    return (stored >= min(ends)) & (stored <= max(ends))


def rescale_of(dataset, index: int) -> tuple[float, float] | None:
    """Returns slope and intercept of a frame; None where a lookup table takes their place."""
    if dataset.get("ModalityLUTSequence"):
        return None
    slope, intercept = (
        in_functional_group(dataset, index, "PixelValueTransformationSequence", name)
        for name in ("RescaleSlope", "RescaleIntercept")
    )
    if slope is None or intercept is None:
        return 1.0, 0.0
    return float(slope), float(intercept)


def in_unit(stored: np.ndarray, dataset, index: int) -> np.ndarray:
    """Returns a frame's values in the unit of its modality.

    Integers stay integers where slope and intercept are; other values become float64.

    Args:
        stored: integers (rows, columns), as they are stored.
        dataset: header of its file.
        index: of the frame.
    """
    rescale = rescale_of(dataset, index)
    if rescale is None:
        from pydicom.pixels import apply_modality_lut

        return apply_modality_lut(stored, dataset)
    slope, intercept = rescale
    if slope.is_integer() and intercept.is_integer():
        values = stored.astype(np.int64) * int(slope) + int(intercept)
        fits_half = np.abs(values).max() < 2**31  # of a long series that counts
        return values.astype(np.int32) if fits_half else values
    return stored.astype(np.float64) * slope + intercept


def sum_when_inverted(dataset, unit: str) -> float | None:
    """Returns the sum of a value and its inverse where white is low (MONOCHROME1); else None.

    It is the lowest plus the highest value that can be stored. Values in a unit that means
    something, as Hounsfield units do, are not inverted: only their display would be.

    Args:
        dataset: header of the file.
        unit: of its values.
    """
    is_inverted = dataset.get("PhotometricInterpretation") == "MONOCHROME1"
    if not is_inverted or unit in _REAL_UNITS:
        return None
    bits = int(dataset.BitsStored)
    lowest, highest = 0, 2**bits - 1
    if dataset.PixelRepresentation == 1:
        lowest, highest = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    ends = in_unit(np.array([[lowest, highest]]), dataset, 0)
    return float(ends.sum())


def _uncompressed(dataset):
    from pydicom import uid

    is_implicit, is_little = dataset.original_encoding
    if not is_little:
        return uid.ExplicitVRBigEndian
    return uid.ImplicitVRLittleEndian if is_implicit else uid.ExplicitVRLittleEndian


def _decoded(dataset) -> np.ndarray:
    """Decodes with pydicom's own decoders, or else with imagecodecs."""
    from pydicom.pixels import get_decoder, pixel_array

    syntax = dataset.file_meta.TransferSyntaxUID
    is_deep_jpeg = syntax == _JPEG_EXTENDED and dataset.BitsStored > 8
    if not syntax.is_compressed or (get_decoder(syntax).is_available and not is_deep_jpeg):
        return pixel_array(dataset)
    return np.stack([_decoded_frame(data, dataset) for data in _encoded_frames(dataset)])


def _encoded_frames(dataset) -> list[bytes]:
    from pydicom.encaps import generate_frames

    count = int(dataset.get("NumberOfFrames") or 1)
    return list(generate_frames(dataset.PixelData, number_of_frames=count))


def _decoded_frame(data: bytes, dataset) -> np.ndarray:
    import imagecodecs

    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax in _LOSSLESS_JPEG:
        values = imagecodecs.jpegsof3_decode(data)
    elif syntax in _JPEG_LS:
        values = imagecodecs.jpegls_decode(data)
    elif syntax in _HIGH_THROUGHPUT:
        values = imagecodecs.htj2k_decode(data)
    elif syntax == _JPEG_EXTENDED:
        values = imagecodecs.jpeg_decode(data)
    else:
        raise PictureError(
            f"{dataset.filename} is compressed as {syntax.name}, for which no decoder is "
            'installed: pip install "pylibjpeg[all]", which pydicom then uses'
        )
    if dataset.PixelRepresentation == 0 or np.issubdtype(values.dtype, np.signedinteger):
        return values
    # These formats know no negative numbers: the sign is the highest of the bits stored.
    unused = 8 * values.itemsize - int(dataset.BitsStored)
    signed = np.dtype(f"i{values.itemsize}")
    return np.left_shift(values, unused).view(signed) >> unused
