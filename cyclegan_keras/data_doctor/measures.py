"""What is measured of one picture. Whether that is a defect, `findings` decides for whole sets."""

import dataclasses
import hashlib

import numpy as np
from PIL import Image, ImageChops, ImageFilter

from cyclegan_keras.images.picture import Picture

THUMBNAIL = 32  # px, both sides: what near-duplicates are compared by
LONGEST_SIDE = 512  # px; a larger picture is measured on a copy that is smaller than this
# The four neighbors less four times the middle; halved, and gray where there is no edge, so that
# the result fits into 8 bits.
LAPLACE = ImageFilter.Kernel((3, 3), (0, 1, 0, 1, -4, 1, 0, 1, 0), scale=2, offset=128)
COLOR_SIDE = 64  # px; colors are looked for on a copy nearly as small, without the noise of JPEG
GRAY_LEVELS = 4  # of 255, by which channels of a gray picture may differ after lossy compression
DARK, BRIGHT = 5, 99  # percentiles of brightness, as cleanvision 0.3.7 looks at them


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Measures:
    """Numbers of one picture.

    Attributes:
        width: in px.
        height: in px.
        channels: without transparency.
        dtype: type of the numbers, one of `images.values.DTYPES`.
        low: the least number.
        high: the greatest number.
        dark: the 5th percentile of brightness, on the scale of the numbers.
        bright: the 99th percentile, likewise.
        contrast: standard deviation of brightness, likewise.
        entropy: of the brightness in 256 levels, 0 to 8 bits.
        sharpness: standard deviation of the Laplacian, as a share of that of the brightness.
        is_gray: whether all of its up to three channels are alike, on a copy of about COLOR_SIDE
            px: a gray photograph with a small colored stamp is gray.
        digest: of its pixels, equal where two pictures are equal.
        thumbnail: brightness, uint8 (THUMBNAIL, THUMBNAIL).
    """

    width: int
    height: int
    channels: int
    dtype: str
    low: float
    high: float
    dark: float
    bright: float
    contrast: float
    entropy: float
    sharpness: float
    is_gray: bool
    digest: bytes
    thumbnail: np.ndarray


def measure(picture: Picture) -> Measures:
    """Returns the numbers of a picture of any form; transparency is laid over white.

    Brightness is the luma of Rec. 601 of three channels, and the mean of all others.
    """
    pixels = picture.over_white().pixels
    height, width, channels = pixels.shape
    if pixels.dtype == np.uint8 and channels in (1, 3):
        image = Image.fromarray(pixels[..., 0] if channels == 1 else pixels)
        extremes = np.array(image.getextrema())
        low, high = float(extremes.min()), float(extremes.max())
        scale, offset = 1.0, 0.0
        image = _smaller(image)
    else:
        image, low, high = _eight_bits(pixels)
        scale, offset = (high - low) / 255, low
    is_gray = image.mode == "L" or _has_no_color(image)
    brightness = image if image.mode == "L" else image.convert("L")

    counts = np.array(brightness.histogram(), np.float64)
    share = counts / counts.sum()
    levels = np.arange(256)
    cumulated = np.cumsum(share)
    mean = float(share @ levels)
    deviation = float(np.sqrt(max(share @ (levels - mean) ** 2, 0.0)))
    occurring = share[share > 0]
    return Measures(
        width=width,
        height=height,
        channels=channels,
        dtype=pixels.dtype.name,
        low=low,
        high=high,
        dark=offset + scale * float(np.searchsorted(cumulated, DARK / 100)),
        bright=offset + scale * float(np.searchsorted(cumulated, BRIGHT / 100)),
        contrast=scale * deviation,
        entropy=float(-(occurring @ np.log2(occurring))),
        sharpness=_deviation_of_edges(brightness) / max(deviation, 1e-6),
        is_gray=is_gray,
        digest=_digest(pixels),
        thumbnail=np.asarray(
            brightness.resize((THUMBNAIL, THUMBNAIL), Image.Resampling.HAMMING), np.uint8
        ),
    )


def _smaller(image: Image.Image) -> Image.Image:
    """Returns the picture with means of whole squares of pixels, where it is large."""
    factor = max(image.size) // (LONGEST_SIDE // 2)
    return image.reduce(factor) if factor > 1 else image


def _eight_bits(pixels: np.ndarray) -> tuple[Image.Image, float, float]:
    """Returns a picture of other numbers in 8 bits, with the numbers that are black and white."""
    low, high = float(pixels.min()), float(pixels.max())
    step = max(1, max(pixels.shape[:2]) // LONGEST_SIDE)
    fewer = pixels[::step, ::step].astype(np.float32)
    if fewer.shape[-1] != 3:
        fewer = fewer.mean(axis=-1)
    levels = np.rint((fewer - low) * (255 / max(high - low, 1e-30)))
    return Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8)), low, high


def _has_no_color(image: Image.Image) -> bool:
    factor = max(image.size) // COLOR_SIDE
    small = image.reduce(factor) if factor > 1 else image
    red, green, blue = small.split()
    for one, other in ((red, green), (green, blue)):
        if np.asarray(ImageChops.difference(one, other)).max() > GRAY_LEVELS:
            return False
    return True


def _deviation_of_edges(brightness: Image.Image) -> float:
    if min(brightness.size) < 3:
        return 0.0
    width, height = brightness.size
    edges = brightness.filter(LAPLACE).crop((1, 1, width - 1, height - 1))
    counts = np.array(edges.histogram(), np.float64)
    squares = (np.arange(256) - 128.0) ** 2
    return 2 * float(np.sqrt(counts @ squares / counts.sum()))


def _digest(pixels: np.ndarray) -> bytes:
    digest = hashlib.blake2b(f"{pixels.shape} {pixels.dtype}".encode(), digest_size=16)
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.digest()
