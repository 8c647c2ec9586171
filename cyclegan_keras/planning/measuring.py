"""Real training steps of the networks that were asked for, timed, on pictures of noise."""

import dataclasses
import itertools
import time
from collections.abc import Callable, Iterator, Mapping

import keras
import numpy as np

from cyclegan_keras.models.options import NetworkOptions
from cyclegan_keras.planning import costs, devices
from cyclegan_keras.planning.costs import Probe, Shape
from cyclegan_keras.runs.options import RunOptions
from cyclegan_keras.training import memory
from cyclegan_keras.training.optimizers import adam
from cyclegan_keras.training.options import METHOD_OPTIONS, OptimizerOptions
from cyclegan_keras.training.sample_grid import sample_grid
from cyclegan_keras.training.table import TRAINERS

MOST_STEPS, ENOUGH_SECONDS = 10, 1.0


class Clock(keras.callbacks.Callback):
    """Notes when each step of a `fit` ends, and ends it when that is known well enough."""

    def on_train_begin(self, logs=None):
        self.times = [time.perf_counter()]

    def on_train_batch_end(self, batch, logs=None):
        float(logs["generator_loss"])  # a device may still be busy until its result is asked for
        self.times.append(time.perf_counter())
        steps, timed = len(self.times) - 1, self.times[-1] - self.times[1]
        enough = timed >= ENOUGH_SECONDS or steps >= MOST_STEPS
        self.model.stop_training = steps >= costs.FEWEST_STEPS and enough

    @property
    def seconds(self) -> float:
        """The quickest step: nothing makes one quicker than it is, and much slower.

        The first does not count, as it prepares what a new shape needs.
        """
        return float(np.diff(self.times)[1:].min())


def build(spec: Mapping[str, Mapping]):
    """Returns the trainer that `spec` tells of: options as dicts, by group."""
    run = RunOptions(**spec["run"])
    if run.deterministic:
        keras.utils.set_random_seed(run.seed)
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()
    if run.mixed_precision:
        keras.config.set_dtype_policy(f"mixed_{run.mixed_precision}")
    objective = METHOD_OPTIONS[run.method](**spec["objective"])
    if "pool_size" in spec["objective"]:  # a pool is made for one size of pictures
        objective = dataclasses.replace(objective, pool_size=0)
    return TRAINERS[run.method].from_options(
        objective,
        NetworkOptions(**spec["networks"]),
        lambda: adam(OptimizerOptions(**spec["optimizer"]), 1),
        picture_shape=(None, None, 3),
        jit_compile=run.jit_compile,
        remat=run.remat,
    )


def probe(trainer, shape: Shape, rows: int) -> Probe:
    """Takes some steps on batches of `shape` and draws a sample grid of `rows` such pictures."""
    clock = Clock()

    def steps():
        trainer.fit(
            _batches(shape), steps_per_epoch=99, verbose=0, shuffle=False, callbacks=[clock]
        )

    def look():
        sample_grid(trainer, _noise((rows, *shape[1:])))

    peak, looking = _peak_of(steps), _peak_of(look)
    return Probe(shape, clock.seconds, peak, looking)


def climb(trainer, shapes: list[Shape], rows: int, seconds: float) -> Iterator[Probe]:
    """Measures smaller and larger shapes while `seconds` of its own last; yields each."""
    probes, shape = [], costs.first_rung(shapes)
    while shape:
        begun = time.monotonic()
        probes.append(probe(trainer, shape, rows))
        seconds -= time.monotonic() - begun
        yield probes[-1]
        shape = costs.next_rung(shapes, probes, seconds)


def _peak_of(act: Callable[[], None]) -> float:
    devices.trim()
    _forget_peaks()
    with devices.Watch() as watch:
        act()
    taken, owner = memory.peak_memory()
    return watch.peak if owner == "this process" else taken * 1e9


def _noise(shape: Shape) -> dict[str, np.ndarray]:
    pictures = np.random.default_rng(0).uniform(-1, 1, (2, *shape, 3)).astype("float32")
    return dict(zip("xy", pictures, strict=True))


def _batches(shape: Shape):
    """Returns endless batches that do not tell their size, so that one graph serves all."""
    batch = _noise(shape)
    if keras.config.backend() != "tensorflow":
        return itertools.repeat(batch)
    import tensorflow as tf

    def hide_size(image):
        return tf.raw_ops.PlaceholderWithDefault(input=image, shape=(None, None, None, 3))

    made = tf.data.Dataset.from_tensors(batch).repeat()
    return made.map(lambda each: {k: hide_size(v) for k, v in each.items()}).prefetch(2)


def _forget_peaks() -> None:
    if keras.config.backend() != "tensorflow":
        return  # shapes grow, and so do peaks
    import tensorflow as tf

    for device in tf.config.list_logical_devices("GPU"):
        tf.config.experimental.reset_memory_stats(device.name.split(":", 1)[1])
