"""How many cores of the machine a process may use."""

import os


def available_cores() -> int:
    """Returns how many cores this process may use; a launcher or a container may hold back some."""
    if hasattr(os, "sched_getaffinity"):  # unknown to macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
