"""Batches for JAX: Grain reads, and numpy crops, mirrors, and scales to [-1, 1].

They are those of `pipelines.batches_tensorflow` to the bit, and need no TensorFlow.
"""

from collections.abc import Callable, Mapping

import grain
import numpy as np

from cyclegan_keras.files.cores import available_cores
from cyclegan_keras.images.pixels import to_float
from pipelines.loading import Loader
from pipelines.order import Numbers
from pipelines.training_samples import Samples

THREADS_A_CORE = 2  # some wait for files while others decode
MOST_THREADS = 32  # more of them only hold pictures in memory, and wait for each other's Python
BATCHES_AHEAD = 2


def training(samples: Samples, numbers: Numbers, batch_size: int) -> grain.IterDataset:
    """Makes batches of samples, in numpy arrays; see `pipelines.batches_tensorflow.training`."""
    augmentation = samples.augmentation

    def read(number: int) -> dict[str, np.ndarray]:
        sample = samples.read(number)
        made = {
            "x": augmentation.changed(sample.x, sample.draw_x),
            "y": augmentation.changed(sample.y, sample.draw_y),
        }
        if samples.tells_pairs:
            made["paired"] = np.array(sample.is_pair, np.float32)
        return made

    return _read_in_parallel(numbers, read, batch_size)


def in_order(load_x: Loader, load_y: Loader) -> grain.IterDataset:
    """Makes batches of one of all pictures; see `pipelines.batches_tensorflow.in_order`."""

    def read(index: int) -> dict[str, np.ndarray]:
        return {
            "x": to_float(load_x(index % len(load_x))),
            "y": to_float(load_y(index % len(load_y))),
        }

    count = max(len(load_x), len(load_y))
    return _read_in_parallel(range(count), read, batch_size=1)


def _read_in_parallel(
    numbers: Numbers | range,
    read: Callable[[int], Mapping[str, np.ndarray]],
    batch_size: int,
) -> grain.IterDataset:
    """Maps `read` over `numbers` in threads, in order, and makes whole batches of it."""
    threads = min(MOST_THREADS, THREADS_A_CORE * available_cores())
    ahead = max(threads, BATCHES_AHEAD * batch_size)  # samples that are read before they are due
    options = grain.ReadOptions(num_threads=threads, prefetch_buffer_size=ahead)
    elements = grain.MapDataset.source(numbers).map(read)
    return elements.to_iter_dataset(options).batch(batch_size, drop_remainder=True)
