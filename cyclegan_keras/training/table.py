"""The methods, and the courses of the learning rate, that can be named on the command line."""

from cyclegan_keras.training.cut import CUT
from cyclegan_keras.training.cyclegan import CycleGAN
from cyclegan_keras.training.optimizers import SCHEDULES
from cyclegan_keras.training.pix2pix import Pix2Pix

# --method -> the trainer; FastCUT is CUT with other defaults (presets.METHOD_DEFAULTS).
TRAINERS = {"cyclegan": CycleGAN, "pix2pix": Pix2Pix, "cut": CUT, "fastcut": CUT}

__all__ = ["SCHEDULES", "TRAINERS"]
