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
class Preprocessing:
    """One value of `--preprocess`.

    Attributes:
        scale: (size, load_size) -> the size that a picture is resized to.
        crops: whether a random crop follows.
    """

    scale: Callable[[Size, int], Size]
    crops: bool


PREPROCESSING = {
    "resize_and_crop": Preprocessing(_square, crops=True),
    "crop": Preprocessing(_keep, crops=True),
    "scale_width": Preprocessing(_width, crops=False),
    "scale_width_and_crop": Preprocessing(_width, crops=True),
    "scale_shortside": Preprocessing(_short_side, crops=False),
    "scale_shortside_and_crop": Preprocessing(_short_side, crops=True),
    "none": Preprocessing(_keep, crops=False),
}


def scaled_size(preprocess: str, size: Size, load_size: int) -> Size:
    """Returns the (width, height) that a training picture of `size` is resized to, before any crop.

    Example:
        >>> scaled_size("scale_width_and_crop", (300, 200), load_size=286)
        (286, 190)
        >>> scaled_size("scale_width", (300, 200), load_size=286)  # no crop: multiples of 4
        (288, 192)
    """
    preprocessing = PREPROCESSING[preprocess]
    width, height = preprocessing.scale(size, load_size)
    if preprocessing.crops:
        return width, height
    return _nearest_multiple(width), _nearest_multiple(height)


def viewing_size(preprocess: str, size: Size, load_size: int, crop_size: int) -> Size:
    """Returns the (width, height) that a test picture is resized to, before any center crop.

    As in training, except that `resize_and_crop` shows the whole picture at `crop_size`.
    """
    if preprocess == "resize_and_crop":
        return crop_size, crop_size
    return scaled_size(preprocess, size, load_size)


def viewing_words(preprocess: str, load_size: int, crop_size: int) -> str:
    """Returns how test pictures get the size that they are looked at and measured in, a sentence.

    Example:
        >>> viewing_words("scale_shortside_and_crop", load_size=256, crop_size=256)
        'Pictures are scaled to 256 px on the shorter side; the middle 256 x 256 px count.'
        >>> viewing_words("resize_and_crop", load_size=286, crop_size=256)
        'Whole pictures are scaled to 256 x 256 px.'
    """
    if preprocess == "resize_and_crop":
        return f"Whole pictures are scaled to {crop_size} x {crop_size} px."
    scaled = {
        "crop": "keep their size",
        "none": "keep their size",
        "scale_width": f"are scaled to a width of {load_size} px",
        "scale_shortside": f"are scaled to {load_size} px on the shorter side",
    }
    words = f"Pictures {scaled[preprocess.removesuffix('_and_crop')]}"
    if PREPROCESSING[preprocess].crops:
        return f"{words}; the middle {crop_size} x {crop_size} px count."
    return f"{words}, with both sides rounded to multiples of {MULTIPLE} px."


def _nearest_multiple(side: int) -> int:
    return max(MULTIPLE, round(side / MULTIPLE) * MULTIPLE)
