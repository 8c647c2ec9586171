"""A convolution and its norm, and how a narrower one inherits from a wider one."""

import dataclasses

import keras
import numpy as np

from cyclegan_keras.compression.channels import Merge, regress
from cyclegan_keras.compression.gram import Regression
from cyclegan_keras.layers import BatchNormalization

_MOST_PLACES = 1024  # of a picture


@dataclasses.dataclass(frozen=True, kw_only=True)
class Unit:
    """A convolution and what normalizes its channels.

    Attributes:
        conv: a Conv2D or Conv2DTranspose.
        norm: the layer of the norm, None where there is none.
    """

    conv: keras.layers.Layer
    norm: keras.layers.Layer | None

    @property
    def is_transposed(self) -> bool:
        """Whether the convolution is a transposed one."""
        return isinstance(self.conv, keras.layers.Conv2DTranspose)

    @property
    def takes_offsets(self) -> bool:
        """Whether constants in its input can be put into its weights or have no effect at all.

        What a transposed convolution makes of a constant differs between neighboring pixels.
        """
        has_mean = isinstance(self.norm, BatchNormalization)
        return not self.is_transposed and (self.conv.bias is not None or has_mean)


def some_places(x: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Returns the numbers of some of the places of a batch, in ascending order.

    Neighbors are alike, so large maps need not be seen at every place.

    Args:
        x: (batch, height, width, channels).
        random: draws them where there are more than 1,024 in a picture.
    """
    batch, height, width, _ = x.shape
    places = batch * height * width
    most = batch * _MOST_PLACES
    if places <= most:
        return np.arange(places)
    return np.sort(random.choice(places, most, replace=False))


def values_at(x: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Returns the values of a batch at the places with these numbers, (places, channels)."""
    return x.reshape(-1, x.shape[-1])[places]


def explain(
    unit: Unit,
    kept: np.ndarray,
    *,
    wide: list[np.ndarray],
    narrow: list[np.ndarray],
    random: np.random.Generator,
) -> Merge:
    """Returns how a unit's inputs are made of the channels that its narrower copy sees.

    Args:
        unit: of the teacher.
        kept: which of its inputs stay, ints.
        wide: the unit's inputs in batches (batch, height, width, channels).
        narrow: what the student has at the same places.
        random: draws some of the places.
    """
    sums = Regression(narrow[0].shape[-1], wide[0].shape[-1])
    for inputs, targets in zip(narrow, wide, strict=True):
        places = some_places(inputs, random)
        sums.add(values_at(inputs, places), values_at(targets, places))
    return regress(sums, kept, centered=unit.takes_offsets)


def take_over(teacher: Unit, student: Unit, inputs: Merge, outputs: np.ndarray) -> None:
    """Gives the student's unit the weights of the teacher's for the channels that stay.

    Args:
        teacher: the wide unit.
        student: the narrow unit, whose weights are replaced.
        inputs: how the wide unit's inputs are made of the narrow one's.
        outputs: which of the wide unit's outputs stay, ints.
    """
    kernel = _array(teacher.conv.kernel)
    if teacher.is_transposed:
        kernel = kernel.swapaxes(2, 3)  # Keras has (rows, columns, out, in) there
    kernel = kernel[..., outputs]
    # What the unit makes of the offsets; with a stride, a transposed one sees each so much rarer.
    constant = np.einsum("c,hwco->o", inputs.offset, kernel)
    if teacher.is_transposed:
        constant = constant / np.prod(teacher.conv.strides)
    kernel = np.einsum("sc,hwco->hwso", inputs.matrix, kernel)
    student.conv.kernel.assign(kernel.swapaxes(2, 3) if teacher.is_transposed else kernel)
    if student.conv.bias is not None:
        student.conv.bias.assign(_array(teacher.conv.bias)[outputs] + constant)
        constant = np.zeros_like(constant)
    if student.norm is None:
        return
    for name in ("gamma", "beta", "moving_variance"):
        variable = getattr(student.norm, name, None)
        if variable is not None:
            variable.assign(_array(getattr(teacher.norm, name))[outputs])
    if isinstance(student.norm, BatchNormalization):
        student.norm.moving_mean.assign(_array(teacher.norm.moving_mean)[outputs] - constant)
        student.norm.batches.assign(teacher.norm.batches)


def _array(variable):
    return keras.ops.convert_to_numpy(variable).astype("float64")
