"""Training steps on several replicas, in as many processes as it takes, all in step.

`keras.Model.fit` averages what replicas report in a way that fails between processes (Keras 3.15),
and it would not let processes agree on when to end. This does what it does, with public names only.
"""

from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf

CODES = 32  # 0: go on, 1: end, higher: end because of the signal of that number


class Loop:
    """Trains a trainer on all replicas of a strategy.

    Args:
        trainer: made in the strategy's scope.
        strategy: whose replicas train.
        several: whether there are other processes.
    """

    def __init__(self, trainer, strategy: tf.distribute.Strategy, several: bool):
        self.trainer, self.strategy, self.several = trainer, strategy, several
        self.step = tf.function(self._step, autograph=False)
        self.terms: list[str] = []  # what a step records, known when it has been traced

    def run(
        self,
        batches: Callable[..., tf.data.Dataset],
        batch_size: int,
        stop: int,
        callbacks: Sequence[keras.callbacks.Callback],
        interruption,
    ) -> bool:
        """Trains to `stop`; returns whether a callback of any process ended it before.

        Args: see `Team.fit`.
        """
        trainer, start = self.trainer, self.trainer.step
        between = keras.callbacks.CallbackList(list(callbacks), model=trainer)
        data = iter(self._divided(batches, start, stop, batch_size))
        trainer.stop_training = ended = False
        trainer.reset_metrics()
        between.on_train_begin()
        between.on_epoch_begin(0)
        for number in range(stop - start):
            between.on_train_batch_begin(number)
            code = interruption.number or int(trainer.stop_training)
            logs, agreed = self._heard(self.step(data, tf.constant(code)).numpy())
            if agreed > 1:
                interruption.number = agreed
            between.on_train_batch_end(number, logs)
            # A single process ends at once; several at the step at which all have heard of it.
            ended = bool(agreed) or (trainer.stop_training and not self.several)
            if ended:
                break
        between.on_epoch_end(0)
        between.on_train_end()
        return ended

    def _divided(self, batches, start: int, stop: int, batch_size: int):
        """Each process makes its own part of every batch, in one batch a replica."""
        return self.strategy.distribute_datasets_from_function(
            lambda context: batches(
                start,
                stop,
                part=(context.input_pipeline_id, context.num_input_pipelines),
                size=context.get_per_replica_batch_size(batch_size),
            )
        )

    def _step(self, data, code):
        """One step; returns what `_heard` reads, one vector, so that it travels in one piece."""

        def of_replica(batch):
            self.terms = list(self.trainer.train_step(batch))
            means = [self.trainer.means[name] for name in self.terms]
            totals = [mean.total.value for mean in means]
            counts = [mean.count.value for mean in means]
            return tf.concat([totals, counts, tf.one_hot(code, CODES, dtype=totals[0].dtype)], 0)

        results = self.strategy.run(of_replica, args=(next(data),))
        return self.strategy.reduce("SUM", results, axis=None)

    def _heard(self, sums) -> tuple[dict[str, float], int]:
        """Returns the means of the terms over all replicas, and the highest code of any process."""
        totals, counts, votes = np.split(sums, [len(self.terms), 2 * len(self.terms)])
        means = totals / np.maximum(counts, np.finfo(counts.dtype).tiny)  # 0 of nothing is 0
        return dict(zip(self.terms, means.tolist(), strict=True)), int(votes.nonzero()[0].max())
