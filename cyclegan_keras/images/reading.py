"""Reads one picture file with nothing lost that a picture file can keep."""

import contextlib
import dataclasses
import io
import os
import pathlib
import threading
from collections.abc import Iterator

import numpy as np
import tensorflow as tf
from absl import logging
from PIL import ExifTags, Image, ImageCms, UnidentifiedImageError

from cyclegan_keras.files.errors import PictureError
from cyclegan_keras.images.picture import ROWS, Picture

MOST_PIXELS = 300_000_000
# No file needs less than a byte for so many pixels: it would be a small one that claims to be huge.
PIXELS_PER_BYTE = {"JPEG": 512, "MPO": 512}  # a Huffman code of one bit an 8x8 block
PIXELS_PER_BYTE_OTHERS = 4096
DEFLATE_RATIO = 1032  # of zlib at best, so of PNG
HARMLESS_PIXELS = 2**22  # whatever a file claims below that may be tried
UPRIGHT = {  # EXIF orientation -> (mirrored, quarter turns to the left) that bring it upright
    **{2: (True, 0), 3: (False, 2), 4: (True, 2), 5: (True, 1)},
    **{6: (False, 3), 7: (True, 3), 8: (False, 1)},
}
_READING = threading.Lock()
_LIMITS: list = []  # Pillow's own, and those of all that read at the moment


def read_picture(
    path: str | os.PathLike, *, bit_depth: int = 8, most_pixels: int = MOST_PIXELS
) -> Picture:
    """Reads a picture as a viewer would show it, and what its file knows beside.

    EXIF orientation is applied, CMYK becomes sRGB by its own profile, and of an animation the first
    frame counts.

    Args:
        path: of any format that Pillow reads.
        bit_depth: 16 keeps 16 bits a channel where the file has them (PNG, and grey TIFF); 8 scales
            them down.
        most_pixels: a file that claims more is refused by its header.

    Raises:
        PictureError: it is missing, damaged, no picture or too large.
    """
    path = pathlib.Path(path)
    try:
        with _pillow_limit(most_pixels), Image.open(path) as image:
            _refuse_bomb(image, path, most_pixels)
            picture = _deep_png(image, path) if bit_depth == 16 else None
            image.load()
            picture = picture or _picture(image)
            turned = _turned(picture, _orientation(image))
            notes = _notes(image)
    except PictureError:
        raise
    except FileNotFoundError:
        raise PictureError(f"{path} does not exist.") from None
    except MemoryError:
        raise PictureError(f"{path} is too large for the memory.") from None
    except Image.DecompressionBombError as error:
        raise PictureError(f"{path}: {error}, by --max_image_pixels={most_pixels}.") from None
    except Exception as error:  # decoders raise nearly anything at damaged files
        raise PictureError(_what_is_wrong(path, error)) from error
    return dataclasses.replace(turned.at_depth(min(bit_depth, turned.bit_depth)), notes=notes)


def picture_pixels(path: str | os.PathLike) -> int:
    """Returns height x width as a picture's header tells them, 0 where it cannot be read."""
    try:
        with _pillow_limit(MOST_PIXELS), Image.open(path) as image:
            return image.width * image.height
    except Exception:  # reading it will tell
        return 0


@contextlib.contextmanager
def _pillow_limit(most_pixels: int) -> Iterator[None]:
    """Lifts Pillow's own limit, one for all threads, while any of ours reads.

    It stays a second guard, against what a file holds beside its header.
    """
    with _READING:
        if not _LIMITS:
            _LIMITS.append(Image.MAX_IMAGE_PIXELS)
        _LIMITS.append(most_pixels)
        Image.MAX_IMAGE_PIXELS = max(_LIMITS[1:])
    try:
        yield
    finally:
        with _READING:
            _LIMITS.remove(most_pixels)
            Image.MAX_IMAGE_PIXELS = max(_LIMITS[1:], default=_LIMITS[0])
            if len(_LIMITS) == 1:
                _LIMITS.clear()


def _refuse_bomb(image: Image.Image, path: pathlib.Path, most_pixels: int) -> None:
    pixels, size = image.width * image.height, path.stat().st_size
    claim = f"{path} claims {image.width}x{image.height} = {pixels:,} pixels"
    if pixels > most_pixels:
        raise PictureError(f"{claim}, more than --max_image_pixels={most_pixels}.")
    if pixels <= HARMLESS_PIXELS:
        return
    needed = pixels / PIXELS_PER_BYTE.get(image.format, PIXELS_PER_BYTE_OTHERS)
    if image.format == "PNG" and image.mode in ("RGB", "RGBA"):
        needed = pixels * len(image.getbands()) / DEFLATE_RATIO
    if size < needed:
        raise PictureError(f"{claim}, but holds only {size:,} bytes: it is damaged, or a trap.")


def _what_is_wrong(path: pathlib.Path, error: Exception) -> str:
    if path.is_dir():
        return f"{path} is a folder, not a picture."
    if isinstance(error, UnidentifiedImageError):
        empty = path.is_file() and not path.stat().st_size
        return f"{path} is empty (0 bytes)." if empty else f"{path} is no picture, or damaged."
    if isinstance(error, OSError) and error.errno:
        return f"{path} cannot be read: {error.strerror}."
    return f"{path} is damaged ({error})."


def _deep_png(image: Image.Image, path: pathlib.Path) -> Picture | None:
    """Reads 16 bits of several channels, which Pillow has no mode for."""
    if image.format != "PNG" or image.mode.startswith("I"):
        return None
    with open(path, "rb") as file:
        if file.read(25)[24] != 16:
            return None
        file.seek(0)
        values = tf.io.decode_png(file.read(), dtype=tf.uint16).numpy()
    has_alpha = values.shape[-1] in (2, 4)
    return Picture(
        pixels=values[..., :-1] if has_alpha else values,
        alpha=values[..., -1] if has_alpha else None,
        icc_profile=image.info.get("icc_profile"),
    )


def _picture(image: Image.Image) -> Picture:
    profile = image.info.get("icc_profile")
    if image.mode == "F":
        raise PictureError(f"{image.filename} holds floating-point values of unknown range.")
    if image.mode.startswith("I"):
        return Picture(pixels=_whole_numbers(image)[..., None], icc_profile=profile)
    if image.mode in ("CMYK", "LAB"):
        return Picture(pixels=np.asarray(_to_srgb(image, profile)))
    grey = image.mode in ("1", "L", "LA", "La")
    if image.has_transparency_data:
        values = _array(image, "LA" if grey else "RGBA")
        return Picture(pixels=values[..., :-1], alpha=values[..., -1], icc_profile=profile)
    return Picture(pixels=_array(image, "L" if grey else "RGB"), icc_profile=profile)


def _array(image: Image.Image, mode: str) -> np.ndarray:
    """Converts row by row, since Pillow would copy the whole picture twice."""
    width, height = image.size
    values = np.empty((height, width, len(mode)), np.uint8)
    for top in range(0, height, ROWS):
        rows = image.crop((0, top, width, min(top + ROWS, height)))
        values[top : top + ROWS] = np.asarray(rows.convert(mode)).reshape(-1, width, len(mode))
    return values


def _whole_numbers(image: Image.Image) -> np.ndarray:
    values = np.asarray(image)
    if values.dtype.itemsize > 2:
        low, high = values.min(), values.max()
        if low < 0 or high > 65535:
            raise PictureError(
                f"{image.filename} holds numbers from {low} to {high}, expected 0 to 65535: "
                "scale it to 16 bits first."
            )
    return values.astype(np.uint16)


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    try:
        if image.mode == "LAB":
            own = ImageCms.createProfile("LAB")
        elif profile:
            own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        else:
            return image.convert("RGB")
        srgb = ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(image, own, srgb, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError) as error:
        logging.warning("%s: its colour profile cannot be used (%s).", image.filename, error)
        return image.convert("RGB")


def _orientation(image: Image.Image) -> int:
    try:  # after loading: Pillow turns TIFF itself then, and takes the tag away
        return image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # damaged EXIF does not make the picture unreadable
        return 1


def _turned(picture: Picture, orientation: int) -> Picture:
    if orientation not in UPRIGHT:
        return picture
    mirrored, turns = UPRIGHT[orientation]

    def turn(values):
        return np.rot90(values[:, ::-1] if mirrored else values, turns)

    alpha = None if picture.alpha is None else turn(picture.alpha)
    return dataclasses.replace(picture, pixels=turn(picture.pixels), alpha=alpha)


def _notes(image: Image.Image) -> tuple[str, ...]:
    if getattr(image, "is_animated", False) and image.format != "MPO":  # cameras' preview pictures
        return ("Of several frames or pages only the first is taken.",)
    return ()
