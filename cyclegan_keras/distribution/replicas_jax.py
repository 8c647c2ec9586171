"""A training step of JAX on several devices: the batch is divided, the state is on each of them.

The step is that of one device. XLA divides its work by where its arguments lie, and adds up what is
summed over a batch, such as gradients and the statistics of a batch norm.
"""

from collections.abc import Mapping

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from keras import ops

from cyclegan_keras.training.engine_jax import AXIS, assign, divided_over, values_of
from cyclegan_keras.training.fitting_jax import distinct


class Replicas:
    """The state of a trainer on all devices of a mesh, and its step there.

    Between steps each variable of the trainer holds the array of the first device of this process,
    so that whatever reads or assigns variables (samples, checkpoints, resets) works as on a single
    device, in one process without the others. The arrays of all devices are held here; they are
    copied again only where a variable has been assigned meanwhile.

    Args:
        trainer: ready for `fit`.
        mesh: of the devices of all processes, those of one process side by side, along `AXIS`.
    """

    def __init__(self, trainer, mesh: Mesh):
        self.mesh = mesh
        self.variables = trainer.changing_variables()
        self.everywhere = NamedSharding(mesh, PartitionSpec())
        self.divided = NamedSharding(mesh, PartitionSpec(AXIS))
        self.local_devices = list(mesh.local_devices)
        self.own: list = [None] * len(self.variables)  # arrays of the first device
        self.all: list = [None] * len(self.variables)  # the same, of all devices
        pure_step = trainer.pure_step(trainer.train_step)

        def step(values, batch, codes):
            with divided_over(mesh):
                logs, values = pure_step(values, batch)
            return logs, values, ops.max(codes)

        self.compiled = jax.jit(
            step,
            donate_argnums=0,
            in_shardings=(self.everywhere, self.divided, self.divided),
            out_shardings=self.everywhere,
        )

    def take_step(self, batch: Mapping[str, np.ndarray], code: int) -> tuple[dict, int]:
        """Takes one step.

        Args:
            batch: this process's part of the batch, its devices' pictures one after the other.
            code: of this process; see `Loop.take_step`.

        Returns:
            What the step recorded, scalars by name, and the highest code of any process.
        """
        codes = np.full(len(self.local_devices), code, "int32")
        batch = {name: self.divide(pictures) for name, pictures in batch.items()}
        logs, values, highest = self.compiled(self.state(), batch, self.divide(codes))
        self.all = values
        assign(self.variables, [value.addressable_data(0) for value in values])
        self.own = values_of(self.variables)
        logs = {name: value.addressable_data(0) for name, value in logs.items()}
        return logs, int(highest.addressable_data(0))

    def state(self) -> list:
        """Returns the values of all variables, on all devices."""
        values = []
        now = distinct(values_of(self.variables))
        for value, own, everywhere in zip(now, self.own, self.all, strict=True):
            values.append(everywhere if value is own else self.copy(value))
        return values

    def copy(self, value):
        """Returns an array with a copy on every device; every process must have the same one."""
        copies = [jax.device_put(value, device) for device in self.local_devices]
        return jax.make_array_from_single_device_arrays(value.shape, self.everywhere, copies)

    def divide(self, rows: np.ndarray):
        """Returns an array divided over all devices, of which this process has these rows."""
        processes = self.mesh.size // len(self.local_devices)
        shape = (len(rows) * processes, *rows.shape[1:])
        return jax.make_array_from_process_local_data(self.divided, rows, shape)
