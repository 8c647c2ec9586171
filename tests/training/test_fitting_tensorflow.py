"""What `fit` on TensorFlow leaves behind in graphs, where data end, or reading or a step fails."""

import collections
import gc
from unittest import mock

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from cyclegan_keras.models.options import NetworkOptions
from cyclegan_keras.models.pixel_discriminator import PixelDiscriminator
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.training.cyclegan import CycleGAN
from cyclegan_keras.training.global_state import global_state
from cyclegan_keras.training.optimizers import adam
from cyclegan_keras.training.options import CycleGANOptions, OptimizerOptions
from cyclegan_keras.training.stage import Stage
from cyclegan_keras.training.step_function import step_function
from cyclegan_keras.training.trainer import Trainer


class Drawing(Trainer):
    """Draws a number in every step, which does not depend on the batch."""

    def __init__(self):
        super().__init__({}, {})
        self.seed = keras.random.SeedGenerator(0)
        self.sum = self.add_weight((), "zeros", trainable=False)
        self.means = {"mean": keras.metrics.Mean(name="mean")}
        self.traced = 0

    def train_step(self, data):
        self.traced += 1
        self.sum.assign_add(keras.random.uniform((), seed=self.seed))
        means = self.record({"mean": ops.mean(data["x"])})
        if "fails" in data:  # after a part of the state has been changed
            tf.debugging.assert_equal(data["fails"], 0.0, "the step has failed")
        self.finish_step()
        return means

    def numbers(self):
        return [self.step, float(self.sum), np.array(self.seed.state).tolist()]


def made(jit_compile=False):
    trainer = Drawing()
    trainer.built = True
    trainer.compile_optimizers({"none": (keras.optimizers.SGD(), [])}, jit_compile=jit_compile)
    return trainer


def batches(count, error=None):
    """Batches of several sizes, after which reading fails where `error` is given."""

    def read():
        for size in range(2, 2 + count):
            yield {"x": np.full((1, size, size, 3), size, "float32")}
        if error:
            raise error

    signature = {"x": tf.TensorSpec((1, None, None, 3))}
    return tf.data.Dataset.from_generator(read, output_signature=signature)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_pictures_of_several_sizes_are_traced_once_until_they_end(jit_compile):
    trainer = made(jit_compile)
    history = trainer.fit(batches(3), verbose=0, shuffle=False)
    assert history.history["mean"] == [3.0]
    assert trainer.step == 3
    assert trainer.traced == 1
    assert trainer.stage is Stage.BETWEEN_STEPS


@pytest.mark.parametrize("jit_compile", [False, True])
def test_where_reading_fails_the_state_is_that_of_the_last_step(jit_compile):
    trainer, whole = made(jit_compile), made(jit_compile)
    whole.fit(batches(3), verbose=0, shuffle=False)
    with pytest.raises(tf.errors.OpError, match="the drive is gone"):
        trainer.fit(batches(3, OSError("the drive is gone")), verbose=0, shuffle=False)
    assert trainer.stage is Stage.READING
    assert trainer.numbers() == whole.numbers()


def test_a_step_that_fails_is_known_to_be_under_way():
    trainer = made()
    numbers = {"x": np.zeros((2, 4), "float32"), "fails": np.array([0, 1], "float32")}
    with pytest.raises(tf.errors.InvalidArgumentError, match="the step has failed"):
        trainer.fit(tf.data.Dataset.from_tensor_slices(numbers), verbose=0, shuffle=False)
    assert trainer.stage is Stage.STEP


@pytest.mark.release
def test_a_step_of_a_cyclegan_is_that_of_its_whole_graph_rewritten_in_the_usual_way():
    shape = (12, 16, 3)
    random = np.random.default_rng(0).uniform(-1, 1, (2, 1, *shape)).astype("float32")
    batch = {"x": tf.constant(random[0]), "y": tf.constant(random[1])}
    spec = tf.nest.map_structure(tf.TensorSpec.from_tensor, batch)
    states = []
    for is_quick in (True, False):
        with global_state(seed=0):
            trainer = CycleGAN.from_options(
                CycleGANOptions(pool_size=2, ema_decay=0.9, lambda_identity=0.0),
                NetworkOptions(generator="resnet_1blocks", ngf=2, ndf=2, discriminator="pixel"),
                lambda: adam(OptimizerOptions(), 10),
                shapes={"x": shape, "y": shape},
            )
        if is_quick:
            step = step_function(trainer.train_step, spec)
        else:
            step = tf.function(trainer.train_step, input_signature=[spec], autograph=False)
        for _ in range(2):
            logs = step(batch)
        found = trainer.state() | logs
        states.append({name: value.numpy() for name, value in found.items()})
    for name, found in states[0].items():
        np.testing.assert_array_equal(found, states[1][name], err_msg=name)
    # Their number makes the first step slow. Keras' Adam and TensorFlow's
    # gradient of an instance norm would add more than a thousand, and equal
    # constants and reshaped biases hundreds more.
    operations = step.get_concrete_function().graph.get_operations()
    assert len(operations) < 4100


@pytest.mark.release
def test_a_network_is_called_in_python_as_often_as_the_objective_calls_it_once():
    trainer = CycleGAN.from_options(
        CycleGANOptions(pool_size=2, ema_decay=0.9),
        NetworkOptions(generator="resnet_1blocks", ngf=2, ndf=2, discriminator="pixel"),
        lambda: adam(OptimizerOptions(), 10),
        shapes=dict.fromkeys("xy", (12, 16, 3)),
    )
    pictures = np.random.default_rng(0).uniform(-1, 1, (2, 12, 16, 3)).astype("float32")
    data = tf.data.Dataset.from_tensor_slices({"x": pictures, "y": pictures}).batch(1)
    called: collections.Counter[str] = collections.Counter()

    def counted(network_class):
        original = network_class.call

        def call(self, *args, **kwargs):
            called[self.name] += 1
            return original(self, *args, **kwargs)

        return mock.patch.object(network_class, "call", call)

    with counted(ResNetGenerator), counted(PixelDiscriminator):
        trainer.fit(data, verbose=0, shuffle=False)
    assert trainer.step == 2
    # G(x), G(F(y)) and G(y); D_Y for G, for what is real and for what is not.
    assert called == dict.fromkeys(trainer.networks, 3)


@pytest.mark.parametrize("enabled", [True, False])
def test_a_step_that_cannot_be_traced_leaves_the_garbage_collection_as_it_was(enabled):
    found = []

    def fails(batch):
        found.append(gc.isenabled())
        raise ValueError("no step")

    before = gc.isenabled()
    (gc.enable if enabled else gc.disable)()
    try:
        with pytest.raises(ValueError, match="no step"):
            step_function(fails, tf.TensorSpec(()))(tf.constant(0.0))
        assert found == [False]
        assert gc.isenabled() is enabled
    finally:
        (gc.enable if before else gc.disable)()
