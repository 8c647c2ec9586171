import keras
import numpy as np
import pytest

from cyclegan_keras.models.encoder import encoder_layers
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.models.unet_generator import UNetGenerator

NUMBERS = (0, 4, 8, 12, 16)


# The shapes of CUT's paper for 256x256: the padded picture, 128 and 256 channels, blocks.
@pytest.mark.parametrize(
    ("options", "names", "shapes"),
    [
        (
            {"antialias": True},
            ["stem_pad", "down_1_conv", "down_2_conv", "block_1", "block_5"],
            [(38, 46, 3), (32, 40, 8), (16, 20, 16), (8, 10, 16), (8, 10, 16)],
        ),
        (
            {},
            ["stem_pad", "down_1_conv", "down_2_norm", "block_3", "block_7"],
            [(38, 46, 3), (16, 20, 8), (8, 10, 16), (8, 10, 16), (8, 10, 16)],
        ),
    ],
)
def test_numbers_are_those_of_the_reference(options, names, shapes):
    generator = ResNetGenerator(ngf=4, **options)
    layers = encoder_layers(generator, NUMBERS)
    assert [layer.name for layer in layers] == names
    maps = keras.Model(generator.input, [layer.output for layer in layers])
    assert [each.shape[1:] for each in maps(np.zeros((1, 32, 40, 3)))] == shapes


@pytest.mark.parametrize("numbers", [(0, 15), (4, 0), (4, 4), (-1,)])
def test_numbers_that_do_not_exist(numbers):
    generator = ResNetGenerator(ngf=1, n_blocks=3, antialias=True)
    with pytest.raises(ValueError, match="ascending numbers from 0 to 14, the last block"):
        encoder_layers(generator, numbers)


def test_other_generators_are_refused():
    with pytest.raises(ValueError, match=r"ResNet generator is needed.*UNetGenerator"):
        encoder_layers(UNetGenerator(ngf=1, n_downs=3), NUMBERS)
