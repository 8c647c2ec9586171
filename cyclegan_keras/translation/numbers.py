"""Between the numbers of a picture and those that a network sees and returns."""

import dataclasses

import numpy as np

from cyclegan_keras.files.errors import PictureError
from cyclegan_keras.images.channels import LUMA, counted, with_channels
from cyclegan_keras.images.form import Form
from cyclegan_keras.images.picture import Picture
from cyclegan_keras.images.pixels import to_float
from cyclegan_keras.images.values import EIGHT_BIT, Values, whole_range
from cyclegan_keras.models.description import Description

ROWS = 256  # converted at a time, so that a large picture needs no second copy in float32
LEVELS = ("uint8", "uint16")  # two scales of one brightness
LARGEST_EXACT = 2**24  # up to which float32 holds every integer
DARK = 1 / 8  # of the range of a file's type; pictures that stay below it look black


def written_as(dtype: str, target: Values, bit_depth: int | None) -> tuple[Values, str]:
    """Returns what the numbers of a translation mean in its file, and their type.

    | asked for | numbers | type |
    |---|---|---|
    | nothing | those of the target | the type of the picture's file where it holds the target's \
range, else the target's own |
    | 8 | levels stay; the range of all others is scaled to 0 to 255, to look at | uint8 |
    | 16 | those of the target where they are integers that 16 bits hold; the range of all others \
is scaled to 0 to 65535 | int16 or uint16 |
    | 32 | those of the target | float32 |

    Levels of 8 bits are written as levels of 8 or of 16 bits, and as nothing else unless asked for.

    Args:
        dtype: type of the numbers in the picture's file.
        target: what the numbers of translations mean.
        bit_depth: bits a channel that were asked for; None where nothing was.

    Example:
        >>> hounsfield = Values(dtype="int16", low=-1024, high=3071)
        >>> written_as("uint16", hounsfield, None)[1], written_as("float32", hounsfield, None)[1]
        ('int16', 'float32')
    """
    if bit_depth == 8:
        return (target if target.dtype == "uint8" else EIGHT_BIT), "uint8"
    if bit_depth == 16:
        for candidate in (target.dtype, "uint16", "int16"):
            if candidate in ("uint16", "int16") and _holds(candidate, target):
                return target, candidate
        return whole_range("uint16"), "uint16"
    if bit_depth == 32:
        return target, "float32"
    if target.dtype == "uint8":
        return target, (dtype if dtype in LEVELS else "uint8")
    return target, (dtype if _holds(dtype, target) else target.dtype)


def network_input(picture: Picture, description: Description) -> np.ndarray:
    """Returns what a network sees of a picture.

    Where the picture is wholly transparent that is white instead of the colors hidden there, unless
    transparency is one of the channels that the network takes.

    Args:
        picture: of any size.
        description: of the network.

    Returns:
        float32 (height, width, input channels) in [-1, 1].

    Raises:
        PictureError: its channels are not those of the network, or a number in it is not finite.
    """
    whole = with_alpha_as_channel(picture, description)
    own_channels = whole.pixels.shape[-1]
    channels = description.input_channels
    if not are_alike(own_channels, channels):
        raise PictureError(
            f"It has {counted(own_channels)}, but the model translates pictures of "
            f"{counted(channels)}."
        )
    values = on_network_scale(whole, description, channels)
    if whole.alpha is not None:
        values[whole.alpha == 0] = 1.0
    return values


def on_network_scale(picture: Picture, description: Description, channels: int) -> np.ndarray:
    """Returns the pixels of a picture on the scale of what a network sees.

    Args:
        picture: of any size; its transparency does not count.
        description: of the network.
        channels: of the result; the picture's own, or gray for RGB, or the reverse.

    Returns:
        float32 (height, width, channels) in [-1, 1].

    Raises:
        PictureError: a number is not finite.
    """
    values = description.source_values
    if values.is_eight_bit and picture.pixels.dtype == np.uint16:
        values = whole_range("uint16")  # nothing of them is rounded to 8 bits
    form = Form(channels=channels, values=values)
    result = np.empty((*picture.pixels.shape[:2], channels), np.float32)
    for top in range(0, len(result), ROWS):
        rows = Picture(pixels=picture.pixels[top : top + ROWS])
        if description.reader_version == 1 and channels == 1 and not rows.is_gray:
            # The first version did not round the gray of colors to a level.
            gray = rows.pixels.astype(np.float32) @ LUMA
            result[top : top + ROWS] = gray[..., None] / np.float32(rows.white / 2) - 1
        else:
            result[top : top + ROWS] = to_float(form.array(rows))
    if picture.pixels.dtype.kind == "f" and not np.isfinite(result).all():
        raise PictureError("It holds numbers that are not finite.")
    return result


def takes_alpha(picture: Picture, description: Description) -> bool:
    """Whether the transparency of a picture is the last channel that a network takes."""
    channels = picture.pixels.shape[-1] + 1
    return (
        picture.alpha is not None and channels in (2, 4) and channels == description.input_channels
    )


def are_alike(first: int, second: int) -> bool:
    """Whether pictures of so many channels can be converted into one another."""
    return first == second or {first, second} == {1, 3}


def with_alpha_as_channel(picture: Picture, description: Description) -> Picture:
    """Returns a picture with all channels that a network takes in its pixels."""
    if not takes_alpha(picture, description):
        return picture
    pixels = np.concatenate([picture.pixels, picture.alpha[..., None]], axis=-1)
    return dataclasses.replace(picture, pixels=pixels, alpha=None)


def from_network(
    translated: np.ndarray,
    *,
    values: Values,
    dtype: str,
    gray: bool,
) -> np.ndarray:
    """Returns what a network returned as the numbers of a file.

    Args:
        translated: float32 (height, width, channels) in [-1, 1].
        values: what the numbers shall mean.
        dtype: their type, as `written_as` chose it.
        gray: whether red, green and blue become gray.

    Returns:
        (height, width, channels, or 1 if `gray`) of `dtype`.
    """
    height, width, channels = translated.shape
    channels = 1 if gray else channels
    numbers = np.empty((height, width, channels), dtype)
    for top in range(0, height, ROWS):
        rows = with_channels(translated[top : top + ROWS], channels)
        numbers[top : top + ROWS] = values.from_network(rows, dtype)
    return numbers


def blended_by_range(
    picture: Picture, translated: np.ndarray, strength: float, description: Description
) -> np.ndarray:
    """Returns x + strength (y - x) on the scale of what a network sees.

    Args:
        picture: x.
        translated: y, float32 (height, width, channels) in [-1, 1].
        strength: 0 to 1.
        description: of the network that returned y.
    """
    own = on_network_scale(picture, description, translated.shape[-1])
    for top in range(0, len(translated), ROWS):
        rows = slice(top, top + ROWS)
        own[rows] += np.float32(strength) * (translated[rows] - own[rows])
    return own


def blended_numbers(
    picture: Picture,
    translated: np.ndarray,
    strength: float,
    *,
    values: Values,
    dtype: str,
    gray: bool,
) -> np.ndarray:
    """Returns x + strength (y - x) in the unit of the translation.

    What the picture holds outside the range that the network sees is not clipped before it is
    blended, so that strength 0 gives the picture itself.

    Args:
        picture: x, with all channels that the network takes in its `pixels`.
        translated: y, float32 (height, width, channels) in [-1, 1].
        strength: 0 to 1.
        values: what the numbers of y mean.
        dtype: type of the result.
        gray: whether red, green and blue become gray.
    """
    height, width, channels = translated.shape
    channels = 1 if gray else channels
    half = (values.high - values.low) / 2
    numbers = np.empty((height, width, channels), dtype)
    for top in range(0, height, ROWS):
        rows = slice(top, top + ROWS)
        own = with_channels(values.of_type(picture.pixels[rows]).astype(np.float64), channels)
        inside = np.clip(with_channels(translated[rows], channels), -1, 1).astype(np.float64)
        other = (inside + 1) * half + values.low
        numbers[rows] = _of_type(own + strength * (other - own), values, dtype)
    return numbers


def numbers_of(picture: Picture, values: Values, dtype: str) -> np.ndarray:
    """Returns the pixels of a picture as numbers of another type that mean the same.

    Args:
        picture: of any channels.
        values: what numbers of type `dtype` mean.
        dtype: type of the result.
    """
    if picture.pixels.dtype == dtype:
        return picture.pixels
    return _of_type(values.of_type(picture.pixels).astype(np.float64), values, dtype)


def dark_note(picture: Picture, description: Description) -> str | None:
    """Returns a sentence about a deep picture that a model of ordinary levels sees as black.

    A camera or scanner of 12 bits often writes 0 to 4095 into a file of 16 bits.
    """
    dtype = picture.pixels.dtype
    if not description.source_values.is_eight_bit or dtype == np.uint8 or not picture.pixels.size:
        return None
    white = 65535 if dtype == np.uint16 else 255
    low, high = picture.pixels.min(), picture.pixels.max()
    if not 0 < high < white * DARK:
        return None
    return (
        f"It holds {low:g} to {high:g} of {white}, which the model sees as nearly black: scale it "
        "first, or train with --value_range."
    )


def _holds(dtype: str, target: Values) -> bool:
    """Whether numbers of a type can be those of the target, without another scale."""
    if dtype == "float32":
        is_exact = max(abs(target.low), abs(target.high)) <= LARGEST_EXACT
        return target.dtype == "float32" or is_exact
    if target.dtype == "float32" or (dtype == "uint8" and target.dtype == "uint16"):
        return False
    if dtype == "uint16" and target.dtype == "uint8":
        return True  # levels on the larger scale
    limits = np.iinfo(dtype)
    return bool(limits.min <= target.low and target.high <= limits.max)


def _of_type(numbers: np.ndarray, values: Values, dtype: str) -> np.ndarray:
    """Returns float64 numbers on the scale of `values` as numbers of `dtype`."""
    if values.dtype == "uint8" and dtype == "uint16":
        numbers = numbers * 257
    if values.dtype == "uint16" and dtype == "uint8":
        numbers = numbers / 257
    if dtype == "float32":
        return numbers.astype(np.float32)
    limits = np.iinfo(dtype)
    return np.clip(np.rint(numbers), limits.min, limits.max).astype(dtype)
