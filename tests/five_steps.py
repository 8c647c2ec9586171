"""The same few training steps on whatever backend is at hand, to be compared with another's."""

from functools import partial
from unittest import mock

import keras
import numpy as np
from keras import ops

from cyclegan_keras.models.options import NetworkOptions
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.models.table import GENERATORS
from cyclegan_keras.training.cut import CUT
from cyclegan_keras.training.optimizers import build_schedule
from cyclegan_keras.training.options import METHOD_OPTIONS, OptimizerOptions
from cyclegan_keras.training.table import TRAINERS

SIDE, BATCH, BEFORE, STEPS = 16, 2, 2, 5
METHODS = {
    "cyclegan": {"pool_size": 5, "ema_decay": 0.9},  # full after the third step
    "pix2pix": {"diff_augment": "color,translation,cutout"},
    "cut": {"nce_layers": "0,4", "nce_units": 4, "n_patches": 16, "d_regularization": "r1"},
    "fastcut": {"nce_layers": "0,4", "nce_units": 4, "n_patches": 16, "nce_identity": False},
}
CHANNELS = {"cyclegan": (3, 3), "pix2pix": (3, 1), "cut": (3, 3), "fastcut": (1, 3)}  # of x, of y
TINY = {"tiny": partial(ResNetGenerator.from_options, n_blocks=1)}
NORMS = {"cyclegan": "instance", "pix2pix": "batch", "cut": "instance", "fastcut": "instance"}


class FixedPositions(CUT):
    """CUT that compares the same places always, because each backend shuffles in its own way."""

    def draw_positions(self, maps):
        return [ops.arange(self.n_patches) * 3 for _ in maps]


def made(method, **compile_options):
    """Returns a new trainer of tiny networks."""
    networks = NetworkOptions(
        generator="tiny",
        discriminator="n_layers",
        n_layers=1,
        ngf=2,
        ndf=2,
        norm=NORMS[method],
    )
    trainer = FixedPositions if TRAINERS[method] is CUT else TRAINERS[method]
    x_channels, y_channels = CHANNELS[method]
    with mock.patch.dict(GENERATORS, TINY):
        return trainer.from_options(
            METHOD_OPTIONS[method](**METHODS[method]),
            networks,
            # A bias before an instance norm has no effect and a gradient of rounding errors alone,
            # which Adam would blow up; this epsilon lets them be.
            lambda: keras.optimizers.Adam(
                build_schedule(OptimizerOptions(n_epochs=1), 3), beta_1=0.5, epsilon=1e-3
            ),
            shapes={"x": (SIDE, SIDE, x_channels), "y": (SIDE, SIDE, y_channels)},
            **compile_options,
        )


def pictures(first, last, channels=(3, 3)):
    """Returns the batches of the steps from `first` up to, not including, `last`.

    `channels` are those of x and of y.
    """
    return [
        {
            name: np.random.default_rng((number, ord(name)))
            .uniform(-1, 1, (BATCH, SIDE, SIDE, count))
            .astype("float32")
            for name, count in zip("xy", channels, strict=True)
        }
        for number in range(first, last)
    ]


def steps(trainer, first, last):
    """Takes the steps from `first` to `last`; returns the logs of each and the state after them."""
    generator = trainer.generator_g
    channels = (generator.input_shape[-1], generator.output_shape[-1])
    batches = pictures(first, last, channels)
    history = []
    keep = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda number, logs: history.append(
            {name: float(value) for name, value in logs.items()}
        )
    )
    trainer.fit(as_batches(batches), verbose=0, shuffle=False, callbacks=[keep])
    state = {name: ops.convert_to_numpy(v) for name, v in trainer.state().items()}
    return history, state


def as_batches(batches):
    """Returns what `fit` takes on this backend: a list on JAX, a data set on TensorFlow."""
    if keras.config.backend() == "jax":
        return batches
    import tensorflow as tf

    stacked = {name: np.stack([batch[name] for batch in batches]) for name in "xy"}
    return tf.data.Dataset.from_tensor_slices(stacked)


def save(path, history, state):
    """Writes the terms of every step as rows, and the state."""
    arrays = {}
    for name in history[0]:
        arrays[f"logs/{name}"] = [row[name] for row in history]
    for name, value in state.items():
        arrays[f"state/{name}"] = value
    np.savez(path, **arrays)


def load(path):
    """Returns what `save` was given: terms by name, each (steps,), and the state."""
    with np.load(path) as file:
        parts = {"logs": {}, "state": {}}
        for key in file.files:
            part, _, name = key.partition("/")
            parts[part][name] = file[key]
    return parts["logs"], parts["state"]
