"""Taking the next batch so that Ctrl-C is heard while the pictures are waited for."""

import concurrent.futures
from collections.abc import Iterator
from typing import Any

END = object()  # what is taken where there is no further batch


class NextBatch:
    """Takes batches in a thread of its own.

    Python handles a signal in the main thread, and not while TensorFlow works there; but waiting
    for a thread is interrupted.
    """

    def __init__(self):
        self._thread = concurrent.futures.ThreadPoolExecutor(1, "next batch")

    def take(self, iterator: Iterator) -> Any:
        """Returns the next batch of an iterator, or `END`."""
        return self._thread.submit(next, iterator, END).result()
