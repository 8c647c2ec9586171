"""Batches of crops beside the teacher's answers, made while the student learns."""

import queue
import threading
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import tensorflow as tf

from cyclegan_keras.compression.answers import Answers
from cyclegan_keras.compression.schedule import CropSchedule
from cyclegan_keras.training.trainer import SOURCES

AHEAD = 4  # batches that are made before they are wanted
TICK = 0.1  # seconds between two looks at whether batches are still wanted
END = object()
# numbers -> a dataset of as many {"number", "picture"}, in their order
Crops = Callable[[np.ndarray], tf.data.Dataset]


class AnsweredBatches:
    """What a `Distiller` learns from, by the number of the step.

    Attributes:
        failure: the error that ended the making of batches; None as long as it goes on. TensorFlow
            passes on no more than its text. Where pictures cannot be read, this is what TensorFlow
            says of it; the error itself is noted by whoever reads them (`Data.patience.failure`).

    Args:
        schedule: which crops come in which step.
        crops: side, "x" or "y", -> its crops by number. Every side given is part of the batches.
        answers: direction, "x_to_y" or "y_to_x", -> the answers to the crops of its source.
    """

    def __init__(
        self,
        schedule: CropSchedule,
        crops: Mapping[str, Crops],
        answers: Mapping[str, Answers],
    ):
        self.failure: BaseException | None = None
        self._schedule = schedule
        self._crops = dict(crops)
        self._answers = dict(answers)

    def train(self, start_step: int, stop_step: int) -> tf.data.Dataset:
        """Returns the batches of the steps from `start_step` up to, not including, `stop_step`.

        Args:
            start_step: of the first batch, counted from 0.
            stop_step: of the batch after the last.

        Returns:
            Finite; {"x", "teacher_x_to_y"} or {"y", "teacher_y_to_x"} or all four, of float32
            (batch, height, width, channels) in [-1, 1].
        """
        numbers = self._schedule.numbers_between(start_step, stop_step)
        crops = {
            side: of_side(numbers.ravel()).batch(self._schedule.batch_size, drop_remainder=True)
            for side, of_side in self._crops.items()
        }
        specs = {side: dataset.element_spec["picture"] for side, dataset in crops.items()}
        for direction, answers in self._answers.items():
            shape = (self._schedule.batch_size, *answers.shape)
            specs[f"teacher_{direction}"] = tf.TensorSpec(shape, tf.float32)
        dataset = tf.data.Dataset.from_generator(
            lambda: self._made_ahead(crops, numbers), output_signature=specs
        )
        return dataset.apply(tf.data.experimental.assert_cardinality(len(numbers)))

    def _made_ahead(
        self, crops: Mapping[str, tf.data.Dataset], numbers: np.ndarray
    ) -> Iterator[dict[str, np.ndarray]]:
        """Yields what `_batches` yields, which runs in a thread of its own."""
        waiting: queue.Queue = queue.Queue(AHEAD)
        abandoned = threading.Event()

        def put(item) -> bool:
            """Puts an item in as soon as there is room; returns whether it is still wanted."""
            while not abandoned.is_set():
                try:
                    waiting.put(item, timeout=TICK)
                except queue.Full:
                    continue
                return True
            return False

        def make() -> None:
            try:
                for batch in self._batches(crops, numbers):
                    if not put(batch):
                        return
                put(END)
            except BaseException as error:
                put(error)

        thread = threading.Thread(target=make, name="answered batches", daemon=True)
        thread.start()
        try:
            while (item := waiting.get()) is not END:
                if isinstance(item, BaseException):
                    self.failure = item
                    raise item
                yield item
        finally:
            abandoned.set()
            thread.join()

    def _batches(
        self, crops: Mapping[str, tf.data.Dataset], numbers: np.ndarray
    ) -> Iterator[dict[str, np.ndarray]]:
        iterators = {side: dataset.as_numpy_iterator() for side, dataset in crops.items()}
        for numbers_of_step in numbers:
            batch = {side: next(iterator)["picture"] for side, iterator in iterators.items()}
            for direction, answers in self._answers.items():
                batch[f"teacher_{direction}"] = answers(numbers_of_step, batch[SOURCES[direction]])
            yield batch
