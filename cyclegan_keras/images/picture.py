"""A picture in memory, and between it and the numbers that networks see."""

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # Rec. 601, as Pillow's grey
ROWS = 256  # converted at a time, so that a large picture needs no second copy in float32


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Picture:
    """Upright pixels, and what its file knew beside them.

    Attributes:
        pixels: uint8 or uint16 (height, width, 1 for grey or 3 for RGB).
        alpha: opacity (height, width) of the same type; None where all is opaque.
        icc_profile: what the pixels' colours mean; None for sRGB or unknown.
        notes: sentences about what was lost, such as an animation's other frames.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None = None
    icc_profile: bytes | None = None
    notes: tuple[str, ...] = ()

    @property
    def is_grey(self) -> bool:
        """Whether it has no colour channels."""
        return self.pixels.shape[-1] == 1

    @property
    def bit_depth(self) -> int:
        """Bits a channel, 8 or 16."""
        return 8 * self.pixels.itemsize

    def values(self, channels: int) -> np.ndarray:
        """Returns float32 (height, width, channels) in [-1, 1]; 1 channel is grey, 3 are RGB."""
        values = np.empty((*self.pixels.shape[:2], channels), np.float32)
        for part in _parts(len(values)):
            values[part] = self._values(part, channels)
        return values

    def with_values(self, values: np.ndarray, *, grey: bool, strength: float = 1.0) -> "Picture":
        """Returns this picture with other pixels, of the same size and bit depth.

        Args:
            values: y, (height, width, 1 or 3) in [-1, 1].
            grey: whether the pixels become grey.
            strength: s in x + s (y - x), where x are the pixels so far.
        """
        largest, channels = _largest(self.bit_depth), 1 if grey else 3
        pixels = np.empty((*values.shape[:2], channels), self.pixels.dtype)
        for part in _parts(len(values)):
            rows = values[part]
            if strength < 1:
                own = self._values(part, rows.shape[-1])
                rows = own + np.float32(strength) * (rows - own)
            rows = np.rint((_with_channels(rows, channels) + 1) * np.float32(largest / 2))
            pixels[part] = np.clip(rows, 0, largest)
        return dataclasses.replace(self, pixels=pixels)

    def _values(self, part: slice, channels: int) -> np.ndarray:
        rows = _with_channels(self.pixels[part].astype(np.float32), channels)
        return rows / np.float32(_largest(self.bit_depth) / 2) - 1

    def at_depth(self, bit_depth: int) -> "Picture":
        """Returns it with 8 or 16 bits a channel; white stays white, black black."""
        if bit_depth == self.bit_depth:
            return self
        convert = _to_16 if bit_depth == 16 else _to_8
        alpha = None if self.alpha is None else convert(self.alpha)
        return dataclasses.replace(self, pixels=convert(self.pixels), alpha=alpha)

    def over_white(self) -> "Picture":
        """Returns it opaque, laid over white."""
        if self.alpha is None:
            return self
        largest = _largest(self.bit_depth)
        pixels = np.empty_like(self.pixels)
        for part in _parts(len(pixels)):
            opacity = self.alpha[part, :, None].astype(np.float32) / largest
            rows = self.pixels[part] * opacity + largest * (1 - opacity)
            pixels[part] = np.rint(rows)
        return dataclasses.replace(self, pixels=pixels, alpha=None)


def side_by_side(pictures: Sequence[Picture]) -> Picture:
    """Returns one picture that shows several of one size and depth from left to right."""
    channels = max(picture.pixels.shape[-1] for picture in pictures)
    pixels = [np.broadcast_to(p.pixels, (*p.pixels.shape[:2], channels)) for p in pictures]
    alpha = [p.alpha for p in pictures]
    return dataclasses.replace(
        pictures[0],
        pixels=np.concatenate(pixels, axis=1),
        alpha=None if alpha[0] is None else np.concatenate(alpha, axis=1),
    )


def _parts(height: int) -> Iterator[slice]:
    return (slice(top, top + ROWS) for top in range(0, height, ROWS))


def _largest(bit_depth: int) -> int:
    return 2**bit_depth - 1


def _with_channels(values: np.ndarray, channels: int) -> np.ndarray:
    if channels == 1 and values.shape[-1] == 3:
        return (values @ LUMA)[..., None]
    return np.broadcast_to(values, (*values.shape[:2], channels))


def _to_8(values: np.ndarray) -> np.ndarray:
    return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _to_16(values: np.ndarray) -> np.ndarray:
    return values.astype(np.uint16) * 257
