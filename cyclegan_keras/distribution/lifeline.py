"""Connections between the workers of a training, which tell at once where one of them ends.

JAX itself notices a lost process after a minute or more, or waits for it for ever, and then aborts.
So the chief has a connection with each other worker, for nothing but this: the operating system
closes it where a process ends, and a machine that is cut off falls silent.
"""

import contextlib
import os
import pathlib
import secrets
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator

from cyclegan_keras.distribution.cluster import Cluster
from cyclegan_keras.distribution.team import lost_workers
from cyclegan_keras.files.errors import DistributionError, LostWorkerError, package_of

BEAT_SECONDS = 1.0  # between two signs of life
SILENT_SECONDS = 30.0  # without a sign of life, after which a worker counts as lost
GRACE_SECONDS = 10.0  # in which JAX may report by itself that it cannot go on
REPORT_SECONDS = 5.0  # between an error of JAX and the news of what caused it
LINGER_SECONDS = 3.0  # in which all workers may end for the same reason
CONNECT_SECONDS = 60.0
BEAT, LEFT = b"beat", b"left"  # what is sent, a line each; or the number of a lost worker


class Lifeline:
    """Watches, in threads of its own, whether the other workers live.

    A worker other than the chief ends at once where the chief or, as the chief tells it, another
    worker is lost: nothing in it needs to be saved, and JAX would abort it a moment later. The
    chief raises LostWorkerError where it next needs the others; where JAX keeps it waiting for
    them, it ends as well.

    Args:
        cluster: the workers.
        connections: with each other worker in the chief, with the chief in any other; by number.

    Attributes:
        lost: numbers of the lost workers.
    """

    def __init__(self, cluster: Cluster, connections: dict[int, socket.socket]):
        self.cluster = cluster
        self.lost: list[int] = []
        self._connections = connections
        self._gone: set[int] = set()  # whose connection has ended, for whatever reason
        self._lost_at = 0.0
        self._news = threading.Condition()
        self._ending = threading.Lock()
        self._has_ended = threading.Event()
        self._is_needed = self._is_leaving = self._chief_has_left = False
        for index in connections:
            threading.Thread(target=self._listen, args=(index,), daemon=True).start()
        threading.Thread(target=self._beat, daemon=True).start()

    @contextlib.contextmanager
    def exchange(self) -> Iterator[None]:
        """Surrounds what cannot be done without the other workers.

        Raises:
            LostWorkerError: one of them is lost already.
        """
        if self.lost:
            raise self._error()
        self._is_needed = True
        try:
            yield
        finally:
            self._is_needed = False

    @contextlib.contextmanager
    def naming_lost_workers(self) -> Iterator[None]:
        """Turns errors of JAX that a lost worker has caused into LostWorkerError."""
        try:
            yield
        except Exception as error:
            if package_of(error) not in ("jax", "jaxlib") and "Gloo" not in str(error):
                raise
            if not self._wait(lambda: self.lost, REPORT_SECONDS):
                raise
            raise self._error() from error

    def leave(self) -> bool:
        """Takes leave at the end of a training; every other worker waits for the chief.

        Returns:
            Whether all were there until now.
        """
        self._is_leaving = True
        if self.cluster.index > 0:
            self._wait(lambda: self._gone or self._chief_has_left)
            return self._chief_has_left
        self._send(LEFT)
        return not self._gone

    def end(self) -> None:
        """Leaves the others after an error, of which they may have the same."""
        self._is_leaving = True
        if self.cluster.index == 0:
            self._wait(lambda: len(self._gone) == len(self._connections), LINGER_SECONDS)
        self._has_ended.set()
        for connection in self._connections.values():
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _error(self) -> LostWorkerError:
        """Returns the error that names the lost workers; only in the chief, as others end."""
        if self.cluster.index > 0:
            self._end_process()
        return lost_workers(self._names_of_lost())

    def _names_of_lost(self) -> str:
        return " and ".join(self.cluster.name(index) for index in self.lost)

    def _wait(self, condition: Callable, seconds: float | None = None) -> bool:
        with self._news:
            return bool(self._news.wait_for(condition, seconds))

    def _listen(self, index: int) -> None:
        """Receives what another worker sends, until the connection ends."""
        connection = self._connections[index]
        connection.settimeout(SILENT_SECONDS)
        try:
            for line in connection.makefile("rb"):
                message = line.strip()
                if message == LEFT:
                    with self._news:
                        self._chief_has_left = True
                        self._news.notify_all()
                elif message != BEAT:
                    self._lose(int(message))
        except OSError:  # the connection is broken, or nothing came for long
            pass
        with self._news:
            self._gone.add(index)
            self._news.notify_all()
        if not self._chief_has_left:
            self._lose(index)

    def _lose(self, index: int) -> None:
        if self._is_leaving:
            return
        with self._news:
            self.lost.append(index)
            self._lost_at = time.monotonic()
            self._news.notify_all()
        if self.cluster.index == 0:
            self._send(b"%d" % index)
        else:
            self._end_process()

    def _beat(self) -> None:
        """Sends signs of life, and ends a chief that waits for lost workers."""
        while not self._has_ended.wait(BEAT_SECONDS):
            self._send(BEAT)
            waits = self.lost and self._is_needed and not self._is_leaving
            if waits and time.monotonic() - self._lost_at > GRACE_SECONDS:
                self._end_process()

    def _send(self, message: bytes) -> None:
        for index, connection in self._connections.items():
            if index not in self._gone:
                with contextlib.suppress(OSError):  # whoever listens notices
                    connection.sendall(message + b"\n")

    def _end_process(self) -> None:
        with self._ending:  # several threads may come here; the first one says it and ends all
            program = pathlib.Path(sys.argv[0]).name
            sys.stderr.write(f"{program}: {lost_workers(self._names_of_lost())}\n")
            end_process(LostWorkerError.exit_code)


def connect(cluster: Cluster, host: str, gather_texts: Callable[[str], list[str]]) -> Lifeline:
    """Connects the chief with every other worker.

    Args:
        cluster: the workers.
        host: of the chief, as the others reach it.
        gather_texts: returns the texts of all workers, the chief's first.

    Raises:
        DistributionError: a worker cannot reach the chief.
    """
    if cluster.index == 0:
        return _connect_chief(cluster, host, gather_texts)
    told = gather_texts("")[0].split()
    address = (told[0], int(told[1]))
    try:
        connection = socket.create_connection(address, timeout=CONNECT_SECONDS)
        connection.sendall(f"{told[2]} {cluster.index}\n".encode())
    except OSError as error:
        raise DistributionError(
            f"Cannot reach {cluster.name(0)} at {told[0]}:{told[1]} ({error}): every worker must "
            "be able to reach all ports of the others."
        ) from error
    return Lifeline(cluster, {0: connection})


def _connect_chief(
    cluster: Cluster, host: str, gather_texts: Callable[[str], list[str]]
) -> Lifeline:
    token = secrets.token_hex(8)  # so that nobody else takes the place of a worker
    connections: dict[int, socket.socket] = {}
    deadline = time.monotonic() + CONNECT_SECONDS
    with socket.create_server(("", 0), backlog=len(cluster.addresses) + 8) as server:
        gather_texts(f"{host} {server.getsockname()[1]} {token}")
        while len(connections) < len(cluster.addresses) - 1:
            server.settimeout(max(0.001, deadline - time.monotonic()))
            try:
                connection, _ = server.accept()
                connection.settimeout(BEAT_SECONDS)
                words = connection.recv(64).decode(errors="replace").split()
            except OSError:
                words = []
            if len(words) == 2 and words[0] == token:
                connections[int(words[1])] = connection
            elif time.monotonic() > deadline:
                missing = sorted(set(range(1, len(cluster.addresses))) - connections.keys())
                names = ", ".join(cluster.name(index) for index in missing)
                raise DistributionError(
                    f"{names.capitalize()} cannot reach this machine, the chief, at {host}: every "
                    "worker must be able to reach all ports of the others."
                )
    return Lifeline(cluster, connections)


def end_process(exit_code: int) -> None:
    """Ends this process without what JAX does at the end, which waits for all workers."""
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(exit_code)
