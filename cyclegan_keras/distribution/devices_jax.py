"""The devices of this machine, and the other workers, as JAX finds them."""

import atexit
import contextlib
import signal
import socket

import jax
from absl import logging

from cyclegan_keras.distribution import lifeline
from cyclegan_keras.distribution.cluster import Cluster, listening, wait_for_all, wait_for_others
from cyclegan_keras.distribution.joined import JoinedCluster
from cyclegan_keras.distribution.team_jax import JaxTeam
from cyclegan_keras.files.errors import DistributionError

JOIN_SECONDS = 120  # more than JAX needs once all workers are there


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
        self.exit_code: int | None = None  # of a process that must not wait for the others
        # Functions that are registered later run earlier: this one runs before those of JAX.
        atexit.register(self._end_process)

    def team(self, batch_size: int) -> JaxTeam:
        """Returns the team of all workers."""
        return JaxTeam(batch_size, devices_in_order(), self.cluster, self.lifeline)

    def __exit__(self, kind, error, traceback) -> None:
        """Leaves the others together with them or, after an error, without waiting for them."""
        if error is None:
            if self.lifeline.leave():
                jax.distributed.shutdown()
            else:
                self.exit_code = 0
            return
        self.lifeline.end()
        usual = 128 + signal.SIGINT if isinstance(error, KeyboardInterrupt) else 1
        self.exit_code = getattr(error, "exit_code", usual)

    def _end_process(self) -> None:
        if self.exit_code is not None:
            lifeline.end_process(self.exit_code)


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
            jax.distributed.initialize(initialization_timeout=max(1, int(60 * minutes)))
        else:
            _initialize(cluster, minutes)
    except ValueError as error:
        raise DistributionError(
            "--distribute=multi_worker needs the environment variable TF_CONFIG on every worker, "
            "or a launcher that JAX knows, such as Slurm or that of a TPU pod: see "
            f"docs/distributed.md. JAX says: {error}"
        ) from error
    except RuntimeError as error:
        raise DistributionError(f"Cannot join the other workers: {error}") from error
    signal.signal(signal.SIGTERM, handler or signal.SIG_DFL)
    devices = devices_in_order()
    counts = [
        sum(device.process_index == index for device in devices)
        for index in range(jax.process_count())
    ]
    alone = JaxTeam(jax.process_count(), devices, cluster)
    if cluster is None:
        hosts = alone.gather_texts(socket.gethostname())
        cluster = Cluster(addresses=tuple(hosts), index=jax.process_index())
        own_host = _own_address()
    else:
        own_host = cluster.addresses[0].rpartition(":")[0].strip("[]")
    if len(set(counts)) > 1:
        raise DistributionError(
            f"The workers have {', '.join(map(str, counts))} devices: each needs as many as the "
            "others. CUDA_VISIBLE_DEVICES chooses among those of a machine."
        )
    return JoinedJaxCluster(cluster, lifeline.connect(cluster, own_host, alone.gather_texts))


def _initialize(cluster: Cluster, minutes: float) -> None:
    """Waits for the workers of TF_CONFIG and connects JAX with them."""
    with contextlib.ExitStack() as stack:
        if cluster.index == 0:
            wait_for_all(cluster, minutes)  # then JAX listens at the chief's port
        else:
            stack.enter_context(listening(cluster))  # until all have joined
            wait_for_others(cluster, minutes)
        jax.distributed.initialize(
            coordinator_address=cluster.addresses[0],
            num_processes=len(cluster.addresses),
            process_id=cluster.index,
            initialization_timeout=JOIN_SECONDS,
            cluster_detection_method="deactivate",
        )


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
