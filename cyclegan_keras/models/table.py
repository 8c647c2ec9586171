"""The networks that can be named on the command line."""

from functools import partial

from cyclegan_keras.models.multiscale_discriminator import MultiscaleDiscriminator
from cyclegan_keras.models.patch_discriminator import PatchDiscriminator
from cyclegan_keras.models.pixel_discriminator import PixelDiscriminator
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.models.unet_generator import UNetGenerator

# --generator -> f(options, input_channels=, output_channels=, name=)
GENERATORS = {
    "resnet_9blocks": partial(ResNetGenerator.from_options, n_blocks=9),
    "resnet_6blocks": partial(ResNetGenerator.from_options, n_blocks=6),
    "resnet_4blocks": partial(ResNetGenerator.from_options, n_blocks=4),
    "resnet_3blocks": partial(ResNetGenerator.from_options, n_blocks=3),
    "unet_256": partial(UNetGenerator.from_options, n_downs=8),
    "unet_128": partial(UNetGenerator.from_options, n_downs=7),
    "unet_64": partial(UNetGenerator.from_options, n_downs=6),
}

# --discriminator -> f(options, input_channels=, name=)
DISCRIMINATORS = {
    "basic": partial(PatchDiscriminator.from_options, n_layers=3),
    "n_layers": PatchDiscriminator.from_options,
    "pixel": PixelDiscriminator.from_options,
    "multiscale": MultiscaleDiscriminator.from_options,
}


def build_generator(options, name=None, input_channels=3, output_channels=3):
    """Returns a new generator; its pictures have a `size_multiple` and a `smallest_size`.

    Args:
        options: `NetworkOptions` with a `generator` chosen.
        name: of the model.
        input_channels: channels of the pictures to translate.
        output_channels: channels of the translations.
    """
    return GENERATORS[options.generator](
        options, input_channels=input_channels, output_channels=output_channels, name=name
    )


def build_discriminator(options, name=None, input_channels=3):
    """Returns a new discriminator; its pictures have a `smallest_size`.

    Args:
        options: `NetworkOptions`.
        name: of the model.
        input_channels: channels of the pictures to judge.
    """
    return DISCRIMINATORS[options.discriminator](options, input_channels=input_channels, name=name)
