"""Reads TIFF files of any depth, number of bands and compression."""

import dataclasses
import json
import logging
from typing import IO

import numpy as np
from PIL import Image

from cyclegan_keras.files.errors import PictureError
from cyclegan_keras.images.color import conversion_of
from cyclegan_keras.images.header import Header
from cyclegan_keras.images.limits import PIXELS_PER_BYTE, refuse_bomb
from cyclegan_keras.images.numbers import (
    checked_numbers,
    divided_by_alpha,
    dtype_of_numbers,
    scaled_levels,
)
from cyclegan_keras.images.orientation import SIDES_SWAPPED, UPRIGHT, turned_upright
from cyclegan_keras.images.picture import Picture

# Photometric interpretations, as the standard numbers them.
WHITE_IS_ZERO = 0
BLACK_IS_ZERO = 1
RGB = 2
PALETTE = 3
CMYK = 5
YCBCR = 6
CIELAB = 8
COLOR_FILTER_ARRAY = 32803
LINEAR_RAW = 34892

ASSOCIATED_ALPHA = 1  # colors are multiplied by their opacity
UNASSOCIATED_ALPHA = 2
REDUCED_OR_MASK = 1 | 4  # bits of the tag NewSubfileType: a thumbnail, or a mask
ORIENTATION_TAG = 274
PROFILE_TAG = 34675
JPEG_COMPRESSIONS = (6, 7, 33007, 34892)  # whose decoder makes RGB of YCbCr
MOST_BANDS_OF_ROWS = 16  # of pages that are rows of a picture
MOST_PAGES = 4096  # as bands


class NotForTifffileError(Exception):
    """A TIFF that Pillow reads better."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Plan:
    """How a TIFF is read, found without decoding.

    Attributes:
        pages: whose gray pixels are the bands, or the one that is read.
        photometric: how its numbers are to be understood.
        bits: of a number.
        pages_are_rows: whether each page is a row of the picture, see `_pages_are_rows`.
        color_samples: how many of them are no alpha.
        alpha: kind of alpha, ASSOCIATED_ALPHA or UNASSOCIATED_ALPHA; None without.
        orientation: EXIF orientation.
        header: what comes out.
        notes: about what is left out.
    """

    pages: list
    photometric: int
    bits: int
    pages_are_rows: bool
    color_samples: int
    alpha: int | None
    orientation: int
    header: Header
    notes: tuple[str, ...]


def read_tiff(
    file: IO[bytes], *, file_size: int, channels: int | None, most_pixels: int | None
) -> Picture:
    """Reads a TIFF.

    Args:
        file: open, at its beginning.
        file_size: in bytes.
        channels: how many are wanted, where pages can be bands or pictures of their own.
        most_pixels: more are refused.

    Raises:
        NotForTifffileError: Pillow reads it.
        PictureError: its numbers cannot be used; the message is the reason alone.
        Exception: it is damaged.
    """
    with _opened(file) as tiff:
        plan = _plan(tiff, channels)
        if most_pixels is not None:
            refuse_bomb(
                plan.header.width,
                plan.header.height,
                file_size=file_size,
                pixels_per_byte=PIXELS_PER_BYTE,
                most_pixels=most_pixels,
                channels=plan.header.channels,
            )
        page = plan.pages[0]
        if plan.pages_are_rows:
            numbers = np.stack([_samples(page)[..., 0] for page in plan.pages])
        elif len(plan.pages) > 1:
            numbers = np.stack([_samples(page)[..., 0] for page in plan.pages], axis=-1)
        else:
            numbers = _samples(page)
        profile = page.tags.valueof(PROFILE_TAG)
        colormap = page.colormap if plan.photometric == PALETTE else None
    picture = _picture(numbers, plan, colormap=colormap, profile=profile)
    height, width, bands = picture.pixels.shape
    found = Header(width=width, height=height, channels=bands, dtype=picture.pixels.dtype.name)
    if found != dataclasses.replace(plan.header, width=width, height=height):
        raise PictureError("is damaged: its pixels are not what its header claims")
    alpha = picture.alpha
    return dataclasses.replace(
        picture,
        pixels=np.ascontiguousarray(turned_upright(picture.pixels, plan.orientation)),
        alpha=None
        if alpha is None
        else np.ascontiguousarray(turned_upright(alpha, plan.orientation)),
        notes=plan.notes,
    )


def read_tiff_header(file: IO[bytes], *, channels: int | None) -> Header:
    """Returns size, channels and type of what `read_tiff` returns; raises the same."""
    with _opened(file) as tiff:
        return _plan(tiff, channels).header


def _opened(file: IO[bytes]):
    import tifffile  # few files need it

    # It logs what it finds damaged, beside raising an error where that matters.
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)
    return tifffile.TiffFile(file)


def _plan(tiff, channels: int | None) -> _Plan:
    pages = _full_pages(tiff)
    page = pages[0]
    if page.dtype is None:
        raise PictureError(f"is a TIFF of {page.bitspersample} bits a number, which is not read")
    photometric = int(page.photometric)
    if photometric in (COLOR_FILTER_ARRAY, LINEAR_RAW):
        raise PictureError("is a camera raw file (DNG): develop it to TIFF or JPEG first")
    if photometric == YCBCR and int(page.compression) in JPEG_COMPRESSIONS:
        photometric = RGB
    is_plain = page.samplesperpixel == 3 and page.bitspersample == 8 and not page.is_subsampled
    if photometric == YCBCR and not is_plain:
        raise NotForTifffileError
    if photometric == CIELAB and page.bitspersample == 8:
        raise NotForTifffileError
    if page.imagedepth > 1:
        raise PictureError("is a TIFF of volumes, expected pages")
    samples = int(page.samplesperpixel)
    bits = page.bitspersample
    dtype = dtype_of_numbers(page.dtype)
    if page.dtype.kind == "u" and bits <= 16:
        dtype = "uint8" if bits <= 8 else "uint16"
    color_samples, alpha = samples, None
    notes: tuple[str, ...] = ()
    extra = [int(sample) for sample in page.extrasamples]
    has_alpha = extra and extra[0] in (ASSOCIATED_ALPHA, UNASSOCIATED_ALPHA)
    if photometric == CMYK and samples >= 4:
        color_samples = 4
        bands = 3
    elif has_alpha and len(extra) == 1 and samples in (2, 4) and dtype in ("uint8", "uint16"):
        alpha = extra[0]
        color_samples = bands = samples - 1
    elif photometric == RGB and samples > 3 and channels == 3:
        color_samples = bands = 3
        notes += (f"Of {samples} samples a pixel only red, green and blue are taken.",)
    elif photometric == PALETTE:
        bands, dtype = 3, "uint8"
    else:
        bands = samples
    # A damaged tag holds several numbers, and int() refuses them.
    width, height = int(page.imagewidth), int(page.imagelength)
    if width < 1 or height < 1:
        raise PictureError(f"is damaged: its header claims {width}x{height} pixels")
    pages_are_rows = _pages_are_rows(pages, channels)
    if pages_are_rows:
        height, width, bands = len(pages), page.imagelength, page.imagewidth
        color_samples = bands
    elif len(pages) > 1:
        same = all(_is_alike(page, other) for other in pages[1:])
        are_bands = (
            samples == 1
            and photometric in (WHITE_IS_ZERO, BLACK_IS_ZERO)
            and same
            and channels not in (1, 3)
        )
        if channels == 3 and len(pages) == 3 and samples == 1 and same and photometric != PALETTE:
            are_bands = True
        if are_bands:
            if len(pages) > MOST_PAGES:
                raise PictureError(f"has {len(pages)} pages, expected at most {MOST_PAGES} bands")
            bands = color_samples = len(pages)
        else:
            notes += (f"Of {len(pages)} pages only the first is taken.",)
            pages = pages[:1]
    orientation = page.tags.valueof(ORIENTATION_TAG, UPRIGHT)
    if orientation in SIDES_SWAPPED:
        width, height = height, width
    return _Plan(
        pages=pages,
        photometric=photometric,
        bits=bits,
        pages_are_rows=pages_are_rows,
        color_samples=color_samples,
        alpha=alpha,
        orientation=orientation,
        header=Header(width=width, height=height, channels=bands, dtype=dtype),
        notes=notes,
    )


def _full_pages(tiff) -> list:
    """The pages but for thumbnails and masks."""
    if len(tiff.pages) == 1:
        return [tiff.pages[0]]
    pages = [page.aspage() for page in tiff.pages]
    full = [page for page in pages if not int(page.subfiletype) & REDUCED_OR_MASK]
    return full or pages[:1]


def _pages_are_rows(pages: list, channels: int | None) -> bool:
    """Whether tifffile was given an array (height, width, channels) and wrote a page for each row.

    It does so unless it is told that the channels are the last axis, and notes the shape.
    """
    page = pages[0]
    if len(pages) <= MOST_BANDS_OF_ROWS or not page.is_shaped or page.samplesperpixel > 1:
        return False
    try:
        shape = json.loads(page.description)["shape"]
    except (ValueError, KeyError, TypeError):
        return False
    if shape != [len(pages), page.imagelength, page.imagewidth]:
        return False
    if channels is not None and channels == page.imagewidth:
        return True
    return page.imagewidth <= MOST_BANDS_OF_ROWS < page.imagelength


def _is_alike(page, other) -> bool:
    return (
        other.imagewidth == page.imagewidth
        and other.imagelength == page.imagelength
        and other.samplesperpixel == page.samplesperpixel
        and other.dtype == page.dtype
        and other.bitspersample == page.bitspersample
        and int(other.photometric) == int(page.photometric)
    )


def _samples(page) -> np.ndarray:
    """Decodes a page to (height, width, samples)."""
    numbers = page.asarray(squeeze=False)  # (separate samples, depth, height, width, samples)
    numbers = numbers[:, 0]
    if page.samplesperpixel > 1 and numbers.shape[0] > 1:
        return np.moveaxis(numbers[..., 0], 0, -1)
    return numbers[0]


def _picture(numbers: np.ndarray, plan: _Plan, *, colormap, profile: bytes | None) -> Picture:
    if plan.photometric == PALETTE:
        return Picture(pixels=_of_palette(numbers[..., 0], colormap), icc_profile=profile)
    if plan.photometric == YCBCR:
        image = Image.frombytes("YCbCr", numbers.shape[1::-1], numbers.tobytes())
        return Picture(pixels=np.array(image.convert("RGB")), icc_profile=profile)
    if plan.photometric == CIELAB:
        return Picture(pixels=_of_lab(numbers))
    if numbers.dtype.kind == "u" and plan.bits <= 16:
        numbers = scaled_levels(numbers, plan.bits)
    else:
        numbers = checked_numbers(numbers)
    if plan.photometric == WHITE_IS_ZERO and numbers.dtype.kind == "u":
        colors = numbers[..., : plan.color_samples]
        inverted = np.iinfo(numbers.dtype).max - colors
        numbers = np.concatenate([inverted, numbers[..., plan.color_samples :]], axis=-1)
    if plan.photometric == CMYK:
        return Picture(pixels=_of_cmyk(numbers[..., :4], profile))
    colors = numbers[..., : plan.color_samples]
    if plan.alpha is None:
        return Picture(pixels=colors, icc_profile=profile)
    alpha = numbers[..., -1]
    if plan.alpha == ASSOCIATED_ALPHA:
        colors = divided_by_alpha(colors, alpha)
    return Picture(pixels=colors, alpha=alpha, icc_profile=profile)


def _of_palette(indices: np.ndarray, colormap: np.ndarray) -> np.ndarray:
    levels = colormap if colormap.max() < 256 else colormap >> 8  # some programs write 8 bits
    return levels.astype(np.uint8).T[indices.astype(np.intp)]


def _of_cmyk(inks: np.ndarray, profile: bytes | None) -> np.ndarray:
    """Converts amounts of ink to sRGB."""
    conversion = conversion_of(profile) if profile else None
    if conversion is not None and conversion.mode == "CMYK":
        return conversion.to_srgb(np.ascontiguousarray(inks))
    white = int(np.iinfo(inks.dtype).max)
    left = white - inks.astype(np.int64)
    rgb = (left[..., :3] * left[..., 3:] + white // 2) // white
    return rgb.astype(inks.dtype)


def _of_lab(numbers: np.ndarray) -> np.ndarray:
    """Converts CIELAB of 16 bits, of white D50, to sRGB of 16 bits."""
    lightness = numbers[..., 0].astype(np.float64) * (100 / 65535)
    a, b = (numbers[..., band].astype(np.uint16).view(np.int16) / 256 for band in (1, 2))
    y = (lightness + 16) / 116
    stimuli = np.stack([y + a / 500, y, y - b / 200], axis=-1)
    cubes = np.where(stimuli > 6 / 29, stimuli**3, (stimuli - 4 / 29) * (3 * (6 / 29) ** 2))
    xyz = cubes * np.array([0.9642, 1.0, 0.8249])
    linear = xyz @ SRGB_OF_XYZ_D50.T
    linear = np.clip(linear, 0, 1)
    encoded = np.where(
        linear <= 0.0031308, 12.92 * linear, 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055
    )
    return np.rint(encoded * 65535).astype(np.uint16)


# From XYZ of white D50 to linear sRGB, adapted to its white D65 by Bradford's matrix.
SRGB_OF_XYZ_D50 = np.array(
    [
        [3.1338561, -1.6168667, -0.4906146],
        [-0.9787684, 1.9161415, 0.0334540],
        [0.0719453, -0.2289914, 1.4052427],
    ]
)
