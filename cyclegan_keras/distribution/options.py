"""The options of a training on several devices; imports no backend."""

import dataclasses

from cyclegan_keras.files.option import option


@dataclasses.dataclass(frozen=True, kw_only=True)
class DistributionOptions:
    """On which devices a training runs; it may be continued on others."""

    distribute: str | None = option(
        None,
        "Devices to divide every batch over. none: a single device; mirrored: all GPUs (on JAX "
        "also TPUs) of this machine; multi_worker: the machines that TF_CONFIG names or, on JAX, "
        "that a launcher such as Slurm has started, see docs/distributed.md. By default, as many "
        "of the visible GPUs as divide --batch_size evenly.",
        choices=("none", "mirrored", "multi_worker"),
        saved=False,
    )
    wait_minutes: float = option(
        10.0,
        "With --distribute=multi_worker: how many minutes to wait at the start for the other "
        "workers.",
        low=0,
        saved=False,
    )
