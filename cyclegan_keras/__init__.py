"""CycleGAN and its family on Keras 3 and TensorFlow."""

from cyclegan_keras.layers import (
    ImagePool,
    InstanceNormalization,
    ReflectionPadding2D,
    ResidualBlock,
)
from cyclegan_keras.models import PatchDiscriminator, PixelDiscriminator, ResNetGenerator
from cyclegan_keras.trainers import CycleGAN

__version__ = "0.1.0"

__all__ = [
    "CycleGAN",
    "ImagePool",
    "InstanceNormalization",
    "PatchDiscriminator",
    "PixelDiscriminator",
    "ReflectionPadding2D",
    "ResNetGenerator",
    "ResidualBlock",
]
