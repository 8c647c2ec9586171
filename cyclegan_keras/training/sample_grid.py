"""Sample grids: what people look at to judge a training run."""

import io
import math

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from cyclegan_keras.images.pixels import to_uint8

HEADER = 16  # px
SMALLEST = 128  # px; smaller pictures are shown enlarged by a whole factor


def sample_grid(trainer, pictures: dict[str, np.ndarray]) -> np.ndarray:
    """Translates fixed pictures and lays them out, one row for each pair.

    Args:
        trainer: has `translators`, `needs_pairs` and `translate(images, direction)`.
        pictures: `{"x", "y"}`, each (rows, height, width, channels) in [-1, 1].

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
    width = x.shape[2]
    scale = math.ceil(SMALLEST / width)
    table = np.concatenate([_to_rgb(column) for column in columns.values()], axis=2)
    table = np.concatenate(table)  # (rows * height, columns * width, 3)
    table = table.repeat(scale, axis=0).repeat(scale, axis=1)
    return np.concatenate([_header(list(columns), width * scale), table])


def to_png(picture: np.ndarray) -> bytes:
    """Encodes uint8 (height, width, 3) as PNG."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="PNG")
    return buffer.getvalue()


def _to_rgb(images) -> np.ndarray:
    pixels = to_uint8(np.asarray(images).astype("float32"))
    return np.repeat(pixels, 3, axis=-1) if pixels.shape[-1] == 1 else pixels[..., :3]


def _header(titles: list[str], width: int) -> np.ndarray:
    strip = Image.new("RGB", (width * len(titles), HEADER), "white")
    pen, font = ImageDraw.Draw(strip), ImageFont.load_default(size=11)
    for column, title in enumerate(titles):
        middle = ((column + 0.5) * width, HEADER / 2)
        pen.text(middle, title, fill="black", font=font, anchor="mm")
    return np.asarray(strip)
