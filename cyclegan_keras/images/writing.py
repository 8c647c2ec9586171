"""Writes one picture file; its ending chooses the format."""

import dataclasses
import errno
import io
import os
import pathlib
import struct
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

from cyclegan_keras.files.atomic import atomic_write
from cyclegan_keras.files.errors import PictureError, WriteError
from cyclegan_keras.images.picture import Picture

QUALITY = 95


@dataclasses.dataclass(frozen=True, kw_only=True)
class Format:
    """What a file format can hold.

    Attributes:
        name: Pillow's name of it.
        alpha: whether it holds transparency.
        bit_depth: the most bits a channel.
        profiles: which color profiles it holds: of gray pictures, of RGB ones.
        longest: the longest side in pixels.
        lossy: whether it has a quality to choose.
        settings: how Pillow writes it.
    """

    name: str
    alpha: bool = True
    bit_depth: int = 8
    profiles: tuple[bytes, ...] = (b"GRAY", b"RGB ")
    longest: int = 2**31 - 1
    lossy: bool = False
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)


PNG = Format(name="PNG", bit_depth=16)
JPEG = Format(name="JPEG", alpha=False, longest=65500, lossy=True, settings={"subsampling": 0})
WEBP = Format(name="WEBP", profiles=(b"RGB ",), longest=16383, lossy=True, settings={"exact": True})
TIFF = Format(name="TIFF", bit_depth=16, settings={"compression": "tiff_adobe_deflate"})
BMP = Format(name="BMP", alpha=False, profiles=())

FORMATS = {
    ".png": PNG,
    ".jpg": JPEG,
    ".jpeg": JPEG,
    ".jpe": JPEG,
    ".jfif": JPEG,
    ".webp": WEBP,
    ".tif": TIFF,
    ".tiff": TIFF,
    ".bmp": BMP,
}


def write_picture(
    picture: Picture, path: str | os.PathLike, *, quality: int = QUALITY
) -> tuple[str, ...]:
    """Writes a picture atomically: a reader sees the old file or the whole new one.

    Args:
        picture: what to write.
        path: its ending is one of FORMATS.
        quality: 1 to 100, of JPEG (without color subsampling) and WebP.

    Returns:
        Sentences about what the format could not hold.

    Raises:
        PictureError: this picture cannot be written there; another one could.
        WriteError: the disk is full or the folder cannot be written to.
    """
    path = pathlib.Path(path)
    picture = fit_format(picture, path.suffix)
    data = _encoded(picture, path.suffix, quality)
    try:
        with atomic_write(path, shared=True) as temporary:
            temporary.write_bytes(data)
    except OSError as error:
        of_this_picture = error.errno in (errno.ENAMETOOLONG, errno.EISDIR)
        message = f"Cannot write {path}: {error.strerror}."
        raise (PictureError if of_this_picture else WriteError)(message) from error
    return picture.notes


def fit_format(picture: Picture, ending: str) -> Picture:
    """Returns what a file with that ending can hold of a picture.

    Raises:
        PictureError: the ending is not among FORMATS, or the picture too large for its format.
    """
    file_format = FORMATS.get(ending.lower())
    if file_format is None:
        raise PictureError(f"{ending!r} is no ending to write: expected {', '.join(FORMATS)}.")
    height, width, _ = picture.pixels.shape
    if max(height, width) > file_format.longest:
        raise PictureError(
            f"{width}x{height} is too large for {file_format.name}: use --format=png."
        )
    notes = list(picture.notes)
    if picture.alpha is not None and not file_format.alpha:
        picture = picture.over_white()
        notes.append(f"{file_format.name} holds no transparency: it is laid over white.")
    if picture.bit_depth > file_format.bit_depth:
        picture = picture.at_depth(8)
        notes.append(f"{file_format.name} holds 8 bits a channel: 16 are scaled down.")
    elif picture.bit_depth == 16 and file_format is TIFF and not _is_plain_gray(picture):
        picture = picture.at_depth(8)
        notes.append("TIFF files are written with 16 bits only in gray: others are scaled down.")
    profile = picture.icc_profile
    if profile is not None:
        color_space = profile[16:20]  # a field of its header
        fits_pixels = (color_space == b"GRAY") == picture.is_gray
        if color_space not in file_format.profiles or not fits_pixels:
            profile = None
    return dataclasses.replace(picture, notes=tuple(notes), icc_profile=profile)


def _is_plain_gray(picture: Picture) -> bool:
    return picture.is_gray and picture.alpha is None


def _encoded(picture: Picture, ending: str, quality: int) -> bytes:
    """Encodes in memory, so that a full disk shows as such and not as a failing encoder."""
    if picture.bit_depth == 16 and not _is_plain_gray(picture):
        return _deep_png(picture)
    file_format = FORMATS[ending.lower()]
    image = Image.fromarray(picture.pixels[..., 0] if picture.is_gray else picture.pixels)
    if picture.alpha is not None:
        image.putalpha(Image.fromarray(picture.alpha))
    settings = {**file_format.settings, "icc_profile": picture.icc_profile}
    if file_format.lossy:
        settings["quality"] = quality
    file = io.BytesIO()
    try:
        image.save(file, file_format.name, **settings)
    except (OSError, ValueError, RuntimeError) as error:
        raise PictureError(f"{file_format.name} cannot hold this picture ({error}).") from error
    return file.getvalue()


def _deep_png(picture: Picture) -> bytes:
    """Encodes 16 bits of several channels, which Pillow has no mode for."""
    import imagecodecs  # takes half a second, and few files need it

    values = picture.pixels
    if picture.alpha is not None:
        values = np.concatenate([values, picture.alpha[..., None]], axis=-1)
    data = bytes(imagecodecs.png_encode(np.ascontiguousarray(values)))
    if picture.icc_profile is None:
        return data
    # A chunk is the length of its content, its name, its content and a checksum of both.
    content = b"ICC Profile\0\0" + zlib.compress(picture.icc_profile)
    checksum = zlib.crc32(b"iCCP" + content)
    chunk = struct.pack(">I", len(content)) + b"iCCP" + content + struct.pack(">I", checksum)
    end_of_header = 33  # the signature and the header chunk, IHDR
    return data[:end_of_header] + chunk + data[end_of_header:]
