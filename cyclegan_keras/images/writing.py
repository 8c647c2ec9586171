"""Writes one picture file; its ending chooses the format."""

import dataclasses
import errno
import io
import os
import pathlib
import struct
import zlib
from collections.abc import Mapping

import tensorflow as tf
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
        profiles: what colour profiles it holds: of grey pictures and of RGB ones.
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
    settings: Mapping[str, object] = dataclasses.field(default_factory=dict)


JPEG = Format(name="JPEG", alpha=False, longest=65500, lossy=True, settings={"subsampling": 0})
WEBP = Format(name="WEBP", profiles=(b"RGB ",), longest=16383, lossy=True, settings={"exact": True})
TIFF = Format(name="TIFF", bit_depth=16, settings={"compression": "tiff_adobe_deflate"})
FORMATS = {
    ".png": Format(name="PNG", bit_depth=16),
    **dict.fromkeys((".jpg", ".jpeg", ".jpe", ".jfif"), JPEG),
    ".webp": WEBP,
    **dict.fromkeys((".tif", ".tiff"), TIFF),
    ".bmp": Format(name="BMP", alpha=False, profiles=()),
}


def write_picture(
    picture: Picture, path: str | os.PathLike, *, quality: int = QUALITY
) -> tuple[str, ...]:
    """Writes a picture so that whoever looks sees the old file or the whole new one.

    Args:
        picture: what to write.
        path: its ending is one of FORMATS.
        quality: 1 to 100, of JPEG (without colour subsampling) and WebP.

    Returns:
        Sentences about what the format could not hold.

    Raises:
        PictureError: this picture cannot be written there; another one could.
        WriteError: the disk is full or the folder cannot be written to.
    """
    path = pathlib.Path(path)
    fitted = fitting(picture, path.suffix)
    data = _encoded(fitted, path.suffix, quality)
    try:
        with atomic_write(path, shared=True) as temporary:
            temporary.write_bytes(data)
    except OSError as error:
        own_fault = error.errno in (errno.ENAMETOOLONG, errno.EISDIR)
        reason = f"Cannot write {path}: {error.strerror}."
        raise (PictureError if own_fault else WriteError)(reason) from error
    return fitted.notes


def fitting(picture: Picture, ending: str) -> Picture:
    """Returns what of a picture a file with that ending holds.

    Raises:
        PictureError: the ending is not among FORMATS, or the picture too large for its format.
    """
    form = FORMATS.get(ending.lower())
    if form is None:
        raise PictureError(f"{ending!r} is no ending to write: expected {', '.join(FORMATS)}.")
    height, width, _ = picture.pixels.shape
    if max(height, width) > form.longest:
        raise PictureError(f"{width}x{height} is too large for {form.name}: use --format=png.")
    notes = picture.notes
    if picture.alpha is not None and not form.alpha:
        picture = picture.over_white()
        notes += (f"{form.name} holds no transparency: it is laid over white.",)
    if picture.bit_depth > form.bit_depth:
        picture = picture.at_depth(8)
        notes += (f"{form.name} holds 8 bits a channel: 16 are scaled down.",)
    elif picture.bit_depth == 16 and form is TIFF and not _is_plain_grey(picture):
        picture = picture.at_depth(8)
        notes += ("TIFF files are written with 16 bits only in grey: others are scaled down.",)
    profile = picture.icc_profile
    if profile and (profile[16:20] not in form.profiles or _wrong_space(profile, picture)):
        profile = None
    return dataclasses.replace(picture, notes=notes, icc_profile=profile)


def _is_plain_grey(picture: Picture) -> bool:
    return picture.is_grey and picture.alpha is None


def _wrong_space(profile: bytes, picture: Picture) -> bool:
    return (profile[16:20] == b"GRAY") != picture.is_grey


def _encoded(picture: Picture, ending: str, quality: int) -> bytes:
    """Encodes in memory, so that a full disk shows as such and not as a failing encoder."""
    if picture.bit_depth == 16 and not _is_plain_grey(picture):
        return _deep_png(picture)
    form = FORMATS[ending.lower()]
    values = picture.pixels[..., 0] if picture.is_grey else picture.pixels
    image = Image.fromarray(values)
    if picture.alpha is not None:
        image.putalpha(Image.fromarray(picture.alpha))
    file = io.BytesIO()
    settings = {**form.settings, "icc_profile": picture.icc_profile}
    if form.lossy:
        settings["quality"] = quality
    try:
        image.save(file, form.name, **settings)
    except (OSError, ValueError, RuntimeError) as error:
        raise PictureError(f"{form.name} cannot hold this picture ({error}).") from error
    return file.getvalue()


def _deep_png(picture: Picture) -> bytes:
    """Encodes 16 bits of several channels, which Pillow has no mode for."""
    parts = [picture.pixels]
    if picture.alpha is not None:
        parts.append(picture.alpha[..., None])
    data = tf.io.encode_png(tf.concat(parts, axis=-1)).numpy()
    if picture.icc_profile is None:
        return data
    body = b"iCCP" + b"ICC Profile\0\0" + zlib.compress(picture.icc_profile)
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return data[:33] + chunk + data[33:]  # after the signature and IHDR
