"""The shape of a generator, its channels and blocks, and what it costs in closed form."""

import dataclasses
import re

import keras

from cyclegan_keras.files.errors import CompressionError
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.models.unet_generator import UNetGenerator


@dataclasses.dataclass(frozen=True)
class Shape:
    """How wide and how deep a generator is.

    Attributes:
        ngf: channels of the first convolution, at least 1.
        blocks: residual blocks, at least 0; None for a U-Net, whose depth follows from the size of
            its pictures.

    Example:
        >>> str(Shape(16, 6)), str(Shape(16))
        ('16x6', '16')
    """

    ngf: int
    blocks: int | None = None

    @classmethod
    def parse(cls, text: str) -> "Shape":
        """Reads what `str` of a shape gives.

        Raises:
            CompressionError: it is no shape.

        Example:
            >>> Shape.parse("16x6"), Shape.parse("16")
            (Shape(ngf=16, blocks=6), Shape(ngf=16, blocks=None))
        """
        match = re.fullmatch(r"\s*0*([1-9]\d{0,4})\s*(?:x\s*(\d{1,3})\s*)?", text.lower())
        if match is None:
            raise CompressionError(
                f"The shape {text!r} cannot be read: expected channels x residual blocks, such as "
                "16x6, or for a U-Net channels alone, such as 16."
            )
        channels, blocks = match.groups()
        return cls(int(channels), None if blocks is None else int(blocks))

    @classmethod
    def of(cls, network: keras.Model) -> "Shape":
        """Returns the shape of a generator.

        Raises:
            CompressionError: it is neither a `ResNetGenerator` nor a `UNetGenerator`.
        """
        if isinstance(network, ResNetGenerator):
            return cls(network.ngf, network.n_blocks)
        if isinstance(network, UNetGenerator):
            return cls(network.ngf)
        raise CompressionError(
            f"A {type(network).__name__} cannot be compressed: expected a generator that is a "
            "ResNetGenerator or a UNetGenerator."
        )

    def __str__(self):
        return f"{self.ngf}" if self.blocks is None else f"{self.ngf}x{self.blocks}"


def check_shape(teacher: keras.Model, shape: Shape) -> None:
    """Refuses a shape that a student of a teacher cannot have.

    Raises:
        CompressionError: the shape is larger than the teacher's, or of another kind of generator.
    """
    largest = Shape.of(teacher)
    if shape.blocks is None and largest.blocks is not None:
        raise CompressionError(
            f"The shape {shape} has no number of residual blocks, which a ResNet generator needs: "
            f"write it as {shape}x{min(largest.blocks, 4)}, for example."
        )
    if shape.blocks is not None and largest.blocks is None:
        raise CompressionError(
            f"The shape {shape} has residual blocks, and a U-Net has none: write {shape.ngf}."
        )
    is_too_wide = not 1 <= shape.ngf <= largest.ngf
    is_too_deep = shape.blocks is not None and not 0 <= shape.blocks <= largest.blocks
    if is_too_wide or is_too_deep:
        raise CompressionError(
            f"The shape {shape} does not lie within that of the generator to compress, {largest}: "
            "neither channels nor blocks can be more."
        )


def build_student(teacher: keras.Model, shape: Shape, name: str | None = None) -> keras.Model:
    """Returns a new generator like a teacher, but of another shape, with random weights.

    It has no dropout: it learns from the one answer that its teacher gives to each picture, and
    noise of its own could only take it away from that.

    Args:
        teacher: a `ResNetGenerator` or `UNetGenerator`.
        shape: of the student, at most the teacher's.
        name: of the model; the teacher's where it is None.

    Raises:
        CompressionError: the teacher is no such generator, or cannot have a student of this shape.
    """
    check_shape(teacher, shape)
    config = {**teacher.get_config(), "ngf": shape.ngf, "dropout": False, "test_dropout": False}
    if shape.blocks is not None:
        config["n_blocks"] = shape.blocks
    if name is not None:
        config["name"] = name
    return type(teacher).from_config(config)


def macs(teacher: keras.Model, shape: Shape, height: int, width: int) -> int:
    """Returns the multiplications of a student's convolutions for one picture.

    These are those of its layers, as `export.tflite.count` finds them in the graph. Blurs, norms
    and activations do not count.

    Args:
        teacher: whose student it is.
        shape: of the student; that of the teacher itself gives the teacher's.
        height: of the picture in pixels, a multiple of the generator's `size_multiple`.
        width: of the picture, likewise.

    Raises:
        CompressionError: the teacher is neither a `ResNetGenerator` nor a `UNetGenerator`.
    """
    return sum(
        (height >> each.halvings) * (width >> each.halvings) * each.weights
        for each in _convolutions(teacher, shape)
    )


def parameters(teacher: keras.Model, shape: Shape) -> int:
    """Returns the number of a student's parameters, as `count_params` of the network does.

    Args:
        teacher: whose student it is.
        shape: of the student; that of the teacher itself gives the teacher's.

    Raises:
        CompressionError: the teacher is neither a `ResNetGenerator` nor a `UNetGenerator`.
    """
    total = 0
    for each in _convolutions(teacher, shape):
        total += each.weights
        if each.is_last or teacher.use_bias:
            total += each.outputs
        if each.has_norm and teacher.norm == "instance_affine":
            total += 2 * each.outputs  # scale and offset
        elif each.has_norm and teacher.norm == "batch":
            total += 4 * each.outputs + 1  # mean and variance too, and how many batches it has seen
    return total


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Convolution:
    """A convolution of a generator.

    Attributes:
        size: rows and columns of its kernel.
        inputs: its channels before.
        outputs: its channels after.
        halvings: how often the picture has been halved where its kernel is multiplied: at each
            pixel of its result, or of its input if it is transposed.
        has_norm: whether a norm follows.
        is_last: whether it makes the translation; it always has a bias.
    """

    size: int
    inputs: int
    outputs: int
    halvings: int
    has_norm: bool = True
    is_last: bool = False

    @property
    def weights(self) -> int:
        """The numbers in its kernel."""
        return self.size**2 * self.inputs * self.outputs


def _convolutions(teacher, shape) -> list[_Convolution]:
    Shape.of(teacher)  # refuses other networks
    if isinstance(teacher, ResNetGenerator):
        return _resnet_convolutions(teacher, shape)
    return _unet_convolutions(teacher, shape)


def _resnet_convolutions(teacher, shape):
    ngf = shape.ngf
    trunk = 4 * ngf
    found = [_Convolution(size=7, inputs=teacher.input_channels, outputs=ngf, halvings=0)]
    for step in (1, 2):
        halvings = step - 1 if teacher.antialias else step
        inputs, outputs = ngf * 2 ** (step - 1), ngf * 2**step
        found.append(_Convolution(size=3, inputs=inputs, outputs=outputs, halvings=halvings))
    block = _Convolution(size=3, inputs=trunk, outputs=trunk, halvings=2)
    found += [block] * (2 * shape.blocks)
    is_transposed = teacher.upsample == "transpose" and not teacher.antialias_up
    for step in (1, 2):
        halvings = 3 - step if is_transposed else 2 - step
        inputs, outputs = trunk // 2 ** (step - 1), trunk // 2**step
        found.append(_Convolution(size=3, inputs=inputs, outputs=outputs, halvings=halvings))
    found.append(
        _Convolution(
            size=7,
            inputs=ngf,
            outputs=teacher.output_channels,
            halvings=0,
            has_norm=False,
            is_last=True,
        )
    )
    return found


def _unet_convolutions(teacher, shape):
    n_downs = teacher.n_downs
    channels = [teacher.input_channels]  # after each step down
    channels += [shape.ngf * min(2**step, 8) for step in range(n_downs)]
    found = []
    for step in range(1, n_downs + 1):
        found.append(
            _Convolution(
                size=4,
                inputs=channels[step - 1],
                outputs=channels[step],
                halvings=step,
                has_norm=1 < step < n_downs,
            )
        )
    for step in range(n_downs, 1, -1):
        inputs = channels[step] if step == n_downs else 2 * channels[step]  # with the skip's
        found.append(_Convolution(size=4, inputs=inputs, outputs=channels[step - 1], halvings=step))
    found.append(
        _Convolution(
            size=4,
            inputs=2 * shape.ngf,
            outputs=teacher.output_channels,
            halvings=1,
            has_norm=False,
            is_last=True,
        )
    )
    return found
