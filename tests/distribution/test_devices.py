import json

import keras
import pytest

from cyclegan_keras.distribution import devices
from cyclegan_keras.distribution.options import DistributionOptions
from cyclegan_keras.distribution.team import Team
from cyclegan_keras.files.errors import DistributionError


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)


def test_one_device_trains_alone():
    assert devices.join({}) is None
    for distribute in (None, "none"):
        team = devices.form_team(
            DistributionOptions(distribute=distribute), None, 3, jit_compile=True
        )
        assert type(team) is Team
        assert team.is_chief


def test_workers_need_a_variable_and_are_not_overlooked(monkeypatch):
    with pytest.raises(DistributionError, match="needs the environment variable TF_CONFIG"):
        devices.join({"distribute": "multi_worker"})
    task = {"type": "worker", "index": 0}
    several = {"cluster": {"worker": ["a:1", "b:2"]}, "task": task}
    monkeypatch.setenv("TF_CONFIG", json.dumps(several))
    with pytest.raises(DistributionError, match="names 2 workers"):
        devices.join({})
    assert devices.join({"distribute": "none"}) is None
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": {"chief": ["a:1"]}}))
    with pytest.raises(DistributionError, match="its task"):
        devices.join({})


def test_mirrored_needs_several_devices():
    with pytest.raises(DistributionError, match="is the only one here: leave it out"):
        devices.form_team(DistributionOptions(distribute="mirrored"), None, 2)


def test_what_several_devices_cannot_do(monkeypatch):
    with pytest.raises(DistributionError, match=r"batch_size=3 cannot.*a multiple of 2"):
        devices.check_devices(3, 2)
    with pytest.raises(DistributionError, match=r"batch_size=4 cannot.*equal parts.* of 8"):
        devices.check_devices(4, 2, accumulate_steps=4)
    with pytest.raises(DistributionError, match="jit_compile works on one device only"):
        devices.check_devices(4, 2, jit_compile=True)
    devices.check_devices(4, 2)
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    devices.check_devices(4, 2, jit_compile=True)  # there every step is compiled


@pytest.mark.parametrize(
    ("batch_size", "gpus", "used"), [(1, 2, 1), (2, 2, 2), (6, 4, 3), (8, 4, 4), (5, 8, 5)]
)
def test_automatic_takes_as_many_devices_as_divide_the_batch(batch_size, gpus, used):
    found = [f"GPU:{number}" for number in range(gpus)]
    assert devices.as_many_as_divide(found, batch_size) == found[:used]


def test_automatic_takes_as_many_devices_as_divide_a_part_of_the_batch():
    assert devices.as_many_as_divide(["GPU:0", "GPU:1"], 6, accumulate_steps=2) == ["GPU:0"]
