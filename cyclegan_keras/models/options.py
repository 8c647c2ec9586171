"""The networks' options."""

import dataclasses

from cyclegan_keras.files.option import option


@dataclasses.dataclass(frozen=True, kw_only=True)
class NetworkOptions:
    """Which generators and discriminators to train.

    Raises:
        ValueError: options that do not go together.
    """

    generator: str | None = option(
        None,
        "Generator; unless given nine blocks, six for pictures of up to 128 pixels, as in "
        "CycleGAN's paper; for pix2pix the U-Net of the pictures' size.",
        choices=(
            "resnet_9blocks",
            "resnet_6blocks",
            "resnet_4blocks",
            "resnet_3blocks",
            "unet_256",
            "unet_128",
            "unet_64",
        ),
        aliases=("netG",),
    )
    discriminator: str = option(
        "basic",
        "Discriminator: basic judges patches of 70x70 pixels, n_layers patches of a size set by "
        "--n_layers, pixel single pixels, multiscale patches of 16 pixels up to that size, "
        "averaged.",
        choices=("basic", "n_layers", "pixel", "multiscale"),
        aliases=("netD",),
    )
    ngf: int = option(
        64,
        "Channels of the generator's first convolution.",
        low=1,
    )
    ndf: int = option(
        64,
        "Channels of the discriminator's first convolution.",
        low=1,
    )
    n_layers: int = option(
        3,
        "Strided convolutions of --discriminator=n_layers and multiscale; 1 to 5 judge patches "
        "of 16, 34, 70, 142 and 286 pixels.",
        low=1,
        high=8,
        aliases=("n_layers_D",),
    )
    norm: str = option(
        "instance",
        "Normalization of both networks; instance_affine has a learned scale and offset.",
        choices=("instance", "instance_affine", "batch", "none"),
    )
    padding: str = option(
        "reflect",
        "Padding of a ResNet generator; zero is quicker, reflect leaves no trace at the border.",
        choices=("reflect", "zero"),
    )
    upsample: str = option(
        "transpose",
        "How a ResNet generator doubles sizes: transposed convolutions, or resizing and a "
        "convolution, which leaves no checkerboard pattern.",
        choices=("transpose", "resize"),
    )
    antialias: bool = option(
        False,
        "Halve sizes as CUT does, by a blur and every second pixel, in ResNet generators and "
        "all discriminators but pixel.",
    )
    antialias_up: bool = option(
        False,
        "Double sizes as CUT does, by bilinear resizing and a convolution, in ResNet generators.",
    )
    dropout: bool = option(
        False,
        "Dropout of one half in the generator.",
    )
    test_dropout: bool = option(
        False,
        "Keep the dropout on at test, as pix2pix's noise: one fixed draw, so that a picture "
        "always gets the same translation.",
    )
    test_statistics: str = option(
        "running",
        "What --norm=batch uses at test: the running statistics of the training, or each "
        "picture's own, as pix2pix does.",
        choices=("running", "picture"),
    )
    init_type: str = option(
        "normal",
        "Distribution of the starting weights.",
        choices=("normal", "xavier", "kaiming", "orthogonal"),
    )
    init_gain: float = option(
        0.02,
        "Spread of the starting weights: standard deviation (normal) or gain (xavier, "
        "orthogonal); kaiming does not use it.",
        low=1e-6,
        high=10.0,
    )

    def __post_init__(self):
        others = {"upsample": "transpose", "padding": "reflect", "antialias_up": False}
        foreign = [name for name, default in others.items() if vars(self)[name] != default]
        if (self.generator or "").startswith("unet") and foreign:
            raise ValueError(f"--{foreign[0]} is for ResNet generators, not for {self.generator}.")
        if self.antialias_up and self.upsample != "transpose":
            raise ValueError(
                f"--antialias_up and --upsample={self.upsample} are two ways of doubling sizes: "
                "choose one."
            )
