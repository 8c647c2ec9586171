"""Keras layers that the networks and trainers are made of; each is public and serializable."""

from cyclegan_keras.layers.base import (
    NORMS,
    PADDINGS,
    bias_config,
    has_bias,
    norm_layer,
    padding_layer,
)
from cyclegan_keras.layers.batch_normalization import BatchNormalization
from cyclegan_keras.layers.bilinear_upsampling import BilinearUpsampling2D
from cyclegan_keras.layers.image_pool import ImagePool
from cyclegan_keras.layers.instance_normalization import InstanceNormalization
from cyclegan_keras.layers.leaky_relu import LeakyReLU
from cyclegan_keras.layers.noise_dropout import NoiseDropout
from cyclegan_keras.layers.reflection_padding import ReflectionPadding2D
from cyclegan_keras.layers.residual_block import ResidualBlock

__all__ = [
    "NORMS",
    "PADDINGS",
    "BatchNormalization",
    "BilinearUpsampling2D",
    "ImagePool",
    "InstanceNormalization",
    "LeakyReLU",
    "NoiseDropout",
    "ReflectionPadding2D",
    "ResidualBlock",
    "bias_config",
    "has_bias",
    "norm_layer",
    "padding_layer",
]
