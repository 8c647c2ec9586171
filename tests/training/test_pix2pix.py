import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from cyclegan_keras.models.options import NetworkOptions
from cyclegan_keras.training.optimizers import adam
from cyclegan_keras.training.options import OptimizerOptions, Pix2PixOptions
from cyclegan_keras.training.pix2pix import Pix2Pix

SHAPE = (32, 32, 3)
TINY = NetworkOptions(
    generator="resnet_3blocks", discriminator="n_layers", n_layers=2, ngf=4, ndf=4, norm="batch"
)


def make_trainer(networks=TINY, gan_mode="vanilla"):
    return Pix2Pix.from_options(
        Pix2PixOptions(gan_mode=gan_mode),
        networks,
        lambda: adam(OptimizerOptions(), steps_per_epoch=10),
        shapes={"x": SHAPE, "y": SHAPE},
    )


def batch(seed=0, count=1):
    random = np.random.default_rng(seed)
    return {
        name: tf.constant(random.uniform(-1, 1, (count, *SHAPE)).astype("float32")) for name in "xy"
    }


def softplus(z):
    return np.log1p(np.exp(z))


def test_terms_are_the_papers_formulas():
    trainer, data = make_trainer(), batch()
    logs = trainer.test_step(data)
    fake = trainer.generator_g(data["x"], training=False)
    judged = [
        np.asarray(trainer.discriminator_y(np.concatenate([data["x"], y], -1), training=False))
        for y in (data["y"], fake)
    ]
    expected = {
        "g_adversarial": softplus(-judged[1]).mean(),
        "l1": np.abs(data["y"] - fake).mean(),
        "d_y": (softplus(-judged[0]).mean() + softplus(judged[1]).mean()) / 2,
    }
    expected["generator_loss"] = expected["g_adversarial"] + 100 * expected["l1"]
    assert logs.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(logs[name], value, rtol=1e-4, err_msg=name)


@pytest.mark.slow
def test_the_discriminator_sees_the_input_beside_the_output():
    trainer = make_trainer()
    assert trainer.discriminator_y.input_channels == 6
    data, other = batch(), batch(1)
    swapped = {"x": other["x"], "y": data["y"]}  # the same y, of another x
    trainer.reset_metrics()
    first = float(trainer.test_step(data)["d_y"])
    trainer.reset_metrics()
    assert float(trainer.test_step(swapped)["d_y"]) != pytest.approx(first, rel=1e-6)


def test_each_step_moves_its_own_networks_alone():
    trainer, data = make_trainer(), batch()
    moved = {}
    minimize = trainer.minimize

    def learned():  # statistics of a batch norm move with every look
        return {
            name: [np.array(weight) for weight in network.trainable_variables]
            for name, network in trainer.networks.items()
        }

    def record(objectives, *, optimizer, **arguments):
        before = learned()
        result = minimize(objectives, optimizer=optimizer, **arguments)
        moved[optimizer] = [
            name
            for name, after in learned().items()
            if any(not np.array_equal(a, b) for a, b in zip(before[name], after, strict=True))
        ]
        return result

    trainer.minimize = record
    trainer.train_step(data)
    assert moved == {
        "discriminator_optimizer": ["discriminator_y"],
        "generator_optimizer": ["generator_g"],
    }
    assert list(moved) == ["discriminator_optimizer", "generator_optimizer"]  # D first


@pytest.mark.parametrize(
    ("gan_mode", "discriminator"),
    [
        ("hinge", "pixel"),
        ("wgangp", "multiscale"),
        *[
            pytest.param(gan_mode, discriminator, marks=pytest.mark.release)
            for gan_mode, discriminator in [
                ("lsgan", "pixel"),
                ("wgangp", "pixel"),
                ("lsgan", "multiscale"),
                ("hinge", "multiscale"),
            ]
        ],
    ],
)
def test_every_game_and_discriminator_trains(gan_mode, discriminator):
    networks = NetworkOptions(
        generator="resnet_3blocks", discriminator=discriminator, n_layers=2, ngf=2, ndf=2
    )
    trainer = make_trainer(networks, gan_mode=gan_mode)
    logs = trainer.train_step(batch(count=2))
    assert all(np.isfinite(float(value)) for value in logs.values())


@pytest.mark.slow
@pytest.mark.usefixtures("unoptimized_graphs")
def test_training_brings_translations_nearer_to_their_counterparts():
    one_block = dataclasses.replace(TINY, generator="resnet_1blocks")
    trainer, data = make_trainer(one_block), batch()
    trainer.compile(keras.optimizers.Adam(0.01), keras.optimizers.Adam(1e-4))
    data["y"] = tf.fill(data["y"].shape, 0.5)
    step = tf.function(trainer.train_step)
    before = float(np.abs(trainer.translate(data["x"]) - data["y"]).mean())
    for _ in range(40):
        step(data)
    assert float(np.abs(trainer.translate(data["x"]) - data["y"]).mean()) < before / 2


@pytest.mark.parametrize(
    ("sizes", "generator"),
    [
        ({(256, 256), (512, 256)}, "unet_256"),
        ({(128, 256), (256, 256)}, "unet_128"),
        ({(64, 64)}, "unet_64"),
        ({(64, 64), (96, 64), (128, 64)}, "resnet_6blocks"),
        ({(300, 300)}, "resnet_9blocks"),
    ],
)
def test_the_usual_generator_is_the_deepest_u_net_that_fits_all(sizes, generator):
    assert Pix2Pix.usual_generator(sizes) == generator
