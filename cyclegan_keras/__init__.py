"""CycleGAN and its family on Keras 3 and TensorFlow.

The import registers every class with Keras: `keras.saving.load_model` then reads what was saved.
"""

import sys

from cyclegan_keras.cli.backends import check_environment
from cyclegan_keras.files.errors import OptionError

__version__ = "0.1.0"

# A command answers --help before Keras is loaded, and imports what it needs itself: see
# cyclegan_commands.py.
if "cyclegan_commands" not in sys.modules:
    try:
        check_environment()
    except OptionError as error:
        # `python -m` imports the package before the program in it, and its argv begins with "-m"
        # until then. Such a program cannot say itself what is wrong.
        if sys.argv[:1] == ["-m"]:
            sys.stderr.write(f"cyclegan_keras: {error}\n")
            raise SystemExit(error.exit_code) from None
        raise ImportError(f"cyclegan_keras cannot be imported: {error}") from None

    from cyclegan_keras.layers import (
        BatchNormalization,
        BilinearUpsampling2D,
        ImagePool,
        InstanceNormalization,
        LeakyReLU,
        NoiseDropout,
        ReflectionPadding2D,
        ResidualBlock,
    )
    from cyclegan_keras.models.multiscale_discriminator import MultiscaleDiscriminator
    from cyclegan_keras.models.patch_discriminator import PatchDiscriminator
    from cyclegan_keras.models.patch_mlp import PatchMLP
    from cyclegan_keras.models.pixel_discriminator import PixelDiscriminator
    from cyclegan_keras.models.resnet_generator import ResNetGenerator
    from cyclegan_keras.models.unet_generator import UNetGenerator
    from cyclegan_keras.training.cut import CUT
    from cyclegan_keras.training.cyclegan import CycleGAN
    from cyclegan_keras.training.optimizers import (
        ChangedRates,
        Constant,
        CosineDecay,
        LinearDecay,
        StepDecay,
    )
    from cyclegan_keras.training.pix2pix import Pix2Pix
    from cyclegan_keras.weights.keras_example_generator import KerasExampleGenerator

    __all__ = [
        "CUT",
        "BatchNormalization",
        "BilinearUpsampling2D",
        "ChangedRates",
        "Constant",
        "CosineDecay",
        "CycleGAN",
        "ImagePool",
        "InstanceNormalization",
        "KerasExampleGenerator",
        "LeakyReLU",
        "LinearDecay",
        "MultiscaleDiscriminator",
        "NoiseDropout",
        "PatchDiscriminator",
        "PatchMLP",
        "Pix2Pix",
        "PixelDiscriminator",
        "ReflectionPadding2D",
        "ResNetGenerator",
        "ResidualBlock",
        "StepDecay",
        "UNetGenerator",
    ]
