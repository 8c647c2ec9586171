"""What running out of memory looks like: each library has an error of its own."""

import sys


def is_out_of_memory(error: BaseException) -> bool:
    """Returns whether an error says that memory, of a GPU or of the machine, does not suffice.

    Args:
        error: of Python, NumPy, TensorFlow or JAX.
    """
    if isinstance(error, MemoryError):
        return True
    tensorflow = sys.modules.get("tensorflow")  # what is not loaded has raised nothing
    if tensorflow is not None and isinstance(error, tensorflow.errors.ResourceExhaustedError):
        return "No space left" not in error.message
    module = type(error).__module__.partition(".")[0]
    words = str(error)
    if module in ("jax", "jaxlib"):
        return "RESOURCE_EXHAUSTED" in words or "Out of memory" in words
    is_tensorflow = tensorflow is not None and isinstance(error, tensorflow.errors.OpError)
    return is_tensorflow and ("CUDA_ERROR_OUT_OF_MEMORY" in words or "out of memory" in words)
