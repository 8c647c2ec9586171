"""Several devices that train with JAX."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh

from cyclegan_keras.distribution.cluster import Cluster
from cyclegan_keras.distribution.lifeline import Lifeline
from cyclegan_keras.distribution.loop import Loop
from cyclegan_keras.distribution.replicas_jax import Replicas
from cyclegan_keras.distribution.team import TeamOfDevices
from cyclegan_keras.training.engine_jax import AXIS
from cyclegan_keras.training.fitting_jax import in_numpy


class JaxTeam(TeamOfDevices):
    """Devices that take a step of JAX together.

    Args:
        batch_size: pictures of each domain in a step, of all devices together.
        devices: of all processes, those of one process side by side.
        cluster: the workers; None where this process trains alone.
        lifeline: tells which of the workers are lost.
    """

    def __init__(
        self,
        batch_size: int,
        devices: Sequence[jax.Device],
        cluster: Cluster | None = None,
        lifeline: Lifeline | None = None,
    ):
        super().__init__(batch_size, len(devices), cluster)
        self.mesh = Mesh(np.array(devices), (AXIS,))
        self.lifeline = lifeline

    def loop(self, trainer) -> "JaxLoop":
        """Returns the loop that trains on all devices."""
        return JaxLoop(trainer, self)

    def gather(self, value: np.ndarray) -> np.ndarray:
        """Returns the `value` of all workers as rows."""
        if jax.process_count() == 1:
            return value[None]
        with self.exchange():
            return np.asarray(multihost_utils.process_allgather(value))

    def values_of_chief(self, values: np.ndarray) -> np.ndarray:
        """Returns the chief's `values`, which have the same shape on all workers."""
        with self.exchange():
            return np.asarray(multihost_utils.broadcast_one_to_all(values))

    def exchange(self) -> contextlib.AbstractContextManager:
        """Surrounds what cannot be done without the other workers."""
        return self.lifeline.exchange() if self.lifeline else contextlib.nullcontext()

    def naming_lost_workers(self) -> contextlib.AbstractContextManager:
        """Turns errors about unreachable workers into LostWorkerError."""
        return self.lifeline.naming_lost_workers() if self.lifeline else contextlib.nullcontext()


class JaxLoop(Loop):
    """Trains a trainer on all devices of a team.

    Args:
        trainer: ready for `fit`.
        team: of the devices.
    """

    def __init__(self, trainer, team: JaxTeam):
        super().__init__(trainer, multi_process=team.cluster is not None)
        self.team = team
        self.replicas = Replicas(trainer, team.mesh)

    def divided(self, batches: Callable, start: int, stop: int, batch_size: int) -> Iterator:
        """Returns this process's part of the batches of all steps."""
        if self.team.cluster is None:
            return in_numpy(batches(start, stop))
        part = (self.team.cluster.index, len(self.team.cluster.addresses))
        return in_numpy(batches(start, stop, part=part))

    def take_step(self, batch: Mapping[str, np.ndarray], code: int) -> tuple[dict, int]:
        """Takes one step on all devices; see `Loop.take_step`."""
        with self.team.exchange():
            return self.replicas.take_step(batch, code)
