"""The devices of this machine, and the other workers, as TensorFlow finds them."""

import faulthandler
import signal

import tensorflow as tf

from cyclegan_keras.distribution.cluster import Cluster, wait_for_all
from cyclegan_keras.distribution.joined import JoinedCluster
from cyclegan_keras.distribution.team_tensorflow import TensorFlowTeam
from cyclegan_keras.files.errors import DistributionError

JOIN_SECONDS = 120  # more than TensorFlow needs once all workers are there


class JoinedTensorFlowCluster(JoinedCluster):
    """Workers whose strategy spans the devices of all of them."""

    def __init__(self, cluster: Cluster, strategy: tf.distribute.Strategy):
        self.cluster = cluster
        self.strategy = strategy
        self.devices = strategy.num_replicas_in_sync

    def team(self, batch_size: int) -> TensorFlowTeam:
        """Returns the team of all workers."""
        return TensorFlowTeam(batch_size, self.strategy, self.cluster)

    def __exit__(self, kind, error, traceback) -> None:
        """Does nothing: TensorFlow leaves the others when the process ends."""


def join(cluster: Cluster, minutes: float) -> JoinedTensorFlowCluster:
    """Connects this process with the other workers.

    Args:
        cluster: the workers.
        minutes: how long to wait for them.

    Raises:
        DistributionError: a worker did not answer.
    """
    wait_for_all(cluster, minutes)
    # TensorFlow blocks Python until all workers have joined, and for ever where one dies meanwhile.
    faulthandler.dump_traceback_later(JOIN_SECONDS, exit=True)
    handler = signal.getsignal(signal.SIGTERM)
    try:
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
    except (tf.errors.OpError, RuntimeError) as error:
        raise DistributionError(f"Cannot join the other workers: {error}") from error
    finally:
        faulthandler.cancel_dump_traceback_later()
    # TensorFlow has installed its own handler for this signal, which would not end the process.
    signal.signal(signal.SIGTERM, handler or signal.SIG_DFL)
    return JoinedTensorFlowCluster(cluster, strategy)


def accelerators() -> list[str]:
    """Returns the names of this machine's visible GPUs."""
    return _logical_devices("GPU")


def processors() -> list[str]:
    """Returns the names of this machine's CPU devices: one, unless it has been divided."""
    return _logical_devices("CPU")


def team_of(devices: list[str], batch_size: int) -> TensorFlowTeam:
    """Returns the team of several devices of this machine."""
    return TensorFlowTeam(batch_size, tf.distribute.MirroredStrategy(devices))


def _logical_devices(kind: str) -> list[str]:
    return [device.name for device in tf.config.list_logical_devices(kind)]
