"""Reads the headers of ordinary JPEG and PNG files, faster than Pillow does.

Whatever is not ordinary is left to Pillow.
"""

from typing import IO

from cyclegan_keras.images.header import Header
from cyclegan_keras.images.orientation import SIDES_SWAPPED, UPRIGHT, orientation_in_exif

JPEG_SIGNATURE = b"\xff\xd8\xff"
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
START = 4096  # bytes that are read at once; most headers fit

START_OF_FRAME = (0xC0, 0xC1, 0xC2)  # baseline, extended and progressive JPEG
CHANNELS_OF_JPEG = {1: 1, 3: 3, 4: 3}  # gray, YCbCr or RGB, and CMYK
CHANNELS_OF_PNG = {0: 1, 2: 3, 3: 3, 4: 1, 6: 3}  # by color type; alpha does not count
TEXTS_WITH_ORIENTATION = (b"Raw profile type exif\0", b"XML:com.adobe.xmp\0")


def quick_jpeg_header(file: IO[bytes], start: bytes) -> Header | None:
    """Returns the header of a JPEG; None where Pillow is to look.

    Args:
        file: open.
        start: its first bytes, `START` of them where it has as many.
    """
    orientation = None
    has_xmp = False
    data, position = start, 2
    while True:
        if position + 4 > len(data):
            data, more = _longer(file, data, position + 4)
            if not more:
                return None
        if data[position] != 0xFF:
            return None
        marker = data[position + 1]
        length = data[position + 2] << 8 | data[position + 3]
        if length < 2 or marker < 0xC0 or 0xD0 <= marker <= 0xDA:
            return None
        end = position + 2 + length
        if marker in (0xE1, *START_OF_FRAME) and end > len(data):
            data, more = _longer(file, data, end)
            if not more:
                return None
        if marker == 0xE1:
            content = data[position + 4 : end]
            if content.startswith(b"Exif\0\0"):
                if orientation is not None:
                    return None
                orientation = orientation_in_exif(content[6:]) or 0
            elif b"Orientation" in content:
                has_xmp = True
        elif marker in START_OF_FRAME:
            bits, height, width, components = (
                data[position + 4],
                data[position + 5] << 8 | data[position + 6],
                data[position + 7] << 8 | data[position + 8],
                data[position + 9],
            )
            if bits != 8 or not height or not width or components not in CHANNELS_OF_JPEG:
                return None
            if not orientation and has_xmp:
                return None
            if orientation in SIDES_SWAPPED:
                width, height = height, width
            return Header(width=width, height=height, channels=CHANNELS_OF_JPEG[components])
        position = end


def quick_png_header(file: IO[bytes], start: bytes) -> Header | None:
    """Returns the header of a PNG; None where Pillow is to look.

    An EXIF chunk may stand behind the pixels, so all chunks are looked at, and none but those is
    read.

    Args:
        file: open.
        start: its first bytes, `START` of them where it has as many.
    """
    if len(start) < 33 or start[12:16] != b"IHDR":
        return None
    width = int.from_bytes(start[16:20], "big")
    height = int.from_bytes(start[20:24], "big")
    bits, color_type = start[24], start[25]
    if color_type not in CHANNELS_OF_PNG or not width or not height:
        return None
    orientation = UPRIGHT
    position = 33
    while True:
        chunk = start[position : position + 8]
        if len(chunk) < 8:
            file.seek(position)
            chunk = file.read(8)
            if len(chunk) < 8:
                break  # a picture that is cut off; reading it will say so
        length, name = int.from_bytes(chunk[:4], "big"), chunk[4:]
        if name == b"IEND":
            break
        if name == b"eXIf":
            file.seek(position + 8)
            orientation = orientation_in_exif(file.read(length)) or UPRIGHT
        elif name in (b"tEXt", b"zTXt", b"iTXt"):
            file.seek(position + 8)
            if file.read(32).startswith(TEXTS_WITH_ORIENTATION):
                return None
        position += 12 + length
    if orientation in SIDES_SWAPPED:
        width, height = height, width
    dtype = "uint16" if bits == 16 else "uint8"
    return Header(width=width, height=height, channels=CHANNELS_OF_PNG[color_type], dtype=dtype)


def _longer(file: IO[bytes], data: bytes, needed: int) -> tuple[bytes, bool]:
    """Returns more bytes of the file, and whether there are as many as needed."""
    file.seek(len(data))
    data += file.read(max(needed - len(data), START))
    return data, len(data) >= needed
