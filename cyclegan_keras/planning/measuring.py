"""Measures real training steps, each way to train in a process of its own.

A process of its own makes the memory that it takes that of one training. `measure` starts the
processes as `python -m cyclegan_keras.planning` and lets them take turns; `answer_requests` is what
each of them runs. They exchange lines of JSON.
"""

import contextlib
import dataclasses
import itertools
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping

import keras
import numpy as np
from absl import logging

from cyclegan_keras.files.errors import PlanError
from cyclegan_keras.models.options import NetworkOptions
from cyclegan_keras.planning import costs, devices
from cyclegan_keras.planning.costs import CostModel, MeasuredSteps, Shape
from cyclegan_keras.runs.options import RunOptions
from cyclegan_keras.training import memory
from cyclegan_keras.training.optimizers import adam
from cyclegan_keras.training.options import METHOD_OPTIONS, OptimizerOptions
from cyclegan_keras.training.sample_grid import sample_grid
from cyclegan_keras.training.table import TRAINERS

PACKAGE_ROOT = pathlib.Path(__file__).resolve().parents[2]
BYTES_PER_PROCESS = 4e9  # that should be free for each process beside others of its kind
MOST_STEPS = 10
ENOUGH_SECONDS = 1.0


# ---- the process that plans ----


@dataclasses.dataclass(frozen=True)
class Measurements:
    """What the processes measured.

    Attributes:
        costs: by name of the way to train.
        built_bytes: held by the first process when its trainer was built.
    """

    costs: dict[str, CostModel]
    built_bytes: float


def measure(specs: Mapping[str, Mapping]) -> Measurements:
    """Measures each of `specs`; all prepare themselves together, where memory allows it.

    They then take turns, one shape at a time, so that whatever disturbs this machine disturbs all
    of them alike.

    Args:
        specs: name -> what to measure, see `build_trainer`; also "shapes" to choose from, and the
            "seconds" to spend. Only the first must succeed.

    Raises:
        PlanError: nothing could be measured of the first.
    """
    names = list(specs)
    together = devices.free_memory() > BYTES_PER_PROCESS * len(names)
    groups = [names] if together else [[name] for name in names]
    processes: dict[str, MeasuringProcess] = {}
    try:
        for group in groups:
            for name in group:
                processes[name] = MeasuringProcess(specs[name])
            remaining = []
            for name in group:
                if _succeeds(processes[name].prepare, name, is_needed=name == names[0]):
                    remaining.append(name)
            logging.info("Prepared; measuring %s.", " and ".join(remaining))
            while remaining:
                remaining = [
                    name
                    for name in remaining
                    if _succeeds(processes[name].measure_next, name, is_needed=name == names[0])
                ]
            for name in group:
                processes[name].close()
    finally:
        for process in processes.values():
            process.close()
    return Measurements(
        costs={
            name: CostModel(
                process.measured, process.state["resting_bytes"], process.state["preparation_peak"]
            )
            for name, process in processes.items()
            if process.measured
        },
        built_bytes=processes[names[0]].state["built_bytes"],
    )


def _succeeds(action: Callable[[], bool], name: str, *, is_needed: bool) -> bool:
    """Returns what `action` returns; an error leaves `name` out, unless it is needed."""
    try:
        return action()
    except PlanError as error:
        if is_needed:
            raise
        logging.warning("%s is left out. %s", name, error)
        return False


class MeasuringProcess:
    """A process that measures one way to train.

    Args:
        spec: what to measure, see `measure`.

    Attributes:
        state: what the process says of its memory once it is prepared.
        measured: the steps that it has measured so far.
    """

    def __init__(self, spec: Mapping):
        self.state: dict[str, float] = {}
        self.measured: list[MeasuredSteps] = []
        # Errors go to a file, since a pipe that nobody reads would fill up.
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115  (closed by `close`)
        python_path = str(PACKAGE_ROOT)
        if os.environ.get("PYTHONPATH"):
            python_path += os.pathsep + os.environ["PYTHONPATH"]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "cyclegan_keras.planning"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env=os.environ | {"PYTHONPATH": python_path},
        )
        self._send(json.dumps(spec))

    def prepare(self) -> bool:
        """Waits until the process is prepared.

        Raises:
            PlanError: it ended instead.
        """
        answer = self._receive()
        if answer is None:
            raise PlanError(self._reason())
        self.state = answer
        return True

    def measure_next(self) -> bool:
        """Lets the process measure one more shape; returns whether there was one left.

        Raises:
            PlanError: the process ended before it had measured anything.
        """
        self._send("next")
        answer = self._receive()
        if answer:
            answer["shape"] = tuple(answer["shape"])
            self.measured.append(MeasuredSteps(**answer))
        elif not self.measured:
            raise PlanError(self._reason())
        return bool(answer)

    def close(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._errors):
            with contextlib.suppress(BrokenPipeError):
                stream.close()

    def _send(self, line: str) -> None:
        with contextlib.suppress(BrokenPipeError):  # it has ended, and `_receive` will return None
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()

    def _receive(self) -> dict | None:
        """Returns the next answer, None at the end; skips lines that libraries print."""
        for line in iter(self._process.stdout.readline, ""):
            if line.startswith("{"):
                return json.loads(line) or None
        return None

    def _reason(self) -> str:
        code = self._process.wait()
        self._errors.seek(0)
        lines = self._errors.read().strip().splitlines()
        last_line = lines[-1] if lines else "it said nothing"
        return (
            f"Not even a small step could be measured: the process ended with {code} ({last_line})."
            " Try a smaller --ngf or --crop_size, or end other programs that take memory."
        )


# ---- the process that measures ----


def answer_requests() -> None:
    """Measures one way to train, as standard input asks for.

    The first line is the spec. When the trainer is prepared, one line is written about the memory
    that it holds. Every further line asks for one more shape, and is answered by what was measured
    or, when all is done, by `{}`.
    """
    spec = json.loads(sys.stdin.readline())
    trainer = build_trainer(spec)
    built_bytes = devices.process_bytes()
    shapes = [tuple(shape) for shape in spec["shapes"]]
    sample_count = spec["run"]["sample_count"]
    first = measure_steps(trainer, costs.first_shape(shapes), sample_count)
    devices.return_freed_memory()
    state = {
        "built_bytes": built_bytes,
        "resting_bytes": devices.process_bytes(),
        "preparation_peak": first.peak,
    }
    print(json.dumps(state), flush=True)
    measurements = measure_shapes(trainer, shapes, sample_count, spec["seconds"])
    for _ in sys.stdin:
        steps = next(measurements, None)
        print(json.dumps(dataclasses.asdict(steps) if steps else {}), flush=True)


def build_trainer(spec: Mapping[str, Mapping]):
    """Returns the trainer that `spec` describes: options as dicts, by group, and "channels"."""
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
        shapes={side: (None, None, count) for side, count in spec["channels"].items()},
        jit_compile=run.jit_compile,
        remat=run.remat,
    )


def measure_shapes(
    trainer, shapes: list[Shape], sample_count: int, seconds: float
) -> Iterator[MeasuredSteps]:
    """Measures a small shape and larger ones for about `seconds`; yields each."""
    measured, shape = [], costs.first_shape(shapes)
    while shape:
        start = time.monotonic()
        measured.append(measure_steps(trainer, shape, sample_count))
        seconds -= time.monotonic() - start
        yield measured[-1]
        shape = costs.next_shape(shapes, measured, seconds)


def measure_steps(trainer, shape: Shape, sample_count: int) -> MeasuredSteps:
    """Takes some steps on noise of `shape` and draws a sample grid of `sample_count` pictures."""
    timer = StepTimer()
    generator = trainer.generator("x_to_y")
    channels = {"x": generator.input_shape[-1], "y": generator.output_shape[-1]}

    def take_steps():
        trainer.fit(
            _batches(shape, channels),
            steps_per_epoch=99,
            verbose=0,
            shuffle=False,
            callbacks=[timer],
        )

    def draw_samples():
        _, height, width = shape
        sample_grid(trainer, _noise((sample_count, height, width), channels))

    peak = _peak_of(take_steps)
    sample_grid_peak = _peak_of(draw_samples)
    return MeasuredSteps(shape, timer.seconds, peak, sample_grid_peak)


class StepTimer(keras.callbacks.Callback):
    """Notes when each step of a `fit` ends, and ends it when the time is known well enough."""

    def on_train_begin(self, logs=None):
        self.times = [time.perf_counter()]

    def on_train_batch_end(self, batch, logs=None):
        float(logs["generator_loss"])  # waits for the device, which computes asynchronously
        self.times.append(time.perf_counter())
        steps = len(self.times) - 1
        timed_seconds = self.times[-1] - self.times[1]
        is_enough = timed_seconds >= ENOUGH_SECONDS or steps >= MOST_STEPS
        self.model.stop_training = steps >= costs.FEWEST_STEPS and is_enough

    @property
    def seconds(self) -> float:
        """The time of the quickest step: other programs make steps slower, nothing quicker.

        The first step does not count, as it prepares what a new shape needs.
        """
        return float(np.diff(self.times)[1:].min())


def _peak_of(action: Callable[[], None]) -> float:
    """Returns the most bytes held during `action`: on a GPU of its arrays, else of the process."""
    devices.return_freed_memory()
    _reset_gpu_peaks()
    with devices.PeakMemory() as process:
        action()
    gigabytes, owner = memory.peak_memory()
    return process.peak if owner == "this process" else gigabytes * 1e9


def _reset_gpu_peaks() -> None:
    if keras.config.backend() != "tensorflow":
        return  # JAX cannot; since shapes grow, so do peaks
    import tensorflow as tf

    for device in tf.config.list_logical_devices("GPU"):
        tf.config.experimental.reset_memory_stats(device.name.split(":", 1)[1])


def _noise(shape: Shape, channels: Mapping[str, int]) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (*shape, channels["x"])).astype("float32")
    y = rng.uniform(-1, 1, (*shape, channels["y"])).astype("float32")
    return {"x": x, "y": y}


def _batches(shape: Shape, channels: Mapping[str, int]):
    """Returns endless batches whose static shapes have no sizes, so that one graph serves all."""
    batch = _noise(shape, channels)
    if keras.config.backend() != "tensorflow":
        return itertools.repeat(batch)
    import tensorflow as tf

    def without_static_size(images):
        shape = (None, None, None, images.shape[-1])
        return tf.raw_ops.PlaceholderWithDefault(input=images, shape=shape)

    def hide_sizes(batch):
        return {"x": without_static_size(batch["x"]), "y": without_static_size(batch["y"])}

    return tf.data.Dataset.from_tensors(batch).repeat().map(hide_sizes).prefetch(2)
