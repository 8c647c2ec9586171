"""Pictures that travel inside a page."""

import base64
import io

import numpy as np
from PIL import Image

# Photographs of 256 px take about 25 kB at 36.8 dB, as in WebP, which halves the resolution of
# colours where JPEG need not. What is small as PNG stays exact.
JPEG_QUALITY = 88
MOST_PNG_BYTES = 20_000
MOST_PIXELS = 512  # of the longer side


def to_data_uri(picture: np.ndarray) -> str:
    """Returns a picture as a data: address, exact where that is small and as JPEG elsewhere.

    Args:
        picture: uint8 (height, width, 3); what is larger than 512 px is made smaller.
    """
    image = Image.fromarray(picture)
    image.thumbnail((MOST_PIXELS, MOST_PIXELS), Image.Resampling.LANCZOS)
    kind, data = "png", _encoded(image, "PNG")
    if len(data) > MOST_PNG_BYTES:
        kind = "jpeg"
        data = _encoded(image, "JPEG", quality=JPEG_QUALITY, subsampling=0, optimize=True)
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"


def _encoded(image: Image.Image, name: str, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, name, **options)
    return file.getvalue()
