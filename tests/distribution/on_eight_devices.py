"""Trains on one device and on eight virtual ones, in a process in which Keras uses JAX.

Prints how far the losses and states are from each other, and what a step on eight devices does.
"""

import json
import sys
from unittest import mock

import five_steps
import jax
import keras
import numpy as np
from keras.src.backend.common import dtypes

from cyclegan_keras import CycleGAN, PixelDiscriminator, ResNetGenerator
from cyclegan_keras.cli.console import Interruption
from cyclegan_keras.distribution import devices
from cyclegan_keras.distribution.options import DistributionOptions
from cyclegan_keras.training.callbacks import StepCallback
from cyclegan_keras.training.cut import CUT
from cyclegan_keras.training.optimizers import adam
from cyclegan_keras.training.options import OptimizerOptions

STEPS, DEVICES = 5, 8
AUGMENTATIONS = "color,translation,cutout"
PATCHES = {"nce_layers": "0,4", "nce_units": 4, "n_patches": 16}
CASES = {
    "small": {},
    "cyclegan": {"method": "cyclegan", "pool_size": 12, "ema_decay": 0.9},
    "pix2pix": {"method": "pix2pix"},  # with a batch norm
    "cut": {"method": "cut", **PATCHES, "nce_all_negatives": True, "d_regularization": "r1"},
    "wgangp": {"method": "cyclegan", "gan_mode": "wgangp", "pool_size": 12},
    "accumulated": {
        "method": "pix2pix",
        "diff_augment": AUGMENTATIONS,
        "batch_size": 16,
        "accumulate_steps": 2,
    },
    "remat": {"method": "cyclegan", "pool_size": 12, "remat": True},
    "augmented": {
        "method": "fastcut",
        **PATCHES,
        "nce_identity": False,
        "diff_augment": AUGMENTATIONS,
    },
}
COUNTED = ("cyclegan", "cut", "accumulated")  # whose work is counted, for which they compile again


class Losses(StepCallback):
    """Keeps the losses of each step."""

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        self.each = []

    def after_step(self, before, logs):
        self.each.append({name: float(value) for name, value in logs.items()})
        self.model.reset_metrics()  # which assigns to variables


def small_trainer():
    """A CycleGAN that is compiled in a few seconds."""
    trainer = CycleGAN(
        ResNetGenerator(ngf=2, n_blocks=0, name="generator_g"),
        ResNetGenerator(ngf=2, n_blocks=0, name="generator_f"),
        PixelDiscriminator(ndf=2, name="discriminator_x"),
        PixelDiscriminator(ndf=2, name="discriminator_y"),
        pool_size=12,  # full after the second step
        lambda_identity=0.0,
        diff_augment="color",
        ema_decay=0.5,
    )
    trainer.build({"x": (None, 16, 16, 3), "y": (None, 16, 16, 3)})
    optimizer, another = (adam(OptimizerOptions(), steps_per_epoch=10) for _ in range(2))
    trainer.compile(optimizer, another)
    return trainer


def made(method=None, accumulate_steps=1, remat=False, **objective):
    """A new trainer of a method, with an objective."""
    keras.utils.set_random_seed(0)
    if method is None:
        return small_trainer()
    with (
        mock.patch.dict(five_steps.METHODS, {method: objective}),
        mock.patch.object(five_steps, "FixedPositions", CUT),  # the backend is the same
    ):
        return five_steps.made(method, accumulate_steps=accumulate_steps, remat=remat)


def trained(team, trainer, batches):
    """Trains; returns the losses of each step and the state."""
    losses = Losses()
    team.fit(trainer, lambda start, stop: batches, STEPS, [losses], Interruption(""))
    state = {name: keras.ops.convert_to_numpy(value) for name, value in trainer.state().items()}
    return losses.each, state


def watched(loop):
    """Forbids the steps of a loop to move anything between devices and host in passing."""
    take_step = loop.take_step

    def take_step_without_transfers(batch, code):
        with jax.transfer_guard("disallow"):
            return take_step(batch, code)

    loop.take_step = take_step_without_transfers
    return loop


def share_of_work(trainer, replicas, batch):
    """Returns which share of the floating-point operations of a step one device does."""
    one_step = jax.jit(trainer.pure_step(trainer.train_step))
    values = [variable.value for variable in trainer.changing_variables()]
    alone = one_step.lower(values, batch)
    divided = {name: replicas.divide(pictures) for name, pictures in batch.items()}
    codes = replicas.divide(np.zeros(DEVICES, "int32"))
    each = replicas.compiled.lower(replicas.state(), divided, codes)
    operations = [step.compile().cost_analysis()["flops"] for step in (each, alone)]
    return operations[0] / operations[1]


def compare(case, batch_size=DEVICES, **options):
    """Trains a case on one device and on eight; returns what differs."""
    channels = five_steps.CHANNELS[options.get("method", "cyclegan")]
    with mock.patch.object(five_steps, "BATCH", batch_size):
        batches = [
            {name: pictures.astype("float64") for name, pictures in batch.items()}
            for batch in five_steps.pictures(0, STEPS, channels)
        ]
    parts = options.get("accumulate_steps", 1)
    alone, several = (
        devices.form_team(
            DistributionOptions(distribute=distribute), None, batch_size, accumulate_steps=parts
        )
        for distribute in ("none", "mirrored")
    )
    expected_losses, expected_state = trained(alone, made(**options), batches)
    trainer = made(**options)
    loop = watched(several.loop(trainer))
    with mock.patch.object(several, "loop", return_value=loop):
        losses, state = trained(several, trainer, batches)
    compilations = loop.replicas.compiled._cache_size()
    share = None
    if case in COUNTED:
        share = share_of_work(trainer, loop.replicas, batches[0])

    assert [row.keys() for row in losses] == [row.keys() for row in expected_losses]
    assert state.keys() == expected_state.keys()
    return {
        "case": case,
        "steps": len(losses),
        "devices": several.mesh.size,
        "losses": max(
            abs(value / expected_losses[step][name] - 1)
            for step, row in enumerate(losses)
            for name, value in row.items()
        ),
        "state": max(distance(state[name], expected_state[name]) for name in state),
        "compilations": compilations,
        "share_of_work": share,
    }


def distance(array, expected):
    """Returns the largest difference, relative where numbers are larger than 1."""
    difference = np.abs(array - expected.astype("float64"))
    return float((difference / np.maximum(1, np.abs(expected))).max(initial=0.0))


def main(cases):
    """Prints a line of JSON for each case."""
    # Keras computes in float32 on JAX where it can choose; these numbers shall be exact.
    dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64"
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    for case in cases:
        sys.stdout.write(json.dumps(compare(case, **CASES[case])) + "\n")
