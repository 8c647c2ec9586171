"""Pictures before and after, for the model card."""

import pathlib
from collections.abc import Sequence

import keras
import numpy as np
from PIL import Image

from cyclegan_keras.export.receipt import translate_any_size
from cyclegan_keras.images.pixels import to_float
from cyclegan_keras.images.window import Window

HEIGHT = 192  # px, of every row
GAP = 8  # px
MOST = 4  # rows


def write_sheet(
    generator: keras.Model, pictures: Sequence[np.ndarray], folder: pathlib.Path, role: str
) -> str:
    """Writes a PNG file with a row for each picture: the picture, and its translation.

    Args:
        generator: translates them.
        pictures: (height, width, channels) in its source form: uint8, or float32 in [-1, 1].
        folder: to write to.
        role: of the generator, in the name of the file.

    Returns:
        The name of the file.
    """
    before = [to_float(picture) for picture in pictures[:MOST]]
    after = [translate_any_size(generator, picture) for picture in before]
    description = generator.description
    rows = []
    for images, form in ((before, description.source_form), (after, description.target_form)):
        window = Window.of(images, form)
        rows.append([_scaled(window.view(image)) for image in images])
    columns = [max(image.width for image in images) for images in rows]
    size = (sum(columns) + GAP, len(before) * (HEIGHT + GAP) - GAP)
    sheet = Image.new("RGB", size, "white")
    for row, (first, second) in enumerate(zip(*rows, strict=True)):
        top = row * (HEIGHT + GAP)
        sheet.paste(first, (0, top))
        sheet.paste(second, (columns[0] + GAP, top))
    name = f"samples_{role}.png"
    sheet.save(folder / name, optimize=True)
    return name


def _scaled(pixels: np.ndarray) -> Image.Image:
    """Returns uint8 (height, width, 3) as a picture HEIGHT pixels high."""
    image = Image.fromarray(pixels)
    width = max(round(image.width * HEIGHT / image.height), 1)
    return image.resize((width, HEIGHT), Image.Resampling.LANCZOS)
