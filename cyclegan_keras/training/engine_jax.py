"""What training needs of JAX: gradients, parts of a batch, several devices.

JAX differentiates functions without side effects, and layers have some: seeds advance, and a batch
norm updates its statistics. So a function is run within a scope that starts with given values of
variables and records which of them it assigns. The new values leave the scope beside the result and
are assigned outside.
"""

import contextlib
import contextvars
from collections.abc import Callable, Iterable, Iterator, Sequence

import jax
import keras
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from keras import ops

from cyclegan_keras.layers import ImagePool

AXIS = "batch"  # of a mesh of devices
_mesh: contextvars.ContextVar[Mesh | None] = contextvars.ContextVar("mesh", default=None)


@contextlib.contextmanager
def divided_over(mesh: Mesh) -> Iterator[None]:
    """Says, while a step is traced, over which devices its batch is divided, along `AXIS`."""
    token = _mesh.set(mesh)
    try:
        yield
    finally:
        _mesh.reset(token)


def placed(x, *axes):
    """Places a tensor on the devices over which the batch is divided, if it is.

    That changes no number, but where XLA computes it.

    Args:
        x: a tensor.
        *axes: `AXIS` for the dimension that is divided and None for those before it; none at all
            where every device shall have the whole tensor.
    """
    mesh = _mesh.get()
    if mesh is None:
        return x
    return jax.lax.with_sharding_constraint(x, NamedSharding(mesh, PartitionSpec(*axes)))


class Inside(keras.StatelessScope):
    """A scope that sees the variables of the scope around it, and changes none of them.

    Args:
        values: (variable, its value here), for those that shall differ from outside.

    Attributes:
        changed: the variables that were assigned to.
    """

    def __init__(self, values: Iterable[tuple] = ()):
        super().__init__(list(values))
        self.changed: list[keras.Variable] = []

    def add_update(self, update):
        super().add_update(update)
        if not any(update[0] is variable for variable in self.changed):
            self.changed.append(update[0])

    def get_current_value(self, variable):
        value = super().get_current_value(variable)
        if value is None and self.original_scope is not None:
            value = self.original_scope.get_current_value(variable)
        return value


class Pure:
    """A function without side effects: (values of `variables`, *arguments) -> (result, changes).

    Args:
        function: of the arguments; may read and assign any variables.
        variables: whose values are given.
    """

    def __init__(self, function: Callable, variables: Sequence = ()):
        self.function, self.variables = function, variables
        self.changed: Sequence[keras.Variable] = ()

    def __call__(self, values, *arguments):
        with Inside(zip(self.variables, values, strict=True)) as scope:
            result = self.function(*arguments)
        self.changed = scope.changed
        return result, [scope.get_current_value(variable) for variable in scope.changed]

    def keep(self, changes: Sequence) -> None:
        """Assigns what the last call changed."""
        for variable, value in zip(self.changed, changes, strict=True):
            variable.assign(value)


class RecordedForwardPass:
    """The value of `function()`, and the way back from which `gradients` continues.

    Args:
        function: returns nested tensors.
        variables: what the gradient will be taken by.

    Attributes:
        value: what `function` returned.
        pull: gradient by `value` -> ([gradients by the variables],).
    """

    def __init__(self, function: Callable, variables: list):
        pure = Pure(function, variables)
        self.value, self.pull, changes = jax.vjp(pure, values_of(variables), has_aux=True)
        pure.keep(changes)


def gradients(function: Callable, variables: list, scale, forward_pass=None) -> tuple:
    """Differentiates a loss; see `engine_tensorflow.gradients`."""
    computed = () if forward_pass is None else (forward_pass.value,)

    def loss_and_tensors(*computed):
        loss, others = function(*computed)
        return loss, keras.tree.map_structure(ops.convert_to_tensor, others)

    pure = Pure(loss_and_tensors, variables)

    def loss_of_values(values, computed):
        (loss, others), changes = pure(values, *computed)
        return loss, (others, changes)

    loss, pull, (others, changes) = jax.vjp(
        loss_of_values, values_of(variables), computed, has_aux=True
    )
    pure.keep(changes)
    found, by_computed = pull(ops.cast(scale, loss.dtype))
    if forward_pass is not None:
        (before,) = forward_pass.pull(by_computed[0])
        found = [x + y for x, y in zip(found, before, strict=True)]
    return others, found


def gradient_of(function: Callable, x):
    """Returns the gradient of a scalar `function` at the tensor `x`; it can be differentiated."""
    pure = Pure(function)
    gradient, changes = jax.grad(lambda at: pure((), at), has_aux=True)(x)
    pure.keep(changes)
    return gradient


def apply(optimizer: keras.optimizers.Optimizer, gradients: list, variables: list) -> None:
    """Has the optimizer update the variables, all those that it was built with."""
    own = optimizer.variables
    new_values, new_own = optimizer.stateless_apply(values_of(own), gradients, values_of(variables))
    assign(variables, new_values)
    assign(own, new_own)


def after(done: list, batch):
    """Returns a batch (nested tensors) that is not available before the tensors `done` are."""
    _, batch = jax.lax.optimization_barrier((done, batch))
    return batch


def over_parts(function: Callable, batch, parts: int) -> tuple:
    """Calls `function` for equal parts of a batch; see `engine_tensorflow.over_parts`."""
    map_structure = keras.tree.map_structure

    def split(x):
        rows = ops.reshape(x, (parts, x.shape[0] // parts, *x.shape[1:]))
        return placed(rows, None, AXIS)  # each device takes its share of every part

    def join(x):
        return placed(ops.reshape(placed(x, None, AXIS), (-1, *x.shape[2:])), AXIS)

    batch = map_structure(split, batch)
    pure = Pure(function)
    (sum_shapes, _), _ = jax.eval_shape(
        lambda part: pure((), part), map_structure(lambda x: x[0], batch)
    )
    variables = pure.changed  # by every part: the next one continues from the values it left

    def take_part(carried, part):
        sums, values = carried
        part = map_structure(lambda x: placed(x, AXIS), part)
        with Inside(zip(variables, values, strict=True)):
            added, joined = function(part)
            values = values_of(variables)
        joined = map_structure(lambda x: placed(x, AXIS), joined)
        return (map_structure(ops.add, sums, added), values), joined

    zeros = map_structure(lambda x: ops.zeros(x.shape, x.dtype), sum_shapes)
    (sums, values), joined = jax.lax.scan(take_part, (zeros, values_of(variables)), batch)
    assign(variables, values)
    return sums, map_structure(join, joined)


def values_of(variables: Iterable) -> list:
    """Returns the current values of variables."""
    return [variable.value for variable in variables]


def assign(variables: Iterable, values: Iterable) -> None:
    """Assigns values to as many variables."""
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def compiled(network: keras.Model) -> Callable:
    """Returns `network(images, training=False)` as a compiled function of the current weights."""
    variables = network.variables

    @jax.jit
    def call(values, images):
        with Inside(zip(variables, values, strict=True)):
            return network(images, training=False)

    return lambda images: call(values_of(variables), images)


def has_accelerator() -> bool:
    """Returns whether steps are taken on something other than a CPU."""
    return jax.default_backend() != "cpu"


def replicas() -> int:
    """Returns 1: several devices take one step of the whole batch."""
    return 1


def first_picture(pictures):
    """Returns the number, in the batch of all devices, of the first of the pictures: 0."""
    return 0


def image_pool(size: int, seed: int, name: str) -> ImagePool:
    """Returns an image pool for a trainer."""
    return SharedImagePool(size, seed=seed, name=name)


class SharedImagePool(ImagePool):
    """An image pool of which every device has a copy, and which sees the fakes of all devices.

    See `ImagePool` for the arguments.
    """

    def call(self, images):
        if self.size == 0:
            return super().call(images)
        return placed(super().call(placed(images)), AXIS)
