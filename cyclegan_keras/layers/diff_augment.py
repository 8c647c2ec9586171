"""Differentiable augmentation: what a discriminator sees is recolored, moved and cut out.

Discriminators that see few pictures learn them by heart. Where they see real and translated
pictures changed at random alike, they cannot; and since the gradient passes through the changes,
generators still learn to make unchanged pictures.

Reference:
    Zhao et al., "Differentiable Augmentation for Data-Efficient GAN Training", 2020.
"""

from collections.abc import Collection

import keras
import numpy as np
from keras import ops

from cyclegan_keras.layers.threefry import uniform

# Columns of `draw`.
BRIGHTNESS, SATURATION, CONTRAST, DOWN, RIGHT, CUT_ROW, CUT_COLUMN = range(7)
DRAWS = 8  # numbers a picture; threefry gives two at once, so that the last one is not used


def augment(pictures, draws, augmentations: Collection[str], condition=None):
    """Changes each picture at random; the gradient flows through.

    Args:
        pictures: (batch, height, width, channels) in [-1, 1].
        draws: (batch, DRAWS) in [0, 1), see `draw`.
        augmentations: some of "color", "translation" and "cutout", which are done in this order.
        condition: (batch, height, width, other channels), what a conditional discriminator sees
            beside each picture. It is moved and cut out with the picture and keeps its colors,
            which may be the codes of labels.

    Returns:
        (batch, height, width, all channels), the condition first; in the dtype of `pictures`.
    """
    if "color" in augmentations:
        pictures = recolor(pictures, draws)
    if condition is not None:
        pictures = ops.concatenate([ops.cast(condition, pictures.dtype), pictures], axis=-1)
    if "translation" in augmentations:
        pictures = move(pictures, draws)
    if "cutout" in augmentations:
        pictures = cut_out(pictures, draws)
    return pictures


def draw(seed: int, *, step, stream: int, pictures):
    """Returns the random numbers of some pictures: a pure function of the arguments.

    They are the same on every backend and device, however the pictures of a step are divided.

    Args:
        seed: of the training.
        step: number of the training step, an int tensor.
        stream: what the pictures are for; other streams have other numbers.
        pictures: their numbers in the step, ints (batch,).

    Returns:
        (batch, DRAWS) float32 in [0, 1).
    """
    own_seed = np.uint32(seed ^ 0xD1FFA065)  # image pools draw by the seed itself
    key = (ops.convert_to_tensor(own_seed), ops.cast(step, "uint32"))
    pairs = ops.arange(DRAWS // 2, dtype="int32") + stream * (DRAWS // 2)
    counter = (ops.cast(pictures, "uint32")[:, None], ops.cast(pairs, "uint32")[None, :])
    return ops.concatenate(uniform(key, counter), axis=1)


def recolor(pictures, draws):
    """Changes brightness, saturation and contrast.

    To each number between -0.5 and 0.5 is added; the distance of each channel of an RGB pixel from
    the pixel's mean is multiplied by 0 to 2; the distance of each number from the picture's mean is
    multiplied by 0.5 to 1.5. The factors are those of the picture, and nothing is clipped.

    Args:
        pictures: (batch, height, width, channels); three channels are RGB, others have no
            saturation.
        draws: (batch, DRAWS).
    """
    # A mean over a picture is more than half precision can hold.
    precision = keras.backend.result_type(pictures.dtype, "float32")
    numbers = ops.cast(pictures, precision)
    draws = ops.cast(draws, precision)[:, :, None, None, None]
    numbers = numbers + (draws[:, BRIGHTNESS] - 0.5)
    if pictures.shape[-1] == 3:
        gray = ops.mean(numbers, axis=-1, keepdims=True)
        numbers = (numbers - gray) * (2 * draws[:, SATURATION]) + gray
    mean = ops.mean(numbers, axis=(1, 2, 3), keepdims=True)
    numbers = (numbers - mean) * (draws[:, CONTRAST] + 0.5) + mean
    return ops.cast(numbers, pictures.dtype)


def move(pictures, draws):
    """Moves by up to an eighth of the sides, in whole pixels; what comes in from outside is 0.

    An eighth is rounded to the nearest number of pixels, and a half upward, as by the authors.

    Args:
        pictures: (batch, height, width, channels).
        draws: (batch, DRAWS).
    """
    batch, height, width, channels = ops.shape(pictures)
    rows = _origins(draws[:, DOWN], height)  # (batch, height)
    columns = _origins(draws[:, RIGHT], width)  # (batch, width)
    inside = ((rows >= 0) & (rows < height))[:, :, None, None]
    inside = inside & ((columns >= 0) & (columns < width))[:, None, :, None]
    rows, columns = ops.clip(rows, 0, height - 1), ops.clip(columns, 0, width - 1)
    rows = rows + ops.arange(batch, dtype="int32")[:, None] * height  # of the whole batch
    pixels = ops.reshape(pictures, (-1, channels))
    moved = ops.take(pixels, rows[:, :, None] * width + columns[:, None, :], axis=0)
    return moved * ops.cast(inside, pictures.dtype)


def _origins(uniforms, side):
    """Returns from which row (or column) each one comes: ints (batch, side), perhaps outside."""
    largest = (side + 4) // 8
    shifts = _whole(uniforms, 2 * largest + 1) - largest  # (batch,)
    return ops.arange(side, dtype="int32")[None, :] - shifts[:, None]


def cut_out(pictures, draws):
    """Sets a rectangle of half the sides, rounded upward, to zero.

    Its middle may be anywhere in the picture, so that it may reach out of it.

    Args:
        pictures: (batch, height, width, channels).
        draws: (batch, DRAWS).
    """
    _, height, width, _ = ops.shape(pictures)
    rows = _covered(draws[:, CUT_ROW], height)[:, :, None, None]
    columns = _covered(draws[:, CUT_COLUMN], width)[:, None, :, None]
    return pictures * ops.cast(~(rows & columns), pictures.dtype)


def _covered(uniforms, side):
    """Returns which rows (or columns) the rectangle covers: bools (batch, side)."""
    length = (side + 1) // 2
    # A rectangle of even length has its middle between two pixels, of which there is one more.
    middles = _whole(uniforms, side + 1 - length % 2)
    distances = ops.arange(side, dtype="int32")[None, :] - (middles - length // 2)[:, None]
    return (distances >= 0) & (distances < length)


def _whole(uniforms, count):
    """Returns ints in [0, count) from numbers in [0, 1)."""
    return ops.cast(ops.floor(uniforms * ops.cast(count, uniforms.dtype)), "int32")
