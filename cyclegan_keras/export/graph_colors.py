"""Converts colors of an ICC profile to sRGB inside a TensorFlow graph.

It takes the profiles of cameras, phones, screens and editors, which describe colors by three curves
and a matrix, and gray by one curve. Profiles that hold tables of colors are not converted.

Reference: ICC.1:2022, Image technology color management. The curves are in 10.6 and 10.18.
"""

import struct

import numpy as np
import tensorflow as tf
from PIL import ImageCms

from cyclegan_keras.export.graph_bytes import ONE_COPY, part, uint

_MOST_TAGS = 100
_LONGEST_CURVE = 2**16  # entries
_FIXED = 2.0**16  # numbers of a profile are in this part of one
_SAME_LEVELS = 1 / 255  # colors that move by no more are left as they are
_COLOR_TAGS = ("rXYZ", "gXYZ", "bXYZ", "rTRC", "gTRC", "bTRC")
_TABLE_TAGS = ("A2B0", "A2B1")
_STRING = tf.TensorSpec((), tf.string)
_INTEGER = tf.TensorSpec((), tf.int64)
_TRUTH = tf.TensorSpec((), tf.bool)
_PIXELS = tf.TensorSpec((None, None, 3), tf.int64)


@tf.function(input_signature=[_STRING, _TRUTH], **ONE_COPY)
def can_convert(profile: tf.Tensor, is_gray: tf.Tensor) -> tf.Tensor:
    """Returns whether a profile describes its colors by a matrix and curves, or gray by a curve."""
    tags = _Tags(profile)
    has_tables = tf.reduce_any([tags.offset(name) > 0 for name in _TABLE_TAGS])
    curves = [tags.offset(name) for name in _COLOR_TAGS[3:]]
    has_colors = tf.reduce_all([tags.offset(name) > 0 for name in _COLOR_TAGS])
    has_curves = tf.reduce_all([_is_curve(profile, offset) for offset in curves])
    is_gray_curve = (tags.offset("kTRC") > 0) & _is_curve(profile, tags.offset("kTRC"))
    is_xyz = part(profile, 20, 4) == b"XYZ "
    fits = tf.where(is_gray, is_gray_curve, has_colors & has_curves & is_xyz)
    return fits & ~has_tables


@tf.function(input_signature=[_PIXELS, _INTEGER, _STRING, _TRUTH], **ONE_COPY)
def to_srgb(
    pixels: tf.Tensor, white: tf.Tensor, profile: tf.Tensor, is_gray: tf.Tensor
) -> tf.Tensor:
    """Converts pixels to sRGB, where that moves any color by more than a level of 255.

    Args:
        pixels: int64 (height, width, 3), 0 to `white`.
        white: int64, 255 or 65535.
        profile: one that `can_convert` agrees to.
        is_gray: whether all three channels are the same.

    Returns:
        int64 (height, width, 3).
    """
    curves, matrix = _curves_and_matrix(profile, white, is_gray)

    def convert(levels):
        light = tf.stack([tf.gather(curves[n], levels[..., n]) for n in range(3)], axis=-1)
        return _encoded(tf.linalg.matvec(matrix, light))

    steps = tf.cast(tf.range(17), tf.int64) * (white // 255 * 15)
    colors = tf.reshape(tf.stack(tf.meshgrid(steps, steps, steps), axis=-1), (-1, 3))
    grays = tf.repeat(steps[:, None], 3, axis=-1)
    lattice = tf.cond(is_gray, lambda: grays, lambda: colors)
    brightest = tf.cast(white, tf.float64)
    moved = tf.abs(convert(lattice) - tf.cast(lattice, tf.float64) / brightest)
    changes_nothing = tf.reduce_max(moved) < 1.5 * _SAME_LEVELS

    def converted():
        return tf.cast(tf.round(convert(pixels) * brightest), tf.int64)

    return tf.cond(changes_nothing, lambda: pixels, converted)


class _Tags:
    """Where the parts of a profile begin."""

    def __init__(self, profile):
        count = uint(profile, 128, 4)
        size = 12 * _MOST_TAGS
        digits = tf.io.decode_raw(part(profile, 132, size), tf.uint8, fixed_length=size)
        fields = tf.reshape(tf.cast(digits, tf.int64), (_MOST_TAGS, 3, 4))
        fields = tf.reduce_sum(fields * tf.constant([2**24, 2**16, 2**8, 1], tf.int64), axis=-1)
        is_tag = tf.range(_MOST_TAGS, dtype=tf.int64) < count
        self._names = tf.where(is_tag, fields[:, 0], 0)
        self._offsets = fields[:, 1]

    def offset(self, name):
        """Returns the first byte of a part, 0 where there is none."""
        number = int.from_bytes(name.encode(), "big")
        return tf.reduce_max(tf.where(self._names == number, self._offsets, 0))


def _curves_and_matrix(profile, white, is_gray):
    """Returns the light of every level, (3, white + 1), and the matrix to linear sRGB."""
    tags = _Tags(profile)

    def of_gray():
        curve = _curve(profile, tags.offset("kTRC"), white)
        return tf.stack([curve] * 3), tf.eye(3, dtype=tf.float64)

    def of_colors():
        curves = [_curve(profile, tags.offset(name), white) for name in _COLOR_TAGS[3:]]
        columns = [_xyz(profile, tags.offset(name)) for name in _COLOR_TAGS[:3]]
        matrix = tf.matmul(tf.constant(_xyz_to_srgb()), tf.stack(columns, axis=-1))
        return tf.stack(curves), matrix

    return tf.cond(is_gray, of_gray, of_colors)


def _xyz(profile, offset):
    return tf.stack([_fixed(profile, offset + 8 + 4 * number) for number in range(3)])


def _fixed(profile, start):
    number = uint(profile, start, 4)
    number = tf.where(number >= 2**31, number - 2**32, number)
    return tf.cast(number, tf.float64) / _FIXED


def _is_curve(profile, offset):
    kind = part(profile, offset, 4)
    function = uint(profile, offset + 8, 2)
    is_known = (function == 0) | (function == 3) | (function == 4)
    is_short = uint(profile, offset + 8, 4) <= _LONGEST_CURVE
    return ((kind == b"curv") & is_short) | ((kind == b"para") & is_known)


@tf.function(input_signature=[_STRING, _INTEGER, _INTEGER], **ONE_COPY)
def _curve(profile, offset, white):
    """Returns the light, 0 to 1, of the levels 0 to `white`."""
    levels = tf.cast(tf.range(white + 1), tf.float64) / tf.cast(white, tf.float64)
    count = uint(profile, offset + 8, 4)

    def of_gamma():
        gamma = tf.cast(uint(profile, offset + 12, 2), tf.float64) / 256
        return levels ** tf.where(count == 0, tf.constant(1.0, tf.float64), gamma)

    def of_table():
        data = tf.io.decode_raw(part(profile, offset + 12, 2 * count), tf.uint16, False)
        table = tf.cast(data, tf.float64) / 65535
        last = tf.size(table) - 1
        position = levels * tf.cast(last, tf.float64)
        below = tf.cast(position, tf.int32)
        above = tf.minimum(below + 1, last)
        share = position - tf.cast(below, tf.float64)
        return tf.gather(table, below) * (1 - share) + tf.gather(table, above) * share

    def of_function():
        function = uint(profile, offset + 8, 2)
        g, a, b, c, d, e, f = (_fixed(profile, offset + 12 + 4 * n) for n in range(7))
        zero = tf.constant(0.0, tf.float64)
        is_power = function == 0
        a = tf.where(is_power, zero + 1, a)
        b = tf.where(is_power, zero, b)
        d = tf.where(is_power, zero, d)
        has_offsets = function == 4
        e = tf.where(has_offsets, e, zero)
        f = tf.where(has_offsets, f, zero)
        curved = tf.maximum(a * levels + b, 0) ** g + e
        return tf.where(levels >= d, curved, c * levels + f)

    light = tf.cond(
        part(profile, offset, 4) == b"para",
        of_function,
        lambda: tf.cond(count <= 1, of_gamma, of_table),
    )
    return tf.clip_by_value(light, 0, 1)


def _encoded(light):
    """Returns the levels 0 to 1 of linear sRGB."""
    light = tf.clip_by_value(light, 0, 1)
    return tf.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def _xyz_to_srgb() -> np.ndarray:
    """Returns the matrix from XYZ to linear sRGB, float64 (3, 3), by Pillow's own profile."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    (count,) = struct.unpack_from(">I", profile, 128)
    columns = {}
    for number in range(count):
        name, offset, _ = struct.unpack_from(">4sII", profile, 132 + 12 * number)
        if name.decode() in _COLOR_TAGS[:3]:
            columns[name.decode()] = struct.unpack_from(">3i", profile, offset + 8)
    matrix = np.array([columns[name] for name in _COLOR_TAGS[:3]], np.float64).T / _FIXED
    return np.linalg.inv(matrix)
