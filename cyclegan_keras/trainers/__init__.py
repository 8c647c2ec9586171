"""Training methods: each holds its networks, its objective and its `train_step`."""

from cyclegan_keras.trainers.base import Trainer
from cyclegan_keras.trainers.cyclegan import CycleGAN
from cyclegan_keras.trainers.options import METHOD_OPTIONS, CycleGANOptions, OptimizerOptions
from cyclegan_keras.trainers.schedules import SCHEDULES, adam

# --method -> f(options, networks, make_optimizer, picture_shape=, seed=, **compile_options)
TRAINERS = {"cyclegan": CycleGAN.from_options}

__all__ = [
    "METHOD_OPTIONS",
    "SCHEDULES",
    "TRAINERS",
    "CycleGAN",
    "CycleGANOptions",
    "OptimizerOptions",
    "Trainer",
    "adam",
]
