"""How much memory a training takes, as the device counts it."""

import sys

import keras


def peak_memory() -> tuple[float, str]:
    """Returns the peak memory so far, in GB (10^9 bytes), and its owner.

    The owner is the accelerator whose arrays took most. Without an accelerator it is "this
    process", as the operating system counts it.
    """
    peaks = _peaks_of_accelerators()
    if peaks:
        device = max(peaks, key=peaks.get)
        return peaks[device] / 1e9, device
    import resource  # not on Windows

    bytes_per_unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * bytes_per_unit
    return peak / 1e9, "this process"


def _peaks_of_accelerators() -> dict[str, int]:
    """Returns the peak in bytes of each accelerator, by its name."""
    if keras.config.backend() == "jax":
        return of_jax_devices("peak_bytes_in_use")
    import tensorflow as tf

    peaks = {}
    for device in tf.config.list_logical_devices("GPU"):
        name = device.name.removeprefix("/device:")  # GPU:0
        peaks[name] = tf.config.experimental.get_memory_info(name)["peak"]
    return peaks


def of_jax_devices(statistic: str) -> dict[str, int]:
    """Returns a statistic of the memory of each accelerator, by its name."""
    import jax

    values = {}
    for device in jax.local_devices():
        statistics = device.memory_stats()  # None on a CPU
        if statistics:
            values[str(device)] = statistics[statistic]
    return values
