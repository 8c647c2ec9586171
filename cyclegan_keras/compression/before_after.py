"""One picture of inputs, the teacher's translations and the student's, side by side."""

import pathlib
from collections.abc import Sequence

import numpy as np

from cyclegan_keras.compression.quality import Translated
from cyclegan_keras.files.atomic import atomic_write
from cyclegan_keras.images.resizing import resize
from cyclegan_keras.images.window import Window
from cyclegan_keras.training.sample_grid import grid_of, to_png

FILE = "before_after.png"
ROWS = 4  # of each direction
SIDE = 256  # px; larger pictures are made smaller
LONGEST_TITLE = 16  # characters


def write_before_after(folder: pathlib.Path, translated: Sequence[Translated]) -> None:
    """Writes `before_after.png` into a folder.

    Args:
        folder: of the run.
        translated: pictures of every direction.

    Raises:
        WriteError: it cannot be written.
    """
    with atomic_write(folder / FILE) as temporary:
        temporary.write_bytes(to_png(before_after(translated)))


def before_after(translated: Sequence[Translated], rows: int = ROWS) -> np.ndarray:
    """Returns a grid: a row for each picture, with the columns input, teacher and student.

    Args:
        translated: pictures of every direction; one direction stands below the other.
        rows: pictures of each direction, spread evenly over those there are.

    Returns:
        uint8 (height, width, 3). Pictures keep their proportions; where they differ in size, white
        fills up what is missing.
    """
    pictures = [picture for each in translated for picture in each.pictures.inputs]
    scales = [min(SIDE / max(picture.shape[:2]), 1) for picture in pictures]
    height = max(
        round(picture.shape[0] * scale) for picture, scale in zip(pictures, scales, strict=True)
    )
    width = max(
        round(picture.shape[1] * scale) for picture, scale in zip(pictures, scales, strict=True)
    )
    grids = []
    for each in translated:
        count = len(each.pictures.inputs)
        chosen = np.linspace(0, count - 1, min(rows, count)).round().astype(int)
        columns = {
            _title(each.source): each.pictures.inputs,
            "teacher": each.teacher,
            "student": each.student,
        }
        of_source = Window.of(each.pictures.inputs, each.pictures.source_form)
        of_target = Window.of(each.teacher, each.pictures.target_form)
        windows = dict(zip(columns, (of_source, of_target, of_target), strict=True))
        framed = {
            title: np.stack([_framed(column[i], height, width) for i in chosen])
            for title, column in columns.items()
        }
        grids.append(grid_of(framed, windows))
    return np.concatenate(grids)


def _title(source: str) -> str:
    """Returns what the column of inputs is called; no other column is called so."""
    title = source[:LONGEST_TITLE]
    return f"input: {title}" if title in ("teacher", "student") else title


def _framed(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """Returns a picture, made smaller where it must be, in the upper left corner of white."""
    scale = min(SIDE / max(picture.shape[:2]), 1)
    own_height = max(round(picture.shape[0] * scale), 1)
    own_width = max(round(picture.shape[1] * scale), 1)
    small = resize(picture, (own_width, own_height))
    white = 255 if picture.dtype == np.uint8 else 1
    frame = np.full((height, width, picture.shape[-1]), white, picture.dtype)
    frame[:own_height, :own_width] = small
    return frame
