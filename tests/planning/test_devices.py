"""Memory, by the operating system's account."""

import os
import time

import numpy as np
import psutil

from cyclegan_keras.planning import devices

MOST = 2**26  # bytes


def test_the_peak_is_that_of_the_time_in_between():
    before = devices.process_bytes()
    with devices.PeakMemory() as process:
        held = np.ones(MOST, np.uint8)
        time.sleep(0.1)
        del held
    after = devices.process_bytes()
    assert MOST * 0.9 < process.peak - before < MOST * 2
    assert after < before + MOST / 2
    idle = devices.PeakMemory()
    with idle:
        time.sleep(0.05)
    assert idle.peak < before + MOST / 2


def test_capacity_without_a_gpu_is_what_memory_is_free():
    name, free, is_gpu = devices.capacity()
    if not is_gpu:
        assert name.startswith("CPU")
        assert 0 < free <= psutil.virtual_memory().total


def test_returning_freed_memory_harms_nothing():
    array = np.arange(10**6)
    devices.return_freed_memory()
    assert array[-1] == 10**6 - 1


def test_sharing_keeps_what_was_set(monkeypatch):
    monkeypatch.setenv("TF_FORCE_GPU_ALLOW_GROWTH", "false")
    monkeypatch.setenv("XLA_PYTHON_CLIENT_PREALLOCATE", "kept")
    with devices.shared_devices():
        assert os.environ["TF_FORCE_GPU_ALLOW_GROWTH"] == "false"
        assert os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] == "kept"
    assert os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] == "kept"


def test_sharing_ends_with_the_plan(monkeypatch):
    for name in devices.SHARING:
        monkeypatch.delenv(name, raising=False)
    with devices.shared_devices():
        assert dict(os.environ).items() >= devices.SHARING.items()
    assert not devices.SHARING.keys() & os.environ.keys()
