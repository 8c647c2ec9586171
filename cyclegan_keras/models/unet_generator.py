"""The generator of pix2pix."""

import keras

from cyclegan_keras.layers import LeakyReLU, bias_config
from cyclegan_keras.models.base import Parts, check_int, check_multiple
from cyclegan_keras.models.description import Described


@keras.saving.register_keras_serializable(package="cyclegan_keras")
class UNetGenerator(Described, keras.Model):
    """Translates a picture: steps down, as many steps up, and skips between those of one size.

    In the paper's notation the encoder is C64-C128-C256-C512-...-C512 and the decoder its mirror
    image, every step up seeing the step down of its size as well. 4x4 convolutions of stride 2.
    Stages can be addressed by `get_layer`: `down_1 .. down_n up_n .. up_2 head`, and their parts by
    the stage's name and `_pad _conv _norm _crop _drop _join`.

    Args:
        input_channels: channels of the pictures to translate.
        output_channels: channels of the translations.
        ngf: channels of the first convolution; they double with each step, up to eightfold.
        n_downs: number of steps down and up; 8 for 256 pixels and 7 for 128 reach 1x1.
        norm: "batch" (the paper's), "instance", "instance_affine" or "none". Neither the first nor
            the deepest step down has one.
        dropout: dropout of one half in the steps up of full width but the deepest (the paper's
            CD512).
        init_type: "normal", "xavier", "kaiming" or "orthogonal".
        init_gain: spread of the starting weights.
        test_dropout: whether that dropout is active at test too, as in the paper.
        test_statistics: what a batch norm uses at test: "running" statistics of the training, or
            each "picture"'s own, as in the paper.
        use_bias: with `norm="none"`, whether convolutions have a bias nevertheless (by default), or
            none but the last one, as in the reference implementation.
        name: of the model.

    Input shape:
        `(batch, height, width, input_channels)` in [-1, 1]; height and width any multiples of
        `size_multiple`, 2 ** n_downs.

    Output shape:
        `(batch, height, width, output_channels)` in [-1, 1], float32 also under mixed precision.

    Raises:
        ValueError: an argument out of range, or pictures whose sides are not such multiples.

    Example:
        >>> import numpy as np
        >>> generator = UNetGenerator(ngf=4, n_downs=4)
        >>> generator(np.zeros((1, 16, 32, 3))).shape
        TensorShape([1, 16, 32, 3])

    Reference:
        Isola et al., "Image-to-Image Translation with Conditional Adversarial Networks", 2017,
        section 6.1.1.
    """

    def __init__(
        self,
        input_channels=3,
        output_channels=3,
        ngf=64,
        n_downs=8,
        norm="batch",
        dropout=False,
        init_type="normal",
        init_gain=0.02,
        test_dropout=False,
        test_statistics="running",
        use_bias=None,
        name=None,
    ):
        check_int("input_channels", input_channels, 1)
        check_int("output_channels", output_channels, 1)
        check_int("ngf", ngf, 1)
        check_int("n_downs", n_downs, 2)
        parts = Parts(
            norm,
            init_type,
            init_gain,
            dropout=dropout,
            test_dropout=test_dropout,
            test_statistics=test_statistics,
            use_bias=use_bias,
        )
        inputs = keras.Input((None, None, input_channels), name="pictures")
        x = inputs
        skips = []
        for step in range(1, n_downs + 1):
            filters = ngf * min(2 ** (step - 1), 8)
            x = _down(parts, x, filters, name=f"down_{step}", step=step, n_downs=n_downs)
            skips.append(x)  # (batch, height / 2**step, width / 2**step, filters)
        for step in range(n_downs, 1, -1):
            drops = dropout and 5 <= step < n_downs
            x = _up(parts, x, skips[step - 2], name=f"up_{step}", dropout=drops)
        x = parts.transposed_conv(output_channels, 4, "head_conv", use_bias=True)(x)
        x = parts.crop(1, 1, "head_crop")(x)
        super().__init__(inputs=inputs, outputs=parts.output("tanh", "head")(x), name=name)
        self.input_channels = input_channels
        self.output_channels = output_channels
        self.ngf = ngf
        self.n_downs = n_downs
        self.norm = norm
        self.dropout = dropout
        self.test_dropout = test_dropout
        self.test_statistics = test_statistics
        self.init_type = init_type
        self.init_gain = init_gain
        self.use_bias = parts.use_bias

    @classmethod
    def from_options(cls, options, n_downs, **kwargs):
        """Makes one from `NetworkOptions`; kwargs: `input_channels output_channels name`."""
        return cls(
            ngf=options.ngf,
            n_downs=n_downs,
            norm=options.norm,
            dropout=options.dropout,
            test_dropout=options.test_dropout,
            test_statistics=options.test_statistics,
            init_type=options.init_type,
            init_gain=options.init_gain,
            use_bias=options.use_bias,
            **kwargs,
        )

    @property
    def option_name(self):
        """Its name among the choices of --generator."""
        return f"unet_{2**self.n_downs}"

    @property
    def size_multiple(self):
        """What height and width must be multiples of."""
        return 2**self.n_downs

    @property
    def smallest_size(self):
        """The smallest side of a picture."""
        return self.size_multiple

    def call(self, inputs, training=None, mask=None):
        """Translates `inputs`; see the class."""
        check_multiple(inputs.shape, self.size_multiple)
        return super().call(inputs, training=training, mask=mask)

    def get_config(self):
        """Returns the constructor's arguments."""
        return {
            "input_channels": self.input_channels,
            "output_channels": self.output_channels,
            "ngf": self.ngf,
            "n_downs": self.n_downs,
            "norm": self.norm,
            "dropout": self.dropout,
            "test_dropout": self.test_dropout,
            "test_statistics": self.test_statistics,
            "init_type": self.init_type,
            "init_gain": self.init_gain,
            **bias_config(self.norm, self.use_bias),
            "name": self.name,
        }


def _down(parts, x, filters, name, step, n_downs):
    x = parts.pad(1, f"{name}_pad")(x)
    x = parts.conv(filters, 4, f"{name}_conv", strides=2)(x)
    if step == n_downs:
        return keras.layers.ReLU(name=name)(x)
    if step > 1:
        x = parts.norm(f"{name}_norm")(x)
    return LeakyReLU(0.2, name=name)(x)


def _up(parts, x, skip, name, dropout):
    x = parts.transposed_conv(skip.shape[-1], 4, f"{name}_conv")(x)  # sides 2n + 2
    x = parts.norm(f"{name}_norm")(parts.crop(1, 1, f"{name}_crop")(x))
    if dropout:
        x = parts.drop(f"{name}_drop")(x)
    x = keras.layers.Concatenate(name=f"{name}_join")([skip, x])
    return keras.layers.ReLU(name=name)(x)
