from functools import partial
from unittest import mock

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops
from line_fit import Line, X, check_step

from cyclegan_keras.files.errors import TrainingError
from cyclegan_keras.models.options import NetworkOptions
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.models.table import GENERATORS
from cyclegan_keras.training.gradient_steps import Loss
from cyclegan_keras.training.options import METHOD_OPTIONS
from cyclegan_keras.training.table import TRAINERS

SIDE, BATCH = 16, 4
FEW_PICTURES = {"diff_augment": "color,translation,cutout", "d_regularization": "r1"}
SMALL = {"nce_layers": "0,4", "nce_units": 4, "n_patches": 16}
OPTIONS = {
    "cyclegan": FEW_PICTURES,
    "pix2pix": FEW_PICTURES,
    "cut": {**SMALL, **FEW_PICTURES},
    "fastcut": SMALL,
}
ONE_BLOCK = {"one_block": partial(ResNetGenerator.from_options, n_blocks=1)}
NETWORKS = NetworkOptions(
    generator="one_block", discriminator="pixel", ngf=2, ndf=2, norm="instance"
)


def trained(method, steps=2, **how):
    """Returns the logs and the state after some steps on batches of four, in float64."""
    keras.utils.set_random_seed(0)
    options = METHOD_OPTIONS[method](**OPTIONS[method])
    with mock.patch.dict(GENERATORS, ONE_BLOCK):
        trainer = TRAINERS[method].from_options(
            options,
            NETWORKS,
            lambda: keras.optimizers.SGD(0.01),
            shapes=dict.fromkeys("xy", (SIDE, SIDE, 3)),
            **how,
        )
    pictures = np.random.default_rng(0).uniform(-1, 1, (steps, 2, BATCH, SIDE, SIDE, 3))
    data = [dict(zip("xy", map(tf.constant, each), strict=True)) for each in pictures]
    logs = [trainer.train_step(batch) for batch in data]
    state = {name: ops.convert_to_numpy(v) for name, v in trainer.state().items()}
    return logs[-1], state


@pytest.fixture
def doubles():
    before = keras.config.floatx()
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_floatx(before)
    keras.config.set_dtype_policy(before)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["cyclegan", "pix2pix", "cut", "fastcut"])
def test_a_batch_in_parts_trains_as_the_whole_batch(method, doubles):
    assert_same(trained(method), trained(method, accumulate_steps=2))


@pytest.mark.slow
@pytest.mark.parametrize("method", ["cyclegan", "cut"])
def test_values_computed_again_train_as_kept_ones(method, doubles):
    assert_same(trained(method), trained(method, remat=True))


def test_remat_of_other_generators_is_refused():
    networks = NetworkOptions(generator="unet_64", ngf=2, ndf=2)
    make = TRAINERS["pix2pix"].from_options
    with pytest.raises(
        TrainingError, match="--remat is for ResNet generators, not for generator_g"
    ):
        make(
            METHOD_OPTIONS["pix2pix"](),
            networks,
            lambda: keras.optimizers.SGD(0.01),
            shapes=dict.fromkeys("xy", (64, 64, 3)),
            remat=True,
        )


def assert_same(one, other):
    (whole, state), (logs, in_parts) = one, other
    for name, value in whole.items():
        np.testing.assert_allclose(logs[name], value, rtol=1e-9, err_msg=name)
    for name, value in state.items():
        np.testing.assert_allclose(in_parts[name], value, rtol=1e-7, atol=1e-9, err_msg=name)


@pytest.mark.parametrize("parts", [1, 2])
@pytest.mark.parametrize("with_forward_pass", [False, True])
def test_a_step_goes_down_the_slope(parts, with_forward_pass):
    check_step(parts, with_forward_pass)


@pytest.mark.parametrize("parts", [1, 2])
def test_losses_of_several_objectives_add_up(parts):
    line = Line(parts)
    data = {"x": ops.convert_to_tensor(X)}
    objectives = [
        lambda batch: Loss(ops.mean(line.w * batch["x"]), {"first": ops.mean(batch["x"])}),
        lambda batch: Loss(3 * line.b, pictures={"same": batch["x"]}),
    ]
    loss = line.minimize(objectives, batch=data, variables=line.variables, optimizer="line")
    assert float(loss.value) == 2 * np.mean(X) + 3
    assert {name: float(term) for name, term in loss.terms.items()} == {"first": np.mean(X)}
    np.testing.assert_array_equal(loss.pictures["same"], X)
    assert (float(line.w), float(line.b)) == (2 - np.mean(X), 1 - 3)


@pytest.mark.parametrize("parts", [1, 2])
def test_a_variable_that_no_loss_depends_on_stays(parts):
    line = Line(parts)
    data = {"x": ops.convert_to_tensor(X)}
    objectives = [lambda batch: Loss(ops.mean(line.w * batch["x"]))]
    line.minimize(objectives, batch=data, variables=line.variables, optimizer="line")
    assert (float(line.w), float(line.b)) == (2 - np.mean(X), 1)
