"""Who trains together: what TF_CONFIG tells, and whether all of them are there."""

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


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cluster:
    """The workers of a training, the chief first.

    Attributes:
        addresses: "host:port" of each.
        index: which of them this process is.
        jobs: what TensorFlow calls each, ("worker", 0) for example.
    """

    addresses: tuple[str, ...]
    index: int
    jobs: tuple[tuple[str, int], ...]

    def name(self, index: int) -> str:
        """Returns a worker as a user may know it."""
        chief = ", the chief" if index == 0 else ""
        return f"worker {index} ({self.addresses[index]}{chief})"

    def named_in(self, message: str) -> list[str]:
        """Returns the other workers of whom an error of TensorFlow speaks, in order."""
        found = {
            (job, int(task))
            for job, task in re.findall(r"/job:(\w+)(?:/replica:\d+)?/task:(\d+)", message)
        }
        return [self.name(i) for i, job in enumerate(self.jobs) if job in found and i != self.index]


def read_cluster(environment: Mapping[str, str] = os.environ) -> Cluster | None:
    """Returns what TF_CONFIG tells, None where it is not set or names no cluster.

    Raises:
        DistributionError: it is not what TensorFlow expects, or it names parameter servers.
    """
    text = environment.get(VARIABLE)
    if not text:
        return None
    try:
        told = json.loads(text)
        workers, task = told.get("cluster"), told.get("task", {})
        if not workers:
            return None
        jobs = tuple((job, i) for job in JOBS for i in range(len(workers.get(job, ()))))
        addresses = tuple(str(workers[job][i]) for job, i in jobs)
        own = (task.get("type"), int(task.get("index", -1)))
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise _malformed(f"it cannot be read ({type(error).__name__}: {error})") from error
    if foreign := sorted(set(workers) - set(JOBS)):
        raise _malformed(f"its cluster has {', '.join(foreign)}, but only chief and worker train")
    if wrong := [address for address in addresses if not re.fullmatch(r".+:\d+", address)]:
        raise _malformed(f"{wrong[0]!r} is not host:port")
    if own not in jobs:
        raise _malformed(f"its task {task} is not in its cluster")
    return Cluster(addresses=addresses, index=jobs.index(own), jobs=jobs)


def wait_for_all(cluster: Cluster, minutes: float) -> None:
    """Waits until every worker listens at its address, and listens at the own one until then.

    TensorFlow waits for the others as well, but without an end that a user can choose, and deaf to
    Ctrl-C.

    Raises:
        DistributionError: somebody has not come, or the own port is taken.
    """
    missing = dict(enumerate(cluster.addresses))
    del missing[cluster.index]
    end, told = time.monotonic() + minutes * 60, False
    with _listening(cluster):
        while missing:
            missing = {i: address for i, address in missing.items() if not _answers(address)}
            late = ", ".join(map(cluster.name, missing))
            if missing and time.monotonic() >= end:
                raise DistributionError(
                    f"No answer from {late} within {minutes:g} minutes: start the same command "
                    f"there, with an index of its own in {VARIABLE}, look whether its port can be "
                    "reached from here, or raise --wait_minutes."
                )
            if missing and not told:
                logging.info("Waiting for %s.", late)
                told = True
            time.sleep(0.2 if missing else 0)


def _listening(cluster: Cluster) -> contextlib.AbstractContextManager:
    address = cluster.addresses[cluster.index]
    both = socket.has_dualstack_ipv6()
    try:
        return socket.create_server(
            ("", int(address.rpartition(":")[2])),
            family=socket.AF_INET6 if both else socket.AF_INET,
            backlog=len(cluster.addresses) + 8,  # nobody is accepted, all are kept waiting
            dualstack_ipv6=both,
        )
    except OSError as error:
        raise DistributionError(
            f"Cannot listen at {address}, this worker's place in {VARIABLE}: {error.strerror}. "
            "End the program that does, or choose another port for it on all workers."
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
