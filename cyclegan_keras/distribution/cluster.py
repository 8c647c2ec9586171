"""The workers that train together: read from TF_CONFIG, and waited for at the start."""

import contextlib
import dataclasses
import json
import os
import re
import socket
import time
from collections.abc import Mapping

from absl import logging

from cyclegan_keras.files.errors import DistributionError

VARIABLE = "TF_CONFIG"
JOBS = ("chief", "worker")  # in the order in which TensorFlow numbers them
EXAMPLE = (
    '{"cluster": {"worker": ["10.0.0.1:2222", "10.0.0.2:2222"]}, '
    '"task": {"type": "worker", "index": 0}}'
)
POLL_SECONDS = 0.2


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cluster:
    """The workers of a training, the chief first.

    Attributes:
        addresses: "host:port" of each worker; its host where a launcher started them.
        index: which of them this process is.
        tasks: what TensorFlow calls each worker, for example ("worker", 0).
    """

    addresses: tuple[str, ...]
    index: int
    tasks: tuple[tuple[str, int], ...] = ()

    def name(self, index: int) -> str:
        """Returns how messages call a worker: its number, its address, whether it is the chief."""
        chief = ", the chief" if index == 0 else ""
        return f"worker {index} ({self.addresses[index]}{chief})"

    def named_in(self, message: str) -> list[str]:
        """Returns the names of the other workers that an error message of TensorFlow mentions."""
        mentioned = {
            (job, int(index))
            for job, index in re.findall(r"/job:(\w+)(?:/replica:\d+)?/task:(\d+)", message)
        }
        return [
            self.name(index)
            for index, task in enumerate(self.tasks)
            if task in mentioned and index != self.index
        ]


def read_cluster(environment: Mapping[str, str] = os.environ) -> Cluster | None:
    """Returns the cluster in TF_CONFIG, or None where the variable is unset or names no cluster.

    Args:
        environment: environment variables by name.

    Raises:
        DistributionError: the variable is not what TensorFlow expects, or names parameter servers.
    """
    text = environment.get(VARIABLE)
    if not text:
        return None
    try:
        config = json.loads(text)
        workers, task = config.get("cluster"), config.get("task", {})
        if not workers:
            return None
        tasks = tuple((job, index) for job in JOBS for index in range(len(workers.get(job, ()))))
        addresses = tuple(str(workers[job][index]) for job, index in tasks)
        own_task = (task.get("type"), int(task.get("index", -1)))
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise _malformed(f"it cannot be read ({type(error).__name__}: {error})") from error
    other_jobs = sorted(set(workers) - set(JOBS))
    if other_jobs:
        jobs = ", ".join(other_jobs)
        raise _malformed(f"its cluster has {jobs}, but only chief and worker train")
    for address in addresses:
        if not re.fullmatch(r".+:\d+", address):
            raise _malformed(f"{address!r} is not host:port")
    if own_task not in tasks:
        raise _malformed(f"its task {task} is not in its cluster")
    return Cluster(addresses=addresses, index=tasks.index(own_task), tasks=tasks)


def wait_for_all(cluster: Cluster, minutes: float) -> None:
    """Waits until every worker listens at its address, and listens at its own meanwhile.

    The backend would wait for the others as well, but without a limit that a user can choose and
    without reacting to Ctrl-C.

    Args:
        cluster: the workers.
        minutes: how long to wait.

    Raises:
        DistributionError: a worker did not answer in time, or this worker's port is taken.
    """
    with listening(cluster):
        wait_for_others(cluster, minutes)


def wait_for_others(cluster: Cluster, minutes: float) -> None:
    """Waits until every other worker listens at its address; see `wait_for_all`."""
    missing = dict(enumerate(cluster.addresses))
    del missing[cluster.index]
    deadline = time.monotonic() + minutes * 60
    logged = False
    while True:
        missing = {index: address for index, address in missing.items() if not _answers(address)}
        if not missing:
            return
        names = ", ".join(cluster.name(index) for index in missing)
        if time.monotonic() >= deadline:
            raise DistributionError(
                f"No answer from {names} within {minutes:g} minutes: start the same command there, "
                f"with an index of its own in {VARIABLE}, check that its port can be reached from "
                "here, or raise --wait_minutes."
            )
        if not logged:
            logging.info("Waiting for %s.", names)
            logged = True
        time.sleep(POLL_SECONDS)


def listening(cluster: Cluster) -> contextlib.AbstractContextManager:
    """Returns a socket that listens at this worker's port; it accepts no connection."""
    address = cluster.addresses[cluster.index]
    both_families = socket.has_dualstack_ipv6()
    try:
        return socket.create_server(
            ("", int(address.rpartition(":")[2])),
            family=socket.AF_INET6 if both_families else socket.AF_INET,
            backlog=len(cluster.addresses) + 8,  # every worker stays in the queue of connections
            dualstack_ipv6=both_families,
        )
    except OSError as error:
        raise DistributionError(
            f"Cannot listen at {address}, the address of this worker in {VARIABLE}: "
            f"{error.strerror}. End the program that uses the port, or choose another one for this "
            "worker in every TF_CONFIG."
        ) from error


def _answers(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=2).close()
    except OSError:
        return False
    return True


def _malformed(reason: str) -> DistributionError:
    return DistributionError(f"{VARIABLE}: {reason}. Expected, for example, {EXAMPLE}.")
