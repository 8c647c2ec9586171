import dataclasses
import functools
from unittest import mock

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from cyclegan_keras.cli import flags
from cyclegan_keras.losses import l1
from cyclegan_keras.models.options import NetworkOptions
from cyclegan_keras.models.pixel_discriminator import PixelDiscriminator
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.models.table import GENERATORS
from cyclegan_keras.training.cyclegan import CycleGAN
from cyclegan_keras.training.optimizers import adam
from cyclegan_keras.training.options import CycleGANOptions, OptimizerOptions

pytestmark = pytest.mark.usefixtures("unoptimized_graphs")
SHAPE = (32, 32, 3)
SHALLOW = {
    "no_block": functools.partial(ResNetGenerator.from_options, n_blocks=0),
    "one_block": functools.partial(ResNetGenerator.from_options, n_blocks=1),
}
TINY = NetworkOptions(generator="one_block", discriminator="n_layers", n_layers=1, ngf=4, ndf=4)
# What takes the least time to trace and to compile.
TINIEST = NetworkOptions(generator="no_block", discriminator="pixel", ngf=4, ndf=4)


def make_trainer(seed=0, networks=TINY, rate=None, jit_compile=False, **options):
    def make_optimizer():
        if rate is None:
            return adam(OptimizerOptions(), steps_per_epoch=10)
        return keras.optimizers.Adam(rate)

    keras.utils.set_random_seed(seed)
    with mock.patch.dict(GENERATORS, SHALLOW):
        return CycleGAN.from_options(
            CycleGANOptions(**options),
            networks,
            make_optimizer,
            shapes={"x": SHAPE, "y": SHAPE},
            seed=seed,
            jit_compile=jit_compile,
        )


@pytest.fixture(scope="module")
def untrained():
    """A trainer whose networks no test changes."""
    return make_trainer()


@pytest.fixture(scope="module")
def any_networks():
    names = ("generator_g", "generator_f", "discriminator_x", "discriminator_y")
    return {name: PixelDiscriminator(ndf=1, name=name) for name in names}


def batch(seed=0, count=1):
    random = np.random.default_rng(seed)
    return {
        name: tf.constant(random.uniform(-1, 1, (count, *SHAPE)).astype("float32")) for name in "xy"
    }


def values(variables):
    return [ops.convert_to_numpy(variable) for variable in variables]


def moved(before, variables):
    return [not np.array_equal(a, b) for a, b in zip(before, values(variables), strict=True)]


def test_each_cycle_term_reaches_both_generators(untrained):
    with tf.GradientTape(persistent=True) as tape:
        terms = untrained.loss_of_generators(batch()).terms
    for term in ("cycle_x", "cycle_y"):
        for generator in (untrained.generator_g, untrained.generator_f):
            gradients = tape.gradient(terms[term], generator.trainable_variables)
            kernels = [gradient for gradient in gradients if len(gradient.shape) == 4]
            assert all(float(tf.reduce_max(tf.abs(kernel))) > 1e-6 for kernel in kernels)


def test_terms_are_the_papers_formulas(untrained):
    trainer, data = untrained, batch()
    x, y, g, f = data["x"], data["y"], trainer.generator_g, trainer.generator_f
    loss = trainer.loss_of_generators(data)
    terms, fakes = loss.terms, loss.pictures
    np.testing.assert_allclose(fakes["fake_y"], g(x), atol=1e-6)
    np.testing.assert_allclose(fakes["fake_x"], f(y), atol=1e-6)
    expected = {
        "g_adversarial": np.mean((trainer.discriminator_y(g(x)) - 1) ** 2),
        "f_adversarial": np.mean((trainer.discriminator_x(f(y)) - 1) ** 2),
        "cycle_x": np.mean(np.abs(f(g(x)) - x)),
        "cycle_y": np.mean(np.abs(g(f(y)) - y)),
        "identity_x": np.mean(np.abs(f(x) - x)),
        "identity_y": np.mean(np.abs(g(y) - y)),
    }
    assert terms.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(terms[name], value, rtol=1e-4, err_msg=name)
    total = sum(expected.values()) + 9 * (expected["cycle_x"] + expected["cycle_y"])
    total += 4 * (expected["identity_x"] + expected["identity_y"])
    np.testing.assert_allclose(loss.value, total, rtol=1e-4)

    unequal = CycleGAN(**trainer.networks, lambda_cycle_x=3.0, lambda_cycle_y=7.0)
    total = expected["g_adversarial"] + expected["f_adversarial"]
    total += 3 * expected["cycle_x"] + 7 * expected["cycle_y"]
    total += 1.5 * expected["identity_x"] + 3.5 * expected["identity_y"]
    np.testing.assert_allclose(unequal.generator_loss(terms).value, total, rtol=1e-4)


@pytest.mark.parametrize(
    ("typed", "cycle_x", "cycle_y", "identity_x", "identity_y"),
    [
        ([], 10, 10, 5, 5),
        (["--lambda_cycle=4"], 4, 4, 2, 2),
        (["--lambda_A=3"], 3, 10, 1.5, 5),  # the reference's names
        (["--lambda_A=3", "--lambda_B=7"], 3, 7, 1.5, 3.5),
        (["--lambda_cycle=4", "--lambda_cycle_y=0", "--lambda_identity=1"], 4, 0, 4, 0),
        (["--lambda_cycle_x=0", "--lambda_identity=2"], 0, 10, 0, 20),
        (["--lambda_A=3", "--lambda_B=7", "--lambda_identity=0"], 3, 7, 0, 0),
    ],
)
def test_each_cycle_may_have_a_weight_of_its_own(
    typed, cycle_x, cycle_y, identity_x, identity_y, any_networks
):
    flags_typed = flags.parse(["train.py", *typed], {"cyclegan": CycleGANOptions})
    options = flags.resolve_one(CycleGANOptions, flags_typed)
    trainer = CycleGAN(**any_networks, **dataclasses.asdict(options))
    weights = trainer.weights_of_terms
    assert (weights["cycle_x"], weights["cycle_y"]) == (cycle_x, cycle_y)
    assert (weights["identity_x"], weights["identity_y"]) == (identity_x, identity_y)
    assert trainer.use_identity == bool(identity_x or identity_y)


@pytest.mark.parametrize(
    ("frozen", "moving"),
    [("discriminator", "generator"), ("generator", "discriminator")],
)
def test_one_sides_update_leaves_the_other_alone(frozen, moving):
    trainer = make_trainer(rate=1e-3)
    trainer.optimizers[f"{frozen}_optimizer"].learning_rate = 0.0
    still = {n: values(net.variables) for n, net in trainer.networks.items() if frozen in n}
    going = {n: values(net.variables) for n, net in trainer.networks.items() if moving in n}
    trainer.train_step(batch())
    for name, before in still.items():
        assert not any(moved(before, trainer.networks[name].variables)), name
    for name, before in going.items():  # every weight has a gradient
        assert all(moved(before, trainer.networks[name].variables)), name


@pytest.mark.slow
def test_discriminators_see_the_pool_and_generators_the_present():
    trainer = make_trainer(pool_size=1)
    first, second = batch(1), batch(2)
    trainer.train_step(first)
    remembered = ops.convert_to_numpy(trainer.pool_y.images)[0]
    seen = []
    call = trainer.discriminator_y.call

    def record(images, **kwargs):
        seen.append(np.asarray(images)[0])
        return call(images, **kwargs)

    trainer.discriminator_y.call = record
    for _ in range(12):
        seen.clear()
        expected_fake = np.asarray(trainer.generator_g(second["x"], training=True))[0]
        trainer.train_step(second)
        np.testing.assert_allclose(seen[0], expected_fake, atol=1e-5)  # G's own step
        np.testing.assert_array_equal(seen[1], second["y"][0])
        if not np.allclose(seen[2], expected_fake, atol=1e-5):
            np.testing.assert_array_equal(seen[2], remembered)
            return
    pytest.fail("the pool gave back no earlier fake in 12 steps")


@pytest.mark.parametrize(
    "gan_mode",
    # The first is that of the other tests here, and the second differs from it in a formula.
    [
        pytest.param("lsgan", marks=pytest.mark.release),
        pytest.param("vanilla", marks=pytest.mark.release),
        "hinge",
        "wgangp",
    ],
)
def test_every_gan_mode_trains(gan_mode):
    trainer = make_trainer(gan_mode=gan_mode, lambda_identity=0.0)
    logs = trainer.train_step(batch(count=2))
    assert all(np.isfinite(float(value)) for value in logs.values())
    assert set(logs) == {
        "g_adversarial",
        "f_adversarial",
        "cycle_x",
        "cycle_y",
        "d_x",
        "d_y",
        "generator_loss",
    }


@pytest.mark.slow
def test_gradient_penalty_is_really_applied(untrained):
    data = batch(count=2)
    loss = {}
    for weight in (0.0, 1.0, 3.0):
        trainer = CycleGAN(**untrained.networks, gan_mode="wgangp", lambda_penalty=weight)
        loss[weight] = float(
            trainer.discriminator_loss(trainer.discriminator_x, data["x"], data["y"])
        )
    assert loss[1.0] > loss[0.0] + 0.1  # a fresh critic is flat: (0 - 1)^2 is near 1
    np.testing.assert_allclose(loss[3.0] - loss[0.0], 3 * (loss[1.0] - loss[0.0]), rtol=1e-4)


def test_gradients_between_of_a_linear_critic_are_its_slope(untrained):
    slope = np.random.default_rng(0).normal(size=(1, *SHAPE)).astype("float32")

    def critic(images, training):
        return ops.sum(images * slope, axis=(1, 2, 3))

    data = batch(count=3)
    seed = untrained.penalty_seed
    gradients = untrained.gradients_between(critic, data["x"], data["y"], seed)
    np.testing.assert_allclose(gradients, np.repeat(slope, 3, axis=0), rtol=1e-5)


def test_identity_pass_is_skipped_when_its_weight_is_zero():
    trainer = make_trainer(lambda_identity=0.0)
    calls, call = [], trainer.generator_g.call

    def counted_call(images, **kwargs):
        calls.append(images)
        return call(images, **kwargs)

    trainer.generator_g.call = counted_call
    trainer.loss_of_generators(batch())
    assert len(calls) == 2  # G(x) and G(F(y)), not G(y)


@pytest.mark.slow
def test_fit_traces_the_step_once_and_logs_means_over_the_epoch_and_no_stray_loss():
    trainer = make_trainer(networks=TINIEST)
    traces, step = [], trainer.train_step

    def counted_step(data):
        traces.append(data)
        return step(data)

    trainer.train_step = counted_step
    batches = [batch(seed) for seed in range(3)]
    by_hand = make_trainer(networks=TINIEST)
    losses = []
    for data in batches:
        by_hand.reset_metrics()
        losses.append(float(by_hand.train_step(data)["cycle_x"]))
    dataset = tf.data.Dataset.from_tensor_slices(
        {name: tf.stack([data[name] for data in batches]) for name in "xy"}
    )
    history = trainer.fit(dataset, verbose=0, shuffle=False).history
    assert "loss" not in history
    np.testing.assert_allclose(history["cycle_x"][0], np.mean(losses), rtol=1e-3)
    trainer.fit(dataset.take(2), verbose=0, shuffle=False)
    assert len(traces) == 1


@pytest.mark.slow
def test_evaluate_changes_nothing():
    trainer = make_trainer(networks=dataclasses.replace(TINY, norm="batch"))
    before = {name: ops.convert_to_numpy(value) for name, value in trainer.state().items()}
    dataset = tf.data.Dataset.from_tensors(batch()).repeat(2)
    result = trainer.evaluate(dataset, verbose=0, return_dict=True)
    assert result["cycle_x"] > 0
    for name, value in trainer.state().items():
        np.testing.assert_array_equal(ops.convert_to_numpy(value), before[name], err_msg=name)


@pytest.mark.slow
@pytest.mark.parametrize("jit_compile", [pytest.param(False, marks=pytest.mark.release), True])
def test_training_reduces_the_cycle_error(jit_compile):
    trainer = make_trainer(
        networks=TINIEST,
        ema_decay=0.5,
        lambda_identity=0.0,
        rate=2e-3,
        jit_compile=jit_compile,
    )
    data = batch()

    def cycle_error():
        return float(trainer.loss_of_generators(data, training=False).terms["cycle_x"])

    first = cycle_error()
    trainer.fit(tf.data.Dataset.from_tensors(data).repeat(40), verbose=0, shuffle=False)
    assert cycle_error() < 0.85 * first


def test_unknown_gan_mode_is_named(any_networks):
    with pytest.raises(ValueError, match=r"gan_mode.*lsgan.*Received: gan_mode='ns'"):
        CycleGAN(**any_networks, gan_mode="ns")


def test_l1_between_real_and_itself_is_zero():
    assert float(l1(batch()["x"], batch()["x"])) == 0


def test_pairs_among_the_samples_add_their_difference():
    trainer, data = make_trainer(lambda_pairs=7.0), batch(count=2)
    paired = np.array([0.0, 1.0], "float32")
    mixed = trainer.loss_of_generators({**data, "paired": paired})
    plain = trainer.loss_of_generators(data)
    terms = mixed.terms
    fake_x, fake_y = mixed.pictures["fake_x"], mixed.pictures["fake_y"]
    np.testing.assert_allclose(terms["paired_y"], np.abs(fake_y - data["y"])[1].mean(), rtol=1e-5)
    np.testing.assert_allclose(terms["paired_x"], np.abs(fake_x - data["x"])[1].mean(), rtol=1e-5)
    added = float(mixed.value) - float(plain.value)
    np.testing.assert_allclose(added, 7 * float(terms["paired_x"] + terms["paired_y"]), rtol=1e-3)


@pytest.mark.slow
def test_batches_without_pairs_train_as_if_there_were_none():
    states = []
    for more in ({}, {"paired": tf.zeros(1)}):
        trainer = make_trainer()
        logs = trainer.train_step({**batch(), **more})
        states.append(values(trainer.generator_variables))
        assert ("paired_y" in logs) == bool(more)
    for plain, mixed in zip(*states, strict=True):
        np.testing.assert_allclose(mixed, plain, atol=1e-7)
