"""`--preprocess`: how a picture gets from its own size to the size that the networks see."""

import dataclasses
from collections.abc import Callable

MULTIPLE = 4  # px; the generators halve twice, so sides that are not cropped are multiples of 4

Size = tuple[int, int]  # (width, height) in px


def _keep(size: Size, load_size: int) -> Size:
    return size


def _square(size: Size, load_size: int) -> Size:
    return load_size, load_size


def _width(size: Size, load_size: int) -> Size:
    width, height = size
    return load_size, max(1, load_size * height // width)


def _short_side(size: Size, load_size: int) -> Size:
    width, height = size
    short = min(width, height)
    return load_size * width // short, load_size * height // short


@dataclasses.dataclass(frozen=True)
class Preset:
    """A scaling rule (size, load_size) -> size, and whether a random crop follows."""

    scale: Callable[[Size, int], Size]
    crops: bool


PRESETS = {
    "resize_and_crop": Preset(_square, crops=True),
    "crop": Preset(_keep, crops=True),
    "scale_width": Preset(_width, crops=False),
    "scale_width_and_crop": Preset(_width, crops=True),
    "scale_shortside": Preset(_short_side, crops=False),
    "scale_shortside_and_crop": Preset(_short_side, crops=True),
    "none": Preset(_keep, crops=False),
}


def scaled_size(preprocess: str, size: Size, load_size: int) -> Size:
    """Returns the (width, height) a picture of `size` is resized to, before any crop."""
    preset = PRESETS[preprocess]
    width, height = preset.scale(size, load_size)
    if preset.crops:
        return width, height
    return _nearest_multiple(width), _nearest_multiple(height)


def viewing_size(preprocess: str, size: Size, load_size: int, crop_size: int) -> Size:
    """Returns the (width, height) a test picture is resized to, before any centre crop.

    As in training, except that `resize_and_crop` shows the whole picture at `crop_size`.
    """
    if preprocess == "resize_and_crop":
        return crop_size, crop_size
    return scaled_size(preprocess, size, load_size)


def _nearest_multiple(side: int) -> int:
    return max(MULTIPLE, round(side / MULTIPLE) * MULTIPLE)
