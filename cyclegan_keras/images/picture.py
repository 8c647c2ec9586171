"""A picture in memory, and its conversion to and from the numbers that networks see."""

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # Rec. 601, as Pillow's gray
ROWS = 256  # converted at a time, so that a large picture needs no second copy in float32


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Picture:
    """Upright pixels, and what their file knew beside them.

    Attributes:
        pixels: (height, width, channels) of one of `values.DTYPES`; 1 channel is gray, 3 are RGB,
            others are bands of any meaning.
        alpha: opacity (height, width) of the same type, beside uint8 or uint16 of 1 or 3 channels;
            None where all is opaque.
        icc_profile: the color profile in its file; None for sRGB or unknown.
        in_srgb: whether the pixels were converted from `icc_profile` to sRGB. They are converted
            back where a file is written that holds the profile.
        notes: sentences about what was lost, such as the other frames of an animation.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None = None
    icc_profile: bytes | None = None
    in_srgb: bool = False
    notes: tuple[str, ...] = ()

    @property
    def is_gray(self) -> bool:
        """Whether it has no color channels."""
        return self.pixels.shape[-1] == 1

    @property
    def bit_depth(self) -> int:
        """Bits a channel, 8, 16 or 32."""
        return 8 * self.pixels.itemsize

    @property
    def white(self) -> int:
        """The brightest level of uint8 or uint16, 255 or 65535."""
        return 2**self.bit_depth - 1

    def values(self, channels: int) -> np.ndarray:
        """Returns float32 (height, width, channels) in [-1, 1]; 1 channel is gray, 3 are RGB."""
        values = np.empty((*self.pixels.shape[:2], channels), np.float32)
        for part in _row_parts(len(values)):
            values[part] = self._values_of_rows(part, channels)
        return values

    def with_values(self, values: np.ndarray, *, gray: bool, strength: float = 1.0) -> "Picture":
        """Returns this picture with other pixels, of the same size and bit depth.

        Args:
            values: y, (height, width, 1 or 3) in [-1, 1].
            gray: whether the pixels become gray.
            strength: s in x + s (y - x), where x are the pixels so far.
        """
        channels = 1 if gray else 3
        pixels = np.empty((*values.shape[:2], channels), self.pixels.dtype)
        for part in _row_parts(len(values)):
            rows = values[part]
            if strength < 1:
                own = self._values_of_rows(part, rows.shape[-1])
                rows = own + np.float32(strength) * (rows - own)
            levels = np.rint((_with_channels(rows, channels) + 1) * np.float32(self.white / 2))
            pixels[part] = np.clip(levels, 0, self.white)
        return dataclasses.replace(self, pixels=pixels)

    def at_depth(self, bit_depth: int) -> "Picture":
        """Returns it with 8 or 16 bits a channel; white stays white, black black."""
        if bit_depth == self.bit_depth:
            return self
        convert = _to_16_bits if bit_depth == 16 else _to_8_bits
        alpha = None if self.alpha is None else convert(self.alpha)
        return dataclasses.replace(self, pixels=convert(self.pixels), alpha=alpha)

    def over_white(self) -> "Picture":
        """Returns it opaque, laid over white: (p a + w (w - a)) / w, rounded, in integers."""
        if self.alpha is None:
            return self
        white = self.white
        pixels = np.empty_like(self.pixels)
        for part in _row_parts(len(pixels)):
            opacity = self.alpha[part, :, None].astype(np.int64)
            rows = self.pixels[part] * opacity + white * (white - opacity)
            pixels[part] = (rows + white // 2) // white
        return dataclasses.replace(self, pixels=pixels, alpha=None)

    def _values_of_rows(self, part: slice, channels: int) -> np.ndarray:
        rows = _with_channels(self.pixels[part].astype(np.float32), channels)
        return rows / np.float32(self.white / 2) - 1


def side_by_side(pictures: Sequence[Picture]) -> Picture:
    """Returns one picture that shows several of one size and depth from left to right."""
    channels = max(picture.pixels.shape[-1] for picture in pictures)
    pixels = [_with_channels(picture.pixels, channels) for picture in pictures]
    alpha = None
    if pictures[0].alpha is not None:
        alpha = np.concatenate([picture.alpha for picture in pictures], axis=1)
    return dataclasses.replace(pictures[0], pixels=np.concatenate(pixels, axis=1), alpha=alpha)


def _row_parts(height: int) -> Iterator[slice]:
    return (slice(top, top + ROWS) for top in range(0, height, ROWS))


def _with_channels(values: np.ndarray, channels: int) -> np.ndarray:
    if channels == 1 and values.shape[-1] == 3:
        return (values @ LUMA)[..., None]
    return np.broadcast_to(values, (*values.shape[:2], channels))


def _to_8_bits(values: np.ndarray) -> np.ndarray:
    return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _to_16_bits(values: np.ndarray) -> np.ndarray:
    return values.astype(np.uint16) * 257
