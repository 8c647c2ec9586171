"""Which devices train together: joining other machines, or dividing batches in this one."""

import faulthandler
import signal
from collections.abc import Mapping

import keras
import tensorflow as tf
from absl import logging

from cyclegan_keras.distribution.cluster import Cluster, read_cluster, wait_for_all
from cyclegan_keras.distribution.options import DistributionOptions
from cyclegan_keras.distribution.team import Team
from cyclegan_keras.files.errors import DistributionError

JOIN_SECONDS = 120  # more than TensorFlow needs once all workers are there


def join(typed: Mapping[str, object]) -> tuple[tf.distribute.Strategy, Cluster] | None:
    """Joins the other workers where `--distribute=multi_worker` asks for it.

    To be called before TensorFlow computes anything.

    Args:
        typed: the options typed, by name.

    Raises:
        DistributionError: TF_CONFIG does not fit, or a worker has not come.
    """
    options = DistributionOptions(
        **{name: typed[name] for name in ("distribute", "wait_minutes") if name in typed}
    )
    if typed.get("dry_run"):
        return None
    if options.distribute is None:
        cluster = read_cluster()
        if cluster and len(cluster.addresses) > 1:
            raise DistributionError(
                f"TF_CONFIG names {len(cluster.addresses)} workers: say --distribute=multi_worker "
                "to train with them, or --distribute=none to train alone."
            )
    if options.distribute != "multi_worker":
        return None
    refuse_other_backends(keras.backend.backend())
    cluster = read_cluster()
    if cluster is None:
        raise DistributionError(
            "--distribute=multi_worker needs the environment variable TF_CONFIG on every worker: "
            "see docs/distributed.md."
        )
    wait_for_all(cluster, options.wait_minutes)
    # TensorFlow holds Python back until all have joined; should one die right now, for ever.
    faulthandler.dump_traceback_later(JOIN_SECONDS, exit=True)
    try:
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
    except (tf.errors.OpError, RuntimeError) as error:
        raise DistributionError(f"Cannot join the other workers: {error}") from error
    finally:
        faulthandler.cancel_dump_traceback_later()
    # TensorFlow has taken this signal for itself, and would not end.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    return strategy, cluster


def form(
    options: DistributionOptions,
    joined: tuple[tf.distribute.Strategy, Cluster] | None,
    batch_size: int,
    *,
    jit_compile: bool = False,
) -> Team:
    """Returns the team that `options` ask for.

    Args:
        options: what the user chose.
        joined: what `join` returned.
        batch_size: pictures of each domain in a step, of all replicas together.
        jit_compile: whether the step shall be compiled with XLA.

    Raises:
        DistributionError: the batch cannot be divided evenly, or there is but one device.
    """
    if joined:
        strategy, cluster = joined
        team = Team(batch_size, strategy, cluster)
        logging.info(
            "This is %s of %d, with %d of %d devices.",
            cluster.name(cluster.index),
            len(cluster.addresses),
            strategy.num_replicas_in_sync // len(cluster.addresses),
            strategy.num_replicas_in_sync,
        )
    else:
        devices = chosen_devices(options.distribute, batch_size)
        team = Team(batch_size, tf.distribute.MirroredStrategy(devices) if devices else None)
    if team.strategy:
        check(batch_size, team.strategy.num_replicas_in_sync, jit_compile=jit_compile)
    return team


def chosen_devices(distribute: str | None, batch_size: int) -> list[str]:
    """Returns the devices of this machine to divide batches over; none for one device alone.

    Raises:
        DistributionError: --distribute=mirrored where there is but one device.
    """
    if distribute == "mirrored":
        refuse_other_backends(keras.backend.backend())
    if distribute == "none" or keras.backend.backend() != "tensorflow":
        return []
    devices = [device.name for device in tf.config.list_logical_devices("GPU")]
    if distribute == "mirrored":
        devices = devices or [device.name for device in tf.config.list_logical_devices("CPU")]
        if len(devices) < 2:
            raise DistributionError(
                f"--distribute=mirrored needs several devices, but {devices[0]} is the only one "
                "here: leave it out."
            )
        return devices
    if len(devices) < 2:
        return []
    count = most_that_divide(batch_size, len(devices))
    logging.info(
        "Training on %d of %d GPUs: --batch_size=%d is divided over them.%s",
        count,
        len(devices),
        batch_size,
        "" if count == len(devices) else f" A multiple of {len(devices)} would use all.",
    )
    return devices[:count] if count > 1 else []


def refuse_other_backends(backend: str) -> None:
    """Raises DistributionError unless Keras computes with TensorFlow."""
    if backend != "tensorflow":
        raise DistributionError(
            f"KERAS_BACKEND={backend} trains on one device only: leave "
            "--distribute out, or use KERAS_BACKEND=tensorflow."
        )


def check(batch_size: int, replicas: int, *, jit_compile: bool = False) -> None:
    """Raises DistributionError for what so many replicas cannot do."""
    if batch_size % replicas:
        raise DistributionError(
            f"--batch_size={batch_size} cannot be divided evenly over {replicas} devices: it is "
            f"what all take together in a step, so use a multiple of {replicas}."
        )
    if jit_compile:
        raise DistributionError(
            "--jit_compile works on one device only: leave it out, or use --distribute=none."
        )


def most_that_divide(batch_size: int, count: int) -> int:
    """Returns how many of `count` devices can have equal shares of a batch, at most."""
    return max(n for n in range(1, count + 1) if batch_size % n == 0)
