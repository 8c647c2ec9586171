"""The paper's generator."""

from functools import partial

import keras

from cyclegan_keras.layers import BilinearUpsampling2D, ResidualBlock, bias_config
from cyclegan_keras.models.base import Parts, check_choice, check_int, check_multiple
from cyclegan_keras.models.description import Described


@keras.saving.register_keras_serializable(package="cyclegan_keras")
class ResNetGenerator(Described, keras.Model):
    """Translates a picture: two steps down, residual blocks, two steps up.

    In the paper's notation c7s1-ngf, d(2 ngf), d(4 ngf), R(4 ngf) x n_blocks, u(2 ngf), u(ngf),
    c7s1-3. Stages can be addressed by `get_layer`: `stem down_1 down_2 block_1 .. block_n up_1 up_2
    head`, and their parts by the stage's name and `_pad _conv _norm _resize _crop`.

    Args:
        input_channels: channels of the pictures to translate.
        output_channels: channels of the translations.
        ngf: channels of the first convolution.
        n_blocks: number of residual blocks; the paper takes 9 from 256 pixels on and 6 below.
        norm: "instance" (the paper's), "instance_affine", "batch" or "none".
        padding: "reflect" or "zero", around stem, blocks and head. The strided convolutions are
            always padded with zeros.
        upsample: "transpose" (the paper's transposed convolutions) or "resize" (nearest neighbor,
            then a convolution: no checkerboard pattern).
        dropout: dropout of one half inside the blocks.
        init_type: "normal", "xavier", "kaiming" or "orthogonal".
        init_gain: spread of the starting weights.
        antialias: CUT's steps down: convolutions of stride 1, then a blur and every second pixel.
        antialias_up: CUT's steps up: bilinear resizing, then a convolution padded with zeros.
        test_dropout: whether it is active at test too, as in pix2pix.
        test_statistics: what a batch norm uses at test: "running" statistics of the training, or
            each "picture"'s own.
        use_bias: with `norm="none"`, whether convolutions have a bias nevertheless (by default), or
            none but the last one, as in the reference implementation.
        name: of the model.

    Attributes:
        remat: whether training keeps only the inputs of the steps down, of each block and of the
            steps up, and recomputes the values inside them for the gradient: a third more work.

    Input shape:
        `(batch, height, width, input_channels)` in [-1, 1]; height and width any multiples of 4 (at
        least 8 when padding is "reflect").

    Output shape:
        `(batch, height, width, output_channels)` in [-1, 1], float32 also under mixed precision.

    Raises:
        ValueError: an argument out of range, pictures whose sides are not multiples of 4, or
            `remat` where dropout or batch norm would not compute the same twice.

    Example:
        >>> import numpy as np
        >>> generator = ResNetGenerator(ngf=4, n_blocks=1)
        >>> generator(np.zeros((1, 16, 24, 3))).shape
        TensorShape([1, 16, 24, 3])

    Reference:
        Zhu et al., "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial
        Networks", 2017, appendix 7.2.
    """

    size_multiple = 4  # height and width must be multiples of it
    smallest_size = 8  # reflection by one pixel needs two, at a quarter of the size

    def __init__(
        self,
        input_channels=3,
        output_channels=3,
        ngf=64,
        n_blocks=9,
        norm="instance",
        padding="reflect",
        upsample="transpose",
        dropout=False,
        init_type="normal",
        init_gain=0.02,
        antialias=False,
        antialias_up=False,
        test_dropout=False,
        test_statistics="running",
        use_bias=None,
        name=None,
    ):
        check_int("input_channels", input_channels, 1)
        check_int("output_channels", output_channels, 1)
        check_int("ngf", ngf, 1)
        check_int("n_blocks", n_blocks, 0)
        check_choice("upsample", upsample, ("transpose", "resize"))
        if antialias_up and upsample != "transpose":
            raise ValueError(
                "`antialias_up` is a way of upsampling itself: leave `upsample` at 'transpose'. "
                f"Received: antialias_up={antialias_up!r}, upsample={upsample!r}."
            )
        parts = Parts(
            norm,
            init_type,
            init_gain,
            padding=padding,
            dropout=dropout,
            test_dropout=test_dropout,
            test_statistics=test_statistics,
            use_bias=use_bias,
        )
        inputs = keras.Input((None, None, input_channels), name="pictures")
        x = parts.pad(3, "stem_pad")(inputs)
        x = parts.conv(ngf, 7, "stem_conv")(x)
        x = _finish(parts, x, "stem")  # (batch, height, width, ngf)
        for step in (1, 2):
            x = _down(parts, x, ngf * 2**step, name=f"down_{step}", antialias=antialias)
        # (batch, height/4, width/4, 4*ngf)
        for number in range(1, n_blocks + 1):
            x = parts.block(ngf * 4, f"block_{number}")(x)
        up = _up_antialias if antialias_up else _UPSAMPLE[upsample]
        for step in (1, 2):
            x = up(parts, x, ngf * 4 // 2**step, name=f"up_{step}")  # (batch, height, width, ngf)
        x = parts.pad(3, "head_pad")(x)
        x = parts.conv(output_channels, 7, "head_conv", use_bias=True)(x)
        super().__init__(inputs=inputs, outputs=parts.output("tanh", "head")(x), name=name)
        self._remat = False
        self.input_channels = input_channels
        self.output_channels = output_channels
        self.ngf = ngf
        self.n_blocks = n_blocks
        self.norm = norm
        self.padding = padding
        self.upsample = upsample
        self.dropout = dropout
        self.test_dropout = test_dropout
        self.test_statistics = test_statistics
        self.init_type = init_type
        self.init_gain = init_gain
        self.antialias = antialias
        self.antialias_up = antialias_up
        self.use_bias = parts.use_bias

    @classmethod
    def from_options(cls, options, n_blocks, **kwargs):
        """Makes one from `NetworkOptions`; kwargs: `input_channels output_channels name`."""
        return cls(
            ngf=options.ngf,
            n_blocks=n_blocks,
            norm=options.norm,
            padding=options.padding,
            upsample=options.upsample,
            dropout=options.dropout,
            test_dropout=options.test_dropout,
            test_statistics=options.test_statistics,
            init_type=options.init_type,
            init_gain=options.init_gain,
            antialias=options.antialias,
            antialias_up=options.antialias_up,
            use_bias=options.use_bias,
            **kwargs,
        )

    @property
    def option_name(self):
        """Its name among the choices of --generator."""
        return f"resnet_{self.n_blocks}blocks"

    def call(self, inputs, training=None, mask=None):
        """Translates `inputs`; see the class."""
        check_multiple(inputs.shape, self.size_multiple)
        if not (self.remat and training):
            return super().call(inputs, training=training, mask=mask)
        x = inputs
        for part in self._parts():
            x = keras.remat(partial(part, training=True))(x)
        return x

    @property
    def remat(self):
        """Whether training recomputes inner values instead of keeping them."""
        return self._remat

    @remat.setter
    def remat(self, value):
        if value and (self.dropout or self.norm == "batch"):
            raise ValueError(
                "`remat` computes everything twice, and with dropout or batch norm the second "
                f"result would differ. Received: dropout={self.dropout}, norm={self.norm!r}."
            )
        self._remat = value

    def get_config(self):
        """Returns the constructor's arguments."""
        return {
            "input_channels": self.input_channels,
            "output_channels": self.output_channels,
            "ngf": self.ngf,
            "n_blocks": self.n_blocks,
            "norm": self.norm,
            "padding": self.padding,
            "upsample": self.upsample,
            "dropout": self.dropout,
            "test_dropout": self.test_dropout,
            "test_statistics": self.test_statistics,
            "init_type": self.init_type,
            "init_gain": self.init_gain,
            "antialias": self.antialias,
            "antialias_up": self.antialias_up,
            **bias_config(self.norm, self.use_bias),
            "name": self.name,
        }

    def _parts(self):
        """Returns the steps down, each block and the steps up."""
        blocks = [layer for layer in self.layers if isinstance(layer, ResidualBlock)]
        if not blocks:
            return [super().call]
        down = keras.Model(self.inputs[0], blocks[0].input)
        up = keras.Model(blocks[-1].output, self.outputs[0])
        return [down, *blocks, up]


def _finish(parts, x, name):
    x = parts.norm(f"{name}_norm")(x)
    return keras.layers.ReLU(name=name)(x)


def _down(parts, x, filters, name, antialias):
    x = parts.pad(1, f"{name}_pad", padding="zero")(x)
    if not antialias:
        return _finish(parts, parts.conv(filters, 3, f"{name}_conv", strides=2)(x), name)
    x = parts.conv(filters, 3, f"{name}_conv")(x)
    x = parts.norm(f"{name}_norm")(x)
    x = keras.layers.ReLU(name=f"{name}_relu")(x)
    return parts.blur_down(x, name)


def _up_transpose(parts, x, filters, name):
    x = parts.transposed_conv(filters, 3, f"{name}_conv")(x)  # sides 2n + 1
    # The first row and column go, where Keras' "same" would drop the last: one pixel of shift.
    x = parts.crop(1, 0, f"{name}_crop")(x)
    return _finish(parts, x, name)


def _up_resize(parts, x, filters, name):
    x = keras.layers.UpSampling2D(2, interpolation="nearest", name=f"{name}_resize")(x)
    x = parts.pad(1, f"{name}_pad")(x)
    x = parts.conv(filters, 3, f"{name}_conv")(x)
    return _finish(parts, x, name)


def _up_antialias(parts, x, filters, name):
    x = BilinearUpsampling2D(name=f"{name}_resize")(x)
    x = parts.pad(1, f"{name}_pad", padding="zero")(x)
    x = parts.conv(filters, 3, f"{name}_conv")(x)
    return _finish(parts, x, name)


_UPSAMPLE = {"transpose": _up_transpose, "resize": _up_resize}
