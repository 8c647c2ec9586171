"""What a process without TensorFlow does when KERAS_BACKEND=jax; see test_distiller_jax.py."""

import keras
import numpy as np

from cyclegan_keras.compression.distiller import Distiller
from cyclegan_keras.evaluation.features import open_perceptual_loss
from cyclegan_keras.models.pixel_discriminator import PixelDiscriminator
from cyclegan_keras.models.resnet_generator import ResNetGenerator

SHAPE = (16, 16, 3)
BEGIN, STEPS = 2, 4  # the adversarial part, and the end


def made():
    """Returns a distiller that begins with the same weights on every backend."""
    distiller = Distiller(
        {"generator_g": ResNetGenerator(ngf=2, n_blocks=1, name="generator_g")},
        distance=open_perceptual_loss(3),
        lambda_offset=1.0,
        discriminators={"discriminator_y": PixelDiscriminator(ndf=2, name="discriminator_y")},
        adversarial_from=BEGIN,
        ema_decay=0.9,
    )
    distiller.compile_for(steps=STEPS)
    # A bias before an instance norm has a gradient of rounding errors alone, which Adam would blow
    # up; this epsilon lets them be.
    distiller.optimizers["student_optimizer"].epsilon = 1e-3
    random = np.random.default_rng(0)
    for network in distiller.networks.values():
        for weight in network.trainable_variables:
            weight.assign(random.normal(0, 0.1, weight.shape))
    average = distiller.averages["generator_g"]
    average.set_weights(distiller.networks["generator_g"].get_weights())
    return distiller


def batches():
    """Returns what all steps are given."""
    random = np.random.default_rng(1)
    names = ("x", "y", "teacher_x_to_y")
    return [
        {name: random.uniform(-1, 1, (2, *SHAPE)).astype("float32") for name in names}
        for _ in range(STEPS)
    ]


def trained(fit):
    """Returns all that a distillation leaves, by name; `fit` is (distiller, batches) -> logs."""
    distiller = made()
    results = {}
    for start, stop in ((0, BEGIN), (BEGIN, STEPS)):
        logs = fit(distiller, batches()[start:stop])
        results.update({f"logs/{stop}/{name}": value for name, value in logs.items()})
    for name, variable in distiller.state().items():
        results[name] = keras.ops.convert_to_numpy(variable)
    return results


def main(path):
    """Distills and writes the results."""

    def fit(distiller, batches):
        history = distiller.fit(batches).history
        return {name: values[0] for name, values in history.items()}

    np.savez(path, **trained(fit))
