"""How large a picture may be, so that no file can exhaust the memory."""

import contextlib
import threading
from collections.abc import Iterator

from PIL import Image

from cyclegan_keras.files.errors import PictureError

MOST_PIXELS = 300_000_000
# The most pixels that a byte of a file can hold. A file that claims more is damaged, or a small
# one made to fill the memory.
JPEG_PIXELS_PER_BYTE = 512  # a Huffman code of one bit for a block of 8x8
PIXELS_PER_BYTE = 4096  # of all other formats
DEFLATE_RATIO = 1032  # the most that zlib compresses, so PNG too
HARMLESS_PIXELS = 2**22  # so few fit into memory whatever the file holds


def refuse_bomb(
    width: int,
    height: int,
    *,
    file_size: int,
    pixels_per_byte: float,
    most_pixels: int,
    channels: int = 1,
) -> None:
    """Refuses a picture that is too large, or whose file is too small for what it claims.

    Args:
        width: as the header claims.
        height: as the header claims.
        file_size: in bytes.
        pixels_per_byte: the most that the format can hold.
        most_pixels: more are refused.
        channels: each four beyond the first weigh as much as another picture.

    Raises:
        PictureError: it is refused; the message is the reason alone.
    """
    pixels = width * height
    weight = max(1.0, channels / 4)
    refuse_large(width, height, most_pixels)
    if pixels * weight > HARMLESS_PIXELS and file_size < pixels * weight / pixels_per_byte:
        of_channels = f" of {channels} channels" if weight > 1 else ""
        raise PictureError(
            f"claims {width}x{height} = {pixels:,} pixels{of_channels}, but holds only "
            f"{file_size:,} bytes: it is damaged, or made to exhaust memory"
        )


def refuse_large(width: int, height: int, most_pixels: int | None) -> None:
    """Refuses a picture of more pixels than `most_pixels`, if that is not None.

    Raises:
        PictureError: it is refused; the message is the reason alone.
    """
    pixels = width * height
    if most_pixels is not None and pixels > most_pixels:
        raise PictureError(
            f"claims {width}x{height} = {pixels:,} pixels, more than "
            f"--max_image_pixels={most_pixels}"
        )


def pixels_per_byte(image: Image.Image) -> float:
    """Returns the most pixels that a byte can hold of a file that Pillow has opened."""
    if image.format == "PNG" and image.mode in ("RGB", "RGBA"):
        return DEFLATE_RATIO / len(image.getbands())
    if image.format in ("JPEG", "MPO"):
        return JPEG_PIXELS_PER_BYTE
    return PIXELS_PER_BYTE


class PillowLimit:
    """Pillow's own limit of pixels, one for all threads, raised while any of ours reads.

    It stays a second guard, against what a file holds beside its header.
    """

    def __init__(self):
        self._lock = threading.Lock()
        self._limits: list[int] = []  # of all that read at the moment
        self._own: int | None = None  # Pillow's, while any of ours reads

    @contextlib.contextmanager
    def raised_to(self, most_pixels: int) -> Iterator[None]:
        """Lets pictures of so many pixels pass while the block lasts."""
        with self._lock:
            if not self._limits:
                self._own = Image.MAX_IMAGE_PIXELS
            self._limits.append(most_pixels)
            Image.MAX_IMAGE_PIXELS = max(self._limits)
        try:
            yield
        finally:
            with self._lock:
                self._limits.remove(most_pixels)
                Image.MAX_IMAGE_PIXELS = max(self._limits) if self._limits else self._own


PILLOW_LIMIT = PillowLimit()
