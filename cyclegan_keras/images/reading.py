"""Reads picture files of every depth and number of channels, for all programs alike.

These are the rules of version 2. Runs and models that were made by version 1 read by
`images.first_reading`.
"""

import contextlib
import dataclasses
import io
import os
from collections.abc import Iterator
from typing import IO

import numpy as np
from PIL import Image, UnidentifiedImageError

from cyclegan_keras.files.errors import OutageError, PictureError, reason_of_outage
from cyclegan_keras.images import kinds
from cyclegan_keras.images.array_files import read_array, read_array_header
from cyclegan_keras.images.color import can_convert_deep, conversion_of
from cyclegan_keras.images.header import Header
from cyclegan_keras.images.jpeg2000_files import (
    HEADER_LIMIT,
    parse_jpeg2000_header,
    read_jpeg2000,
)
from cyclegan_keras.images.limits import MOST_PIXELS
from cyclegan_keras.images.modern_files import read_heic, read_heic_header, read_jpeg_xl
from cyclegan_keras.images.orientation import orientation_of, turned_upright
from cyclegan_keras.images.picture import Picture
from cyclegan_keras.images.pillow_files import read_header_with_pillow, read_with_pillow
from cyclegan_keras.images.pnm_files import parse_pnm_header, read_pnm
from cyclegan_keras.images.quick_headers import (
    JPEG_SIGNATURE,
    PNG_SIGNATURE,
    quick_jpeg_header,
    quick_png_header,
)
from cyclegan_keras.images.tiff_files import NotForTifffileError, read_tiff, read_tiff_header

CURRENT = 2  # the version of the rules by which new runs and models read

File = bytes | str | os.PathLike  # the bytes of a picture file, or its path


def read_picture(
    file: File,
    *,
    channels: int | None = None,
    most_pixels: int | None = MOST_PIXELS,
) -> Picture:
    """Reads a picture as a viewer would show it, with all numbers that its file holds.

    The EXIF orientation is applied, transparency is kept aside, and colors become sRGB where the
    file has a profile of another color space: `icc_profile` is that profile then, and `in_srgb`
    true. CMYK and Lab become sRGB for good. Of an animation the first frame is read.

    Args:
        file: the path of a picture file, or its bytes.
        channels: how many are wanted, where a file can be read in two ways: gray pages of a TIFF
            are bands, unless 1 or 3 are wanted.
        most_pixels: a file whose header claims more is refused, and so is one that is too small
            for what it claims. None leaves that to Pillow's own limit.

    Returns:
        Pixels of the type that the file has: uint8, uint16, int16, int32 or float32.

    Raises:
        PictureError: it is missing, damaged, no picture or too large. The message is the reason
            alone, such as "is empty (0 bytes)": the caller knows the name.
    """
    with _opened(file, most_pixels) as (opened, start, size):
        picture = _read(opened, start, size=size, channels=channels, most_pixels=most_pixels)
    return _in_srgb(picture)


def read_header(file: File, *, channels: int | None = None) -> Header:
    """Returns size, channels and type of what `read_picture` would return, by the header alone.

    Only JPEG XL files are decoded for that.

    Args:
        file: the path of a picture file, or its bytes.
        channels: as of `read_picture`.

    Raises:
        PictureError: the header cannot be read; the message is the reason alone.
    """
    with _opened(file, None) as (opened, start, _):
        return _read_header(opened, start, channels=channels)


def pixel_count(file: File) -> int:
    """Returns height x width as the header of a picture says, 0 where it cannot be read."""
    try:
        header = read_header(file)
    except PictureError:  # reading the picture will say why
        return 0
    return header.width * header.height


@contextlib.contextmanager
def _opened(file: File, most_pixels: int | None) -> Iterator[tuple[IO[bytes], bytes, int]]:
    """Opens a file; whatever a decoder raises becomes a PictureError that says what is wrong."""
    start, name = b"", ""
    try:
        if isinstance(file, bytes):
            start = file[: kinds.START]
            yield io.BytesIO(file), start, len(file)
        else:
            name = os.fspath(file)
            with open(file, "rb") as opened:
                start = opened.read(kinds.START)
                opened.seek(0)
                yield opened, start, os.fstat(opened.fileno()).st_size
    except PictureError:
        raise
    except IsADirectoryError:
        raise PictureError("is a folder, not a picture") from None
    except MemoryError:
        raise PictureError("is too large for the memory") from None
    except Image.DecompressionBombError as error:
        limit = "" if most_pixels is None else f", by --max_image_pixels={most_pixels}"
        raise PictureError(f"is too large: {str(error).rstrip('.')}{limit}") from None
    except Exception as error:  # decoders raise nearly anything at damaged files
        outage = reason_of_outage(error)
        if outage:
            raise OutageError(outage, name) from error
        raise PictureError(_what_is_wrong(start, name, error)) from error


def _what_is_wrong(start: bytes, name: str, error: Exception) -> str:
    kind = kinds.kind_of_bytes(start, name)
    if isinstance(error, OSError) and error.errno:
        return f"cannot be read: {error.strerror}"
    if kind in (kinds.EMPTY,):
        return "is empty (0 bytes)"
    if not kind.is_picture and kind is not kinds.UNKNOWN:
        return kind.reason
    if isinstance(error, UnidentifiedImageError):
        return "is not a picture, or is damaged"
    if str(error).startswith("image file is truncated"):  # Pillow adds how many bytes are left
        return "is damaged, since its file is truncated"
    return f"is damaged ({error})"


def _read(
    opened: IO[bytes], start: bytes, *, size: int, channels: int | None, most_pixels: int | None
) -> Picture:
    if start.startswith(JPEG_SIGNATURE):
        return read_with_pillow(opened, file_size=size, most_pixels=most_pixels)
    if start.startswith(PNG_SIGNATURE):
        return _read_png(opened, start, size=size, most_pixels=most_pixels)
    kind = _readable_kind(start, opened)
    if kind is kinds.TIFF:
        return _read_tiff(opened, size=size, channels=channels, most_pixels=most_pixels)
    if kind in (kinds.NPY, kinds.NPZ):
        return Picture(pixels=read_array(opened, most_pixels=most_pixels))
    if kind.name == "HEIC":
        return read_heic(opened, most_pixels=most_pixels)
    if kind.name == "JPEG XL":
        return read_jpeg_xl(opened.read(), most_pixels=most_pixels)
    if kind is kinds.PNM:
        pnm = parse_pnm_header(start)
        if pnm is not None:
            return read_pnm(opened, pnm, most_pixels=most_pixels)
    if kind is kinds.JPEG_2000:
        data = opened.read()
        jpeg2000 = parse_jpeg2000_header(data)
        if jpeg2000 is not None:
            return read_jpeg2000(data, jpeg2000, most_pixels=most_pixels)
        opened.seek(0)
    return read_with_pillow(opened, file_size=size, most_pixels=most_pixels)


def _read_header(opened: IO[bytes], start: bytes, *, channels: int | None) -> Header:
    header = None
    if start.startswith(JPEG_SIGNATURE):
        header = quick_jpeg_header(opened, start)
    elif start.startswith(PNG_SIGNATURE):
        header = quick_png_header(opened, start)
    if header is not None:
        return header
    opened.seek(0)
    kind = _readable_kind(start, opened)
    if kind is kinds.TIFF:
        try:
            return read_tiff_header(opened, channels=channels)
        except PictureError:
            raise
        except Exception:
            opened.seek(0)
            return read_header_with_pillow(opened)
    if kind in (kinds.NPY, kinds.NPZ):
        return read_array_header(opened)
    if kind.name == "HEIC":
        return read_heic_header(opened)
    if kind.name == "JPEG XL":
        pixels = read_jpeg_xl(opened.read(), most_pixels=None).pixels
        height, width, bands = pixels.shape
        return Header(width=width, height=height, channels=bands, dtype=pixels.dtype.name)
    if kind is kinds.PNM:
        pnm = parse_pnm_header(start)
        if pnm is not None:
            return pnm.header
    if kind is kinds.JPEG_2000:
        jpeg2000 = parse_jpeg2000_header(opened.read(HEADER_LIMIT))
        if jpeg2000 is not None:
            return jpeg2000.header
        opened.seek(0)
    return read_header_with_pillow(opened)


def _readable_kind(start: bytes, opened: IO[bytes]) -> kinds.Kind:
    """The kind of a file that is to be read; one that is known to be none is refused."""
    name = opened.name if isinstance(getattr(opened, "name", None), str) else ""
    kind = kinds.kind_of_bytes(start, name)
    # Of these Pillow knows some that have no signature.
    if kind.is_picture or kind in (kinds.TEXT, kinds.UNKNOWN):
        return kind
    raise PictureError(kind.reason)


def _read_png(opened: IO[bytes], start: bytes, *, size: int, most_pixels: int | None) -> Picture:
    picture = read_with_pillow(opened, file_size=size, most_pixels=most_pixels)
    bits, color_type = start[24], start[25]
    # Pillow has a mode for gray of 16 bits, unless one of its levels is transparent.
    if bits != 16 or (color_type == 0 and b"tRNS" not in start):
        return picture
    opened.seek(0)
    data = opened.read()
    pixels, alpha = _decode_deep_png(data)
    with Image.open(io.BytesIO(data)) as image:
        orientation = orientation_of(image)
    pixels = np.ascontiguousarray(turned_upright(pixels, orientation))
    if alpha is not None:
        alpha = np.ascontiguousarray(turned_upright(alpha, orientation))
    return dataclasses.replace(picture, pixels=pixels, alpha=alpha)


def _decode_deep_png(data: bytes) -> tuple[np.ndarray, np.ndarray | None]:
    """Decodes 16 bits of several channels, which Pillow has no mode for, and alpha or None."""
    import imagecodecs  # takes half a second, and few files need it

    levels = imagecodecs.png_decode(data)
    if levels.ndim == 2:
        levels = levels[..., None]
    if levels.shape[-1] in (2, 4):
        return levels[..., :-1], levels[..., -1]
    return levels, None


def _read_tiff(
    opened: IO[bytes], *, size: int, channels: int | None, most_pixels: int | None
) -> Picture:
    try:
        return read_tiff(opened, file_size=size, channels=channels, most_pixels=most_pixels)
    except (PictureError, MemoryError):
        raise
    except Exception as error:
        opened.seek(0)
        try:
            picture = read_with_pillow(opened, file_size=size, most_pixels=most_pixels)
        except PictureError:
            raise
        except Exception:
            if isinstance(error, NotForTifffileError):
                raise
            raise error from None
        _refuse_other_form(picture, opened, channels, error)
    return picture


def _refuse_other_form(
    picture: Picture, opened: IO[bytes], channels: int | None, error: Exception
) -> None:
    """Raises the error of tifffile where Pillow read less than the header promises."""
    opened.seek(0)
    try:
        header = read_tiff_header(opened, channels=channels)
    except Exception:  # Pillow reads the header too
        return
    if (header.channels, header.dtype) != (picture.pixels.shape[-1], picture.pixels.dtype.name):
        raise error


def _in_srgb(picture: Picture) -> Picture:
    """Converts colors of another profile than sRGB."""
    profile, pixels = picture.icc_profile, picture.pixels
    if profile is None or pixels.dtype not in (np.uint8, np.uint16):
        return picture
    conversion = conversion_of(profile)
    if conversion is None or conversion.changes_nothing:
        return picture
    if len(conversion.mode) != {1: 1, 3: 3}.get(pixels.shape[-1]):
        return picture  # a profile of colors beside gray, or the other way round
    if pixels.dtype == np.uint16 and not can_convert_deep():
        note = "Its colors of 16 bits stay those of its profile: imagecodecs was built without CMS."
        return dataclasses.replace(picture, notes=(*picture.notes, note))
    return dataclasses.replace(picture, pixels=conversion.to_srgb(pixels), in_srgb=True)
