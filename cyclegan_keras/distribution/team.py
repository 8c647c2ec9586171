"""Several devices or machines that train one model in step."""

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence

import keras
import numpy as np
import tensorflow as tf
from absl import logging

from cyclegan_keras.cli.console import Interruption
from cyclegan_keras.distribution.cluster import Cluster
from cyclegan_keras.distribution.loop import Loop
from cyclegan_keras.files.errors import DistributionError, LostWorkerError
from cyclegan_keras.runs.versions import versions
from cyclegan_keras.training.callbacks import Metrics, StepCallback

# What may differ between machines: the pictures themselves are compared by their fingerprints.
LOCAL = ("dataset", "data_dir", "pairs", "cache", "cache_mb", "cache_dir")


class NewMeans(StepCallback):
    """Begins the means of the terms anew every `every` steps."""

    writes = False

    def __init__(self, every: int):
        super().__init__()
        self.every = every

    def after_step(self, before, logs):
        if self.crossed(before, self.every):
            self.model.reset_metrics()


class Team:
    """What trains together: all replicas, and this process's place among the workers.

    Every replica gets its share of each batch. What a replica adds to the gradients is divided by
    their number, so that they do together what one device does with the whole batch.

    Attributes:
        strategy: TensorFlow's; None for one device alone.
        cluster: the workers; None where this process is the only one.
        is_chief: whether this process is the one that writes files.
        batch_size: pictures of each domain that all replicas take in a step.
    """

    def __init__(
        self,
        batch_size: int,
        strategy: tf.distribute.Strategy | None = None,
        cluster: Cluster | None = None,
    ):
        self.batch_size, self.strategy, self.cluster = batch_size, strategy, cluster
        self.is_chief = cluster is None or cluster.index == 0

    def scope(self) -> contextlib.AbstractContextManager:
        """Returns the context in which networks and optimizers are made for all replicas."""
        return self.strategy.scope() if self.strategy else contextlib.nullcontext()

    def fit(
        self,
        trainer,
        batches: Callable[..., tf.data.Dataset],
        stop: int,
        callbacks: Sequence[StepCallback],
        interruption: Interruption,
    ) -> None:
        """Trains to step `stop`, or to the step after which any worker wants to end.

        Args:
            trainer: made in `scope`.
            batches: (start step, stop step) -> the batches of these steps. For several replicas
                also `part`, (which, of how many), and `size`: make only that part of every batch,
                in batches of so many pictures.
            stop: step at which the training ends.
            callbacks: what happens between steps; those that write do so in the chief alone.
            interruption: learns the signal that another worker got.

        Raises:
            LostWorkerError: a worker has gone.
            DistributionError: the chief has ended the training for a reason that it tells.
        """
        if self.strategy is None:
            data = batches(trainer.step, stop)
            trainer.fit(data, verbose=0, shuffle=False, callbacks=list(callbacks))
            return
        if not self.is_chief:
            # What `Metrics` does to the means in the chief must happen to them everywhere.
            renewing = [NewMeans(each.every) for each in callbacks if isinstance(each, Metrics)]
            callbacks = [*renewing, *(each for each in callbacks if not each.writes)]
        with self._noticing_losses():
            loop = Loop(trainer, self.strategy, self.cluster is not None)
            asked = loop.run(batches, self.batch_size, stop, callbacks, interruption)
        if asked and not interruption.requested() and not self.is_chief:
            raise DistributionError(
                f"Another worker has ended the training after step {trainer.step}: see what it "
                "says."
            )

    def follow_chief(self, trainer) -> None:
        """Gives the trainer of every worker the chief's state."""
        if self.cluster is None:
            return
        state = trainer.state()
        kept = {name: keras.ops.convert_to_numpy(v) for name, v in state.items()}
        for dtype in sorted({value.dtype.name for value in kept.values()}):
            names = [name for name, value in kept.items() if value.dtype.name == dtype]
            sizes = np.cumsum([kept[name].size for name in names])
            together = self._of_chief(np.concatenate([kept[name].ravel() for name in names]))
            for name, value in zip(names, np.split(together, sizes[:-1]), strict=True):
                state[name].assign(value.reshape(kept[name].shape))

    def check_same(self, options: Mapping[str, object], facts: Mapping[str, object]) -> None:
        """Refuses workers that would not train the same.

        Args:
            options: all by name, as in options.json.
            facts: what the data tell of themselves, as in facts.json.

        Raises:
            DistributionError: they differ; raised on every worker, with the first differences.
        """
        if self.cluster is None:
            return
        told = {name: value for name, value in options.items() if name not in LOCAL}
        told |= {name: value for name, value in facts["data"].items() if name != "name"}
        told |= versions()
        with self._noticing_losses():
            chief, *others = map(json.loads, self._gather_texts(json.dumps(told)))
        for index, other in enumerate(others, start=1):
            if unequal := differences(chief, other):
                raise DistributionError(
                    f"{self.cluster.name(index).capitalize()} would train something else: "
                    f"{', '.join(unequal[:3])}. Start all workers with the same command, the same "
                    "pictures and the same versions."
                )

    def _of_chief(self, values: np.ndarray) -> np.ndarray:
        """Returns the chief's values of what all workers hold."""
        own = tf.constant(values if self.is_chief else np.zeros_like(values))
        add = tf.function(lambda value: self.strategy.reduce("SUM", value, None), autograph=False)
        with self._noticing_losses():
            return add(own).numpy()

    def _gather_texts(self, text: str) -> list[str]:
        """Returns the text of every worker."""
        own = np.frombuffer(text.encode(), "uint8").astype("int32")
        lengths = self._gather(np.array([len(own)], "int32"))
        every = self._gather(np.pad(own, (0, lengths.max() - len(own)))[None])
        return [
            row[:length].astype("uint8").tobytes().decode()
            for row, length in zip(every, lengths, strict=True)
        ]

    def _gather(self, value: np.ndarray) -> np.ndarray:
        return self.strategy.gather(tf.constant(value), axis=0).numpy()

    @contextlib.contextmanager
    def _noticing_losses(self) -> Iterator[None]:
        try:
            yield
        except tf.errors.OpError as error:
            kinds = (tf.errors.UnavailableError, tf.errors.AbortedError)
            lost = isinstance(error, kinds) or "Collective ops is aborted" in error.message
            if self.cluster is None or not lost:
                raise
            who = " and ".join(self.cluster.named_in(error.message)) or "another worker"
            reason = error.message.partition("aborted by: ")[2].partition("\n")[0]
            logging.info("What TensorFlow says: %s", reason or error.message)
            raise LostWorkerError(
                f"Lost {who}: it has ended, or cannot be reached any more; see what it says. The "
                "chief's last checkpoint is intact: run the same command on every worker to "
                "continue from there."
            ) from error


def differences(chief: Mapping[str, object], other: Mapping[str, object]) -> list[str]:
    """Returns in words where a worker's values are not the chief's."""
    return [
        f"{name}={other.get(name)} (the chief has {chief.get(name)})"
        for name in sorted(chief.keys() | other.keys())
        if other.get(name) != chief.get(name)
    ]
