"""`fit` on TensorFlow, for a trainer whose state is exact also where no further batch comes."""

from collections.abc import Callable

import keras

from cyclegan_keras.training.next_batch import END, NextBatch
from cyclegan_keras.training.stage import Stage, stage
from cyclegan_keras.training.step_function import step_function


class TensorFlowModel(keras.Model):
    """Takes each batch before the step, not within it.

    In Keras' own graph, which takes the batch and the step, whatever does not depend on the batch
    runs while that is waited for: counters of steps and random seeds. Where the batch then cannot
    be had, the state would be that of no step.

    Attributes:
        stage: what the training does, where an error ends it.
    """

    stage = Stage.BETWEEN_STEPS
    train_function: Callable | None

    def make_train_function(self, force: bool = False):
        """Makes `train_function`, which `fit` calls for every step with the iterator of batches."""
        is_plain = self.steps_per_execution == 1 and not self.run_eagerly
        if not is_plain or self.distribute_strategy.num_replicas_in_sync > 1:
            return super().make_train_function(force)
        if self.train_function is not None and not force:
            return self.train_function
        next_batch = NextBatch()
        graphs: dict[str, Callable] = {}

        def train_function(iterator):
            with stage(self, Stage.READING):
                batch = next_batch.take(iterator)
            if batch is END:
                raise StopIteration
            spec = iterator.element_spec
            if str(spec) not in graphs:
                # One graph for pictures of all sizes, as the batches announce them.
                graphs[str(spec)] = step_function(self.train_step, spec, self.jit_compile)
            with stage(self, Stage.STEP):
                return graphs[str(spec)](batch)

        self.train_function = train_function
        return train_function
