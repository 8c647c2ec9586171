"""Eight virtual devices of JAX do what one does with the whole batch.

They exist only in a process that asks for them at the start: `on_eight_devices.py`.
"""

import json
import os
import pathlib
import subprocess
import sys

import pytest
from conftest import ROOT
from optional import optional

HERE = pathlib.Path(__file__).parent
PROGRAM = """
import sys
sys.modules["tensorflow"] = None  # importing it fails, as where it is not installed
import on_eight_devices
on_eight_devices.main(sys.argv[1:])
"""
RELEASE = ("cyclegan", "pix2pix", "cut", "wgangp", "accumulated", "remat", "augmented")


def compared(*cases):
    """Returns what the program prints of the cases."""
    optional("jax")
    environment = {
        **os.environ,
        "KERAS_BACKEND": "jax",
        "JAX_PLATFORMS": "cpu",
        "JAX_ENABLE_X64": "1",
        # The last two compile sooner.
        "XLA_FLAGS": "--xla_force_host_platform_device_count=8 "
        "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false",
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests"), str(HERE)]),
    }
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, *cases],
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    return {row["case"]: row for row in map(json.loads, run.stdout.splitlines())}


def check(found):
    assert found["devices"] == 8
    assert found["steps"] == 5
    assert found["losses"] < 1e-5
    assert found["state"] < 1e-5
    assert found["compilations"] == 1


@pytest.mark.slow
@pytest.mark.process
def test_eight_devices_with_a_picture_each_equal_one_with_eight():
    check(compared("small")["small"])


@pytest.fixture(scope="module")
def of_methods():
    return compared(*RELEASE)


@pytest.mark.release
@pytest.mark.parametrize("case", RELEASE)
def test_eight_devices_equal_one_with_every_method(of_methods, case):
    check(of_methods[case])
    # An eighth, and what each device does with weights and, for the pool, with the fakes of all.
    share_of_work = of_methods[case]["share_of_work"]
    assert share_of_work is None or share_of_work < 1.25 / 8
