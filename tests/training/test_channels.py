"""Training between domains whose pictures differ in channels."""

import functools
from unittest import mock

import keras
import numpy as np
import pytest
from keras import ops

from cyclegan_keras.files.errors import TrainingError
from cyclegan_keras.models.options import NetworkOptions
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.models.table import GENERATORS
from cyclegan_keras.training.cut import adapt_channels
from cyclegan_keras.training.optimizers import adam
from cyclegan_keras.training.options import METHOD_OPTIONS, CUTOptions, OptimizerOptions
from cyclegan_keras.training.table import TRAINERS

SIDE, BATCH = 32, 2
ONE_BLOCK = {"one_block": functools.partial(ResNetGenerator.from_options, n_blocks=1)}
TINY = NetworkOptions(generator="one_block", discriminator="n_layers", n_layers=1, ngf=4, ndf=4)
CONTRAST = {"nce_layers": "0,4", "nce_units": 4, "n_patches": 8}
OBJECTIVES = {
    "cyclegan": {"lambda_identity": 0.0, "pool_size": 3},
    "pix2pix": {},
    "cut": {**CONTRAST, "nce_identity": False},
    "fastcut": {**CONTRAST, "nce_identity": False, "flip_equivariance": True},
}


def make_trainer(method, x_channels, y_channels, seed=0, **changed):
    keras.utils.set_random_seed(seed)
    with mock.patch.dict(GENERATORS, ONE_BLOCK):
        return TRAINERS[method].from_options(
            METHOD_OPTIONS[method](**{**OBJECTIVES[method], **changed}),
            TINY,
            lambda: adam(OptimizerOptions(), steps_per_epoch=10),
            shapes={"x": (SIDE, SIDE, x_channels), "y": (SIDE, SIDE, y_channels)},
            seed=seed,
            run_eagerly=True,
        )


def batch(x_channels, y_channels, seed=0):
    random = np.random.default_rng(seed)
    shapes = {"x": (BATCH, SIDE, SIDE, x_channels), "y": (BATCH, SIDE, SIDE, y_channels)}
    return {
        side: ops.convert_to_tensor(random.uniform(-1, 1, shape).astype("float32"))
        for side, shape in shapes.items()
    }


def values(trainer):
    return {name: ops.convert_to_numpy(value) for name, value in trainer.state().items()}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("x_channels", "y_channels"), [(3, 1), pytest.param(4, 3, marks=pytest.mark.release)]
)
@pytest.mark.parametrize("method", OBJECTIVES)
def test_every_method_trains_between_them(method, x_channels, y_channels):
    trainer = make_trainer(method, x_channels, y_channels)
    start = values(trainer)
    for step in range(2):
        logs = trainer.train_step(batch(x_channels, y_channels, seed=step))
        assert all(np.isfinite(float(value)) for value in logs.values())
    trained = values(trainer)
    kernels = [name for name in trained if name.endswith("/kernel") and "optimizer" not in name]
    assert kernels
    for name in kernels:
        assert np.abs(trained[name] - start[name]).max() > 0, name

    other = make_trainer(method, x_channels, y_channels, seed=1)
    other.load_state(trained)
    for name, value in values(other).items():
        np.testing.assert_array_equal(value, trained[name], err_msg=name)

    pictures = batch(x_channels, y_channels)
    assert trainer.translate(pictures["x"]).shape == (BATCH, SIDE, SIDE, y_channels)
    if "y_to_x" in trainer.translators:
        assert trainer.translate(pictures["y"], "y_to_x").shape == (BATCH, SIDE, SIDE, x_channels)


def test_the_networks_and_pools_of_cyclegan_have_the_channels_of_their_domains():
    trainer = make_trainer("cyclegan", 4, 1)
    channels = {
        name: (network.input_shape[-1], network.output_shape[-1])
        for name, network in trainer.networks.items()
    }
    assert channels["generator_g"] == (4, 1)
    assert channels["generator_f"] == (1, 4)
    assert channels["discriminator_x"][0] == 4
    assert channels["discriminator_y"][0] == 1
    assert trainer.pool_x.images.shape == (3, SIDE, SIDE, 4)
    assert trainer.pool_y.images.shape == (3, SIDE, SIDE, 1)


def test_the_discriminator_of_pix2pix_sees_the_channels_of_both():
    assert make_trainer("pix2pix", 4, 1).discriminator_y.input_shape[-1] == 5


@pytest.mark.parametrize(
    ("method", "option", "message"),
    [
        ("cyclegan", {"lambda_identity": 0.5}, "takes 3 channels, but y has 1: use --lambda_ident"),
        ("cut", {"nce_identity": True}, "takes 3 channels, but y has 1: use --nonce_identity"),
    ],
)
def test_an_identity_needs_equal_channels(method, option, message):
    with pytest.raises(TrainingError, match=message):
        make_trainer(method, 3, 1, **option)
    assert set(METHOD_OPTIONS[method](**option).changes_for_different_channels()) == set(option)


@pytest.mark.parametrize("method", OBJECTIVES)
def test_what_the_options_say_to_change_makes_them_fit(method):
    options = METHOD_OPTIONS[method]()
    changes = options.changes_for_different_channels()
    assert METHOD_OPTIONS[method](**changes).changes_for_different_channels() == {}
    assert bool(changes) == (method != "pix2pix")


@pytest.mark.parametrize(
    ("own", "channels", "expected"),
    [
        (1, 3, [0, 0, 0]),
        (4, 3, [0, 2, 3]),
        (3, 4, [0, 1, 1, 2]),
        (2, 4, [0, 0, 1, 1]),
        (4, 2, [1, 3]),
    ],
)
def test_translations_are_given_the_channels_of_the_encoder(own, channels, expected):
    images = np.random.default_rng(0).uniform(-1, 1, (2, 3, 5, own)).astype("float32")
    adapted = ops.convert_to_numpy(adapt_channels(ops.convert_to_tensor(images), channels))
    np.testing.assert_array_equal(adapted, images[..., expected])


def test_many_channels_become_their_mean():
    images = np.random.default_rng(0).uniform(-1, 1, (2, 3, 5, 4)).astype("float32")
    adapted = ops.convert_to_numpy(adapt_channels(ops.convert_to_tensor(images), 1))
    np.testing.assert_allclose(adapted, images.mean(axis=-1, keepdims=True), atol=1e-6)


def test_equal_channels_are_left_alone():
    images = ops.ones((1, 2, 2, 3))
    assert adapt_channels(images, 3) is images


def test_a_gray_translation_is_compared_as_a_gray_picture_in_three_channels():
    """The contrast of G(x) is that of the same picture with its channel repeated."""
    trainer = make_trainer("cut", 3, 1)
    pictures = batch(3, 1)
    keys = trainer.encode(pictures["x"])
    fakes = trainer.generator_g(pictures["x"])
    trainer.draw_positions = lambda maps: [np.arange(8) for _ in maps]
    own = trainer.nce_terms(keys, fakes)["nce_x"]
    repeated = trainer.nce_terms(keys, ops.repeat(fakes, 3, axis=-1))["nce_x"]
    assert float(own) == pytest.approx(float(repeated), rel=1e-6)
    assert CUTOptions(**OBJECTIVES["cut"]).changes_for_different_channels() == {}
