"""The devices, of one or several machines, that train one model in step."""

import abc
import contextlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from cyclegan_keras.cli.console import Interruption
from cyclegan_keras.distribution.cluster import Cluster
from cyclegan_keras.distribution.loop import Loop
from cyclegan_keras.files.errors import DistributionError, LostWorkerError
from cyclegan_keras.runs.run import versions
from cyclegan_keras.training.callbacks import Metrics, StepCallback

# Options that may differ between machines: the data are compared by their fingerprints instead.
MACHINE_OPTIONS = ("dataset", "data_dir", "pairs", "cache", "cache_mb", "cache_dir")


class ResetMeans(StepCallback):
    """Resets the means of the terms every `every` steps, as `Metrics` does in the chief."""

    writes = False

    def __init__(self, every: int):
        super().__init__()
        self.every = every

    def after_step(self, before, logs):
        if self.crossed(before, self.every):
            self.model.reset_metrics()


class Team:
    """A single device that trains alone; subclasses are several devices, of one or more processes.

    Attributes:
        batch_size: pictures of each domain in a step, of all devices together.
        is_chief: whether this process is the one that writes files.
        devices: how many train, those of all processes together.
    """

    is_chief = True
    devices = 1

    def __init__(self, batch_size: int):
        self.batch_size = batch_size

    def scope(self) -> contextlib.AbstractContextManager:
        """Returns the context in which networks and optimizers are created for all devices."""
        return contextlib.nullcontext()

    def fit(
        self,
        trainer,
        batches: Callable[..., Any],
        stop: int,
        callbacks: Sequence[StepCallback],
        interruption: Interruption,
    ) -> None:
        """Trains to step `stop`, or to the step after which any worker asks to end.

        Args:
            trainer: built in `scope`.
            batches: (start step, stop step) -> the batches of these steps. For several devices it
                also takes `part`, (index, number of parts), and `size`: it then yields only that
                part of every batch, in batches of that many pictures.
            stop: the step at which the training ends.
            callbacks: called between steps; those that write files run in the chief only.
            interruption: receives the signal that another worker got.

        Raises:
            LostWorkerError: a worker ended or cannot be reached any more.
            DistributionError: another worker ended the training; its own output says why.
        """
        data = batches(trainer.step, stop)
        trainer.fit(data, verbose=0, shuffle=False, callbacks=list(callbacks))

    def follow_chief(self, trainer) -> None:
        """Sets the state of the trainer, on every worker, to the chief's state."""

    def check_same(self, options: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
        """Refuses workers whose options, data or versions differ.

        Args:
            options: all by name, as in options.json.
            facts: what is known of the data, as in facts.json.

        Raises:
            DistributionError: they differ; raised on every worker, with the first differences.
        """

    def from_chief(self, value: Any) -> Any:
        """Returns the chief's `value`, which can be written as JSON, on every worker."""
        return value


class TeamOfDevices(Team, abc.ABC):
    """Several devices that train together, and the role of this process among the workers.

    Together they do what one device does with the whole batch. A subclass exchanges numbers between
    them by the means of a backend.

    Args:
        batch_size: pictures of each domain in a step, of all devices together.
        devices: how many train, those of all processes together.
        cluster: the workers; None where this process trains alone.
    """

    def __init__(self, batch_size: int, devices: int, cluster: Cluster | None = None):
        super().__init__(batch_size)
        self.devices = devices
        self.cluster = cluster
        self.is_chief = cluster is None or cluster.index == 0

    @abc.abstractmethod
    def loop(self, trainer) -> Loop:
        """Returns the loop that trains on these devices."""

    @abc.abstractmethod
    def gather(self, value: np.ndarray) -> np.ndarray:
        """Returns the int32 `value`, (n,) with n alike everywhere, of all workers: (workers, n)."""

    @abc.abstractmethod
    def values_of_chief(self, values: np.ndarray) -> np.ndarray:
        """Returns the chief's `values`, which have the same shape on all workers."""

    @abc.abstractmethod
    def naming_lost_workers(self) -> contextlib.AbstractContextManager:
        """Turns the backend's errors about unreachable workers into LostWorkerError."""

    def fit(self, trainer, batches, stop, callbacks, interruption) -> None:
        """Trains to step `stop`; see `Team.fit`."""
        if not self.is_chief:
            # `Metrics` resets the means in the chief; the other workers must do the same.
            resets = [ResetMeans(each.every) for each in callbacks if isinstance(each, Metrics)]
            callbacks = resets + [each for each in callbacks if not each.writes]
        with self.naming_lost_workers():
            ended = self.loop(trainer).run(
                batches=batches,
                batch_size=self.batch_size,
                stop=stop,
                callbacks=callbacks,
                interruption=interruption,
            )
        if ended and not interruption.requested() and not self.is_chief:
            raise DistributionError(
                f"Another worker has ended the training after step {trainer.step}: see what it "
                "says."
            )

    def follow_chief(self, trainer) -> None:
        """Sets the state of the trainer, on every worker, to the chief's state."""
        if self.cluster is None:
            return
        variables = trainer.state()
        values = {
            name: keras.ops.convert_to_numpy(variable) for name, variable in variables.items()
        }
        # All variables of one dtype are sent as a single vector.
        for dtype in sorted({value.dtype.name for value in values.values()}):
            names = [name for name, value in values.items() if value.dtype.name == dtype]
            ends = np.cumsum([values[name].size for name in names])
            own = np.concatenate([values[name].ravel() for name in names])
            with self.naming_lost_workers():
                vector = self.values_of_chief(own)
            for name, part in zip(names, np.split(vector, ends[:-1]), strict=True):
                variables[name].assign(part.reshape(values[name].shape))

    def check_same(self, options: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
        """Refuses workers whose options, data or versions differ; see `Team.check_same`."""
        if self.cluster is None:
            return
        compared = {name: value for name, value in options.items() if name not in MACHINE_OPTIONS}
        compared.update({name: value for name, value in facts["data"].items() if name != "name"})
        compared.update(versions())
        chief, *others = [json.loads(text) for text in self.gather_texts(json.dumps(compared))]
        for index, other in enumerate(others, start=1):
            found = differences(chief, other)
            if found:
                raise DistributionError(
                    f"{self.cluster.name(index).capitalize()} differs from the chief: "
                    f"{', '.join(found[:3])}. Start all workers with the same command, the same "
                    "pictures and the same versions."
                )

    def from_chief(self, value: Any) -> Any:
        """Returns the chief's `value`, which can be written as JSON, on every worker."""
        if self.cluster is None:
            return value
        return json.loads(self.gather_texts(json.dumps(value))[0])

    def gather_texts(self, text: str) -> list[str]:
        """Returns the `text` of every worker, the chief's first."""
        own = np.frombuffer(text.encode(), "uint8").astype("int32")
        with self.naming_lost_workers():
            lengths = self.gather(np.array([len(own)], "int32"))[:, 0]
            rows = self.gather(np.pad(own, (0, lengths.max() - len(own))))
        return [
            row[:length].astype("uint8").tobytes().decode()
            for row, length in zip(rows, lengths, strict=True)
        ]


def lost_workers(names: str) -> LostWorkerError:
    """Returns the error of a training that has lost workers.

    Args:
        names: of the lost workers, in words.
    """
    return LostWorkerError(
        f"Lost {names}: it has ended, or cannot be reached any more; see its messages. The chief's "
        "last checkpoint is intact: run the same command on every worker to continue from there."
    )


def differences(chief: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Returns in words where a worker's values differ from the chief's.

    Example:
        >>> differences({"ngf": 8, "seed": 1}, {"ngf": 4, "seed": 1})
        ['ngf=4 (the chief has 8)']
    """
    return [
        f"{name}={other.get(name)} (the chief has {chief.get(name)})"
        for name in sorted(chief.keys() | other.keys())
        if other.get(name) != chief.get(name)
    ]
