"""What running out of memory looks like: each library has an error of its own."""

from cyclegan_keras.files.errors import package_of


def is_out_of_memory(error: BaseException) -> bool:
    """Returns whether an error says that memory, of a GPU or of the machine, does not suffice.

    Args:
        error: of Python, NumPy, TensorFlow or JAX.
    """
    if isinstance(error, MemoryError):
        return True
    package, words = package_of(error), str(error)
    if package == "tensorflow":
        if type(error).__name__ == "ResourceExhaustedError":
            return "No space left" not in words
        return "CUDA_ERROR_OUT_OF_MEMORY" in words or "out of memory" in words
    if package in ("jax", "jaxlib"):
        return "RESOURCE_EXHAUSTED" in words or "Out of memory" in words
    return False
