"""A generator's inner maps, by the numbers that CUT gives them."""

from collections.abc import Sequence

import keras

from cyclegan_keras.models.resnet_generator import ResNetGenerator


def encoder_names(generator: ResNetGenerator) -> list[str]:
    """Returns the names of the layers up to the last block, in the order of their numbers.

    Raises:
        ValueError: another kind of generator.
    """
    if not isinstance(generator, ResNetGenerator):
        raise ValueError(
            "A ResNet generator is needed, whose inner maps are numbered. Received: "
            f"{type(generator).__name__}."
        )
    names = ["stem_pad", "stem_conv", "stem_norm", "stem"]
    for step in ("down_1", "down_2"):
        relu = [f"{step}_relu"] if generator.antialias else []
        names += [f"{step}_conv", f"{step}_norm", *relu, step]
    return names + [f"block_{number}" for number in range(1, generator.n_blocks + 1)]


def encoder_layers(generator: ResNetGenerator, numbers: Sequence[int]) -> list[keras.layers.Layer]:
    """Returns layers of a ResNet generator by their numbers in CUT's reference implementation.

    It counts padding, convolution, norm and ReLU of the stem, then convolution, norm, ReLU
    and, with `antialias`, the blur of each step down, then the blocks as one each. So 0, 4, 8, 12
    and 16, the paper's choice, are the padded picture, the convolutions of both steps down and, of
    an antialiased generator, the blocks 1 and 5 (else 3 and 7).

    Args:
        generator: the one to look into.
        numbers: ascending, from 0 on.

    Raises:
        ValueError: another kind of generator, or a number beyond its last block.

    Example:
        >>> layers = encoder_layers(ResNetGenerator(ngf=4, antialias=True), (0, 4, 8, 12, 16))
        >>> [layer.name for layer in layers]
        ['stem_pad', 'down_1_conv', 'down_2_conv', 'block_1', 'block_5']

    Reference:
        Park et al., "Contrastive Learning for Unpaired Image-to-Image Translation", 2020, section
        3 and appendix.
    """
    names = encoder_names(generator)
    if list(numbers) != sorted({number for number in numbers if 0 <= number < len(names)}):
        raise ValueError(
            f"The layers must be ascending numbers from 0 to {len(names) - 1}, the last block of "
            f"this generator. Received: {list(numbers)}."
        )
    return [generator.get_layer(names[number]) for number in numbers]
