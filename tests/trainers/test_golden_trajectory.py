"""Whole training steps against those recorded from the reference implementation, in float64.

Keras' Adam differs from PyTorch's in where epsilon enters, so the recorded runs with Keras' formula
are the oracle; see the README of the recorded arrays.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf
from golden_files import load_golden, load_torch_weights, nhwc

from cyclegan_keras.models import PatchDiscriminator, ResNetGenerator
from cyclegan_keras.trainers import CycleGAN

# Our network -> the reference's; its D_A judges domain B.
NETWORKS = {
    "generator_g": "G_A",
    "generator_f": "G_B",
    "discriminator_x": "D_B",
    "discriminator_y": "D_A",
}
FILES = {"lsgan": "cyclegan_trajectory.npz", "vanilla": "cyclegan_trajectory_vanilla.npz"}


@pytest.fixture
def _float64():
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy("float32")


def make_trainer(golden, epsilon):
    networks = {
        name: (ResNetGenerator if "generator" in name else PatchDiscriminator)(
            **({"ngf": 8, "n_blocks": 6} if "generator" in name else {"ndf": 8}), name=name
        )
        for name in NETWORKS
    }
    for name, reference in NETWORKS.items():
        load_torch_weights(networks[name], golden, f"init/{reference}/")
    trainer = CycleGAN(
        **networks,
        gan_mode=str(golden["gan_mode"]),
        lambda_cycle=float(golden["lambda_A"]),
        lambda_identity=float(golden["lambda_identity"]),
        pool_size=0,
    )
    trainer.build({"x": (1, 64, 64, 3), "y": (1, 64, 64, 3)})
    trainer.compile(
        *(
            keras.optimizers.Adam(float(golden["lr"]), float(golden["beta1"]), epsilon=epsilon)
            for _ in range(2)
        )
    )
    return trainer


def reference_losses(logs, golden):
    """Our unweighted terms in the reference's names and weights."""
    weight = float(golden["lambda_A"])
    identity = weight * float(golden["lambda_identity"])
    losses = {
        "D_A": logs["d_y"],
        "D_B": logs["d_x"],
        "G_A": logs["g_adversarial"],
        "G_B": logs["f_adversarial"],
        "cycle_A": weight * logs["cycle_x"],
        "cycle_B": weight * logs["cycle_y"],
        "idt_A": identity * logs.get("identity_y", 0.0),
        "idt_B": identity * logs.get("identity_x", 0.0),
    }
    return [float(losses[name]) for name in golden["loss_names"]]


@pytest.mark.slow
@pytest.mark.usefixtures("_float64")
@pytest.mark.parametrize("epsilon", [1e-8, 1e-7])
@pytest.mark.parametrize("gan_mode", FILES)
def test_every_loss_of_every_step_is_the_references(gan_mode, epsilon):
    golden = load_golden(FILES[gan_mode])
    recorded = f"f64_kerasadam{epsilon:.0e}".replace("e-0", "e-")
    trainer = make_trainer(golden, epsilon)
    step = tf.function(trainer.train_step)
    for real_a, real_b, expected in zip(
        golden["real_A"], golden["real_B"], golden[f"{recorded}/losses"], strict=True
    ):
        data = {"x": nhwc(real_a).astype("float64"), "y": nhwc(real_b).astype("float64")}
        trainer.reset_metrics()
        losses = reference_losses(step(data), golden)
        np.testing.assert_allclose(losses, expected, rtol=1e-6)
    if epsilon == 1e-7:
        outputs = trainer(data)
        np.testing.assert_allclose(
            outputs["x_to_y"], nhwc(golden[f"{recorded}/after/fake_B"]), atol=1e-5
        )
        np.testing.assert_allclose(
            trainer.translate(outputs["x_to_y"], "y_to_x"),
            nhwc(golden[f"{recorded}/after/rec_A"]),
            atol=1e-5,
        )
