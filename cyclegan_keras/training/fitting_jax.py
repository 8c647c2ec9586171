"""`fit` and `evaluate` on JAX, for a trainer whose steps assign to variables."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping

import jax
import keras
from keras import ops

from cyclegan_keras.training.engine_jax import Inside, assign, values_of
from cyclegan_keras.training.next_batch import END, NextBatch
from cyclegan_keras.training.stage import Stage, stage


class JaxModel(keras.Model):
    """Runs `train_step(data)` and `test_step(data)`, each as one compiled function of all state.

    Keras' own `fit` asks a model for other steps on JAX, and knows one optimizer.

    Attributes:
        stage: what the training does, where an error ends it.
    """

    stage = Stage.BETWEEN_STEPS
    train_function: Callable | None
    test_function: Callable | None

    def fit(
        self,
        x: Iterable[Mapping],
        *,
        epochs: int = 1,
        steps_per_epoch: int | None = None,
        callbacks: list | keras.callbacks.CallbackList | None = None,
        verbose: int = 0,
        shuffle: bool = False,
    ) -> keras.callbacks.History:
        """Trains on batches.

        Args:
            x: batches, a `tf.data.Dataset` or another iterable, which is iterated once an epoch.
            epochs: number of iterations.
            steps_per_epoch: batches of an epoch; all unless given.
            callbacks: Keras callbacks, in a list or in Keras' own `CallbackList`.
            verbose: 0 for no progress bar of Keras'.
            shuffle: must be False; batches come in their own order.

        Returns:
            The means of the recorded terms of each epoch.

        Raises:
            ValueError: `shuffle` is True.
        """
        if shuffle:
            raise ValueError(
                "`shuffle` must be False: batches are taken in their own order. "
                f"Received: shuffle={shuffle!r}"
            )
        if isinstance(callbacks, keras.callbacks.CallbackList):
            callback_list = callbacks
        else:
            callback_list = keras.callbacks.CallbackList(
                callbacks,
                add_history=True,
                add_progbar=verbose != 0,
                model=self,
                verbose=verbose,
                epochs=epochs,
                steps=steps_per_epoch,
            )
        self.stop_training = False
        if self.train_function is None:  # as it is after `compile`
            self.train_function = self._compiled(self.train_step, donate=True)
        callback_list.on_train_begin()
        for epoch in range(epochs):
            self.reset_metrics()
            callback_list.on_epoch_begin(epoch)
            logs = {}
            for number, batch in enumerate(self._batches(x, steps_per_epoch)):
                callback_list.on_train_batch_begin(number)
                with stage(self, Stage.STEP):
                    logs = self.train_function(batch)
                callback_list.on_train_batch_end(number, logs)
                if self.stop_training:
                    break
            callback_list.on_epoch_end(epoch, {name: float(value) for name, value in logs.items()})
            if self.stop_training:
                break
        callback_list.on_train_end()
        return self.history

    def evaluate(self, x: Iterable[Mapping], verbose: int = 0, return_dict: bool = True) -> dict:
        """Returns the means of what `test_step` records over the batches `x`."""
        self.reset_metrics()
        if self.test_function is None:
            self.test_function = self._compiled(self.test_step)
        logs = {}
        for batch in self._batches(x):
            logs = self.test_function(batch)
        return {name: float(value) for name, value in logs.items()}

    def changing_variables(self) -> list[keras.Variable]:
        """Returns every variable that a step may read or assign, each once."""
        variables = list(self.variables)
        for optimizer in self.optimizers.values():
            variables += optimizer.variables
        for metric in self.metrics:
            variables += metric.variables
        return list({id(variable): variable for variable in variables}.values())

    def pure_step(self, step: Callable) -> Callable:
        """Returns `step` as a function without side effects.

        Args:
            step: batch -> logs, a method of this trainer.

        Returns:
            (values of `changing_variables()`, batch) -> (logs, new values).
        """
        variables = self.changing_variables()

        def pure(values, batch):
            with Inside(zip(variables, values, strict=True)):
                return step(batch), values_of(variables)

        return pure

    def _batches(self, x: Iterable[Mapping], count: int | None = None) -> Iterable[Mapping]:
        batches = in_numpy(x)
        next_batch = NextBatch()

        def take():
            with stage(self, Stage.READING):
                return next_batch.take(batches)

        return itertools.islice(iter(take, END), count)

    def _compiled(self, step: Callable, donate: bool = False) -> Callable:
        variables = self.changing_variables()
        compiled = jax.jit(self.pure_step(step), donate_argnums=(0,) if donate else ())

        def run(batch):
            logs, values = compiled(distinct(values_of(variables)), batch)
            assign(variables, values)
            return logs

        return run


def in_numpy(batches: Iterable[Mapping]) -> Iterator[Mapping]:
    """Returns an iterator of batches of arrays, also where they come from a `tf.data.Dataset`."""
    if hasattr(batches, "as_numpy_iterator"):
        return batches.as_numpy_iterator()
    return iter(batches)


def distinct(arrays: list) -> list:
    """Copies arrays that occur a second time.

    Variables may share an array, but a compiled step that takes over its memory can do so once.
    """
    copied, seen = [], set()
    for array in arrays:
        copied.append(ops.copy(array) if id(array) in seen else array)
        seen.add(id(array))
    return copied
