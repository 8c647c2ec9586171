"""Two replicas of batch 1 must do what one replica does with batch 2."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT

CODE = """
import contextlib, json
import keras, numpy as np, tensorflow as tf
from cyclegan_keras.models import PatchDiscriminator, ResNetGenerator
from cyclegan_keras.trainers import CycleGAN, OptimizerOptions, adam

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
keras.config.set_floatx("float64")
keras.config.set_dtype_policy("float64")
pictures = np.random.default_rng(1).uniform(-1, 1, (2, 12, 16, 16, 3))
batches = tf.data.Dataset.from_tensor_slices({"x": pictures[0], "y": pictures[1]}).batch(2)


class Losses(keras.callbacks.Callback):
    def on_train_begin(self, logs):
        self.each = []

    def on_train_batch_end(self, batch, logs):
        self.each.append({name: float(value) for name, value in logs.items()})
        self.model.reset_metrics()


def trained(replicas):
    keras.utils.set_random_seed(0)
    strategy = tf.distribute.MirroredStrategy([f"CPU:{i}" for i in range(replicas)])
    with strategy.scope() if replicas > 1 else contextlib.nullcontext():
        trainer = CycleGAN(
            *(ResNetGenerator(ngf=2, n_blocks=0, name=f"generator_{name}") for name in "gf"),
            *(PatchDiscriminator(ndf=2, n_layers=1, name=f"discriminator_{d}") for d in "xy"),
            pool_size=3,
            lambda_identity=0.0,
            ema_decay=0.5,
        )
        trainer.build(dict.fromkeys("xy", (None, 16, 16, 3)))
        trainer.compile(*(adam(OptimizerOptions(), steps_per_epoch=10) for _ in range(2)))
    losses = Losses()
    trainer.fit(batches, verbose=0, shuffle=False, callbacks=[losses])
    state = {k: keras.ops.convert_to_numpy(v).tolist() for k, v in trainer.state().items()}
    return {"losses": losses.each, "state": state}


print(json.dumps([trained(1), trained(2)]))
"""


@pytest.mark.slow
def test_two_replicas_of_one_picture_equal_one_replica_of_two():
    """In a process of its own: devices can be divided only before the first is used."""
    done = subprocess.run(
        [sys.executable, "-c", CODE],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    one, two = json.loads(done.stdout.splitlines()[-1])
    assert len(one["losses"]) == len(two["losses"]) == 6
    for step, (expected, losses) in enumerate(zip(one["losses"], two["losses"], strict=True)):
        assert losses.keys() == expected.keys()
        for name, value in expected.items():
            np.testing.assert_allclose(
                losses[name], value, rtol=1e-6, err_msg=f"{name}, step {step}"
            )
    assert two["state"].keys() == one["state"].keys()
    for name, value in one["state"].items():
        np.testing.assert_allclose(two["state"][name], value, atol=1e-6, err_msg=name)
