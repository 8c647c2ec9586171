"""The trainers that can be named on the command line."""

from cyclegan_keras.training.cut import CUT
from cyclegan_keras.training.cyclegan import CycleGAN
from cyclegan_keras.training.pix2pix import Pix2Pix

# --method -> the trainer; FastCUT is CUT with other defaults (`cli.presets.METHOD_DEFAULTS`).
TRAINERS: dict[str, type[CycleGAN | Pix2Pix | CUT]] = {
    "cyclegan": CycleGAN,
    "pix2pix": Pix2Pix,
    "cut": CUT,
    "fastcut": CUT,
}
