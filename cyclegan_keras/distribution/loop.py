"""A training loop over the replicas of a strategy, also in several processes.

`keras.Model.fit` averages the logs of replicas in a way that fails between processes (Keras 3.15),
and gives processes no means to agree on when to end. This loop does both, with public names of
Keras and TensorFlow only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import keras
import lazy_loader
import numpy as np

from cyclegan_keras.training.next_batch import NextBatch
from cyclegan_keras.training.stage import Stage, stage

if TYPE_CHECKING:
    import tensorflow as tf
else:
    tf = lazy_loader.load("tensorflow")

# What a process sends to the others with every step: 0 to go on, 1 to end, a higher code to end
# because of the signal of the number before.
CODES = 33


class Loop:
    """Trains a trainer on all replicas of a strategy.

    Args:
        trainer: built in the scope of the strategy.
        strategy: the replicas that train.
        multi_process: whether other processes train as well.
    """

    def __init__(self, trainer, strategy: tf.distribute.Strategy, multi_process: bool):
        self.trainer = trainer
        self.strategy = strategy
        self.multi_process = multi_process
        self.terms: list[str] = []  # names of what a step records, known once it has been traced

    def run(
        self,
        batches: Callable[..., tf.data.Dataset],
        batch_size: int,
        stop: int,
        callbacks: Sequence[keras.callbacks.Callback],
        interruption,
    ) -> bool:
        """Trains to step `stop`; returns whether a process ended the training before.

        Args:
            batches: see `Team.fit`.
            batch_size: pictures of each domain in a step, of all replicas together.
            stop: the step at which the training ends.
            callbacks: called between steps.
            interruption: receives the signal that another process got.
        """
        trainer, start = self.trainer, self.trainer.step
        callback_list = keras.callbacks.CallbackList(list(callbacks), model=trainer)
        data = iter(self._distributed(batches, start, stop, batch_size))
        next_batch = NextBatch()
        # One graph for pictures of all sizes, as the batches announce them.
        signature = [data.element_spec, tf.TensorSpec((), "int32")]
        step = tf.function(self._step, input_signature=signature, autograph=False)
        trainer.stop_training = False
        trainer.reset_metrics()
        ended = False
        callback_list.on_train_begin()
        callback_list.on_epoch_begin(0)
        for index in range(stop - start):
            callback_list.on_train_batch_begin(index)
            # Before the step: within it, counters and seeds would go on while this is waited for.
            with stage(trainer, Stage.READING):
                batch = next_batch.take(data)
            own_code = int(trainer.stop_training)
            if interruption.number is not None:
                own_code = 1 + interruption.number
            with stage(trainer, Stage.STEP):
                sums = step(batch, tf.constant(own_code)).numpy()
            logs, code = self._logs_and_code(sums)
            if code > 1:
                interruption.number = code - 1
            callback_list.on_train_batch_end(index, logs)
            # One process can end at once; several end at the step after which all know the code.
            ended = code > 0 or (trainer.stop_training and not self.multi_process)
            if ended:
                break
        callback_list.on_epoch_end(0)
        callback_list.on_train_end()
        return ended

    def _distributed(self, batches, start: int, stop: int, batch_size: int):
        """Returns the batches of all steps; each process makes only its own part of every batch."""
        return self.strategy.distribute_datasets_from_function(
            lambda context: batches(
                start,
                stop,
                part=(context.input_pipeline_id, context.num_input_pipelines),
                size=context.get_per_replica_batch_size(batch_size),
            )
        )

    def _step(self, batch, code):
        """Takes one step on all replicas.

        Returns:
            The totals of the terms, their counts and the codes as one-hot vectors, each summed over
            all replicas: one vector, so that the processes exchange a single tensor.
        """

        def on_replica(part):
            self.terms = list(self.trainer.train_step(part))
            means = [self.trainer.means[name] for name in self.terms]
            totals = [mean.total.value for mean in means]
            counts = [mean.count.value for mean in means]
            codes = tf.one_hot(code, CODES, dtype=totals[0].dtype)
            return tf.concat([totals, counts, codes], axis=0)

        vectors = self.strategy.run(on_replica, args=(batch,))
        return self.strategy.reduce("SUM", vectors, axis=None)

    def _logs_and_code(self, sums: np.ndarray) -> tuple[dict[str, float], int]:
        """Returns the means of the terms over all replicas, and the highest code of any process."""
        count = len(self.terms)
        totals, counts, codes = np.split(sums, [count, 2 * count])
        means = totals / np.maximum(counts, np.finfo(counts.dtype).tiny)  # 0 where nothing counts
        logs = dict(zip(self.terms, means.tolist(), strict=True))
        return logs, int(codes.nonzero()[0].max())
