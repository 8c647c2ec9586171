"""The examples in the docstrings of layers and networks run as they stand."""

import doctest

import pytest

from cyclegan_keras.layers import (
    image_pool,
    instance_normalization,
    reflection_padding,
    residual_block,
)
from cyclegan_keras.models import patch_discriminator, pixel_discriminator, resnet_generator

MODULES = [
    image_pool,
    instance_normalization,
    reflection_padding,
    residual_block,
    patch_discriminator,
    pixel_discriminator,
    resnet_generator,
]


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.split(".")[-1])
def test_examples(module):
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0
