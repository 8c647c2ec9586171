"""Sample grids: what people look at to judge a training run."""

import io

import numpy as np
from PIL import Image, ImageDraw, ImageFont

HEADER = 16  # px
SMALLEST = 128  # px; smaller pictures are shown enlarged by a whole factor
COLUMNS = ("x", "G(x)", "F(G(x))", "y", "F(y)", "G(F(y))")


def sample_grid(trainer, pictures: dict[str, np.ndarray]) -> np.ndarray:
    """Translates fixed pictures and lays them out, one row a pair.

    Args:
        trainer: has `translators`, `needs_pairs` and `translate(images, direction)`.
        pictures: `{"x", "y"}`, each (rows, height, width, channels) in [-1, 1].

    Returns:
        uint8 (HEADER + rows * scale * height, columns * scale * width, 3) with the smallest whole
        scale that makes pictures at least SMALLEST wide; columns are x, G(x), F(G(x)), y, F(y),
        G(F(y)), or x, G(x) for a one-way method, with y behind them where it is the truth.
    """
    columns = []
    for direction in trainer.translators:
        back = "y_to_x" if direction == "x_to_y" else "x_to_y"
        real = pictures[direction[0]]
        fake = trainer.translate(real, direction)
        columns += [real, fake]
        if back in trainer.translators:
            columns.append(trainer.translate(fake, back))
    titles = COLUMNS
    if trainer.needs_pairs:
        titles, columns = ("x", "G(x)", "y"), [*columns, pictures["y"]]
    columns = [_to_uint8(np.asarray(column)) for column in columns]
    rows = [np.concatenate(row, axis=1) for row in zip(*columns, strict=True)]
    scale = -(-SMALLEST // columns[0].shape[2])
    table = np.concatenate(rows).repeat(scale, axis=0).repeat(scale, axis=1)
    header = _header(titles[: len(columns)], table.shape[1] // len(columns))
    return np.concatenate([header, table])


def to_png(picture: np.ndarray) -> bytes:
    """Encodes uint8 (height, width, 3) as PNG."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="PNG")
    return buffer.getvalue()


def _to_uint8(images: np.ndarray) -> np.ndarray:
    values = np.clip(np.round((images.astype("float32") + 1) * 127.5), 0, 255).astype("uint8")
    return np.repeat(values, 3, axis=-1) if values.shape[-1] == 1 else values[..., :3]


def _header(titles: tuple[str, ...], width: int) -> np.ndarray:
    strip = Image.new("RGB", (width * len(titles), HEADER), "white")
    pen, font = ImageDraw.Draw(strip), ImageFont.load_default(size=11)
    for column, title in enumerate(titles):
        pen.text(((column + 0.5) * width, HEADER / 2), title, fill="black", font=font, anchor="mm")
    return np.asarray(strip)
