"""Reads and writes animated pictures: GIF, WebP and PNG (APNG), frame by frame.

Frames are read composed, as a viewer shows them. They are written whole, one after the other, so
that no more than one is in memory. Pillow encodes each as a picture; what joins pictures to an
animation is written here, as the formats say:

    GIF89a         https://www.w3.org/Graphics/GIF/spec-gif89a.txt
    WebP           https://developers.google.com/speed/webp/docs/riff_container
    APNG           https://www.w3.org/TR/png-3/
"""

import abc
import contextlib
import fractions
import io
import os
import pathlib
import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
from PIL import Image

from cyclegan_keras.files.errors import PictureError
from cyclegan_keras.images.picture import Picture
from cyclegan_keras.images.reading import MOST_PIXELS

READ_FORMATS = ("GIF", "WEBP", "PNG", "AVIF")  # Pillow's names of those that move
FOREVER = 0  # plays
GIF_HOLE = 255  # the index of the color that is transparent
QUALITY = 95
SHORTEST_SHOWN = 10.0  # milliseconds; browsers show what claims no more than this for
SHOWN_INSTEAD = 100.0  # milliseconds


def is_animated(path: str | os.PathLike) -> bool:
    """Whether a file is an animated picture of a format that is read here, by its header."""
    try:
        with Image.open(path) as image:
            return image.format in READ_FORMATS and getattr(image, "n_frames", 1) > 1
    except Exception:  # it is no picture, or reading it will say what is wrong
        return False


class Animation:
    """An animated picture that is read.

    Attributes:
        count: how many frames it has.
        plays: how often it is shown; FOREVER is 0.
        size: (width, height) in pixels.
    """

    def __init__(self, image: Image.Image, path: str | os.PathLike):
        self._image = image
        self._path = path
        # A PNG may begin with a picture for viewers that show no animations.
        self._first = 1 if image.info.get("default_image") else 0
        self.count = image.n_frames - self._first
        self.plays = _plays(image)
        self.size = image.size

    def frames(self) -> Iterator[tuple[Picture, float]]:
        """Yields each frame, uint8 RGB with its transparency, and its milliseconds.

        Raises:
            PictureError: the file is damaged.
        """
        profile = self._image.info.get("icc_profile")
        for index in range(self._first, self._first + self.count):
            with _reasons(self._path):
                self._image.seek(index)
                self._image.load()
                has_alpha = self._image.format == "GIF" or self._image.has_transparency_data
                values = np.asarray(self._image.convert("RGBA" if has_alpha else "RGB"))
                milliseconds = float(self._image.info.get("duration", 0))
            picture = Picture(
                pixels=values[..., :3],
                alpha=values[..., 3] if has_alpha else None,
                icc_profile=profile,
            )
            yield picture, milliseconds


@contextlib.contextmanager
def open_animation(
    path: str | os.PathLike, *, most_pixels: int = MOST_PIXELS
) -> Iterator[Animation]:
    """Opens an animated picture to read its frames.

    Raises:
        PictureError: it is no picture, damaged, or its frames have more pixels than `most_pixels`.
    """
    with contextlib.ExitStack() as stack:
        with _reasons(path):
            image = stack.enter_context(Image.open(path))
            if image.width * image.height > most_pixels:
                raise PictureError(
                    f"{path} claims {image.width}x{image.height} pixels, more than "
                    f"--max_image_pixels={most_pixels}."
                )
            animation = Animation(image, path)
        yield animation


def milliseconds_shown(milliseconds: float) -> float:
    """Returns how long viewers show a frame: a claim of next to nothing is a tenth of a second."""
    return milliseconds if milliseconds > SHORTEST_SHOWN else SHOWN_INSTEAD


class AnimationWriter(abc.ABC):
    """Writes an animation into a file, frame by frame; `finish` makes it complete.

    Args:
        file: open for writing at its beginning; it is sought in.
        plays: how often it is shown; FOREVER is 0.
        quality: 1 to 100, of WebP.
    """

    longest: int  # side in pixels

    def __init__(self, file: BinaryIO, *, plays: int, quality: int = QUALITY):
        self._file = file
        self._plays = plays
        self._quality = quality
        self._count = 0

    def add(self, picture: Picture, milliseconds: float) -> None:
        """Writes a frame, of the size of all others, with 8 bits a channel.

        Raises:
            PictureError: it is too large for the format.
        """
        picture = picture.at_depth(8)
        height, width, _ = picture.pixels.shape
        if max(width, height) > self.longest:
            raise PictureError(
                f"{width}x{height} is too large for this format, whose sides have at most "
                f"{self.longest} pixels: use --output=....apng, or a video."
            )
        if self._count == 0:
            self._begin(picture)
        self._add(picture, milliseconds)
        self._count += 1

    @abc.abstractmethod
    def finish(self) -> None:
        """Writes what comes behind the last frame."""

    @abc.abstractmethod
    def _begin(self, picture: Picture) -> None:
        """Writes what comes before the first frame."""

    @abc.abstractmethod
    def _add(self, picture: Picture, milliseconds: float) -> None:
        """Writes a frame."""


class GifWriter(AnimationWriter):
    """Writes GIF: 256 colors a frame, each pixel opaque or not, times in 1/100 s."""

    longest = 65535

    def _begin(self, picture: Picture) -> None:
        height, width, _ = picture.pixels.shape
        no_colors = 0x70  # 8 bits a color, and no table of colors for all frames
        self._file.write(b"GIF89a" + struct.pack("<HHBBB", width, height, no_colors, 0, 0))
        if self._plays != 1:  # without this block it plays once, with it once and `repeats` times
            repeats = 0 if self._plays == FOREVER else self._plays - 1
            self._file.write(b"\x21\xff\x0bNETSCAPE2.0\x03\x01")
            self._file.write(struct.pack("<HB", min(repeats, 65535), 0))
        self._clock = _Clock(10)

    def _add(self, picture: Picture, milliseconds: float) -> None:
        colors, data = _gif_colors_and_data(picture)
        height, width, _ = picture.pixels.shape
        # Each frame covers all. One with holes is cleared before the next, to not show through.
        has_holes = picture.alpha is not None
        flags = (2 << 2 | 1) if has_holes else 1 << 2
        delay = min(self._clock.ticks(milliseconds), 65535)
        hole = GIF_HOLE if has_holes else 0
        self._file.write(b"\x21\xf9\x04" + struct.pack("<BHBB", flags, delay, hole, 0))
        own_colors_of_256 = 0x87
        descriptor = struct.pack("<HHHHB", 0, 0, width, height, own_colors_of_256)
        self._file.write(b"\x2c" + descriptor + colors + data)

    def finish(self) -> None:
        """Writes the last byte."""
        self._file.write(b"\x3b")


class WebPWriter(AnimationWriter):
    """Writes WebP: all colors, transparency, a color profile, times in 1/1000 s."""

    longest = 16383

    def _begin(self, picture: Picture) -> None:
        height, width, _ = picture.pixels.shape
        self._flags = 0x02  # an animation
        profile = _fitting_profile(picture)
        if profile is not None:
            self._flags |= 0x20
        self._size = _three_bytes(width - 1) + _three_bytes(height - 1)
        self._file.write(b"RIFF" + bytes(4) + b"WEBP")  # the length comes at the end
        self._file.write(_webp_chunk(b"VP8X", bytes(4) + self._size))  # and so do the flags
        if profile is not None:
            self._file.write(_webp_chunk(b"ICCP", profile))
        background = bytes(4)
        plays = struct.pack("<H", min(self._plays, 65535))
        self._file.write(_webp_chunk(b"ANIM", background + plays))
        self._clock = _Clock(1)

    def _add(self, picture: Picture, milliseconds: float) -> None:
        if picture.alpha is not None:
            self._flags |= 0x10
        image = _pillow_image(picture)
        encoded = io.BytesIO()
        image.save(encoded, "WEBP", quality=self._quality, exact=True)
        parts = [
            _webp_chunk(name, content)
            for name, content in _webp_chunks(encoded.getvalue())
            if name in (b"ALPH", b"VP8 ", b"VP8L")
        ]
        duration = _three_bytes(min(self._clock.ticks(milliseconds), 2**24 - 1))
        upper_left = bytes(6)
        replaces_all = b"\x02"  # instead of being laid over the frame before
        header = upper_left + self._size + duration + replaces_all
        self._file.write(_webp_chunk(b"ANMF", header + b"".join(parts)))

    def finish(self) -> None:
        """Writes into the header what was not known before."""
        length = self._file.tell()
        self._file.seek(4)
        self._file.write(struct.pack("<I", length - 8))
        self._file.seek(20)  # the content of the first chunk, behind names and lengths
        self._file.write(bytes([self._flags]))
        self._file.seek(length)


class ApngWriter(AnimationWriter):
    """Writes PNG: all colors, lossless, transparency, a color profile, times as fractions."""

    longest = 2**31 - 1

    def _begin(self, picture: Picture) -> None:
        self._sequence = 0  # of the chunks that only an animation has
        self._file.write(b"\x89PNG\r\n\x1a\n")

    def _add(self, picture: Picture, milliseconds: float) -> None:
        height, width, _ = picture.pixels.shape
        encoded = io.BytesIO()
        image = _pillow_image(picture)
        profile = _fitting_profile(picture) if self._count == 0 else None
        image.save(encoded, "PNG", icc_profile=profile)
        chunks = list(_png_chunks(encoded.getvalue()))
        if self._count == 0:
            for name, content in chunks[: _index_of(chunks, b"IDAT")]:
                self._file.write(_png_chunk(name, content))
                if name == b"IHDR":
                    self._control = self._file.tell()
                    self._file.write(self._control_chunk())  # the count comes at the end
        upper_left = bytes(8)
        seconds = fractions.Fraction(milliseconds / 1000)
        delay = min(seconds, fractions.Fraction(65535)).limit_denominator(1000)
        while delay.numerator > 65535:
            delay = delay.limit_denominator(delay.denominator // 2)
        frame = struct.pack(">II", width, height) + upper_left
        frame += struct.pack(">HH", delay.numerator, delay.denominator)
        stays_and_replaces = bytes(2)
        self._write_numbered(b"fcTL", frame + stays_and_replaces)
        for name, content in chunks:
            if name == b"IDAT" and self._count == 0:
                self._file.write(_png_chunk(b"IDAT", content))
            elif name == b"IDAT":
                self._write_numbered(b"fdAT", content)

    def finish(self) -> None:
        """Writes the last chunk, and into the first ones how many frames there are."""
        self._file.write(_png_chunk(b"IEND", b""))
        length = self._file.tell()
        self._file.seek(self._control)
        self._file.write(self._control_chunk())
        self._file.seek(length)

    def _control_chunk(self) -> bytes:
        return _png_chunk(b"acTL", struct.pack(">II", self._count, self._plays))

    def _write_numbered(self, name: bytes, content: bytes) -> None:
        number = struct.pack(">I", self._sequence)
        self._sequence += 1
        self._file.write(_png_chunk(name, number + content))


WRITERS: dict[str, type[AnimationWriter]] = {
    ".gif": GifWriter,
    ".webp": WebPWriter,
    ".apng": ApngWriter,
}


def animation_writer(
    path: pathlib.Path, file: BinaryIO, *, plays: int, quality: int = QUALITY
) -> AnimationWriter:
    """Returns the writer that the ending of a path asks for, one of WRITERS."""
    return WRITERS[path.suffix.lower()](file, plays=plays, quality=quality)


class _Clock:
    """Rounds durations so that their sum stays right."""

    def __init__(self, unit: float):
        self._unit = unit  # in milliseconds
        self._asked = 0.0
        self._given = 0

    def ticks(self, milliseconds: float) -> int:
        """Returns the next duration in units."""
        self._asked += milliseconds
        ticks = max(round(self._asked / self._unit) - self._given, 0)
        if ticks * self._unit <= SHORTEST_SHOWN < milliseconds:
            ticks = int(SHORTEST_SHOWN // self._unit) + 1  # or it would be shown for much longer
        self._given += ticks
        return ticks


@contextlib.contextmanager
def _reasons(path: str | os.PathLike) -> Iterator[None]:
    try:
        yield
    except PictureError:
        raise
    except FileNotFoundError:
        raise PictureError(f"{path} does not exist.") from None
    except Image.DecompressionBombError as error:
        raise PictureError(f"{path} is too large: {error}") from None
    except Exception as error:  # decoders raise nearly anything at damaged files
        raise PictureError(f"{path} is damaged or no picture ({error}).") from error


def _plays(image: Image.Image) -> int:
    """How often an animation is shown."""
    if image.format != "GIF":
        return int(image.info.get("loop", FOREVER))
    if "loop" not in image.info:
        return 1
    repeats = int(image.info["loop"])
    return FOREVER if repeats == 0 else repeats + 1


def _fitting_profile(picture: Picture) -> bytes | None:
    """The color profile, unless it is one of other colors than the pixels have."""
    profile = picture.icc_profile
    expected = b"GRAY" if picture.is_gray else b"RGB "
    return profile if profile is not None and profile[16:20] == expected else None


def _pillow_image(picture: Picture) -> Image.Image:
    """Gray or RGB, with or without transparency."""
    values = picture.pixels[..., 0] if picture.is_gray else picture.pixels
    image = Image.fromarray(np.ascontiguousarray(values))
    if picture.alpha is not None:
        image.putalpha(Image.fromarray(np.ascontiguousarray(picture.alpha)))
    return image


def _gif_colors_and_data(picture: Picture) -> tuple[bytes, bytes]:
    """The table of 256 colors and the compressed indices of a frame."""
    height, width, _ = picture.pixels.shape
    pixels = np.ascontiguousarray(np.broadcast_to(picture.pixels, (height, width, 3)))
    image = Image.fromarray(pixels)
    most = 256 if picture.alpha is None else GIF_HOLE
    palette = image.quantize(most, method=Image.Quantize.MEDIANCUT)
    indexed = image.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)
    colors = bytes(indexed.getpalette())[: 3 * most].ljust(3 * 256, b"\0")
    indices = np.array(indexed)
    if picture.alpha is not None:
        indices[picture.alpha < 128] = GIF_HOLE
    # A gray picture is indices as they are: Pillow compresses them without touching them.
    encoded = io.BytesIO()
    Image.fromarray(indices).save(encoded, "GIF", optimize=False, interlace=0)
    return colors, _gif_data(encoded.getvalue())


def _gif_data(data: bytes) -> bytes:
    """The compressed indices in a GIF of one frame."""
    position = 13  # the header
    if data[10] & 0x80:
        position += 3 << ((data[10] & 7) + 1)  # the table of colors
    while data[position] == 0x21:  # extensions: name, blocks that begin with their length, 0
        position += 2
        while data[position]:
            position += data[position] + 1
        position += 1
    position += 10  # the descriptor of the image
    return data[position:-1]


def _webp_chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


def _webp_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    position = 12  # the header
    while position < len(data):
        name = data[position : position + 4]
        (length,) = struct.unpack_from("<I", data, position + 4)
        yield name, data[position + 8 : position + 8 + length]
        position += 8 + length + length % 2


def _three_bytes(number: int) -> bytes:
    return number.to_bytes(3, "little")


def _png_chunk(name: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", checksum)


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    position = 8  # the signature
    while position < len(data):
        (length,) = struct.unpack_from(">I", data, position)
        yield data[position + 4 : position + 8], data[position + 8 : position + 8 + length]
        position += 12 + length


def _index_of(chunks: list[tuple[bytes, bytes]], name: bytes) -> int:
    return [chunk for chunk, _ in chunks].index(name)
