"""Several devices that train with TensorFlow."""

import contextlib
from collections.abc import Iterator

import numpy as np
import tensorflow as tf
from absl import logging

from cyclegan_keras.distribution.cluster import Cluster
from cyclegan_keras.distribution.loop_tensorflow import TensorFlowLoop
from cyclegan_keras.distribution.team import TeamOfDevices, lost_workers


class TensorFlowTeam(TeamOfDevices):
    """The replicas of a strategy.

    Every replica gets an equal share of each batch. The gradients of a replica are divided by the
    number of replicas, so that together they do what one device does with the whole batch.

    Args:
        batch_size: pictures of each domain in a step, of all replicas together.
        strategy: over the devices of all workers.
        cluster: the workers; None where this process trains alone.
    """

    def __init__(
        self, batch_size: int, strategy: tf.distribute.Strategy, cluster: Cluster | None = None
    ):
        super().__init__(batch_size, strategy.num_replicas_in_sync, cluster)
        self.strategy = strategy

    def scope(self) -> contextlib.AbstractContextManager:
        """Returns the context in which networks and optimizers are created for all replicas."""
        return self.strategy.scope()

    def loop(self, trainer) -> TensorFlowLoop:
        """Returns the loop that trains on all replicas."""
        return TensorFlowLoop(trainer, self.strategy, multi_process=self.cluster is not None)

    def values_of_chief(self, values: np.ndarray) -> np.ndarray:
        """Returns the chief's `values`, which have the same shape on all workers."""
        own = tf.constant(values if self.is_chief else np.zeros_like(values))
        add = tf.function(lambda value: self.strategy.reduce("SUM", value, None), autograph=False)
        return add(own).numpy()

    def gather(self, value: np.ndarray) -> np.ndarray:
        """Returns the `value` of all workers as rows."""
        return self.strategy.gather(tf.constant(value[None]), axis=0).numpy()

    @contextlib.contextmanager
    def naming_lost_workers(self) -> Iterator[None]:
        """Turns TensorFlow's errors about unreachable workers into LostWorkerError."""
        try:
            yield
        except tf.errors.OpError as error:
            kinds = (tf.errors.UnavailableError, tf.errors.AbortedError)
            lost = isinstance(error, kinds) or "Collective ops is aborted" in error.message
            if self.cluster is None or not lost:
                raise
            names = " and ".join(self.cluster.named_in(error.message)) or "another worker"
            reason = error.message.partition("aborted by: ")[2].partition("\n")[0]
            logging.info("What TensorFlow says: %s", reason or error.message)
            raise lost_workers(names) from error
