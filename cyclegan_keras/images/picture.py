"""A picture in memory, and its conversion to and from the numbers that networks see."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from cyclegan_keras.images.channels import with_channels
from cyclegan_keras.images.pixels import to_8_bits, to_16_bits

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

    def at_depth(self, bit_depth: int) -> "Picture":
        """Returns it with 8 or 16 bits a channel; white stays white, black black."""
        if bit_depth == self.bit_depth:
            return self
        convert = to_16_bits if bit_depth == 16 else to_8_bits
        alpha = None if self.alpha is None else convert(self.alpha)
        return dataclasses.replace(self, pixels=convert(self.pixels), alpha=alpha)

    def over_white(self) -> "Picture":
        """Returns it opaque, laid over white: (p a + w (w - a)) / w, rounded, in integers."""
        if self.alpha is None:
            return self
        white = self.white
        pixels = np.empty_like(self.pixels)
        for top in range(0, len(pixels), ROWS):
            rows = slice(top, top + ROWS)
            opacity = self.alpha[rows, :, None].astype(np.int64)
            sums = self.pixels[rows] * opacity + white * (white - opacity)
            pixels[rows] = (sums + white // 2) // white
        return dataclasses.replace(self, pixels=pixels, alpha=None)


def side_by_side(pictures: Sequence[Picture]) -> Picture:
    """Returns one picture that shows several of one size and depth from left to right."""
    channels = max(picture.pixels.shape[-1] for picture in pictures)
    pixels = [with_channels(picture.pixels, channels) for picture in pictures]
    alpha = None
    if pictures[0].alpha is not None:
        alpha = np.concatenate([picture.alpha for picture in pictures], axis=1)
    return dataclasses.replace(pictures[0], pixels=np.concatenate(pixels, axis=1), alpha=alpha)
