"""A training loop over several devices, also in several processes.

`keras.Model.fit` averages the logs of replicas in a way that fails between processes (Keras 3.15),
and gives processes no means to agree on when to end. This loop does both, on either backend.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import keras

from cyclegan_keras.training.next_batch import NextBatch
from cyclegan_keras.training.stage import Stage, stage


class Loop:
    """Trains a trainer on all devices; a subclass divides batches and takes steps.

    Args:
        trainer: built in the scope of its team.
        multi_process: whether other processes train as well.
    """

    def __init__(self, trainer, *, multi_process: bool):
        self.trainer = trainer
        self.multi_process = multi_process

    def run(
        self,
        batches: Callable[..., Any],
        batch_size: int,
        stop: int,
        callbacks: Sequence[keras.callbacks.Callback],
        interruption,
    ) -> bool:
        """Trains to step `stop`; returns whether a process ended the training before.

        Args:
            batches: see `Team.fit`.
            batch_size: pictures of each domain in a step, of all devices together.
            stop: the step at which the training ends.
            callbacks: called between steps.
            interruption: receives the signal that another process got.
        """
        trainer, start = self.trainer, self.trainer.step
        callback_list = keras.callbacks.CallbackList(list(callbacks), model=trainer)
        data = self.divided(batches, start, stop, batch_size)
        next_batch = NextBatch()
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
                logs, code = self.take_step(batch, own_code)
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

    def divided(
        self, batches: Callable[..., Any], start: int, stop: int, batch_size: int
    ) -> Iterator:
        """Returns the batches of all steps; each process makes only its own part of every batch."""
        raise NotImplementedError

    def take_step(self, batch, code: int) -> tuple[Mapping[str, float], int]:
        """Takes one step on all devices.

        Args:
            batch: what `divided` gave.
            code: what this process sends to the others with the step: 0 to go on, 1 to end, a
                higher one to end because of the signal of the number before.

        Returns:
            The means of the terms over all devices, and the highest code of any process.
        """
        raise NotImplementedError
