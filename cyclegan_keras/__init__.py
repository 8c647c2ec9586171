"""CycleGAN and its family on Keras 3 and TensorFlow."""

from cyclegan_keras.layers import (
    BatchNormalization,
    BilinearUpsampling2D,
    ImagePool,
    InstanceNormalization,
    ReflectionPadding2D,
    ResidualBlock,
)
from cyclegan_keras.models import (
    PatchDiscriminator,
    PixelDiscriminator,
    ResNetGenerator,
    UNetGenerator,
)
from cyclegan_keras.trainers import CycleGAN

__version__ = "0.1.0"

__all__ = [
    "BatchNormalization",
    "BilinearUpsampling2D",
    "CycleGAN",
    "ImagePool",
    "InstanceNormalization",
    "PatchDiscriminator",
    "PixelDiscriminator",
    "ReflectionPadding2D",
    "ResNetGenerator",
    "ResidualBlock",
    "UNetGenerator",
]
