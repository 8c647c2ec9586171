"""A student's weights from its teacher's: what training would otherwise have to find again."""

import keras
import numpy as np

from cyclegan_keras.compression.inherited import Inherited
from cyclegan_keras.compression.resnet_inheritance import inherit_resnet
from cyclegan_keras.compression.unet_inheritance import inherit_unet
from cyclegan_keras.models.description import describe
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.models.unet_generator import UNetGenerator

# What of two configurations may differ: the shape, and what the weights do not depend on.
_MAY_DIFFER = (
    "ngf",
    "n_blocks",
    "dropout",
    "test_dropout",
    "init_type",
    "init_gain",
    "name",
)
_MOST_PIXELS = 24 * 128 * 128  # of all pictures; more change little


def inherit(
    teacher: keras.Model, student: keras.Model, pictures: np.ndarray, *, seed: int
) -> Inherited:
    """Fills a student's weights with what a wider and deeper teacher knows.

    At every stage the channels stay that span most of all (`choose_channels`), and of the residual
    blocks those whose contributions are explained worst by the others. The student is then built
    from its first convolution to its last: before each, the teacher's values are regressed on those
    that the student has at the same places so far (`regress`). The student's kernel is the
    teacher's applied to that regression, so channels that stay take over the work of those that go,
    and what earlier stages do wrong is made up for as far as possible.

    Args:
        teacher: a `ResNetGenerator` or `UNetGenerator`.
        student: the same class with the same arguments but `ngf` and `n_blocks`, which are at most
            the teacher's, and its dropout. Its weights are replaced.
        pictures: to translate, float32 (pictures, height, width, channels) in [-1, 1], with sides
            that both networks take; two dozen of 128 pixels suffice, and no more than the number
            of pixels of those are used.
        seed: of the choice of pictures and places; the same seed gives the same weights.

    Raises:
        ValueError: networks that do not fit, or pictures that the teacher does not take.

    Example:
        >>> teacher = ResNetGenerator(ngf=4, n_blocks=2)
        >>> student = ResNetGenerator(ngf=2, n_blocks=1)
        >>> pictures = np.random.default_rng(0).uniform(-1, 1, (2, 16, 16, 3)).astype("float32")
        >>> inherited = inherit(teacher, student, pictures, seed=0)
        >>> len(inherited.blocks), len(inherited.channels["stem"])
        (1, 2)

    Reference:
        Chee et al., "Model Preserving Compression for Neural Networks", 2022, choose and merge by
        pivoted QR too; He, Zhang and Sun, "Channel Pruning for Accelerating Very Deep Neural
        Networks", 2017, regress on what the smaller network computes.
    """
    _check_pair(teacher, student)
    channels = teacher.input_shape[-1]
    if pictures.ndim != 4 or pictures.shape[-1] != channels or len(pictures) == 0:
        raise ValueError(
            f"`pictures` must have the shape (pictures, height, width, {channels}), as "
            f"{describe(teacher)} takes them. Received: pictures.shape={pictures.shape}."
        )
    random = np.random.default_rng(seed)
    most = max(_MOST_PIXELS // (pictures.shape[1] * pictures.shape[2]), 1)
    if len(pictures) > most:
        pictures = pictures[np.sort(random.choice(len(pictures), most, replace=False))]
    if isinstance(teacher, ResNetGenerator):
        return inherit_resnet(teacher, student, pictures, random)
    return inherit_unet(teacher, student, pictures, random)


def _check_pair(teacher, student):
    pair = f"Received: teacher={describe(teacher)}, student={describe(student)}."
    if type(teacher) is not type(student) or not isinstance(
        teacher, ResNetGenerator | UNetGenerator
    ):
        raise ValueError(
            "`teacher` and `student` must both be a ResNetGenerator, or both a UNetGenerator. "
            + pair
        )
    own, other = teacher.get_config(), student.get_config()
    differing = [name for name in own if name not in _MAY_DIFFER and own[name] != other.get(name)]
    if differing:
        raise ValueError(f"`student` must have the teacher's {', '.join(differing)}. {pair}")
    larger = [name for name in ("ngf", "n_blocks") if other.get(name, 0) > own.get(name, 0)]
    if larger:
        raise ValueError(
            f"`student` must not have a larger {' and '.join(larger)} than its teacher. {pair}"
        )
