"""Reads JPEG 2000 files of more than 8 bits, of negative numbers or of many bands."""

import dataclasses
import struct

import numpy as np

from cyclegan_keras.images.header import Header
from cyclegan_keras.images.limits import PIXELS_PER_BYTE, refuse_bomb
from cyclegan_keras.images.numbers import checked_numbers, scaled_levels
from cyclegan_keras.images.picture import Picture

SIZE_MARKER = b"\xff\x4f\xff\x51"  # the beginning of the code stream, and the marker of the sizes
HEADER_LIMIT = 2**20  # bytes before it, such as a color profile


@dataclasses.dataclass(frozen=True, kw_only=True)
class Jpeg2000Header:
    """What the code stream says.

    Attributes:
        header: size, channels and type of what comes out.
        samples: numbers of a pixel in the file, with transparency.
        bits: of each.
    """

    header: Header
    samples: int
    bits: int


def parse_jpeg2000_header(start: bytes) -> Jpeg2000Header | None:
    """Returns the header; None where Pillow reads the file as well.

    Args:
        start: the first `HEADER_LIMIT` bytes, or all.
    """
    position = start.find(SIZE_MARKER)
    if position < 0 or position + 42 > len(start):
        return None
    width, height, left, top = struct.unpack_from(">4I", start, position + 8)
    (samples,) = struct.unpack_from(">H", start, position + 40)
    components = start[position + 42 : position + 42 + 3 * samples]
    if len(components) < 3 * samples or len(set(components[::3])) != 1:
        return None
    if set(components[1::3]) != {1} or set(components[2::3]) != {1}:
        return None  # colors of lower resolution
    is_signed = bool(components[0] & 0x80)
    bits = (components[0] & 0x7F) + 1
    if bits <= 8 and not is_signed and samples <= 4:
        return None
    if is_signed or bits > 16:
        dtype = "int16" if bits <= 16 else "int32"
    else:
        dtype = "uint8" if bits <= 8 else "uint16"
    has_alpha = samples in (2, 4) and dtype in ("uint8", "uint16")
    return Jpeg2000Header(
        header=Header(
            width=width - left,
            height=height - top,
            channels=samples - 1 if has_alpha else samples,
            dtype=dtype,
        ),
        samples=samples,
        bits=bits,
    )


def read_jpeg2000(data: bytes, jpeg2000: Jpeg2000Header, *, most_pixels: int | None) -> Picture:
    """Reads a file whose header is known; levels are scaled so that white is 255 or 65535.

    Args:
        data: the whole file.
        jpeg2000: its header.
        most_pixels: more are refused.

    Raises:
        PictureError: it is refused; the message is the reason alone.
        Exception: it is damaged.
    """
    import imagecodecs  # takes half a second, and few files need it

    header = jpeg2000.header
    if most_pixels is not None:
        refuse_bomb(
            header.width,
            header.height,
            file_size=len(data),
            pixels_per_byte=PIXELS_PER_BYTE,
            most_pixels=most_pixels,
            channels=header.channels,
        )
    numbers = imagecodecs.jpeg2k_decode(data)
    numbers = numbers.reshape(header.height, header.width, jpeg2000.samples)
    if header.dtype in ("uint8", "uint16"):
        numbers = scaled_levels(numbers, jpeg2000.bits)
    else:
        numbers = checked_numbers(numbers).astype(header.dtype, copy=False)
    if header.channels < jpeg2000.samples:
        return Picture(
            pixels=np.ascontiguousarray(numbers[..., :-1]),
            alpha=np.ascontiguousarray(numbers[..., -1]),
        )
    return Picture(pixels=numbers)
