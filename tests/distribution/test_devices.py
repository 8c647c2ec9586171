import json

import keras
import pytest

from cyclegan_keras.distribution import devices
from cyclegan_keras.distribution.options import DistributionOptions
from cyclegan_keras.files.errors import DistributionError, OptionError


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)


def test_one_device_needs_no_strategy():
    assert devices.join({}) is None
    for distribute in (None, "none"):
        team = devices.form_team(
            DistributionOptions(distribute=distribute), None, 3, jit_compile=True
        )
        assert team.strategy is None
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


def test_other_backends_train_on_one_device(monkeypatch):
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    with pytest.raises(OptionError, match="--distribute=multi_worker needs TensorFlow"):
        devices.join({"distribute": "multi_worker"})
    with pytest.raises(OptionError, match="--distribute=mirrored needs TensorFlow"):
        devices.form_team(DistributionOptions(distribute="mirrored"), None, 2)


def test_what_several_devices_cannot_do():
    with pytest.raises(DistributionError, match=r"batch_size=3 cannot.*a multiple of 2"):
        devices.check_replicas(3, 2)
    with pytest.raises(DistributionError, match="jit_compile works on one device only"):
        devices.check_replicas(4, 2, jit_compile=True)
    devices.check_replicas(4, 2)


@pytest.mark.parametrize(
    ("batch_size", "gpus", "used"), [(1, 2, 1), (2, 2, 2), (6, 4, 3), (8, 4, 4), (5, 8, 5)]
)
def test_automatic_takes_as_many_devices_as_divide_the_batch(batch_size, gpus, used):
    assert devices.largest_divisor(batch_size, limit=gpus) == used
