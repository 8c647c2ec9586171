"""What every image-to-image trainer shares: gradient steps, means, averages and exact state."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import keras
import numpy as np
from keras import ops

from cyclegan_keras.files.errors import TrainingError
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.training.gradient_steps import GradientSteps, engine

if TYPE_CHECKING or keras.config.backend() != "jax":
    from cyclegan_keras.training.fitting_tensorflow import TensorFlowModel as Model
else:
    from cyclegan_keras.training.fitting_jax import JaxModel as Model

# Direction of a translation -> the domain that is translated, and the one it is translated to.
SOURCES = {"x_to_y": "x", "y_to_x": "y"}
TARGETS = {"x_to_y": "y", "y_to_x": "x"}


class Trainer(GradientSteps, Model):
    """A set of networks trained together by a subclass's `train_step`.

    Batches are dicts `{"x", "y"}` of float32 pictures in [-1, 1], (batch, height, width, channels).

    Args:
        networks: the networks by name.
        translators: direction (`"x_to_y"`, `"y_to_x"`) -> name of the generator for it.
        ema_decay: decay of the exponential moving average of the generators, 0 for none. It is
            warmed up as min(decay, (1 + t) / (10 + t)), so that the start does not weigh on short
            runs.
        name: of the model.

    Attributes:
        needs_pairs: whether x and y of one sample must show one scene.
        mixes_pairs: whether it also learns from samples that happen to show one scene, marked by
            "paired".
        averages: generator name -> its averaged copy; empty when `ema_decay` is 0.
        means: term -> the mean of what `record` was given.
    """

    needs_pairs = False
    mixes_pairs = False

    def __init__(
        self,
        networks: Mapping[str, keras.Model],
        translators: Mapping[str, str],
        ema_decay: float = 0.0,
        name: str | None = None,
    ):
        super().__init__(name=name)
        if not 0 <= ema_decay < 1:
            raise ValueError(f"`ema_decay` must be in [0, 1). Received: ema_decay={ema_decay}")
        self.networks = dict(networks)
        self.translators = dict(translators)
        self.ema_decay = ema_decay
        averages = {}
        if ema_decay:
            for generator in self.translators.values():
                averages[generator] = _copy(self.networks[generator])
        self.averages: dict[str, keras.Model] = averages
        # The optimizers' own counts leave out steps that a loss scale of mixed_float16 skips.
        self.finished_steps = self.add_weight(
            (),
            "zeros",
            "int",
            trainable=False,
            aggregation="only_first_replica",
            name="steps",
        )
        self.means: dict[str, keras.metrics.Mean] = {}

    def compile_optimizers(
        self,
        optimizers: Mapping[str, tuple],
        accumulate_steps: int = 1,
        remat: bool = False,
        **kwargs,
    ) -> None:
        """Readies the trainer for `fit`.

        Args:
            optimizers: name -> (optimizer, the variables it updates). Each is built here, so that a
                checkpoint finds all its state, and wrapped for loss scaling under mixed_float16.
            accumulate_steps: equal parts in which a step takes its batch, one after the other, so
                that activations of one part are held at a time. The step is the same except where
                layers look beyond a picture, as a batch norm does.
            remat: whether to save memory at the cost of time: losses are differentiated in turn,
                and generators compute inner values again (`ResNetGenerator.remat`).
            **kwargs: `jit_compile`, `run_eagerly` and so on, as in `keras.Model.compile`.

        Raises:
            TrainingError: `remat`, and a generator cannot compute its inner values again.
        """
        self.accumulate_steps = accumulate_steps
        self.in_turn = remat or engine.has_accelerator()
        if remat:
            self._rematerialize()
        needs_loss_scale = keras.config.dtype_policy().compute_dtype == "float16"
        for name, (optimizer, variables) in optimizers.items():
            is_scaled = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
            if needs_loss_scale and not is_scaled:
                optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
            optimizer.build(variables)
            self.optimizers[name] = optimizer
        # Keras expects one; without a loss it is never used to update anything.
        super().compile(optimizer=next(iter(self.optimizers.values())), **kwargs)

    def _rematerialize(self) -> None:
        for name in self.translators.values():
            network = self.networks[name]
            if not isinstance(network, ResNetGenerator):
                raise TrainingError(f"--remat is for ResNet generators, not for {network.name}.")
            try:
                network.remat = True
            except ValueError as error:
                raise TrainingError(f"--remat: {error}") from error

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """The means of the recorded terms, and no stray `loss`."""
        return list(self.means.values())

    @property
    def step(self) -> int:
        """Number of finished training steps."""
        return int(ops.convert_to_numpy(self.finished_steps))

    def check_sizes(self, sizes: Iterable[tuple[int, int]]) -> None:
        """Raises TrainingError unless pictures of all (width, height) fit the networks."""
        smallest = max(network.smallest_size for network in self.networks.values())
        multiple = max(network.size_multiple for network in self.networks.values())
        for width, height in sorted(sizes):
            if min(width, height) < smallest or width % multiple or height % multiple:
                raise TrainingError(
                    f"Pictures of {width}x{height} pixels do not fit the networks: sides must be "
                    f"multiples of {multiple} and at least {smallest}. Change --crop_size or "
                    "--load_size."
                )

    def learning_rates(self) -> dict[str, float]:
        """Returns the learning rates of the next step, by `<optimizer>/learning_rate`."""
        return {
            f"{name}/learning_rate": float(ops.convert_to_numpy(optimizer.learning_rate))
            for name, optimizer in self.optimizers.items()
        }

    def record(self, terms: Mapping[str, object], paired=None) -> dict:
        """Adds each scalar of `terms` to its mean and returns the means so far.

        Args:
            terms: scalars by name.
            paired: (batch,), 1 for pairs and 0 for other samples. Terms called `paired_*` count as
                often as there are pairs.
        """
        for name, value in terms.items():
            count = ops.sum(paired) if name.startswith("paired_") else None
            self.means[name].update_state(value, count)
        return {name: self.means[name].result() for name in terms}

    def finish_step(self) -> None:
        """Counts the step and moves the averaged generators toward the current ones."""
        self.finished_steps.assign_add(1)
        precision = keras.backend.result_type(keras.config.floatx(), "float32")
        step = ops.cast(self.finished_steps, precision)
        decay = ops.minimum(self.ema_decay, (1 + step) / (10 + step))
        shares: dict[str, object] = {}  # of the new value, once for all weights of a type
        for name, average in self.averages.items():
            for mean, value in zip(average.weights, self.networks[name].weights, strict=True):
                if mean.dtype not in shares:
                    shares[mean.dtype] = 1 - ops.cast(decay, mean.dtype)
                mean.assign(mean + shares[mean.dtype] * (value - mean))

    def start_from(self, networks: Mapping[str, keras.Model]) -> None:
        """Copies the weights of `networks` into those of the same name, and into their averages.

        Args:
            networks: network name -> a network of the same kind.

        Raises:
            ValueError: no such network, or one with other weights; nothing is copied then.
        """
        for name, source in networks.items():
            if name not in self.networks:
                raise ValueError(f"{name} is none of {list(self.networks)}.")
            expected = [weight.shape for weight in self.networks[name].weights]
            if [weight.shape for weight in source.weights] != expected:
                raise ValueError(
                    f"{name}: expected the weights of {_difference(self.networks[name], source)}. "
                    f"Received: {_difference(source, self.networks[name])}."
                )
        for name, source in networks.items():
            self.networks[name].set_weights(source.get_weights())
            if name in self.averages:
                self.averages[name].set_weights(source.get_weights())

    def generator(self, direction: str) -> keras.Model:
        """Returns the network to use for `direction`: the averaged one when there is one.

        Args:
            direction: `"x_to_y"` or `"y_to_x"`.

        Raises:
            ValueError: this method does not translate that way.
        """
        if direction not in self.translators:
            raise ValueError(
                f"`direction` must be one of {list(self.translators)}. Received: {direction!r}"
            )
        name = self.translators[direction]
        return self.averages.get(name, self.networks[name])

    def translate(self, images, direction: str = "x_to_y"):
        """Translates (batch, height, width, channels) in [-1, 1], without training noise."""
        return self.generator(direction)(images, training=False)

    def call(self, inputs: Mapping[str, object], training: bool = False) -> dict:
        """Returns the translation of every domain of a batch, by direction."""
        return {
            direction: self.networks[name](inputs[SOURCES[direction]], training=training)
            for direction, name in self.translators.items()
        }

    def state(self) -> dict[str, keras.Variable]:
        """Returns every variable that an exactly resumed training needs, by a stable name.

        Weights, averages, pools, seeds of random layers, optimizer moments, loss scales and the
        step; `.weights.h5` would leave the seeds out.
        """
        parts: dict[str, Iterable] = {}
        for name, network in self.networks.items():
            parts[name] = network.variables
        for name, average in self.averages.items():
            parts[f"average_{name}"] = average.variables
        for name, optimizer in self.optimizers.items():
            parts[name] = optimizer.variables
        parts["trainer"] = [self.finished_steps]
        parts.update(self.extra_state())
        return {
            f"{part}/{index:03d}/{variable.name}": variable
            for part, variables in parts.items()
            for index, variable in enumerate(variables)
        }

    def extra_state(self) -> dict[str, Iterable]:
        """Variables beside networks and optimizers: a subclass adds its pools and seeds here."""
        return {}

    def load_state(self, values: Mapping[str, np.ndarray]) -> None:
        """Assigns what `state` returned, all of it or nothing.

        Raises:
            ValueError: `values` has other names than `state()`; nothing is assigned then.
        """
        variables = self.state()
        if variables.keys() != values.keys():
            differing = sorted(variables.keys() ^ values.keys())
            raise ValueError(f"Expected the arrays of `state()`. Received others: {differing[:3]}")
        for name, variable in variables.items():
            variable.assign(values[name])


def _difference(network: keras.Model, other: keras.Model) -> str:
    """Returns a network's class and the arguments in which it differs from another."""
    config, other_config = network.get_config(), other.get_config()
    arguments = [
        f"{name}={value!r}"
        for name, value in config.items()
        if name != "name" and value != other_config.get(name)
    ]
    return f"{type(network).__name__}({', '.join(arguments)})"


def _copy(network: keras.Model) -> keras.Model:
    copy = type(network).from_config(network.get_config())
    copy.trainable = False
    for target, source in zip(copy.weights, network.weights, strict=True):
        target.assign(source)
    return copy
