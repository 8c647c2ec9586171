"""Losses: functions of tensors that return a scalar mean and know nothing else."""

from cyclegan_keras.losses.adversarial import (
    AdversarialLoss,
    gradient_penalty,
    hinge,
    lsgan,
    r1_penalty,
    vanilla,
    wgangp,
)
from cyclegan_keras.losses.patch_nce import patch_nce
from cyclegan_keras.losses.reconstruction import color_offset, l1

# --gan_mode -> the game
ADVERSARIAL = {"lsgan": lsgan, "vanilla": vanilla, "hinge": hinge, "wgangp": wgangp}

__all__ = [
    "ADVERSARIAL",
    "AdversarialLoss",
    "color_offset",
    "gradient_penalty",
    "l1",
    "patch_nce",
    "r1_penalty",
]
