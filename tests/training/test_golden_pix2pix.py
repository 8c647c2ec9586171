"""Whole pix2pix steps against those recorded from the reference; see test_golden_trajectory.py."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from golden_adams import TorchAdam, our_adam
from golden_files import load_golden, load_torch_weights, nhwc, torch_variables

from cyclegan_keras.models.patch_discriminator import PatchDiscriminator
from cyclegan_keras.models.unet_generator import UNetGenerator
from cyclegan_keras.training.pix2pix import Pix2Pix
from cyclegan_keras.weights.layouts import to_torch

FILE = "pix2pix_trajectory.npz"
NETWORKS = {"generator_g": "G", "discriminator_y": "D"}


def make_trainer(golden, make_optimizer, test_statistics="running"):
    networks = {
        "generator_g": UNetGenerator(ngf=8, n_downs=7, test_statistics=test_statistics),
        "discriminator_y": PatchDiscriminator(input_channels=6, ndf=8, norm="batch"),
    }
    for name, reference in NETWORKS.items():
        load_torch_weights(networks[name], golden, f"init/{reference}/")
    trainer = Pix2Pix(**networks, gan_mode="vanilla", lambda_l1=float(golden["lambda_L1"]))
    trainer.build(dict.fromkeys("xy", (1, 128, 128, 3)))
    trainer.compile(make_optimizer(), make_optimizer())
    return trainer


def train_and_compare(trainer, golden, recorded, tolerances, compiled=False):
    """Trains on the recorded pictures, compares the losses, and returns the last batch."""
    step = tf.function(trainer.train_step) if compiled else trainer.train_step
    dtype = keras.config.floatx()
    assert list(golden["loss_names"]) == ["G_GAN", "G_L1", "D_real", "D_fake"]
    steps = zip(
        golden["real_A"], golden["real_B"], golden[f"{recorded}/losses"], tolerances, strict=True
    )
    for real_a, real_b, (g_gan, g_l1, d_real, d_fake), tolerance in steps:
        data = {"x": nhwc(real_a).astype(dtype), "y": nhwc(real_b).astype(dtype)}
        trainer.reset_metrics()
        logs = step(data)
        np.testing.assert_allclose(logs["g_adversarial"], g_gan, rtol=tolerance)
        np.testing.assert_allclose(float(golden["lambda_L1"]) * logs["l1"], g_l1, rtol=tolerance)
        np.testing.assert_allclose(logs["d_y"], (d_real + d_fake) / 2, rtol=tolerance)
    return data


@pytest.mark.slow
@pytest.mark.usefixtures("_float64")
def test_every_loss_of_every_step_is_the_references():
    golden = load_golden(FILE)
    trainer = make_trainer(golden, lambda: our_adam(golden))
    train_and_compare(trainer, golden, "f64_kerasadam1e-8", [2e-7] * 3)


@pytest.mark.slow
@pytest.mark.usefixtures("_float64")
def test_every_final_weight_and_translation_is_the_references():
    golden = load_golden(FILE)
    trainer = make_trainer(golden, lambda: TorchAdam(golden))
    data = train_and_compare(trainer, golden, "f64", [2e-7] * 3)
    expected = nhwc(golden["f64/after/fake_B_eval"])
    np.testing.assert_allclose(trainer.translate(data["x"]), expected, atol=1e-5)
    for name, reference in NETWORKS.items():
        for key, variable in torch_variables(trainer.networks[name]).items():
            weight = to_torch(np.array(variable))
            if f"f64/final/{reference}/{key}" in golden:
                expected = golden[f"f64/final/{reference}/{key}"]
            else:
                expected = golden[f"f64/final_slice4/{reference}/{key}"]
                weight = weight[::4, ::4]
            np.testing.assert_allclose(
                weight, expected, atol=1e-6, rtol=1e-6, err_msg=f"{name} {key}"
            )
    # At test with each picture's own statistics: what the reference gives in training mode.
    copy = UNetGenerator(ngf=8, n_downs=7, test_statistics="picture")
    copy.set_weights(trainer.generator_g.get_weights())
    expected = nhwc(golden["f64/after/fake_B_train"])
    np.testing.assert_allclose(copy(data["x"], training=False), expected, atol=1e-5)


@pytest.mark.slow
def test_float32_stays_as_near_as_the_reference_to_itself():
    golden = load_golden(FILE)
    trainer = make_trainer(golden, lambda: our_adam(golden))
    tolerances = [1e-5, 1e-5, 2e-4]
    train_and_compare(trainer, golden, "f64_kerasadam1e-8", tolerances, compiled=True)
