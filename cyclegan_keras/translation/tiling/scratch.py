"""Feature maps too large for memory, in temporary files."""

import tempfile
from collections.abc import Iterator

import numpy as np

from cyclegan_keras.translation.tiling.rules import Region


class ScratchMap:
    """A float32 array (height, width, channels) in a file that vanishes when it is closed.

    Regions are read and written by plain file calls: mapped into memory, they would count as memory
    of this process.

    Args:
        height: in pixels.
        width: in pixels.
        channels: of each pixel.
    """

    def __init__(self, height: int, width: int, channels: int):
        self.shape = (height, width, channels)
        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  (open until `close`)

    def write(self, region: Region, values: np.ndarray) -> None:
        """Stores float32 (rows, columns, channels) at `region`.

        Raises:
            OSError: the disk is full.
        """
        values = np.ascontiguousarray(values, np.float32)
        for offset, row in zip(self._row_offsets(region), values, strict=True):
            self._file.seek(offset)
            data = row.data.cast("B")
            while data:  # a nearly full disk may take a part, and refuse the next
                data = data[self._file.write(data) :]

    def read(self, region: Region) -> np.ndarray:
        """Returns float32 (rows, columns, channels) of a region that has been written."""
        (top, bottom), (left, right) = region
        values = np.empty((bottom - top, right - left, self.shape[2]), np.float32)
        for offset, row in zip(self._row_offsets(region), values, strict=True):
            self._file.seek(offset)
            data = row.data.cast("B")
            while data:
                data = data[self._file.readinto(data) :]
        return values

    def close(self) -> None:
        """Frees the space."""
        self._file.close()

    def _row_offsets(self, region: Region) -> Iterator[int]:
        """Where in the file each row of the region begins, in bytes."""
        (top, bottom), (left, _) = region
        _, width, channels = self.shape
        return (4 * channels * (row * width + left) for row in range(top, bottom))
