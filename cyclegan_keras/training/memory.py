"""How much memory a training takes, by the device's own account."""

import sys

import keras


def peak_memory() -> tuple[float, str]:
    """Returns the most memory taken so far, in GB (10^9 bytes), and of what.

    A GPU tells what its arrays took; where there is none, it is the whole process, as the operating
    system counts it.
    """
    taken = _on_accelerators()
    if taken:
        device, peak = max(taken.items(), key=lambda item: item[1])
        return peak / 1e9, device
    import resource  # not on Windows

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9, "this process"


def _on_accelerators() -> dict[str, int]:
    """Returns the peak in bytes of each accelerator, by its name."""
    if keras.config.backend() == "jax":
        return of_jax_devices("peak_bytes_in_use")
    import tensorflow as tf

    names = [device.name.split(":", 1)[1] for device in tf.config.list_logical_devices("GPU")]
    return {name: tf.config.experimental.get_memory_info(name)["peak"] for name in names}


def of_jax_devices(statistic: str) -> dict[str, int]:
    """Returns a statistic of the memory of each accelerator, by its name."""
    import jax

    stats = {str(device): device.memory_stats() for device in jax.local_devices()}
    return {name: each[statistic] for name, each in stats.items() if each}
