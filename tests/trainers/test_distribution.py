"""Two replicas of batch 1 must do what one replica does with batch 2."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT

CODE = """
import contextlib, json, sys
import keras, numpy as np, tensorflow as tf
from cyclegan_keras.models import NetworkOptions
from cyclegan_keras.trainers import CycleGAN, CycleGANOptions, OptimizerOptions, adam

replicas = int(sys.argv[1])
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
keras.config.set_floatx("float64")
keras.config.set_dtype_policy("float64")
keras.utils.set_random_seed(0)
strategy = tf.distribute.MirroredStrategy([f"CPU:{i}" for i in range(replicas)])
with strategy.scope() if replicas > 1 else contextlib.nullcontext():
    trainer = CycleGAN.from_options(
        CycleGANOptions(pool_size=3, ema_decay=0.5),
        NetworkOptions(
            generator="resnet_3blocks", discriminator="n_layers", n_layers=1, ngf=2, ndf=2
        ),
        lambda: adam(OptimizerOptions(), steps_per_epoch=10),
        picture_shape=(16, 16, 3),
    )
pictures = np.random.default_rng(1).uniform(-1, 1, (2, 6, 2, 16, 16, 3))
losses = []
for x, y in zip(*pictures):  # one batch of two pictures of each domain a step
    batch = tf.data.Dataset.from_tensor_slices({"x": x, "y": y}).batch(2)
    losses.append(trainer.fit(batch, verbose=0, shuffle=False).history)
state = {k: keras.ops.convert_to_numpy(v).tolist() for k, v in trainer.state().items()}
print(json.dumps({"losses": losses, "state": state}))
"""


def trained(replicas):
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(replicas)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_two_replicas_of_one_picture_equal_one_replica_of_two():
    one, two = trained(1), trained(2)
    for step, (expected, losses) in enumerate(zip(one["losses"], two["losses"], strict=True)):
        assert losses.keys() == expected.keys()
        for name, value in expected.items():
            np.testing.assert_allclose(
                losses[name], value, rtol=1e-6, err_msg=f"{name}, step {step}"
            )
    assert two["state"].keys() == one["state"].keys()
    for name, value in one["state"].items():
        np.testing.assert_allclose(two["state"][name], value, atol=1e-6, err_msg=name)
