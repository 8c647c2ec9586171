"""The paper's discriminator."""

import keras

from cyclegan_keras.layers import LeakyReLU, bias_config
from cyclegan_keras.models.base import Parts, check_int


@keras.saving.register_keras_serializable(package="cyclegan_keras")
class PatchDiscriminator(keras.Model):
    """Judges overlapping patches of a picture, each by one logit.

    4x4 convolutions: `n_layers` of stride 2 and two of stride 1. With `n_layers=3` a logit sees
    70x70 pixels, and a 256x256 picture has 30x30 logits. Stages: `stage_1 .. stage_{n_layers + 1}
    logits`.

    Args:
        input_channels: channels of the pictures to judge.
        ndf: channels of the first convolution; they double with each layer, up to eightfold.
        n_layers: number of strided convolutions.
        norm: "instance" (the paper's), "instance_affine", "batch" or "none"; the first layer never
            has one.
        init_type: "normal", "xavier", "kaiming" or "orthogonal".
        init_gain: spread of the starting weights.
        antialias: as in CUT, convolutions of stride 1, then a blur and every second pixel.
        use_bias: with `norm="none"`, whether convolutions have a bias nevertheless (by default), or
            none but the first and the last one, as in the reference implementation.
        name: of the model.

    Input shape:
        `(batch, height, width, input_channels)`, each side at least `smallest_size`.

    Output shape:
        `(batch, h, w, 1)` logits, h and w as `patch_logits_size` says; float32 also under mixed
        precision.

    Raises:
        ValueError: an argument out of range, or a picture too small for a single logit.

    Example:
        >>> discriminator = PatchDiscriminator(ndf=4)
        >>> discriminator.compute_output_shape((1, 256, 256, 3))
        (1, 30, 30, 1)

    Reference:
        Isola et al., "Image-to-Image Translation with Conditional Adversarial Networks", 2017,
        section 3.2.2.
    """

    size_multiple = 1  # of height and width

    def __init__(
        self,
        input_channels=3,
        ndf=64,
        n_layers=3,
        norm="instance",
        init_type="normal",
        init_gain=0.02,
        antialias=False,
        use_bias=None,
        name=None,
    ):
        check_int("input_channels", input_channels, 1)
        check_int("ndf", ndf, 1)
        check_int("n_layers", n_layers, 1)
        parts = Parts(norm, init_type, init_gain, use_bias=use_bias)
        inputs = keras.Input((None, None, input_channels), name="pictures")
        x = inputs
        for number in range(1, n_layers + 2):
            filters = ndf * min(2 ** (number - 1), 8)
            stage = f"stage_{number}"
            blur = antialias and number <= n_layers
            x = parts.pad(1, f"{stage}_pad")(x)
            x = parts.conv(
                filters,
                4,
                f"{stage}_conv",
                strides=2 if number <= n_layers and not blur else 1,
                use_bias=True if number == 1 else None,
            )(x)
            if number > 1:
                x = parts.norm(f"{stage}_norm")(x)
            x = LeakyReLU(0.2, name=f"{stage}_relu" if blur else stage)(x)
            if blur:
                x = parts.blur_down(x, stage)
        x = parts.pad(1, "logits_pad")(x)
        x = parts.conv(1, 4, "logits_conv", use_bias=True)(x)
        super().__init__(inputs=inputs, outputs=parts.output("linear", "logits")(x), name=name)
        self.input_channels = input_channels
        self.ndf = ndf
        self.n_layers = n_layers
        self.norm = norm
        self.init_type = init_type
        self.init_gain = init_gain
        self.antialias = antialias
        self.use_bias = parts.use_bias

    @classmethod
    def from_options(cls, options, n_layers=None, **kwargs):
        """Makes one from `NetworkOptions`; kwargs: `input_channels name`."""
        return cls(
            ndf=options.ndf,
            n_layers=n_layers or options.n_layers,
            norm=options.norm,
            init_type=options.init_type,
            init_gain=options.init_gain,
            antialias=options.antialias,
            use_bias=options.use_bias,
            **kwargs,
        )

    @property
    def option_name(self):
        """Its name among the choices of --discriminator."""
        return "basic" if self.n_layers == 3 else "n_layers"

    @property
    def smallest_size(self):
        """The smallest side of a picture that gives a logit."""
        size = 1
        while patch_logits_size(size, self.n_layers) < 1:
            size += 1
        return size

    def call(self, inputs, training=None, mask=None):
        """Judges `inputs`; see the class."""
        if any(side is not None and side < self.smallest_size for side in inputs.shape[1:3]):
            raise ValueError(
                f"With n_layers={self.n_layers} height and width must be at least "
                f"{self.smallest_size}. Received: shape={tuple(inputs.shape)}."
            )
        return super().call(inputs, training=training, mask=mask)

    def get_config(self):
        """Returns the constructor's arguments."""
        return {
            "input_channels": self.input_channels,
            "ndf": self.ndf,
            "n_layers": self.n_layers,
            "norm": self.norm,
            "init_type": self.init_type,
            "init_gain": self.init_gain,
            "antialias": self.antialias,
            **bias_config(self.norm, self.use_bias),
            "name": self.name,
        }


def patch_logits_size(size, n_layers=3):
    """Returns how many logits a `PatchDiscriminator` gives along a side of `size` pixels.

    Zero or less means that the picture is too small.

    Example:
        >>> patch_logits_size(256), patch_logits_size(70), patch_logits_size(23)
        (30, 6, 0)
    """
    for _ in range(n_layers):
        size = size // 2
    return size - 2
