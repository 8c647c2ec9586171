"""The devices of this machine, and the other workers, as JAX finds them."""

import atexit
import concurrent.futures
import contextlib
import signal
import socket
import threading
from collections.abc import Callable

import jax
from absl import logging

from cyclegan_keras.distribution import lifeline
from cyclegan_keras.distribution.cluster import (
    Cluster,
    host_of,
    listening,
    wait_for_all,
    wait_for_others,
)
from cyclegan_keras.distribution.joined import JoinedCluster
from cyclegan_keras.distribution.team import lost_workers
from cyclegan_keras.distribution.team_jax import JaxTeam
from cyclegan_keras.files.errors import DistributionError, LostWorkerError

JOIN_SECONDS = 120  # more than JAX needs once all workers are there
ABORT_SECONDS = 60  # later, JAX would abort this process


class JoinedJaxCluster(JoinedCluster):
    """Workers whose processes JAX has connected.

    Args:
        cluster: the workers.
        lifeline: between them.
    """

    def __init__(self, cluster: Cluster, lifeline: lifeline.Lifeline):
        self.cluster = cluster
        self.lifeline = lifeline
        self.devices = jax.device_count()
        self._waits_for_others = True  # when the process ends, as JAX has it
        # Functions that are registered later run earlier: this one runs before those of JAX.
        atexit.register(self._end_process)

    def team(self, batch_size: int) -> JaxTeam:
        """Returns the team of all workers."""
        return JaxTeam(batch_size, devices_in_order(), self.cluster, self.lifeline)

    def __exit__(self, kind, error, traceback) -> None:
        """Leaves the others together with them or, where one is lost, without waiting for them.

        Raises:
            LostWorkerError: this worker has finished, but the chief, who saves, was lost before.
        """
        if error is not None:
            self._waits_for_others = False
            self.exit_code = exit_code_of(error)
            self.lifeline.end()
        elif self.lifeline.leave():
            jax.distributed.shutdown()
            self.lifeline.close()
        else:
            self._waits_for_others = False
            self.lifeline.close()
            if self.cluster.index > 0:
                self.exit_code = LostWorkerError.exit_code
                raise lost_workers(self.cluster.name(0))

    def _end_process(self) -> None:
        if not self._waits_for_others:
            lifeline.end_process(self.exit_code)


def exit_code_of(error: BaseException) -> int:
    """Returns the exit code of a command that an error ends."""
    usual = 128 + signal.SIGINT if isinstance(error, KeyboardInterrupt) else 1
    return getattr(error, "exit_code", usual)


def join(cluster: Cluster | None, minutes: float) -> JoinedJaxCluster:
    """Connects this process with the other workers.

    Args:
        cluster: the workers; None to leave it to JAX to find them, by what Slurm, Open MPI,
            Kubernetes or a TPU pod has told this process.
        minutes: how long to wait for them.

    Raises:
        DistributionError: a worker did not answer, or JAX finds none; or they have not as many
            devices each.
    """
    with contextlib.suppress(AttributeError):  # unknown to versions that need it not
        jax.config.update("jax_cpu_collectives_implementation", "gloo")
    with contextlib.suppress(AttributeError):
        jax.config.update("jax_enable_preemption_service", False)  # it would take SIGTERM
    handler = signal.getsignal(signal.SIGTERM)
    try:
        if cluster is None:
            _join_by_launcher(minutes)
        else:
            _join_by_variable(cluster, minutes)
    except ValueError as error:
        raise DistributionError(
            "--distribute=multi_worker needs the environment variable TF_CONFIG on every worker, "
            "or a launcher that JAX knows, such as Slurm or that of a TPU pod: see "
            f"docs/distributed.md. JAX says: {error}"
        ) from error
    except RuntimeError as error:
        raise DistributionError(f"Cannot join the other workers: {error}") from error
    signal.signal(signal.SIGTERM, handler or signal.SIG_DFL)
    try:
        return _connected(cluster)
    except BaseException as error:
        # JAX would wait for the others when this process ends.
        atexit.register(lifeline.end_process, exit_code_of(error))
        raise


def _connected(cluster: Cluster | None) -> JoinedJaxCluster:
    """Connects the workers by a lifeline, once JAX has connected them."""
    devices = devices_in_order()
    counts = [
        sum(device.process_index == index for device in devices)
        for index in range(jax.process_count())
    ]
    if len(set(counts)) > 1:
        raise DistributionError(
            f"The workers have {', '.join(map(str, counts))} devices: each needs as many as the "
            "others. CUDA_VISIBLE_DEVICES chooses among those of a machine."
        )
    alone = JaxTeam(jax.process_count(), devices, cluster)
    if cluster is None:
        hosts = alone.gather_texts(socket.gethostname())
        cluster = Cluster(addresses=tuple(hosts), index=jax.process_index())
        host = _own_address()  # that of the chief counts
    else:
        host = host_of(cluster.addresses[0])
    return JoinedJaxCluster(cluster, lifeline.connect(cluster, host, alone.gather_texts))


def _join_by_launcher(minutes: float) -> None:
    """Has JAX find the other workers and wait for them."""
    seconds = 60 * minutes
    _connect_within(
        seconds,
        lambda: jax.distributed.initialize(initialization_timeout=int(seconds) + ABORT_SECONDS),
    )


def _join_by_variable(cluster: Cluster, minutes: float) -> None:
    """Waits for the workers of TF_CONFIG and connects JAX with them."""
    with contextlib.ExitStack() as stack:
        if cluster.index == 0:
            wait_for_all(cluster, minutes)  # then JAX listens at the chief's port
        else:
            stack.enter_context(listening(cluster))  # until all have joined
            wait_for_others(cluster, minutes)
        _connect_within(
            JOIN_SECONDS,
            lambda: jax.distributed.initialize(
                coordinator_address=cluster.addresses[0],
                num_processes=len(cluster.addresses),
                process_id=cluster.index,
                initialization_timeout=JOIN_SECONDS + ABORT_SECONDS,
                cluster_detection_method="deactivate",
            ),
        )


def _connect_within(seconds: float, connect: Callable[[], None]) -> None:
    """Calls `connect` in a thread.

    JAX does not hear Ctrl-C while it waits for the others, and aborts when its time is over.

    Raises:
        DistributionError: it has not returned in time.
    """
    done: concurrent.futures.Future = concurrent.futures.Future()

    def call():
        try:
            connect()
        except BaseException as error:
            done.set_exception(error)
        else:
            done.set_result(None)

    threading.Thread(target=call, daemon=True).start()
    try:
        done.result(seconds)
    except concurrent.futures.TimeoutError as error:
        atexit.register(lifeline.end_process, DistributionError.exit_code)
        raise DistributionError(
            f"Not all workers have joined within {seconds / 60:g} minutes: see what the others "
            "say, check that the first one can be reached from all, or raise --wait_minutes."
        ) from error
    except KeyboardInterrupt as error:
        atexit.register(lifeline.end_process, exit_code_of(error))
        raise


def _own_address() -> str:
    """Returns the address by which other machines reach this one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # nothing is sent: this only asks for a route
        except OSError:
            logging.info("No route to other machines: they must know %s.", socket.gethostname())
            return socket.gethostname()
        return probe.getsockname()[0]


def devices_in_order() -> list[jax.Device]:
    """Returns the devices of all processes, those of a process side by side, the chief's first."""
    return sorted(jax.devices(), key=lambda device: (device.process_index, device.id))


def accelerators() -> list[jax.Device]:
    """Returns this machine's GPUs or TPUs."""
    return [] if jax.default_backend() == "cpu" else jax.local_devices()


def processors() -> list[jax.Device]:
    """Returns this machine's CPU devices: one, unless it has been divided."""
    return jax.local_devices(backend="cpu")


def team_of(devices: list[jax.Device], batch_size: int) -> JaxTeam:
    """Returns the team of several devices of this machine."""
    return JaxTeam(batch_size, devices)
