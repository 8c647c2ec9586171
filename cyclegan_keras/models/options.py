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
        "Architecture of the generators. By default nine residual blocks, or six for pictures of "
        "up to 128 pixels, as in the CycleGAN paper; for pix2pix the U-Net for the size of the "
        "pictures.",
        choices=(
            "resnet_9blocks",
            "resnet_6blocks",
            "resnet_4blocks",
            "resnet_3blocks",
            "resnet_2blocks",
            "resnet_1blocks",
            "unet_256",
            "unet_128",
            "unet_64",
        ),
        pattern=r"resnet_\d+blocks|unet_\d+",  # what networks of runs and files may be
        aliases=("netG",),
    )
    discriminator: str = option(
        "basic",
        "Architecture of the discriminators. basic: judges patches of 70x70 pixels; n_layers: "
        "patches of the size that --n_layers sets; pixel: single pixels; multiscale: the average "
        "over patches from 16 pixels up to that size.",
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
        "Normalization in all networks; instance_affine adds a learned scale and offset.",
        choices=("instance", "instance_affine", "batch", "none"),
    )
    use_bias: bool | None = option(
        None,
        "With --norm=none, whether convolutions have a bias where a norm would follow. By default "
        "they have none, as in the reference implementation; with any other --norm there is no "
        "choice.",
    )
    padding: str = option(
        "reflect",
        "Padding of ResNet generators; zero is faster, reflect leaves no artifacts at the border.",
        choices=("reflect", "zero"),
    )
    upsample: str = option(
        "transpose",
        "How ResNet generators double sizes: by transposed convolutions, or by resizing and a "
        "convolution, which leaves no checkerboard pattern; resize_zero pads this convolution with "
        "zeros, as PyTorch-GAN does.",
        choices=("transpose", "resize", "resize_zero"),
    )
    antialias: bool = option(
        False,
        "Halve sizes as CUT does, by blurring and taking every second pixel, in ResNet "
        "generators and in all discriminators but pixel.",
    )
    antialias_up: bool = option(
        False,
        "Double sizes as CUT does, by bilinear resizing and a convolution, in ResNet generators.",
    )
    dropout: bool = option(
        False,
        "Use dropout at a rate of one half in the generators.",
    )
    test_dropout: bool = option(
        False,
        "Keep the dropout at test time, as the noise of pix2pix; it is drawn once, so that a "
        "picture always gets the same translation.",
    )
    test_statistics: str = option(
        "running",
        "What --norm=batch uses at test time. running: the statistics of the training; picture: "
        "those of each picture, as pix2pix does.",
        choices=("running", "picture"),
    )
    init_type: str = option(
        "normal",
        "Distribution of the initial weights.",
        choices=("normal", "xavier", "kaiming", "orthogonal"),
    )
    init_gain: float = option(
        0.02,
        "Scale of the initial weights: standard deviation (normal) or gain (xavier, orthogonal); "
        "unused by kaiming.",
        low=1e-6,
        high=10.0,
    )

    def __post_init__(self):
        others = {"upsample": "transpose", "padding": "reflect", "antialias_up": False}
        foreign = [name for name, default in others.items() if vars(self)[name] != default]
        if (self.generator or "").startswith("unet") and foreign:
            raise ValueError(f"--{foreign[0]} is for ResNet generators, not for {self.generator}.")
        if self.use_bias is not None and self.norm != "none":
            raise ValueError(
                f"--[no]use_bias is for --norm=none: with --norm={self.norm} convolutions "
                f"{'never' if self.norm == 'batch' else 'always'} have a bias."
            )
        if self.antialias_up and self.upsample != "transpose":
            raise ValueError(
                f"--antialias_up and --upsample={self.upsample} are two ways of doubling sizes: "
                "choose one."
            )
