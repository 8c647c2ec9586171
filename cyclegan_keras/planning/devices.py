"""The memory that a device has, and that this process takes."""

import contextlib
import os
import threading
from collections.abc import Iterator

import keras
import psutil

from cyclegan_keras.training.memory import of_jax_devices

# Environment variables, and the values with which several processes use a GPU together.
SHARING = {"TF_FORCE_GPU_ALLOW_GROWTH": "true", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}


@contextlib.contextmanager
def shared_devices() -> Iterator[None]:
    """Lets this process and those it starts use a GPU together; to be entered before its first use.

    Afterwards the environment is as it was.
    """
    missing = {name: value for name, value in SHARING.items() if name not in os.environ}
    os.environ.update(missing)
    try:
        yield
    finally:
        for name in missing:
            os.environ.pop(name, None)


def capacity() -> tuple[str, float, bool]:
    """Returns the device's name, the bytes that can be had of it, and whether it is a GPU."""
    limits = accelerators()
    if limits:
        name, limit = min(limits.items(), key=lambda item: item[1])
        return name, limit, True
    return f"CPU, {os.cpu_count()} cores", free_memory(), False


def free_memory() -> float:
    """Returns the bytes of main memory that are available."""
    return float(psutil.virtual_memory().available)


def accelerators() -> dict[str, int]:
    """Returns how many bytes arrays may take on each accelerator, by its name."""
    if keras.config.backend() == "jax":
        return of_jax_devices("bytes_limit")
    import tensorflow as tf

    if not tf.config.list_physical_devices("GPU"):
        return {}
    from tensorflow.python.client import device_lib  # no public function returns the limit

    devices = [device for device in device_lib.list_local_devices() if device.device_type == "GPU"]
    return {device.name.removeprefix("/device:"): device.memory_limit for device in devices}


def process_bytes() -> int:
    """Returns the main memory that this process holds now."""
    return psutil.Process().memory_info().rss


def return_freed_memory() -> None:
    """Returns freed memory to the operating system, where the C library can (glibc)."""
    import ctypes

    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError, TypeError):
        return


class PeakMemory(threading.Thread):
    """Samples the main memory of this process and keeps the peak, as a context manager.

    The operating system's own record of the peak would include what came before.

    Attributes:
        peak: the most that was sampled, in bytes.
    """

    interval = 0.005  # seconds

    def __init__(self):
        super().__init__(daemon=True)
        self.peak = process_bytes()
        self._ended = threading.Event()

    def run(self):
        process = psutil.Process()
        while not self._ended.wait(self.interval):
            self.peak = max(self.peak, process.memory_info().rss)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *exception):
        self._ended.set()
        self.join()
