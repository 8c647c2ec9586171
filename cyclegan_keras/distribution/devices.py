"""Choosing the devices of a training: those of this machine, or those of several machines."""

from __future__ import annotations

import dataclasses
import faulthandler
import signal
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import keras
import lazy_loader
from absl import logging

from cyclegan_keras.cli.backends import need_tensorflow
from cyclegan_keras.distribution.cluster import Cluster, read_cluster, wait_for_all
from cyclegan_keras.distribution.options import DistributionOptions
from cyclegan_keras.distribution.team import Team
from cyclegan_keras.files.errors import DistributionError

if TYPE_CHECKING:
    import tensorflow as tf
else:
    tf = lazy_loader.load("tensorflow")

JOIN_SECONDS = 120  # more than TensorFlow needs once all workers are there


@dataclasses.dataclass(frozen=True, kw_only=True)
class JoinedCluster:
    """The workers of a training, connected with each other.

    Attributes:
        strategy: TensorFlow's, over the devices of all workers.
        cluster: the workers.
    """

    strategy: tf.distribute.Strategy
    cluster: Cluster


def join(typed: Mapping[str, Any]) -> JoinedCluster | None:
    """Connects this process with the other workers where --distribute=multi_worker asks for it.

    Must be called before TensorFlow computes anything.

    Args:
        typed: the typed options by name.

    Returns:
        The connected workers, or None where this process trains alone.

    Raises:
        DistributionError: TF_CONFIG cannot be used, or a worker did not answer.
        OptionError: Keras uses a backend other than TensorFlow.
    """
    distribute = typed.get("distribute")
    if distribute is None:
        cluster = read_cluster()
        if cluster and len(cluster.addresses) > 1:
            raise DistributionError(
                f"TF_CONFIG names {len(cluster.addresses)} workers: say --distribute=multi_worker "
                "to train with them, or --distribute=none to train alone."
            )
    if distribute != "multi_worker":
        return None
    need_tensorflow("--distribute=multi_worker")
    cluster = read_cluster()
    if cluster is None:
        raise DistributionError(
            "--distribute=multi_worker needs the environment variable TF_CONFIG on every worker: "
            "see docs/distributed.md."
        )
    wait_for_all(cluster, typed.get("wait_minutes", DistributionOptions().wait_minutes))
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
    return JoinedCluster(strategy=strategy, cluster=cluster)


def form_team(
    options: DistributionOptions,
    joined: JoinedCluster | None,
    batch_size: int,
    *,
    jit_compile: bool = False,
) -> Team:
    """Returns the team that trains.

    Args:
        options: the options of distribution.
        joined: what `join` returned.
        batch_size: pictures of each domain in a step, of all replicas together.
        jit_compile: whether the training step is to be compiled with XLA.

    Raises:
        DistributionError: the batch cannot be divided evenly over the devices, or there is only one
            device where several were asked for.
        OptionError: Keras uses a backend other than TensorFlow and several devices were asked for.
    """
    if joined:
        strategy, cluster = joined.strategy, joined.cluster
        team = Team(batch_size, strategy, cluster)
        logging.info(
            "This is %s of %d, with %d of %d devices.",
            cluster.name(cluster.index),
            len(cluster.addresses),
            strategy.num_replicas_in_sync // len(cluster.addresses),
            strategy.num_replicas_in_sync,
        )
    else:
        devices = local_devices(options.distribute, batch_size)
        team = Team(batch_size, tf.distribute.MirroredStrategy(devices) if devices else None)
    if team.strategy:
        check_replicas(batch_size, team.strategy.num_replicas_in_sync, jit_compile=jit_compile)
    return team


def local_devices(distribute: str | None, batch_size: int) -> list[str]:
    """Returns the devices of this machine to divide batches over, or [] to use a single device.

    Args:
        distribute: the option of that name.
        batch_size: pictures of each domain in a step.

    Raises:
        DistributionError: --distribute=mirrored where there is only one device.
        OptionError: --distribute=mirrored where Keras uses a backend other than TensorFlow.
    """
    if distribute == "mirrored":
        need_tensorflow("--distribute=mirrored")
        devices = _logical_devices("GPU") or _logical_devices("CPU")
        if len(devices) < 2:
            raise DistributionError(
                f"--distribute=mirrored needs several devices, but {devices[0]} is the only one "
                "here: leave it out."
            )
        return devices
    if distribute == "none" or keras.backend.backend() != "tensorflow":
        return []
    devices = _logical_devices("GPU")
    if len(devices) < 2:
        return []
    count = largest_divisor(batch_size, limit=len(devices))
    logging.info(
        "Training on %d of %d GPUs: --batch_size=%d is divided over them.%s",
        count,
        len(devices),
        batch_size,
        "" if count == len(devices) else f" A multiple of {len(devices)} would use all.",
    )
    return devices[:count] if count > 1 else []


def check_replicas(batch_size: int, replicas: int, *, jit_compile: bool = False) -> None:
    """Raises DistributionError for what cannot be done on several replicas."""
    if batch_size % replicas:
        raise DistributionError(
            f"--batch_size={batch_size} cannot be divided evenly over {replicas} devices: it "
            f"counts the pictures of all devices in a step, so use a multiple of {replicas}."
        )
    if jit_compile:
        raise DistributionError(
            "--jit_compile works on one device only: leave it out, or use --distribute=none."
        )


def largest_divisor(number: int, limit: int) -> int:
    """Returns the largest divisor of `number` that is at most `limit`.

    Example:
        >>> largest_divisor(6, limit=4)
        3
    """
    return max(divisor for divisor in range(1, limit + 1) if number % divisor == 0)


def _logical_devices(kind: str) -> list[str]:
    return [device.name for device in tf.config.list_logical_devices(kind)]
