"""Training methods: each holds its networks, its objective and its `train_step`."""

from cyclegan_keras.trainers.adversarial import AdversarialTrainer
from cyclegan_keras.trainers.base import Trainer
from cyclegan_keras.trainers.cut import CUT
from cyclegan_keras.trainers.cyclegan import CycleGAN
from cyclegan_keras.trainers.errors import TrainerError
from cyclegan_keras.trainers.options import (
    METHOD_OPTIONS,
    CUTOptions,
    CycleGANOptions,
    OptimizerOptions,
    Pix2PixOptions,
)
from cyclegan_keras.trainers.pix2pix import Pix2Pix
from cyclegan_keras.trainers.schedules import SCHEDULES, adam

# --method -> the trainer; FastCUT is CUT with other defaults (presets.METHODS).
TRAINERS = {"cyclegan": CycleGAN, "pix2pix": Pix2Pix, "cut": CUT, "fastcut": CUT}

__all__ = [
    "CUT",
    "METHOD_OPTIONS",
    "SCHEDULES",
    "TRAINERS",
    "AdversarialTrainer",
    "CUTOptions",
    "CycleGAN",
    "CycleGANOptions",
    "OptimizerOptions",
    "Pix2Pix",
    "Pix2PixOptions",
    "Trainer",
    "TrainerError",
    "adam",
]
