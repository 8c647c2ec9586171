"""Version 1 of reading picture files, for runs and models that were made with it.

New ones read by `images.reading`. What is read here stays equal to the bit, for translating with
all that a file knows and for training as plain RGB.
"""

import contextlib
import dataclasses
import io
import os
import pathlib
from collections.abc import Iterator

import numpy as np
from absl import logging
from PIL import ExifTags, Image, ImageCms, ImageFile, ImageOps, UnidentifiedImageError

from cyclegan_keras.files.errors import OutageError, PictureError, reason_of_outage
from cyclegan_keras.images.limits import (
    MOST_PIXELS,
    PILLOW_LIMIT,
    pixels_per_byte,
    refuse_bomb,
)
from cyclegan_keras.images.picture import ROWS, Picture

File = bytes | str | os.PathLike  # the bytes of a picture file, or its path

SIDES_SWAPPED = (5, 6, 7, 8)  # EXIF orientations that turn a picture by a quarter


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReadingRules:
    """How to read what files hold beside gray or RGB of 8 bits.

    Attributes:
        bit_depth: 16 keeps 16 bits a channel where a file has them (PNG, and gray TIFF); 8 scales
            them down.
        most_pixels: a file whose header claims more is refused, and so is one that is too small
            for what it claims. None leaves that to Pillow's own limit.
        over_white: whether transparent pixels are laid over white, by Pillow's integer arithmetic;
            otherwise the transparency is kept.
        use_profiles: whether CMYK and Lab are converted to sRGB by the color profile in the file;
            otherwise CMYK is converted by Pillow's plain formula, and Lab is refused.
        clip_integers: whether integers outside 0..65535 are clipped; otherwise refused.
        orientation_of_header: whether the EXIF orientation in the header is applied to what Pillow
            decodes; otherwise the one that is left after decoding. They differ in two formats: a
            PNG whose EXIF chunk comes after its pixels shows it only when it is decoded, and a TIFF
            is turned by Pillow while it is decoded, so that its header would turn it twice.
    """

    bit_depth: int = 8
    most_pixels: int | None = MOST_PIXELS
    over_white: bool = False
    use_profiles: bool = True
    clip_integers: bool = False
    orientation_of_header: bool = False


# Training reads by rules of its own, because the batches of earlier runs must stay equal to the
# bit. Where they differ from those of translating, translating is right.
TRAINING = ReadingRules(
    most_pixels=None,
    over_white=True,
    use_profiles=False,
    clip_integers=True,
    orientation_of_header=True,
)


def read_picture(
    path: str | os.PathLike, *, bit_depth: int = 8, most_pixels: int = MOST_PIXELS
) -> Picture:
    """Reads a picture as a viewer would show it, and what its file knows beside.

    The EXIF orientation is applied, CMYK becomes sRGB by its own profile, and of an animation the
    first frame is read.

    Args:
        path: of any format that Pillow reads.
        bit_depth: 16 keeps 16 bits a channel where the file has them (PNG, and gray TIFF); 8 scales
            them down.
        most_pixels: a file whose header claims more is refused.

    Raises:
        PictureError: it is missing, damaged, no picture or too large.
    """
    try:
        return _read(path, ReadingRules(bit_depth=bit_depth, most_pixels=most_pixels))
    except PictureError as error:
        raise PictureError(f"{path} {error}.") from error.__cause__


def read_rgb(file: File) -> np.ndarray:
    """Reads a picture for training, by the rules `TRAINING`.

    Transparent pixels lie over white, 16-bit gray keeps its full range, and of an animation the
    first frame is read.

    Args:
        file: the path of a picture file, or its bytes.

    Returns:
        uint8 (height, width, 3), RGB.

    Raises:
        PictureError: it is missing, damaged, or holds floating-point values. The message is the
            reason alone, such as "is empty (0 bytes)": the caller knows the name.
    """
    pixels = _read(file, TRAINING).pixels
    return np.repeat(pixels, 3, axis=-1) if pixels.shape[-1] == 1 else pixels


def read_size(file: File) -> tuple[int, int]:
    """Returns (width, height) of what `read_rgb` would return, by the header alone.

    Raises:
        PictureError: the header cannot be read; the message is the reason alone.
    """
    with _reasons(file), _opened(file) as image:
        width, height = image.size
        return (height, width) if _header_orientation(image) in SIDES_SWAPPED else (width, height)


def pixel_count(path: str | os.PathLike) -> int:
    """Returns height x width as the header of a picture says, 0 where it cannot be read."""
    try:
        with PILLOW_LIMIT.raised_to(MOST_PIXELS), Image.open(path) as image:
            return image.width * image.height
    except Exception:  # reading the picture will say why
        return 0


def _read(file: File, rules: ReadingRules) -> Picture:
    limit: contextlib.AbstractContextManager = contextlib.nullcontext()
    if rules.most_pixels is not None:
        limit = PILLOW_LIMIT.raised_to(rules.most_pixels)
    with _reasons(file, rules.most_pixels), limit, _opened(file) as image:
        if rules.most_pixels is not None:
            refuse_bomb(
                image.width,
                image.height,
                file_size=os.path.getsize(file),
                pixels_per_byte=pixels_per_byte(image),
                most_pixels=rules.most_pixels,
            )
        orientation = _header_orientation(image) if rules.orientation_of_header else None
        image.load()
        if orientation is None:
            orientation = _orientation(image)
        picture = _deep_png(image, file, orientation) if rules.bit_depth == 16 else None
        if picture is None:
            _turn_upright(image, orientation)
            picture = _converted(image, rules)
        notes = _notes(image)
    depth = min(rules.bit_depth, picture.bit_depth)
    return dataclasses.replace(picture.at_depth(depth), notes=notes)


def _opened(file: File) -> ImageFile.ImageFile:
    return Image.open(io.BytesIO(file) if isinstance(file, bytes) else file)


@contextlib.contextmanager
def _reasons(file: File, most_pixels: int | None = None) -> Iterator[None]:
    """Turns whatever a decoder raises into a PictureError that says what is wrong."""
    try:
        yield
    except PictureError:
        raise
    except MemoryError:
        raise PictureError("is too large for the memory") from None
    except Image.DecompressionBombError as error:
        limit = "" if most_pixels is None else f", by --max_image_pixels={most_pixels}"
        raise PictureError(f"is too large: {str(error).rstrip('.')}{limit}") from None
    except Exception as error:  # decoders raise nearly anything at damaged files
        outage = reason_of_outage(error)
        if outage:
            name = "" if isinstance(file, bytes) else os.fspath(file)
            raise OutageError(outage, name) from error
        raise PictureError(_what_is_wrong(file, error)) from error


def _what_is_wrong(file: File, error: Exception) -> str:
    if not isinstance(file, bytes) and os.path.isdir(file):
        return "is a folder, not a picture"
    if isinstance(error, UnidentifiedImageError):
        return "is not a picture, or is damaged" if _start(file, 1) else "is empty (0 bytes)"
    if isinstance(error, OSError) and error.errno:
        return f"cannot be read: {error.strerror}"
    return f"is damaged ({error})"


def _header_orientation(image: Image.Image) -> int:
    """The EXIF orientation in the header, 1 where it has none; nothing is decoded."""
    if image.format == "PNG" and "exif" not in image.info:
        return 1  # Pillow would decode the whole picture to look for an EXIF chunk behind it
    return _orientation(image)


def _orientation(image: Image.Image) -> int:
    try:
        return image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # damaged EXIF does not make the picture unreadable
        return 1


def _turn_upright(image: Image.Image, orientation: int) -> None:
    """Turns an image in place, as its EXIF orientation says."""
    if orientation == 1:
        return
    # Pillow would write the rest back into these, which fails where it is damaged.
    for name in ("exif", "Raw profile type exif", "XML:com.adobe.xmp", "xmp"):
        image.info.pop(name, None)
    image.getexif()[ExifTags.Base.Orientation] = orientation
    ImageOps.exif_transpose(image, in_place=True)


def _deep_png(image: Image.Image, file: File, orientation: int) -> Picture | None:
    """Reads 16 bits of several channels, which Pillow has no mode for; None for other files."""
    if image.format != "PNG" or image.mode.startswith("I"):
        return None
    if _start(file, 25)[24] != 16:  # the bit depth in the header chunk, IHDR
        return None
    import imagecodecs  # takes half a second, and few files need it

    data = file if isinstance(file, bytes) else pathlib.Path(file).read_bytes()
    values = imagecodecs.png_decode(data)
    channels = []
    for channel in np.moveaxis(values, -1, 0):
        layer = Image.fromarray(np.ascontiguousarray(channel))
        _turn_upright(layer, orientation)
        channels.append(np.asarray(layer))
    has_alpha = len(channels) in (2, 4)
    return Picture(
        pixels=np.stack(channels[:-1] if has_alpha else channels, axis=-1),
        alpha=channels[-1] if has_alpha else None,
        icc_profile=image.info.get("icc_profile"),
    )


def _start(file: File, count: int) -> bytes:
    """The first bytes of a file."""
    if isinstance(file, bytes):
        return file[:count]
    with open(file, "rb") as opened:
        return opened.read(count)


def _converted(image: ImageFile.ImageFile, rules: ReadingRules) -> Picture:
    """Converts an upright image to gray or RGB of 8 or 16 bits."""
    profile = image.info.get("icc_profile")
    if image.mode == "F":
        raise PictureError("holds floating-point values, whose range is unknown")
    if image.mode.startswith("I"):
        pixels = _integers(image, clip=rules.clip_integers)
        return Picture(pixels=pixels[..., None], icc_profile=profile)
    if image.mode in ("CMYK", "LAB") and rules.use_profiles:
        return Picture(pixels=np.asarray(_to_srgb(image, profile)))
    if image.has_transparency_data and rules.over_white:
        layer = image.convert("RGBA")
        white = Image.new("RGBA", layer.size, "white")
        opaque = Image.alpha_composite(white, layer)
        return Picture(pixels=_array(opaque, "RGB"), icc_profile=profile)
    is_gray = image.mode in ("1", "L", "LA", "La")
    if image.has_transparency_data:
        values = _array(image, "LA" if is_gray else "RGBA")
        return Picture(pixels=values[..., :-1], alpha=values[..., -1], icc_profile=profile)
    return Picture(pixels=_array(image, "L" if is_gray else "RGB"), icc_profile=profile)


def _array(image: Image.Image, mode: str) -> np.ndarray:
    """Converts a few rows at a time, since Pillow would copy the whole picture twice."""
    width, height = image.size
    values = np.empty((height, width, len(mode)), np.uint8)
    for top in range(0, height, ROWS):
        rows = image.crop((0, top, width, min(top + ROWS, height)))
        values[top : top + ROWS] = np.asarray(rows.convert(mode)).reshape(-1, width, len(mode))
    return values


def _integers(image: Image.Image, *, clip: bool) -> np.ndarray:
    values = np.asarray(image)
    if values.dtype.itemsize > 2:
        low, high = values.min(), values.max()
        if clip:
            values = np.clip(values, 0, 65535)
        elif low < 0 or high > 65535:
            raise PictureError(
                f"holds numbers from {low} to {high}, expected 0 to 65535: scale it to 16 bits "
                "first"
            )
    return values.astype(np.uint16)


def _to_srgb(image: ImageFile.ImageFile, profile: bytes | None) -> Image.Image:
    try:
        if image.mode == "LAB":
            own = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
        elif profile:
            own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        else:
            return image.convert("RGB")
        srgb = ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(image, own, srgb, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError) as error:
        logging.warning("%s: its color profile cannot be used (%s).", image.filename, error)
        return image.convert("RGB")


def _notes(image: Image.Image) -> tuple[str, ...]:
    is_animated = getattr(image, "is_animated", False)
    if is_animated and image.format != "MPO":  # in which cameras keep a preview
        return ("Of several frames or pages only the first is taken.",)
    return ()
