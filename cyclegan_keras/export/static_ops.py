"""The parts of a static graph, each in the operations that phones accelerate.

Numpy weights in, so that a converter sees constants. All pictures are float32 (batch, height,
width, channels). Where height and width are not known, borders are counted from the end and pixels
are interleaved by DEPTH_TO_SPACE: the same numbers, in operations that CPUs run as fast, and whose
graph can be resized without another conversion.
"""

from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf


def reflect(x: tf.Tensor, amount: int) -> tf.Tensor:
    """Pads by reflection: slices and concatenations, because delegates know no MIRROR_PAD.

    A delegate joins at most five tensors at once; these are at most `amount`, and three.
    """
    for axis in (1, 2):
        end = x.shape[axis] or 0  # from 0, indices count backwards
        first = [_line(x, axis, distance) for distance in range(amount, 0, -1)]
        last = [_line(x, axis, end - 1 - distance) for distance in range(1, amount + 1)]
        x = tf.concat([_join(first, axis), x, _join(last, axis)], axis)
    return x


def repeat_edge(x: tf.Tensor, before: tuple[int, int], after: tuple[int, int]) -> tf.Tensor:
    """Pads with copies of the outermost pixels; (rows, columns) before and after, 0 or 1 each."""
    for axis in (1, 2):
        first = [_line(x, axis, 0)] * before[axis - 1]
        last = [_line(x, axis, (x.shape[axis] or 0) - 1)] * after[axis - 1]
        x = _join([*first, x, *last], axis)
    return x


def zeros(x: tf.Tensor, before: tuple[int, int], after: tuple[int, int]) -> tf.Tensor:
    """Pads with zeros, (rows, columns) before and after; delegates fuse it into the convolution."""
    (top, left), (bottom, right) = before, after
    if not any((*before, *after)):
        return x
    return tf.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)))


def conv(
    x: tf.Tensor, kernel: np.ndarray, bias: np.ndarray | None, stride: int = 1, clip: bool = False
) -> tf.Tensor:
    """Convolves without padding; the bias is left out where it is None, `clip` means to [-1, 1]."""
    y = tf.nn.conv2d(x, kernel, stride, "VALID")
    y = y if bias is None else tf.nn.bias_add(y, bias)
    return tf.minimum(tf.maximum(y, -1.0), 1.0) if clip else y


def conv_few(x: tf.Tensor, kernel: np.ndarray, bias: np.ndarray) -> tf.Tensor:
    """Convolves into few channels, four pixels at once.

    Kernels are computed for 8 or 16 output channels together, so three alone waste most of the
    work. With a stride of 2 and a kernel larger by one pixel, the four pixels of a square become
    channels of one.
    """
    rows, columns, channels, filters = kernel.shape
    wide = np.zeros((rows + 1, columns + 1, channels, 4 * filters), kernel.dtype)
    for pixel in range(4):
        dy, dx = divmod(pixel, 2)
        of_pixel = slice(pixel * filters, (pixel + 1) * filters)
        wide[dy : dy + rows, dx : dx + columns, :, of_pixel] = kernel
    y = conv(x, wide, np.tile(bias, 4), stride=2)
    return _interleave([y[..., : 2 * filters], y[..., 2 * filters :]])


def blur_down(x: tf.Tensor) -> tf.Tensor:
    """Halves the sides: a [1, 2, 1] / 4 blur with reflected borders, every second pixel of it."""
    taps = np.array([1, 2, 1], "float32") / 4
    kernel = np.tile(np.outer(taps, taps)[:, :, None, None], (1, 1, x.shape[-1], 1))
    return tf.nn.depthwise_conv2d(reflect(x, 1), kernel, (1, 2, 2, 1), "VALID")


def double(x: tf.Tensor) -> tf.Tensor:
    """Doubles the sides by bilinear interpolation that repeats the borders."""
    if _has_size(x):
        return tf.image.resize(x, (2 * x.shape[1], 2 * x.shape[2]))
    # Every new pixel is three quarters of the one that it lies in and a quarter of a neighbor.
    around = repeat_edge(x, (1, 1), (1, 1))
    middle = around[:, 1:-1]
    lines = [0.25 * around[:, :-2] + 0.75 * middle, 0.75 * middle + 0.25 * around[:, 2:]]
    rows = []
    for line in lines:
        middle = line[:, :, 1:-1]
        left = 0.25 * line[:, :, :-2] + 0.75 * middle
        right = 0.75 * middle + 0.25 * line[:, :, 2:]
        rows.append(tf.concat([left, right], -1))
    return _interleave(rows)


# Which kernel rows (or columns), added up, meet the input pixel that is `offset` pixels further;
# first for the even output pixels, then for the odd ones.
TRANSPOSED_3 = ({0: [1]}, {0: [2], 1: [0]})  # k = 3, the first row and column cropped
TRANSPOSED_4 = ({-1: [3], 0: [1]}, {0: [2], 1: [0]})  # k = 4, one cropped on every side
NEAREST_3 = ({-1: [0], 0: [1, 2]}, {0: [0, 1], 1: [2]})  # k = 3 on pixels doubled


def conv_up(
    x: tf.Tensor,
    kernel: np.ndarray,
    bias: np.ndarray | None,
    phases: tuple[Mapping[int, list[int]], Mapping[int, list[int]]],
    around: Callable = zeros,
    clip: bool = False,
) -> tf.Tensor:
    """Doubles the sides and convolves: one convolution for each of the four kinds of pixels.

    They do no more work than a transposed convolution, and less than half of a convolution of
    doubled pixels.

    Args:
        x: the picture.
        kernel: (rows, columns, in, out).
        bias: None where there is none.
        phases: one of `TRANSPOSED_3`, `TRANSPOSED_4`, `NEAREST_3`.
        around: what to pad with, `zeros` or `repeat_edge`.
        clip: the result to [-1, 1].
    """
    rows = []
    for dy in phases:
        row = []
        for dx in phases:
            padded = around(x, (-min(dy), -min(dx)), (max(dy), max(dx)))
            row.append(conv(padded, _pick(kernel, dy, dx), bias, clip=clip))
        rows.append(tf.concat(row, -1))
    return _interleave(rows)


def instance_norm(
    x: tf.Tensor, gamma: np.ndarray | None, beta: np.ndarray | None, epsilon: float
) -> tf.Tensor:
    """Gives every channel mean 0 and variance 1.

    From the squared distances, not the mean of squares less the squared mean: that takes no more
    passes over the picture, where the other cancels to NaN on pictures of low contrast.
    """
    distance = x - _mean(x)
    factor = tf.math.rsqrt(_mean(distance * distance) + epsilon)
    y = distance * (factor if gamma is None else factor * gamma)
    return y if beta is None else y + beta


def _mean(x):
    # Runtimes add pixel after pixel in float32; two short sums lose a hundredth of one long.
    return tf.reduce_mean(tf.reduce_mean(x, 2, keepdims=True), 1, keepdims=True)


def _interleave(rows):
    """Makes even and odd rows, whose channels are even and odd pixels, one picture."""
    if not _has_size(rows[0]):
        return tf.nn.depth_to_space(tf.concat(rows, -1), 2)
    batch, height, width, filters = rows[0].shape
    # Neighbors along the last axis are neighbors in memory: joining there interleaves.
    lines = [tf.reshape(row, (batch, height, 1, width * filters)) for row in rows]
    return tf.reshape(tf.concat(lines, -1), (batch, 2 * height, 2 * width, filters // 2))


def _pick(kernel, dy, dx):
    rows = [sum(kernel[row] for row in dy[offset]) for offset in sorted(dy)]
    return np.stack(
        [np.stack([sum(row[column] for column in dx[at]) for at in sorted(dx)]) for row in rows]
    )


def _has_size(x):
    return None not in x.shape[1:3]


def _line(x, axis, index):
    """Returns one row (axis 1) or column (axis 2); a negative index counts from the end."""
    end = index + 1 if index != -1 else None
    if axis == 1:
        return x[:, index:end]
    return x[:, :, index:end]


def _join(parts, axis):
    return parts[0] if len(parts) == 1 else tf.concat(parts, axis)
