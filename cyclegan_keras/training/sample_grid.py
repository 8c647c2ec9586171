"""Sample grids: what people look at to judge a training run."""

import io
import math
from collections.abc import Mapping

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from cyclegan_keras.images.form import Form
from cyclegan_keras.images.window import Window

HEADER = 16  # px
SMALLEST = 128  # px; smaller pictures are shown enlarged by a whole factor


def sample_grid(
    trainer, pictures: dict[str, np.ndarray], forms: Mapping[str, Form] | None = None
) -> np.ndarray:
    """Translates fixed pictures and lays them out, one row for each pair.

    Pictures of any channels and depth are shown, each domain in a `Window` of its numbers.

    Args:
        trainer: has `translators`, `needs_pairs` and `translate(images, direction)`.
        pictures: `{"x", "y"}`, each (rows, height, width, channels) in [-1, 1].
        forms: `{"x", "y"}`. Columns of a domain whose numbers are no ordinary levels from 0 to 255
            say which of them are black and white, such as "x  -1000..400".

    Returns:
        uint8 (HEADER + rows * scale * height, columns * scale * width, 3) with the smallest whole
        scale that makes pictures at least SMALLEST wide; columns are x, G(x), F(G(x)), y, F(y),
        G(F(y)), or x, G(x) for a one-way method, with y behind them where it is the truth.
    """
    x, y = pictures["x"], pictures["y"]
    columns = {"x": x, "G(x)": trainer.translate(x, "x_to_y")}
    if "y_to_x" in trainer.translators:
        columns["F(G(x))"] = trainer.translate(columns["G(x)"], "y_to_x")
        columns["y"] = y
        columns["F(y)"] = trainer.translate(y, "y_to_x")
        columns["G(F(y))"] = trainer.translate(columns["F(y)"], "x_to_y")
    elif trainer.needs_pairs:
        columns["y"] = y
    windows = _windows(pictures, forms or {})
    return grid_of(columns, {title: windows[_side(title)] for title in columns})


def grid_of(
    columns: Mapping[str, np.ndarray], windows: Mapping[str, Window] | None = None
) -> np.ndarray:
    """Lays out pictures in columns of a title each, with a row for each picture.

    Args:
        columns: title -> (rows, height, width, channels), floats in [-1, 1] or uint8 levels; all
            have as many rows and are as high and as wide.
        windows: title -> the window in which the pictures of that column are shown; the title is
            followed by what is black and white in it. Columns without one show ordinary levels.

    Returns:
        uint8 (HEADER + rows * scale * height, columns * scale * width, 3) with the smallest whole
        scale that makes pictures at least SMALLEST wide.

    Example:
        >>> column = np.zeros((2, 64, 128, 3), "float32")
        >>> grid_of({"x": column, "teacher": column, "student": column}).shape
        (144, 384, 3)
    """
    windows = windows or {}
    views = []
    titles = []
    for title, column in columns.items():
        window = windows.get(title, Window())
        pixels = np.asarray(column)
        if pixels.dtype != np.uint8:
            pixels = pixels.astype("float32")
        views.append(window.view(pixels))
        titles.append(f"{title}  {window.words}".rstrip())
    width = views[0].shape[2]
    scale = math.ceil(SMALLEST / width)
    table = np.concatenate(views, axis=2)
    table = np.concatenate(table)  # (rows * height, columns * width, 3)
    table = table.repeat(scale, axis=0).repeat(scale, axis=1)
    return np.concatenate([_header(titles, width * scale), table])


def to_png(picture: np.ndarray) -> bytes:
    """Encodes uint8 (height, width, 3) as PNG."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="PNG")
    return buffer.getvalue()


def _windows(pictures: dict[str, np.ndarray], forms: Mapping[str, Form]) -> dict[str, Window]:
    """Returns in which window each side is shown."""
    return {
        side: Window.of(list(images), forms[side]) if side in forms else Window()
        for side, images in pictures.items()
    }


def _side(title: str) -> str:
    """Returns the side to which the pictures of a column belong."""
    return "y" if title == "y" or title.startswith("G") else "x"


def _header(titles: list[str], width: int) -> np.ndarray:
    strip = Image.new("RGB", (width * len(titles), HEADER), "white")
    pen, font = ImageDraw.Draw(strip), ImageFont.load_default(size=11)
    for column, title in enumerate(titles):
        middle = ((column + 0.5) * width, HEADER / 2)
        pen.text(middle, title, fill="black", font=font, anchor="mm")
    return np.asarray(strip)
