"""What a visitor can draw for a model: label maps in the colors of its training set, or lines.

A model that learned from label maps knows a handful of colors, and one that learned from edges
knows two tones. Both are found in training pictures, of which nothing else gets into the page.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from absl import logging

from cyclegan_keras.export.options import ExportOptions
from cyclegan_keras.files.direction import Direction
from cyclegan_keras.files.errors import ExportError

PAIRED_METHODS = ("pix2pix",)

MOST_COLORS = 24
# Levels of 255 by which channels may differ.
FLAT = 12  # within 3x3 pixels of one label, which JPEG makes uneven
NEAR = 20  # between colors of one label
TIGHT = 6  # between most pixels of a label and its color; photos have gradients instead
TWO_TONE = 32  # between a pixel and the nearest mixture of paper and ink
LEAST_CONTRAST = 96  # between paper and ink
# Shares of pixels.
LEAST_FLAT = 0.15  # in flat neighborhoods, of all pixels of label maps
LEAST_NEAR = 0.95  # within NEAR of a color of the palette, of those in flat neighborhoods
LEAST_TIGHT = 0.8  # within TIGHT of one, of the same
LEAST_LABEL = 0.0005  # of one label, of those in flat neighborhoods
LEAST_PAPER = 0.6
LEAST_TWO_TONE = 0.97
MOST_SOLID = 0.2  # of ink whose 5x5 neighbors are all ink: lines are thinner


@dataclasses.dataclass(frozen=True, kw_only=True)
class LabelMaps:
    """A palette: each pixel of a drawing is exactly one of `colors`.

    Attributes:
        colors: red, green and blue from 0 to 255, the most frequent first.
    """

    colors: tuple[tuple[int, int, int], ...]

    def to_dict(self) -> dict[str, Any]:
        """Returns what the page is told."""
        colors = [_hex(color) for color in self.colors]
        return {"kind": "labels", "background": colors[0], "colors": colors}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Lines:
    """Lines of one tone on paper of another, red, green and blue from 0 to 255."""

    paper: tuple[int, int, int] = (255, 255, 255)
    ink: tuple[int, int, int] = (0, 0, 0)

    def to_dict(self) -> dict[str, Any]:
        """Returns what the page is told."""
        return {"kind": "lines", "paper": _hex(self.paper), "ink": _hex(self.ink)}


def find_drawings(
    options: ExportOptions,
    *,
    source: Mapping[str, Any],
    calibration: Mapping[Direction, Sequence[np.ndarray]],
) -> dict[Direction, dict[str, Any] | None]:
    """Returns what can be drawn for each direction of an export, None for nothing.

    Under `--web_drawing=auto` it is decided by the method and the training pictures. Under `lines`
    and `labels` the directions whose pictures are such get it or, where there are none, all.

    Args:
        options: of the export.
        source: what is exported, as the receipt tells it.
        calibration: pictures of each direction, uint8 or float32 (height, width, channels): those
            that the model learned from, as far as they are known.

    Raises:
        ExportError: label maps are asked for, and there are no pictures of what the model learned
            from, or they have no colors in common.
    """
    choice = options.web_drawing
    if choice == "off":
        return dict.fromkeys(calibration)
    if choice == "auto" and source.get("options", {}).get("method") not in PAIRED_METHODS:
        return dict.fromkeys(calibration)

    is_own = "run" in source or bool(options.calibration_dir or options.pictures)
    if choice == "labels" and not is_own:
        raise ExportError(
            "--web_drawing=labels needs the colors of the label maps that the model learned from, "
            "and a model without its run has no pictures: name a folder of them by --pictures."
        )
    found: dict[Direction, LabelMaps | Lines | None] = {}
    for direction, pictures in calibration.items():
        found[direction] = find_drawing(pictures) if is_own else None
    if choice == "labels":
        found = _only(LabelMaps, found)
        if not any(found.values()):
            logging.warning(
                "--web_drawing=labels: the training pictures are no label maps, so the palette has "
                "the most frequent colors of their flat parts."
            )
            found = {
                direction: _forced_labels(direction, pictures)
                for direction, pictures in calibration.items()
            }
    elif choice == "lines":
        found = _only(Lines, found)
        if not any(found.values()):
            found = dict.fromkeys(found, Lines())
    return {each: drawing.to_dict() if drawing else None for each, drawing in found.items()}


def find_drawing(pictures: Sequence[np.ndarray]) -> LabelMaps | Lines | None:
    """Finds out whether pictures are label maps or lines.

    Args:
        pictures: uint8 (height, width, 1 or 3), also such as JPEG and resizing left them.

    Returns:
        Their colors; None for photos and for pictures of other numbers or channels.
    """
    if not len(pictures) or not all(_is_eight_bit(picture) for picture in pictures):
        return None
    pictures = [_as_rgb(picture) for picture in pictures]
    return find_lines(pictures) or find_labels(pictures)


# ---- label maps ----


def find_labels(pictures: Sequence[np.ndarray]) -> LabelMaps | None:
    """Returns the palette of label maps, uint8 (height, width, 3); None where they are none.

    Few colors in all are taken as they are. Otherwise, the colors of flat neighborhoods count,
    nearly equal ones as one: what lies between two labels is left out.
    """
    colors, counts = _colors_and_counts(np.concatenate([each.reshape(-1, 3) for each in pictures]))
    if 2 <= len(colors) <= MOST_COLORS:
        return _palette(colors, counts)
    flat = np.concatenate([_flat_pixels(picture) for picture in pictures])
    if len(flat) < LEAST_FLAT * counts.sum():
        return None
    centers, sizes, tight = _cluster(flat)
    is_near = sizes.sum() >= LEAST_NEAR * len(flat)
    is_tight = tight >= LEAST_TIGHT * len(flat)
    return _palette(centers, sizes) if len(centers) >= 2 and is_near and is_tight else None


def _flat_pixels(picture: np.ndarray) -> np.ndarray:
    """Returns the pixels, (points, 3), whose eight neighbors have nearly their color."""
    if min(picture.shape[:2]) < 3:
        return picture.reshape(-1, 3)[:0]
    windows = np.lib.stride_tricks.sliding_window_view(picture, (3, 3), axis=(0, 1))
    # By rows and then by columns, which is a third of the work.
    high = windows.max(axis=-1).max(axis=-1)
    low = windows.min(axis=-1).min(axis=-1)
    return picture[1:-1, 1:-1][(high - low).max(axis=-1) <= FLAT]


def _cluster(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Groups pixels around the most frequent colors.

    Args:
        pixels: uint8 (points, 3).

    Returns:
        The colors, (groups, 3); how many pixels lie within NEAR of each, (groups,); and how many
        within TIGHT of any. There are MOST_COLORS groups at most, and none of a smaller share than
        LEAST_LABEL.
    """
    colors, counts = _colors_and_counts(pixels)
    colors = colors.astype(int)
    least = max(LEAST_LABEL * counts.sum(), 1)
    centers: list[np.ndarray] = []
    sizes: list[int] = []
    tight = 0
    while len(centers) < MOST_COLORS and counts.sum() >= least:
        center = colors[counts.argmax()]
        distance = np.abs(colors - center).max(axis=1)
        is_member = distance <= NEAR
        size = counts[is_member].sum()
        # What is rare is left out, but must not hide a color that comes after it.
        if size >= least:
            centers.append(center)
            sizes.append(int(size))
            tight += counts[distance <= TIGHT].sum()
        colors = colors[~is_member]
        counts = counts[~is_member]
    return np.array(centers).reshape(-1, 3), np.array(sizes), int(tight)


def _palette(colors: np.ndarray, counts: np.ndarray) -> LabelMaps:
    order = np.argsort(-counts, kind="stable")
    return LabelMaps(colors=tuple(_triple(colors[index]) for index in order))


def _forced_labels(direction: Direction, pictures: Sequence[np.ndarray]) -> LabelMaps:
    """Returns the most frequent colors of pictures that are no label maps by themselves."""
    flat = np.zeros((0, 3), np.uint8)
    if all(_is_eight_bit(picture) for picture in pictures):
        flat = np.concatenate([_flat_pixels(_as_rgb(picture)) for picture in pictures])
    centers, sizes, _ = _cluster(flat)
    if len(centers) < 2:
        raise ExportError(
            f"--web_drawing=labels: the training pictures of {direction.source} have no flat "
            "colors in common; expected label maps of 8 bits. Use --web_drawing=lines or off."
        )
    return _palette(centers, sizes)


# ---- lines ----


def find_lines(pictures: Sequence[np.ndarray]) -> Lines | None:
    """Returns paper and ink of drawn lines, uint8 (height, width, 3); None where they are none."""
    pixels = np.concatenate([picture.reshape(-1, 3) for picture in pictures]).astype(int)
    colors, counts = _colors_and_counts(pixels)
    paper = colors[counts.argmax()].astype(int)
    distance = np.abs(pixels - paper).max(axis=1)
    is_ink = distance > LEAST_CONTRAST / 2
    if not is_ink.any() or is_ink.mean() > 1 - LEAST_PAPER:
        return None
    # The middle of lines, not their smooth borders: the most frequent color of what differs most.
    strongest = pixels[is_ink & (distance >= np.quantile(distance[is_ink], 0.75))]
    nearby = pixels[np.abs(pixels - np.median(strongest, axis=0)).max(axis=1) <= NEAR]
    colors, counts = _colors_and_counts(nearby)
    ink = colors[counts.argmax()].astype(int)
    if np.abs(ink - paper).max() < LEAST_CONTRAST:
        return None
    along = ink - paper
    share = np.clip((pixels - paper) @ along / (along @ along), 0, 1)
    mixture = paper + share[:, None] * along
    if (np.abs(pixels - mixture).max(axis=1) <= TWO_TONE).mean() < LEAST_TWO_TONE:
        return None
    solid = sum(_solid(picture, paper) for picture in pictures)
    if solid > MOST_SOLID * is_ink.sum():
        return None
    return Lines(paper=_triple(paper), ink=_triple(ink))


def _solid(picture: np.ndarray, paper: np.ndarray) -> int:
    """Returns how many pixels have no paper within the 5x5 pixels around them."""
    if min(picture.shape[:2]) < 5:
        return 0
    is_ink = np.abs(picture.astype(int) - paper).max(axis=-1) > LEAST_CONTRAST / 2
    windows = np.lib.stride_tricks.sliding_window_view(is_ink, (5, 5))
    return int(windows.all(axis=(-1, -2)).sum())


# ---- both ----


def _only(kind: type, found: Mapping[Direction, Any]) -> dict[Direction, Any]:
    return {
        direction: drawing if isinstance(drawing, kind) else None
        for direction, drawing in found.items()
    }


def _is_eight_bit(picture: np.ndarray) -> bool:
    return picture.dtype == np.uint8 and picture.shape[-1] in (1, 3)


def _as_rgb(picture: np.ndarray) -> np.ndarray:
    return np.broadcast_to(picture, (*picture.shape[:2], 3))


def _colors_and_counts(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns each color of pixels (points, 3) once, (colors, 3), and how often it occurs."""
    packed = pixels.astype(np.int64) @ np.array([65536, 256, 1])
    values, counts = np.unique(packed, return_counts=True)
    colors = np.stack([values // 65536, values // 256 % 256, values % 256], axis=1)
    return colors.astype(np.uint8), counts


def _triple(color) -> tuple[int, int, int]:
    red, green, blue = (int(level) for level in color)
    return red, green, blue


def _hex(color: tuple[int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*color)
