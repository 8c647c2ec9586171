"""Pictures inside a page, as data: addresses."""

import base64
import io

import numpy as np
from PIL import Image

# Photographs of 256 px take about 25 kB at 36.8 dB. WebP takes as much, but always halves the
# resolution of colors. Pictures that are small as PNG stay exact.
JPEG_QUALITY = 88
MOST_PNG_BYTES = 20_000
MOST_PIXELS = 512  # of the longer side


def to_data_uri(picture: np.ndarray, most_pixels: int = MOST_PIXELS) -> str:
    """Returns a picture as a data: address, exact where that is small and as JPEG otherwise.

    Args:
        picture: uint8 (height, width, 3).
        most_pixels: of its longer side; what is larger is made smaller.
    """
    image = Image.fromarray(picture)
    image.thumbnail((most_pixels, most_pixels), Image.Resampling.LANCZOS)
    kind, file = "png", io.BytesIO()
    image.save(file, "PNG")
    if len(file.getvalue()) > MOST_PNG_BYTES:
        kind, file = "jpeg", io.BytesIO()
        image.save(file, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return f"data:image/{kind};base64,{base64.b64encode(file.getvalue()).decode('ascii')}"
