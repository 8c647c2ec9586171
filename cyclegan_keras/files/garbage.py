"""Python's search for garbage, which is left out where very many objects are made to stay."""

import contextlib
import gc
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def without_garbage_collection() -> Iterator[None]:
    """Keeps Python from looking for garbage in the block.

    Importing TensorFlow and tracing a graph make hundreds of thousands of objects that stay.
    Python would go through all that there are, again and again.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def load_keras() -> None:
    """Imports Keras and its backend in three quarters of the time that the import alone takes.

    What they are made of is never looked at for garbage afterwards.
    """
    if "keras" in sys.modules:
        return
    with without_garbage_collection():
        import keras  # noqa: F401  (it stays imported)

        gc.freeze()
