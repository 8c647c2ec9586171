"""The networks that can be named on the command line."""

import re
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
    "resnet_2blocks": partial(ResNetGenerator.from_options, n_blocks=2),
    "resnet_1blocks": partial(ResNetGenerator.from_options, n_blocks=1),
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
        options: `NetworkOptions` with a `generator` chosen. It may also be one that cannot be typed
            but that a run has: `"resnet_<n>blocks"` of any number, `"unet_<2**n>"` from 4 on.
        name: of the model.
        input_channels: channels of the pictures to translate.
        output_channels: channels of the translations.

    Raises:
        ValueError: there is no such generator.
    """
    build = GENERATORS.get(options.generator) or _generator_of_depth(options.generator)
    return build(options, input_channels=input_channels, output_channels=output_channels, name=name)


def _generator_of_depth(name):
    """Returns how to build what `option_name` of a generator of any depth says."""
    if match := re.fullmatch(r"resnet_(\d+)blocks", name):
        return partial(ResNetGenerator.from_options, n_blocks=int(match[1]))
    if match := re.fullmatch(r"unet_(\d+)", name):
        n_downs = int(match[1]).bit_length() - 1
        if n_downs >= 2 and 2**n_downs == int(match[1]):
            return partial(UNetGenerator.from_options, n_downs=n_downs)
    raise ValueError(
        f"There is no generator {name!r}: expected resnet_<n>blocks, or unet_<n> with a power of "
        "two from 4 on."
    )


def build_discriminator(options, name=None, input_channels=3):
    """Returns a new discriminator; its pictures have a `smallest_size`.

    Args:
        options: `NetworkOptions`.
        name: of the model.
        input_channels: channels of the pictures to judge.
    """
    return DISCRIMINATORS[options.discriminator](options, input_channels=input_channels, name=name)
