"""Which pictures are in which training sample: a pure function of the seed and the sample's number.

An epoch shuffles the larger domain anew and visits it once. The order of an epoch follows from its
number alone, so that any sample can be computed without those before it. Samples are numbered over
all epochs.
"""

import dataclasses
import functools
import threading
from collections.abc import Callable, Iterator

import numpy as np

from pipelines import draws

# Streams of random numbers that must not repeat one another.
SHUFFLE_STREAM = 0
PARTNER_STREAM = 1
AUGMENTATION_STREAM = 2
CROP_SHUFFLE_STREAMS = {"x": 3, "y": 4}
CROP_STREAMS = {"x": 5, "y": 6}

EPOCHS_KEPT = 2  # pictures are read ahead, so that two epochs meet


def steps_per_epoch(count_x: int, count_y: int, batch_size: int) -> int:
    """Returns the number of whole batches in one pass over the larger domain."""
    return max(count_x, count_y) // batch_size


@dataclasses.dataclass(frozen=True, kw_only=True)
class Numbers:
    """The numbers of the samples of some steps, or of one of equal parts of each batch.

    A sequence of whole numbers that takes no memory. All parts of a batch, in order, are the batch.

    Attributes:
        batch_size: samples a step, a multiple of `parts`.
        start_step: the first step, counted over all epochs.
        stop_step: the step after the last.
        part: which part of every batch, from 0.
        parts: how many there are.
    """

    batch_size: int
    start_step: int
    stop_step: int
    part: int = 0
    parts: int = 1

    def __len__(self) -> int:
        return max(0, self.stop_step - self.start_step) * (self.batch_size // self.parts)

    def __iter__(self) -> Iterator[int]:
        return (self[place] for place in range(len(self)))

    def __getitem__(self, place):
        """Returns the number at a place, which may also be an array or a tensor of places."""
        size = self.batch_size // self.parts
        step = self.start_step + place // size
        return step * self.batch_size + self.part * size + place % size


class Order:
    """Tells which pictures are in a sample; safe to call from several threads.

    Args:
        epoch: number of an epoch -> arrays with the indices of the pictures of its samples, one for
            each picture of a sample.
        samples: in an epoch.
    """

    def __init__(self, epoch: Callable[[int], tuple[np.ndarray, ...]], samples: int):
        self._epoch = functools.lru_cache(maxsize=EPOCHS_KEPT)(epoch)
        self._samples = samples
        self._lock = threading.Lock()

    def __call__(self, number: int) -> tuple[int, ...]:
        """Returns the index of each picture of the sample of a number."""
        epoch, place = divmod(int(number), self._samples)
        with self._lock:  # an epoch is drawn once, while the other threads wait for it
            indices = self._epoch(epoch)
        return tuple(int(each[place]) for each in indices)


def unpaired(count_x: int, count_y: int, *, seed: int, batch_size: int) -> Order:
    """Draws which pictures of x and of y meet.

    The larger domain (on a tie, x) is shuffled anew for every epoch and visited once; its partners
    are drawn at random from the other, with replacement. Where `batch_size` does not divide the
    larger domain, the last few of that epoch's shuffle are left out.

    Args:
        count_x: pictures of x.
        count_y: pictures of y.
        seed: any whole number of 64 bits.
        batch_size: samples a step.

    Returns:
        The order, of index_x and index_y.
    """
    samples = steps_per_epoch(count_x, count_y, batch_size) * batch_size

    def epoch_order(epoch: int) -> tuple[np.ndarray, np.ndarray]:
        visited_once = _shuffled(max(count_x, count_y), seed, epoch)[:samples]
        drawn = draws.whole_numbers(
            seed_of(seed, PARTNER_STREAM, epoch), samples, stop=min(count_x, count_y)
        )
        if count_x >= count_y:
            return visited_once, drawn
        return drawn, visited_once

    return Order(epoch_order, samples)


def paired(count: int, *, seed: int, batch_size: int) -> Order:
    """Draws in which order pairs come.

    Pairs are shuffled anew for every epoch and visited once. Where `batch_size` does not divide
    their number, the last few of that epoch's shuffle are left out.

    Args:
        count: pairs.
        seed: any whole number of 64 bits.
        batch_size: samples a step.

    Returns:
        The order, of one index.
    """
    samples = steps_per_epoch(count, count, batch_size) * batch_size

    def epoch_order(epoch: int) -> tuple[np.ndarray]:
        return (_shuffled(count, seed, epoch)[:samples],)

    return Order(epoch_order, samples)


def of_crops(count: int, numbers: np.ndarray, *, seed: int, side: str) -> np.ndarray:
    """Returns which picture each of some numbered crops is cut from.

    Crops visit all pictures of a side once before they visit any a second time, in an order drawn
    anew for each pass.

    Args:
        count: pictures of the side.
        numbers: int64 (n,), of the crops, in any order.
        seed: any whole number of 64 bits.
        side: "x" or "y", which have orders of their own.

    Returns:
        int64 (n,): indices of pictures; each follows from its own number alone.
    """
    passes, places = np.divmod(np.asarray(numbers, np.int64), count)
    passes, rows = np.unique(passes, return_inverse=True)
    stream = CROP_SHUFFLE_STREAMS[side]
    orders = [_shuffled(count, seed, number, stream) for number in passes]
    return np.reshape(orders, (-1, count))[rows, places]


def seed_of(seed: int, stream: int, number: np.ndarray | int) -> np.ndarray:
    """Returns a seed (2,) of its own for each number of each stream; (n, 2) for n numbers."""
    root = draws.fold_in(np.array([seed, 0], np.int64), np.int32(stream))
    return draws.fold_in(root, np.asarray(number, np.int64))


def _shuffled(count: int, seed: int, epoch: int, stream: int = SHUFFLE_STREAM) -> np.ndarray:
    """Returns int64 (count,): 0..count-1 in the random order of one epoch."""
    return draws.shuffled(seed_of(seed, stream, epoch), count)
