"""Two replicas of batch 1 must do what one replica does with batch 2."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT

CODE = """
import json, time
import keras, numpy as np, tensorflow as tf
from cyclegan_keras.distribution.loop_tensorflow import TensorFlowLoop
from cyclegan_keras.distribution.team import Team
from cyclegan_keras.distribution.team_tensorflow import TensorFlowTeam
from cyclegan_keras import CycleGAN, PixelDiscriminator, ResNetGenerator
from cyclegan_keras.cli.console import Interruption
from cyclegan_keras.training.callbacks import StepCallback, StopOnInterruption
from cyclegan_keras.training.optimizers import adam
from cyclegan_keras.training.options import OptimizerOptions
from cyclegan_keras.training.trainer import Trainer

cpu = tf.config.list_physical_devices("CPU")[0]
# Graphs as they are traced take less time for a few steps.
tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
keras.config.set_floatx("float64")
keras.config.set_dtype_policy("float64")
pictures = np.random.default_rng(1).uniform(-1, 1, (2, 12, 16, 16, 3))


def batches(start, stop, part=(0, 1), size=2):
    assert (start, stop, part) == (0, 6, (0, 1))
    return tf.data.Dataset.from_tensor_slices({"x": pictures[0], "y": pictures[1]}).batch(size)


class Losses(StepCallback):
    writes = False

    def on_train_begin(self, logs):
        super().on_train_begin(logs)
        self.each = []

    def after_step(self, before, logs):
        self.each.append({name: float(value) for name, value in logs.items()})
        self.model.reset_metrics()


class Signalled(StepCallback):
    def after_step(self, before, logs):
        if self.step == 2:
            interruption.number = 1  # SIGHUP


def trainer():
    made = CycleGAN(
        ResNetGenerator(ngf=2, n_blocks=0, name="generator_g"),
        ResNetGenerator(ngf=2, n_blocks=0, name="generator_f"),
        PixelDiscriminator(ndf=2, name="discriminator_x"),
        PixelDiscriminator(ndf=2, name="discriminator_y"),
        pool_size=3,
        lambda_identity=0.0,
        diff_augment="color,translation,cutout",
        d_regularization="r1",
        ema_decay=0.5,
    )
    made.build({"x": (None, 16, 16, 3), "y": (None, 16, 16, 3)})
    made.compile(
        adam(OptimizerOptions(), steps_per_epoch=10), adam(OptimizerOptions(), steps_per_epoch=10)
    )
    return made


def trained(replicas):
    keras.utils.set_random_seed(0)
    # One replica takes its steps eagerly, which is quicker than tracing them.
    tf.config.run_functions_eagerly(replicas == 1)
    team = Team(2)
    if replicas == 2:
        team = TensorFlowTeam(2, tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]))
    with team.scope():
        model = trainer()
    losses = Losses()
    team.fit(model, batches, 6, [losses], Interruption(""))
    state = {k: keras.ops.convert_to_numpy(v).tolist() for k, v in model.state().items()}
    return {"losses": losses.each, "state": state}


class Counter(Trainer):
    def train_step(self, data):
        self.finish_step()
        return self.record({"zero": 0.0 * tf.reduce_mean(data["x"])})


def interrupted():
    global interruption
    alone = tf.distribute.MirroredStrategy(["CPU:0"])
    interruption = Interruption("")
    with alone.scope():
        model = Counter({}, {})
        model.means = {name: keras.metrics.Mean(name=name) for name in ("zero", "never")}
        model.built = True
        model.compile_optimizers({"none": (keras.optimizers.SGD(), [])})
    ended = TensorFlowLoop(model, alone, multi_process=True).run(
        batches, 2, 6, [StopOnInterruption(interruption), Signalled()], interruption
    )
    return [ended, model.step, interruption.number]


class Drawing(Trainer):  # a number in every step, which does not depend on the batch
    def __init__(self):
        super().__init__({}, {})
        self.seed = keras.random.SeedGenerator(0)
        self.sum = self.add_weight((), "zeros", trainable=False, aggregation="only_first_replica")
        self.means = {"zero": keras.metrics.Mean(name="zero")}
        self.traced = 0
        self.built = True

    def train_step(self, data):
        self.traced += 1
        self.sum.assign_add(keras.random.uniform((), seed=self.seed))
        self.finish_step()
        return self.record({"zero": 0.0 * tf.reduce_mean(data["x"])})


def drawn(steps, side, error=None):  # two replicas; sides of 4, 5, ... px where None is given
    mirrored = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    tf.config.run_functions_eagerly(False)

    def read():
        for number in range(2 * steps):
            size = side or 4 + number // 2
            yield {"x": np.zeros((1, size, size, 3))}
        if error:
            yield {"x": np.zeros((1, side, side, 3))}  # the first replica has its part
            time.sleep(0.5)  # in which its part of the step could be computed
            raise error

    def batches(start, stop, part=(0, 1), size=1):
        signature = {"x": tf.TensorSpec((1, side, side, 3), "float64")}
        return tf.data.Dataset.from_generator(read, output_signature=signature)

    team = TensorFlowTeam(2, mirrored)
    with team.scope():
        model = Drawing()
        model.compile_optimizers({"none": (keras.optimizers.SGD(), [])})
    said = ""
    try:
        team.fit(model, batches, steps + bool(error), [Losses()], Interruption(""))
    except tf.errors.OpError as error:
        said = str(error)
    state = [model.finished_steps, model.sum, model.seed.state]
    state = [keras.ops.convert_to_numpy(variable).tolist() for variable in state]
    return {"said": said, "stage": model.stage.name, "traced": model.traced, "state": state}


lost = drawn(3, side=4, error=OSError("the drive is gone"))
print(json.dumps([trained(1), trained(2), interrupted(), drawn(3, side=None), lost]))
"""


@pytest.fixture(scope="module")
def results():
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
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
@pytest.mark.process
def test_two_replicas_of_one_picture_equal_one_replica_of_two(results):
    one, two, *_ = results
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


@pytest.mark.slow
@pytest.mark.process
def test_processes_end_together_one_step_after_one_of_them_wants_to(results):
    """One process got the signal at step 2; all know of it when step 3 is done."""
    assert results[2] == [True, 3, 1]


@pytest.mark.slow
@pytest.mark.process
def test_replicas_whose_pictures_cannot_be_read_leave_the_state_of_the_last_step(results):
    whole, lost = results[3:]
    assert (whole["said"], whole["stage"]) == ("", "BETWEEN_STEPS")
    assert "the drive is gone" in lost["said"]
    assert lost["stage"] == "READING"
    assert lost["state"] == whole["state"]
    assert whole["state"][0] == 3
    assert whole["traced"] == 2  # by each replica once, for all sizes
