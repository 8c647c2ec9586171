"""One slice as a file: a TIFF of one gray channel, or a NumPy array."""

import pathlib

import numpy as np
import tifffile

from cyclegan_keras.files.atomic import atomic_write
from cyclegan_keras.files.errors import PictureError
from cyclegan_keras.files.writing import make_folder

ENDINGS = {"tiff": ".tiff", "npy": ".npy"}
_MILLIMETERS_PER_CENTIMETER = 10.0


def write_slice(
    values: np.ndarray, path: pathlib.Path, spacing: tuple[float, float] | None
) -> None:
    """Writes a slice atomically; its ending, one of ENDINGS, chooses the format.

    Args:
        values: int16, uint16 or float32 (rows, columns).
        path: the file to write; its folder is made.
        spacing: millimeters from row to row and from column to column; None where unknown.
    """
    make_folder(path.parent)
    with atomic_write(path, shared=True) as temporary:
        if path.suffix == ".npy":
            np.save(temporary, np.ascontiguousarray(values))
            return
        resolution = None
        if spacing is not None and min(spacing) > 0:
            between_rows, between_columns = spacing
            resolution = (
                _MILLIMETERS_PER_CENTIMETER / between_columns,
                _MILLIMETERS_PER_CENTIMETER / between_rows,
            )
        tifffile.imwrite(
            temporary,
            np.ascontiguousarray(values),
            photometric="minisblack",
            compression="adobe_deflate",
            metadata=None,
            resolution=resolution,
            resolutionunit="CENTIMETER" if resolution else None,
        )


def read_slice(path: pathlib.Path) -> np.ndarray:
    """Returns (rows, columns) of a file that `write_slice` or a translation wrote.

    Raises:
        PictureError: the file is damaged, or has several channels.
    """
    try:
        if path.suffix == ".npy":
            values = np.load(path, allow_pickle=False)
        else:
            values = tifffile.imread(path)
    except Exception as error:  # what tifffile raises for damaged files is not documented
        raise PictureError(f"{path} cannot be read: {error}") from error
    while values.ndim > 2 and 1 in (values.shape[0], values.shape[-1]):
        values = values[0] if values.shape[0] == 1 else values[..., 0]
    if values.ndim != 2 or values.dtype.kind not in "iuf":
        raise PictureError(
            f"{path} holds {values.dtype} of shape {values.shape}, expected numbers of one channel"
        )
    return values
