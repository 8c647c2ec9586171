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
from cyclegan_keras.images.color import conversion_of
from cyclegan_keras.images.picture import Picture
from cyclegan_keras.images.values import DTYPES

QUALITY = 95


LEVELS = ("uint8", "uint16")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Format:
    """What a file format can hold.

    Attributes:
        name: as Pillow or NumPy call it.
        dtypes: types of numbers.
        any_channels: whether it holds any number of them; otherwise 1 or 3.
        alpha: whether it holds transparency.
        profiles: which color profiles it holds: of gray pictures, of RGB ones.
        longest: the longest side in pixels.
        lossy: whether it has a quality to choose.
        settings: how Pillow writes it.
    """

    name: str
    dtypes: tuple[str, ...] = ("uint8",)
    any_channels: bool = False
    alpha: bool = True
    profiles: tuple[bytes, ...] = (b"GRAY", b"RGB ")
    longest: int = 2**31 - 1
    lossy: bool = False
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)


PNG = Format(name="PNG", dtypes=LEVELS)
JPEG = Format(name="JPEG", alpha=False, longest=65500, lossy=True, settings={"subsampling": 0})
WEBP = Format(name="WEBP", profiles=(b"RGB ",), longest=16383, lossy=True, settings={"exact": True})
TIFF = Format(name="TIFF", dtypes=DTYPES, any_channels=True)
BMP = Format(name="BMP", alpha=False, profiles=())
NPY = Format(name="NPY", dtypes=DTYPES, any_channels=True, alpha=False, profiles=())

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
    ".npy": NPY,
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
    except WriteError as error:
        if error.errno in (errno.ENAMETOOLONG, errno.EISDIR):  # of this picture alone
            raise PictureError(str(error)) from error
        raise
    return picture.notes


def fit_format(picture: Picture, ending: str) -> Picture:
    """Returns what a file with that ending can hold of a picture.

    Colors that were converted to sRGB are converted back where the file holds their profile.

    Raises:
        PictureError: the ending is not among FORMATS, the picture is too large for its format, or
            has numbers or channels that the format cannot hold.
    """
    file_format = FORMATS.get(ending.lower())
    if file_format is None:
        raise PictureError(f"{ending!r} is no ending to write: expected {', '.join(FORMATS)}.")
    height, width, channels = picture.pixels.shape
    if max(height, width) > file_format.longest:
        raise PictureError(
            f"{width}x{height} is too large for {file_format.name}: use --format=png."
        )
    if channels not in (1, 3) and not file_format.any_channels:
        raise PictureError(
            f"{file_format.name} holds 1 or 3 channels, not {channels}: use --format=tif or npy."
        )
    notes = list(picture.notes)
    dtype = picture.pixels.dtype.name
    if dtype not in file_format.dtypes and dtype not in LEVELS:
        numbers = {"int16": "negative numbers", "int32": "numbers of 32 bits"}
        raise PictureError(
            f"{file_format.name} holds no {numbers.get(dtype, 'floating-point numbers')}: "
            "use --format=tif or npy."
        )
    if picture.alpha is not None and not file_format.alpha:
        picture = picture.over_white()
        notes.append(f"{file_format.name} holds no transparency: it is laid over white.")
    if dtype not in file_format.dtypes:
        picture = picture.at_depth(8)
        notes.append(f"{file_format.name} holds 8 bits a channel: 16 are scaled down.")
    if not _holds_profile(file_format, picture):
        if picture.in_srgb:
            notes.append("Its colors are written as sRGB, without the profile of their file.")
        picture = dataclasses.replace(picture, icc_profile=None, in_srgb=False)
    elif picture.in_srgb:
        pixels = conversion_of(picture.icc_profile).from_srgb(picture.pixels)
        picture = dataclasses.replace(picture, pixels=pixels, in_srgb=False)
    return dataclasses.replace(picture, notes=tuple(notes))


def _holds_profile(file_format: Format, picture: Picture) -> bool:
    """Whether a file can hold the profile, and the profile is one of such pixels."""
    if picture.icc_profile is None:
        return False
    color_space = picture.icc_profile[16:20]  # a field of its header
    expected = {1: b"GRAY", 3: b"RGB "}.get(picture.pixels.shape[-1])
    return color_space == expected and color_space in file_format.profiles


def _encoded(picture: Picture, ending: str, quality: int) -> bytes:
    """Encodes in memory, so that a full disk shows as such and not as a failing encoder."""
    file_format = FORMATS[ending.lower()]
    if file_format is NPY:
        return _npy(picture)
    if file_format is TIFF:
        return _tiff(picture)
    if picture.bit_depth == 16 and not (picture.is_gray and picture.alpha is None):
        return _deep_png(picture)
    pixels = np.ascontiguousarray(picture.pixels)
    image = Image.fromarray(pixels[..., 0] if picture.is_gray else pixels)
    if picture.alpha is not None:
        image.putalpha(Image.fromarray(np.ascontiguousarray(picture.alpha)))
    settings = {**file_format.settings, "icc_profile": picture.icc_profile}
    if file_format.lossy:
        settings["quality"] = quality
    file = io.BytesIO()
    try:
        image.save(file, file_format.name, **settings)
    except (OSError, ValueError, RuntimeError) as error:
        raise PictureError(f"{file_format.name} cannot hold this picture ({error}).") from error
    return file.getvalue()


def _npy(picture: Picture) -> bytes:
    file = io.BytesIO()
    np.save(file, np.ascontiguousarray(picture.pixels), allow_pickle=False)
    return file.getvalue()


def _tiff(picture: Picture) -> bytes:
    """Encodes without loss, with all channels of a pixel together."""
    import tifffile  # few files need it

    values, extra_samples = picture.pixels, None
    channels = values.shape[-1]
    if picture.alpha is not None:
        values = np.concatenate([values, picture.alpha[..., None]], axis=-1)
        extra_samples = ["unassalpha"]
    elif channels not in (1, 3):
        extra_samples = ["unspecified"] * (channels - 1)
    is_single = values.shape[-1] == 1
    file = io.BytesIO()
    tifffile.imwrite(
        file,
        np.ascontiguousarray(values[..., 0] if is_single else values),
        photometric="rgb" if channels == 3 else "minisblack",
        planarconfig=None if is_single else "contig",
        extrasamples=extra_samples,
        compression="zlib",
        predictor=True,
        iccprofile=picture.icc_profile,
        metadata=None,
        software=False,
    )
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
