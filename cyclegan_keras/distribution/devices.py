"""Choosing the devices of a training: those of this machine, or those of several machines."""

import functools
import types
from collections.abc import Mapping
from typing import Any

import keras
from absl import logging

from cyclegan_keras.distribution.cluster import read_cluster
from cyclegan_keras.distribution.joined import JoinedCluster
from cyclegan_keras.distribution.options import DistributionOptions
from cyclegan_keras.distribution.team import Team
from cyclegan_keras.files.errors import DistributionError


def join(typed: Mapping[str, Any]) -> JoinedCluster | None:
    """Connects this process with the other workers where --distribute=multi_worker asks for it.

    Must be called before the backend computes anything.

    Args:
        typed: the typed options by name.

    Returns:
        The connected workers, or None where this process trains alone.

    Raises:
        DistributionError: TF_CONFIG cannot be used, or a worker did not answer.
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
    cluster = read_cluster()
    minutes = typed.get("wait_minutes", DistributionOptions().wait_minutes)
    if cluster is None and keras.config.backend() != "jax":  # whose launchers need no variable
        raise DistributionError(
            "--distribute=multi_worker needs the environment variable TF_CONFIG on every worker: "
            "see docs/distributed.md."
        )
    return _backend().join(cluster, minutes)


def form_team(
    options: DistributionOptions,
    joined: JoinedCluster | None,
    batch_size: int,
    *,
    accumulate_steps: int = 1,
    jit_compile: bool = False,
) -> Team:
    """Returns the team that trains.

    Args:
        options: the options of distribution.
        joined: what `join` returned.
        batch_size: pictures of each domain in a step, of all devices together.
        accumulate_steps: equal parts in which a step takes its batch.
        jit_compile: whether the training step is to be compiled with XLA.

    Raises:
        DistributionError: the batch cannot be divided evenly over the devices, or there is only one
            device where several were asked for.
    """
    check = functools.partial(
        check_devices, batch_size, accumulate_steps=accumulate_steps, jit_compile=jit_compile
    )
    if joined:
        cluster = joined.cluster
        logging.info(
            "This is %s of %d, with %d of %d devices.",
            cluster.name(cluster.index),
            len(cluster.addresses),
            joined.devices // len(cluster.addresses),
            joined.devices,
        )
        check(joined.devices)
        return joined.team(batch_size)
    if options.distribute == "none":
        return Team(batch_size)
    backend = _backend()
    devices = backend.accelerators()
    if options.distribute == "mirrored":
        devices = devices or backend.processors()
        if len(devices) < 2:
            raise DistributionError(
                f"--distribute=mirrored needs several devices, but {devices[0]} is the only one "
                "here: leave it out."
            )
    else:
        devices = as_many_as_divide(devices, batch_size, accumulate_steps)
    if len(devices) < 2:
        return Team(batch_size)
    check(len(devices))
    return backend.team_of(devices, batch_size)


def as_many_as_divide(devices: list, batch_size: int, accumulate_steps: int = 1) -> list:
    """Returns the first devices, as many as divide a batch, or each of its parts, evenly.

    Args:
        devices: all that could train.
        batch_size: pictures of each domain in a step.
        accumulate_steps: equal parts in which a step takes its batch.
    """
    if len(devices) < 2:
        return devices
    count = largest_divisor(max(1, batch_size // accumulate_steps), limit=len(devices))
    logging.info(
        "Training on %d of %d devices: --batch_size=%d is divided over them.%s",
        count,
        len(devices),
        batch_size,
        "" if count == len(devices) else f" A multiple of {len(devices)} would use all.",
    )
    return devices[:count]


def check_devices(
    batch_size: int, devices: int, *, accumulate_steps: int = 1, jit_compile: bool = False
) -> None:
    """Raises DistributionError for what cannot be done on several devices."""
    if batch_size % devices:
        raise DistributionError(
            f"--batch_size={batch_size} cannot be divided evenly over {devices} devices: it "
            f"counts the pictures of all devices in a step, so use a multiple of {devices}."
        )
    if batch_size // devices % accumulate_steps:
        raise DistributionError(
            f"--batch_size={batch_size} cannot be taken in --accumulate_steps={accumulate_steps} "
            f"equal parts by {devices} devices: use a multiple of {devices * accumulate_steps}, or "
            "fewer parts."
        )
    if jit_compile and keras.config.backend() != "jax":  # which compiles every step
        raise DistributionError(
            "--jit_compile works on one device only: leave it out, or use --distribute=none."
        )


def _backend() -> types.ModuleType:
    """Returns the module that knows the devices of the backend that Keras uses."""
    if keras.config.backend() == "jax":
        from cyclegan_keras.distribution import devices_jax

        return devices_jax
    from cyclegan_keras.distribution import devices_tensorflow

    return devices_tensorflow


def largest_divisor(number: int, limit: int) -> int:
    """Returns the largest divisor of `number` that is at most `limit`.

    Example:
        >>> largest_divisor(6, limit=4)
        3
    """
    return max(divisor for divisor in range(1, limit + 1) if number % divisor == 0)
