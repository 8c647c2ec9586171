"""Gradients on JAX: what `Trainer` needs of a backend.

JAX differentiates functions without side effects, and layers have some: seeds move on, a batch norm
remembers. So a function is run within a scope that starts with given values of variables and notes
which of them it changes; the new values leave it beside its result and are assigned outside.
"""

from collections.abc import Callable, Iterable, Sequence

import jax
import keras
from keras import ops


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


class Recording:
    """What `function()` makes, with the way back that `gradients` goes on with.

    Attributes:
        value: what it made.
        pull: gradient by `value` -> ([gradients by the variables],).
    """

    def __init__(self, function: Callable, variables: list):
        pure = Pure(function, variables)
        self.value, self.pull, changes = jax.vjp(pure, values_of(variables), has_aux=True)
        pure.keep(changes)


def gradients(function: Callable, variables: list, start, recording=None) -> tuple:
    """Differentiates a loss; see `engine_tensorflow.gradients`."""
    made = [recording.value] if recording else []

    def loss_of(*made):
        loss, others = function(*made)
        pure.others = keras.tree.map_structure(ops.convert_to_tensor, others)
        return loss

    pure = Pure(loss_of, variables)

    def both(values, made):
        loss, changes = pure(values, *made)
        return loss, (pure.others, changes)

    loss, pull, (others, changes) = jax.vjp(both, values_of(variables), made, has_aux=True)
    pure.keep(changes)
    found, by_made = pull(ops.cast(start, loss.dtype))
    if recording:
        (first,) = recording.pull(by_made[0])
        found = [x + y for x, y in zip(found, first, strict=True)]
    return others, found


def gradient_of(function: Callable, x):
    """Returns the gradient of a scalar `function` at the tensor `x`; it can be differentiated."""
    pure = Pure(function)
    gradient, changes = jax.grad(lambda at: pure((), at), has_aux=True)(x)
    pure.keep(changes)
    return gradient


def after(done: list | None, batch):
    """Returns a batch (nested tensors) that is there when `done` (tensors) is."""
    return jax.lax.optimization_barrier((done, batch))[1] if done else batch


def apply(optimizer: keras.optimizers.Optimizer, gradients: list, variables: list) -> None:
    """Has the optimizer change the variables, all those that it was built with."""
    own = optimizer.variables
    results = optimizer.stateless_apply(values_of(own), gradients, values_of(variables))
    for targets, values in zip((variables, own), results, strict=True):
        for variable, value in zip(targets, values, strict=True):
            variable.assign(value)


def over_parts(function: Callable, batch, parts: int) -> tuple:
    """Gives `function` equal parts of a batch; see `engine_tensorflow.over_parts`."""
    tree = keras.tree.map_structure
    split = tree(lambda x: ops.reshape(x, (parts, x.shape[0] // parts, *x.shape[1:])), batch)
    pure = Pure(function)
    shapes, _ = jax.eval_shape(lambda part: pure((), part), tree(lambda x: x[0], split))
    variables = pure.changed  # by every part: the next one goes on with what it left

    def body(before, part):
        sums, values = before
        with Inside(zip(variables, values, strict=True)):
            added, joined = function(part)
            after = values_of(variables)
        return (tree(ops.add, sums, added), after), joined

    start = tree(lambda x: ops.zeros(x.shape, x.dtype), shapes[0])
    (sums, values), joined = jax.lax.scan(body, (start, values_of(variables)), split)
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
    return sums, tree(lambda x: ops.reshape(x, (-1, *x.shape[2:])), joined)


def values_of(variables: Iterable) -> list:
    """Returns the current values of variables."""
    return [variable.value for variable in variables]


def has_accelerator() -> bool:
    """Returns whether steps are taken on something else than a CPU."""
    return jax.default_backend() != "cpu"


def replicas() -> int:
    """Returns how many replicas a step is taken on together."""
    return 1
