"""Whole training steps against those recorded from the reference implementation.

Keras' Adam differs from PyTorch's in where epsilon enters, so there are recorded runs with both
formulas: Keras' Adam meets the one, PyTorch's formula, written here, the other, whose final weights
were recorded too. Float64 is exact to the rounding of the files; in float32 the reference itself
drifts, as tests/golden/README.md explains in section 5.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf
from golden_adams import TorchAdam, our_adam
from golden_files import (
    CYCLEGAN_NETWORKS,
    load_golden,
    load_torch_weights,
    nhwc,
    reference_losses,
    torch_variables,
)

from cyclegan_keras.models.patch_discriminator import PatchDiscriminator
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.training.cyclegan import CycleGAN
from cyclegan_keras.weights.layouts import to_torch

FILES = {"lsgan": "cyclegan_trajectory.npz", "vanilla": "cyclegan_trajectory_vanilla.npz"}
LATER = pytest.mark.release  # each test has one of the two trajectories in every run
KERAS_ADAM = "f64_kerasadam1e-8"  # float64 with Keras' formula and the epsilon of our trainings


def make_trainer(golden, make_optimizer):
    networks = {
        "generator_g": ResNetGenerator(ngf=8, n_blocks=6, name="generator_g"),
        "generator_f": ResNetGenerator(ngf=8, n_blocks=6, name="generator_f"),
        "discriminator_x": PatchDiscriminator(ndf=8, name="discriminator_x"),
        "discriminator_y": PatchDiscriminator(ndf=8, name="discriminator_y"),
    }
    for name, reference in CYCLEGAN_NETWORKS.items():
        load_torch_weights(networks[name], golden, f"init/{reference}/")
    trainer = CycleGAN(
        **networks,
        gan_mode=str(golden["gan_mode"]),
        lambda_cycle=float(golden["lambda_A"]),
        lambda_identity=float(golden["lambda_identity"]),
        pool_size=0,
    )
    trainer.build({"x": (1, 64, 64, 3), "y": (1, 64, 64, 3)})
    trainer.compile(make_optimizer(), make_optimizer())
    return trainer


def train_and_compare(trainer, golden, recorded, tolerances, compiled=False):
    """Trains on the recorded pictures, compares the losses, and returns the last batch."""
    step = tf.function(trainer.train_step) if compiled else trainer.train_step
    dtype = keras.config.floatx()
    steps = zip(
        golden["real_A"], golden["real_B"], golden[f"{recorded}/losses"], tolerances, strict=True
    )
    for real_a, real_b, expected, tolerance in steps:
        data = {"x": nhwc(real_a).astype(dtype), "y": nhwc(real_b).astype(dtype)}
        trainer.reset_metrics()
        losses = reference_losses(step(data), golden)
        np.testing.assert_allclose(losses, expected, rtol=tolerance)
    return data


@pytest.mark.slow
@pytest.mark.usefixtures("_float64")
@pytest.mark.parametrize("gan_mode", ["vanilla", pytest.param("lsgan", marks=LATER)])
def test_every_loss_of_every_step_is_the_references(gan_mode):
    golden = load_golden(FILES[gan_mode])
    trainer = make_trainer(golden, lambda: our_adam(golden))
    train_and_compare(trainer, golden, KERAS_ADAM, [2e-7] * len(golden["real_A"]))


@pytest.mark.slow
@pytest.mark.usefixtures("_float64")
@pytest.mark.parametrize("gan_mode", ["lsgan", pytest.param("vanilla", marks=LATER)])
def test_every_final_weight_is_the_references(gan_mode):
    golden = load_golden(FILES[gan_mode])
    trainer = make_trainer(golden, lambda: TorchAdam(golden))
    data = train_and_compare(trainer, golden, "f64", [2e-7] * len(golden["real_A"]))
    outputs = trainer(data)
    again = trainer.translate(outputs["x_to_y"], "y_to_x")
    for name, images in {"fake_B": outputs["x_to_y"], "rec_A": again}.items():
        np.testing.assert_allclose(images, nhwc(golden[f"f64/after/{name}"]), atol=1e-5)
    for name, reference in CYCLEGAN_NETWORKS.items():
        for key, variable in torch_variables(trainer.networks[name]).items():
            weight = to_torch(np.array(variable))
            if f"f64/final/{reference}/{key}" in golden:
                expected = golden[f"f64/final/{reference}/{key}"]
            else:
                expected = golden[f"f64/final_slice2/{reference}/{key}"]
                weight = weight[::2, ::2]
            # Dead biases as well: in float64 their gradient, exactly zero, does not move them.
            np.testing.assert_allclose(weight, expected, rtol=0, atol=1e-6, err_msg=f"{name} {key}")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("gan_mode", "tolerances"),
    [
        # Compiled, as one of tests/training/test_golden_pix2pix.py that is in every run.
        pytest.param("lsgan", [1e-5, 1e-4, 2e-3, 1e-2, 5e-2], marks=LATER),
        ("vanilla", [1e-5, 1e-4, 2e-3]),
    ],
)
def test_float32_stays_as_near_as_the_reference_to_itself(gan_mode, tolerances):
    golden = load_golden(FILES[gan_mode])
    trainer = make_trainer(golden, lambda: our_adam(golden))
    train_and_compare(trainer, golden, KERAS_ADAM, tolerances, compiled=gan_mode == "lsgan")
