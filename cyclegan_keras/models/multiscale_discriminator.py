"""Several patch sizes at once."""

import keras

from cyclegan_keras.layers import bias_config
from cyclegan_keras.models.base import check_int
from cyclegan_keras.models.patch_discriminator import PatchDiscriminator


@keras.saving.register_keras_serializable(package="cyclegan_keras")
class MultiscaleDiscriminator(keras.Model):
    """Judges a picture by patches of several sizes: small ones see texture, large ones layout.

    It holds a `PatchDiscriminator` for each number of strided convolutions from 1 to `n_layers`, of
    which none shares weights with another: patches of 16, 34, 70, 142, 286 ... pixels. Losses give
    every size the same weight. The parts can be addressed by `get_layer`: `layers_1`, `layers_2`
    and so on.

    Args:
        input_channels: channels of the pictures to judge.
        ndf: channels of each part's first convolution.
        n_layers: strided convolutions of the part with the largest patches.
        norm: "instance", "instance_affine", "batch" or "none".
        init_type: "normal", "xavier", "kaiming" or "orthogonal".
        init_gain: spread of the starting weights.
        antialias: as in `PatchDiscriminator`.
        use_bias: with `norm="none"`, whether convolutions have a bias nevertheless (by default), or
            none but the first and the last one of each part, as in the reference implementation.
        name: of the model.

    Input shape:
        `(batch, height, width, input_channels)`, each side at least `smallest_size`.

    Output shape:
        A list of `(batch, h, w, 1)` logits, smallest patches first.

    Raises:
        ValueError: an argument out of range, or a picture too small for the largest patches.

    Example:
        >>> discriminator = MultiscaleDiscriminator(ndf=4)
        >>> discriminator.compute_output_shape((1, 64, 64, 3))
        [(1, 30, 30, 1), (1, 14, 14, 1), (1, 6, 6, 1)]

    Reference:
        Isola et al., "Image-to-Image Translation with Conditional Adversarial Networks", 2017,
        section 4.4, compares patch sizes, one at a time.
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
        check_int("n_layers", n_layers, 1)
        inputs = keras.Input((None, None, input_channels), name="pictures")
        parts = [
            PatchDiscriminator(
                input_channels=input_channels,
                ndf=ndf,
                n_layers=number,
                norm=norm,
                init_type=init_type,
                init_gain=init_gain,
                antialias=antialias,
                use_bias=use_bias,
                name=f"layers_{number}",
            )
            for number in range(1, n_layers + 1)
        ]
        super().__init__(inputs=inputs, outputs=[part(inputs) for part in parts], name=name)
        self.input_channels = input_channels
        self.ndf = ndf
        self.n_layers = n_layers
        self.norm = norm
        self.init_type = init_type
        self.init_gain = init_gain
        self.antialias = antialias
        self.use_bias = parts[0].use_bias

    @classmethod
    def from_options(cls, options, **kwargs):
        """Makes one from `NetworkOptions`; kwargs: `input_channels name`."""
        return cls(
            ndf=options.ndf,
            n_layers=options.n_layers,
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
        return "multiscale"

    @property
    def smallest_size(self):
        """The smallest side of a picture that gives a logit at every size."""
        return self.get_layer(f"layers_{self.n_layers}").smallest_size

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
