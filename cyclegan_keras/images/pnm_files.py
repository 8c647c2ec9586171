"""Reads what Pillow cannot of the Netpbm family: 16 bits of color, PAM, and colored floats."""

import dataclasses
import os
import re
from typing import IO

import numpy as np

from cyclegan_keras.files.errors import PictureError
from cyclegan_keras.images.header import Header
from cyclegan_keras.images.limits import refuse_large
from cyclegan_keras.images.numbers import checked_numbers
from cyclegan_keras.images.picture import Picture

SPACE = rb"(?:[ \t\r\n]|#[^\n]*\n)+"
LEVELS_HEADER = re.compile(
    rb"P([2356])" + SPACE + rb"(\d+)" + SPACE + rb"(\d+)" + SPACE + rb"(\d+)(?:#[^\n]*\n)*[ \t\r\n]"
)
FLOATS_HEADER = re.compile(rb"P([Ff])\s+(\d+)\s+(\d+)\s+(-?[\d.eE+-]+)[ \t\r]*\n")
PAM_HEADER = re.compile(rb"P7\s.*?\nENDHDR\n", re.DOTALL)
MOST_LEVELS = 65535


@dataclasses.dataclass(frozen=True, kw_only=True)
class PnmHeader:
    """What stands before the pixels.

    Attributes:
        header: size, channels and type of what comes out.
        samples: numbers of a pixel in the file, with transparency.
        white: the level of white in the file; None of floats.
        stored: type of the numbers in the file; None of numbers as text.
        is_upside_down: whether the lowest row comes first.
        offset: where the pixels begin, in bytes.
    """

    header: Header
    samples: int
    white: int | None
    stored: str | None
    is_upside_down: bool
    offset: int


def parse_pnm_header(start: bytes) -> PnmHeader | None:
    """Returns the header of a file of this family; None where Pillow reads it as well.

    Args:
        start: the first bytes.

    Raises:
        PictureError: it is damaged; the message is the reason alone.
    """
    floats = FLOATS_HEADER.match(start)
    if floats:
        return PnmHeader(
            header=Header(
                width=int(floats[2]),
                height=int(floats[3]),
                channels=3 if floats[1] == b"F" else 1,
                dtype="float32",
            ),
            samples=3 if floats[1] == b"F" else 1,
            white=None,
            stored="<f4" if floats[4].startswith(b"-") else ">f4",
            is_upside_down=True,
            offset=floats.end(),
        )
    levels = LEVELS_HEADER.match(start)
    if levels:
        number, width, height, white = (int(levels[group]) for group in (1, 2, 3, 4))
        if not 255 < white <= MOST_LEVELS:
            return None
        channels = 3 if number in (3, 6) else 1
        return PnmHeader(
            header=Header(width=width, height=height, channels=channels, dtype="uint16"),
            samples=channels,
            white=white,
            stored=">u2" if number in (5, 6) else None,
            is_upside_down=False,
            offset=levels.end(),
        )
    pam = PAM_HEADER.match(start)
    return _pam_header(pam) if pam else None


def _pam_header(pam: re.Match) -> PnmHeader:
    fields = {}
    for line in pam[0].splitlines()[1:-1]:
        name, _, value = line.partition(b" ")
        fields[name] = value.strip()
    samples, white = int(fields[b"DEPTH"]), int(fields[b"MAXVAL"])
    if not 0 < white <= MOST_LEVELS:
        raise PictureError(f"is damaged (its white is {white}, expected 1 to {MOST_LEVELS})")
    has_alpha = fields.get(b"TUPLTYPE", b"").endswith(b"_ALPHA") and samples in (2, 4)
    return PnmHeader(
        header=Header(
            width=int(fields[b"WIDTH"]),
            height=int(fields[b"HEIGHT"]),
            channels=samples - 1 if has_alpha else samples,
            dtype="uint8" if white < 256 else "uint16",
        ),
        samples=samples,
        white=white,
        stored="u1" if white < 256 else ">u2",
        is_upside_down=False,
        offset=pam.end(),
    )


def read_pnm(file: IO[bytes], pnm: PnmHeader, *, most_pixels: int | None) -> Picture:
    """Reads a file whose header is known; levels are scaled so that white is 255 or 65535.

    Args:
        file: open.
        pnm: its header.
        most_pixels: more are refused.

    Raises:
        PictureError: it is refused or damaged; the message is the reason alone.
    """
    header = pnm.header
    refuse_large(header.width, header.height, most_pixels)
    shape = (header.height, header.width, pnm.samples)
    count = header.height * header.width * pnm.samples
    file.seek(0, os.SEEK_END)
    size = file.tell() - pnm.offset
    file.seek(pnm.offset)
    if pnm.stored is None:
        numbers = np.array(file.read().split()[:count], dtype=np.int64)
    else:
        bytes_needed = count * np.dtype(pnm.stored).itemsize
        if size < bytes_needed:
            raise PictureError(
                f"is damaged: of {bytes_needed:,} bytes of pixels it has {max(size, 0):,}"
            )
        numbers = np.frombuffer(file.read(bytes_needed), pnm.stored)
    numbers = numbers.reshape(shape)
    if pnm.white is None:
        floats = checked_numbers(numbers.astype(np.float32))
        return Picture(pixels=np.ascontiguousarray(floats[::-1] if pnm.is_upside_down else floats))
    white = np.iinfo(header.dtype).max
    if pnm.white == white:
        levels = numbers.astype(header.dtype)
    else:
        scaled = (numbers.astype(np.int64) * white + pnm.white // 2) // pnm.white
        levels = np.clip(scaled, 0, white).astype(header.dtype)
    if header.channels < pnm.samples:
        return Picture(pixels=levels[..., :-1], alpha=levels[..., -1])
    return Picture(pixels=levels)
