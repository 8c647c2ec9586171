"""A discriminator of single pixels."""

import keras

from cyclegan_keras.layers import LeakyReLU, bias_config
from cyclegan_keras.models.base import Parts, check_int


@keras.saving.register_keras_serializable(package="cyclegan_keras")
class PixelDiscriminator(keras.Model):
    """Judges every pixel by itself (1x1 convolutions): it teaches colors, not shapes.

    Stages: `stage_1 stage_2 logits`.

    Args:
        input_channels: channels of the pictures to judge.
        ndf: channels of the first convolution, half of the second's.
        norm: "instance", "instance_affine", "batch" or "none", after the second convolution.
        init_type: "normal", "xavier", "kaiming" or "orthogonal".
        init_gain: spread of the starting weights.
        use_bias: with `norm="none"`, whether convolutions have a bias nevertheless (by default), or
            none but the first one, as in the reference implementation.
        name: of the model.

    Input shape:
        `(batch, height, width, input_channels)`.

    Output shape:
        `(batch, height, width, 1)` logits, float32 also under mixed precision.

    Raises:
        ValueError: an argument out of range.

    Example:
        >>> discriminator = PixelDiscriminator(ndf=4)
        >>> discriminator.compute_output_shape((1, 20, 30, 3))
        (1, 20, 30, 1)

    Reference:
        Isola et al., "Image-to-Image Translation with Conditional Adversarial Networks", 2017,
        section 4.4.
    """

    size_multiple = 1
    smallest_size = 1

    def __init__(
        self,
        input_channels=3,
        ndf=64,
        norm="instance",
        init_type="normal",
        init_gain=0.02,
        use_bias=None,
        name=None,
    ):
        check_int("input_channels", input_channels, 1)
        check_int("ndf", ndf, 1)
        parts = Parts(norm, init_type, init_gain, use_bias=use_bias)
        inputs = keras.Input((None, None, input_channels), name="pictures")
        x = parts.conv(ndf, 1, "stage_1_conv", use_bias=True)(inputs)
        x = LeakyReLU(0.2, name="stage_1")(x)
        x = parts.conv(ndf * 2, 1, "stage_2_conv")(x)
        x = parts.norm("stage_2_norm")(x)
        x = LeakyReLU(0.2, name="stage_2")(x)
        x = parts.conv(1, 1, "logits_conv")(x)
        super().__init__(inputs=inputs, outputs=parts.output("linear", "logits")(x), name=name)
        self.input_channels = input_channels
        self.ndf = ndf
        self.norm = norm
        self.init_type = init_type
        self.init_gain = init_gain
        self.use_bias = parts.use_bias

    @classmethod
    def from_options(cls, options, **kwargs):
        """Makes one from `NetworkOptions`; kwargs: `input_channels name`."""
        return cls(
            ndf=options.ndf,
            norm=options.norm,
            init_type=options.init_type,
            init_gain=options.init_gain,
            use_bias=options.use_bias,
            **kwargs,
        )

    @property
    def option_name(self):
        """Its name among the choices of --discriminator."""
        return "pixel"

    def get_config(self):
        """Returns the constructor's arguments."""
        return {
            "input_channels": self.input_channels,
            "ndf": self.ndf,
            "norm": self.norm,
            "init_type": self.init_type,
            "init_gain": self.init_gain,
            **bias_config(self.norm, self.use_bias),
            "name": self.name,
        }
