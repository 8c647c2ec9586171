"""The training loop on the replicas of a strategy of TensorFlow."""

from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf

from cyclegan_keras.distribution.loop import Loop

CODES = 33  # codes of `Loop.take_step`: to go on, to end, and the signals


class TensorFlowLoop(Loop):
    """Trains a trainer on all replicas of a strategy.

    Args:
        trainer: built in the scope of the strategy.
        strategy: the replicas that train.
        multi_process: whether other processes train as well.
    """

    def __init__(self, trainer, strategy: tf.distribute.Strategy, *, multi_process: bool):
        super().__init__(trainer, multi_process=multi_process)
        self.strategy = strategy
        self.terms: list[str] = []  # names of what a step records, known once it has been traced

    def divided(self, batches: Callable, start: int, stop: int, batch_size: int) -> Iterator:
        """Returns the batches of all steps; each process makes only its own part of every batch."""
        data = iter(
            self.strategy.distribute_datasets_from_function(
                lambda context: batches(
                    start,
                    stop,
                    part=(context.input_pipeline_id, context.num_input_pipelines),
                    size=context.get_per_replica_batch_size(batch_size),
                )
            )
        )
        # One graph for pictures of all sizes, as the batches announce them.
        signature = [data.element_spec, tf.TensorSpec((), "int32")]
        self.step = tf.function(self._step, input_signature=signature, autograph=False)
        return data

    def take_step(self, batch, code: int) -> tuple[dict[str, float], int]:
        """Takes one step on all replicas; see `Loop.take_step`."""
        sums = self.step(batch, tf.constant(code)).numpy()
        count = len(self.terms)
        totals, counts, codes = np.split(sums, [count, 2 * count])
        means = totals / np.maximum(counts, np.finfo(counts.dtype).tiny)  # 0 where nothing counts
        logs = dict(zip(self.terms, means.tolist(), strict=True))
        return logs, int(codes.nonzero()[0].max())

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
