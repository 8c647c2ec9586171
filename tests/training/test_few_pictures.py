"""--diff_augment and --d_regularization in the trainers."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from cyclegan_keras.layers.diff_augment import augment
from cyclegan_keras.losses import r1_penalty
from cyclegan_keras.models.multiscale_discriminator import MultiscaleDiscriminator
from cyclegan_keras.models.options import NetworkOptions
from cyclegan_keras.models.patch_discriminator import PatchDiscriminator
from cyclegan_keras.training.gradient_steps import GradientSteps
from cyclegan_keras.training.options import METHOD_OPTIONS, CUTOptions, CycleGANOptions
from cyclegan_keras.training.table import TRAINERS

SIDE = 16
ALL = ("color", "translation", "cutout")
SMALL = {"cut": {"nce_layers": "0,4", "nce_units": 4, "n_patches": 16}}
NETWORKS = NetworkOptions(generator="resnet_1blocks", discriminator="pixel", ngf=2, ndf=2)


def make_trainer(method, networks=NETWORKS, channels=(3, 3), **options):
    keras.utils.set_random_seed(0)
    return TRAINERS[method].from_options(
        METHOD_OPTIONS[method](**SMALL.get(method, {}), **options),
        networks,
        lambda: keras.optimizers.SGD(0.01),
        shapes={"x": (SIDE, SIDE, channels[0]), "y": (SIDE, SIDE, channels[1])},
    )


def batch(seed=0, count=2, channels=(3, 3)):
    random = np.random.default_rng(seed)
    return {
        name: tf.constant(random.uniform(-1, 1, (count, SIDE, SIDE, number)), keras.config.floatx())
        for name, number in zip("xy", channels, strict=True)
    }


def state_of(trainer):
    return {name: ops.convert_to_numpy(value) for name, value in trainer.state().items()}


def watched(trainer, monkeypatch):
    """Returns lists that collect what discriminators see, and with which draws."""
    seen, calls = [], []
    see = trainer.see

    def record(data, name, pictures, condition=None):
        draws = data["draws"][name] if "draws" in data else None
        calls.append((name, np.asarray(pictures), draws))
        return see(data, name, pictures, condition)

    monkeypatch.setattr(trainer, "see", record)
    for role, network in trainer.networks.items():
        if role.startswith("discriminator"):
            call = network.call
            monkeypatch.setattr(
                network,
                "call",
                lambda images, call=call, **how: (
                    seen.append(np.asarray(images)) or call(images, **how)
                ),
            )
    return seen, calls


# ---- what discriminators see ----


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "order"),
    [
        ("cyclegan", "g_fake_y g_fake_x real_x fake_x real_y fake_y"),
        ("pix2pix", "real_y fake_y g_fake_y"),
        pytest.param("cut", "real_y fake_y g_fake_y", marks=pytest.mark.release),
    ],
)
def test_all_that_discriminators_see_is_augmented_by_draws_of_its_own(method, order, monkeypatch):
    trainer = make_trainer(method, diff_augment="cutout,color,translation")
    seen, calls = watched(trainer, monkeypatch)
    data = batch()
    trainer.train_step(data)
    assert [name for name, _, _ in calls] == order.split()
    condition = data["x"] if method == "pix2pix" else None
    expected = [augment(shown, draws, ALL, condition) for _, shown, draws in calls]
    for image in seen:  # D judges real and fake in an order of its own
        assert min(np.abs(image - each).max() for each in expected) < 1e-6
    assert len(seen) == len(expected)
    for name, shown, _ in calls:
        if name.startswith("real"):
            np.testing.assert_array_equal(shown, data[name[-1]])
    rows = np.concatenate([draws for _, _, draws in calls])  # of every picture
    assert len(np.unique(rows)) == rows.size

    calls.clear()
    trainer.train_step(data)
    later = np.concatenate([draws for _, _, draws in calls])
    assert not np.isin(later, rows).any()

    seen.clear()
    trainer.test_step(data)
    whole = data["y"] if condition is None else np.concatenate([condition, data["y"]], -1)
    assert any(np.array_equal(image, whole) for image in seen)


@pytest.mark.slow
def test_generators_learn_through_the_augmentation():
    trainer, data = make_trainer("cyclegan", diff_augment="translation,cutout"), batch()
    changed = trainer.with_draws(data, ["g_fake_y"])
    kernel = trainer.generator_g.trainable_variables[-2]  # of the last convolution
    assert kernel.shape[-1] == 3
    with tf.GradientTape() as tape:
        loss = trainer.loss_of_x_cycle(changed).terms["g_adversarial"]
    gradient = tape.gradient(loss, kernel).numpy()

    fake = trainer.generator_g(data["x"])
    with tf.GradientTape() as tape:
        tape.watch(fake)
        seen = augment(fake, changed["draws"]["g_fake_y"], ALL[1:])
        loss = trainer.adversarial.generator(trainer.discriminator_y(seen))
    by_fake = tape.gradient(loss, fake)
    assert 0.3 < np.mean(by_fake.numpy() == 0) < 0.8  # what was cut out, or moved out
    with tf.GradientTape() as tape:
        fake = trainer.generator_g(data["x"])
    expected = tape.gradient(fake, kernel, by_fake)
    np.testing.assert_allclose(gradient, expected, rtol=1e-4, atol=1e-7)


@pytest.mark.slow
def test_other_channels_and_half_precision_train():
    options = {"diff_augment": "color,translation,cutout", "d_regularization": "r1"}
    keras.config.set_dtype_policy("mixed_float16")  # tests/conftest.py takes it back
    trainer = make_trainer("pix2pix", channels=(5, 1), **options)
    logs = trainer.train_step(batch(channels=(5, 1)))
    assert all(np.isfinite(float(value)) for value in logs.values())
    keras.config.set_dtype_policy("float32")
    exact = make_trainer("pix2pix", channels=(5, 1), **options)
    expected = exact.train_step(batch(channels=(5, 1)))
    for name, value in expected.items():
        np.testing.assert_allclose(logs[name], value, rtol=0.02, err_msg=name)
    for half, whole in zip(
        trainer.discriminator_variables, exact.discriminator_variables, strict=True
    ):
        np.testing.assert_allclose(half, whole, atol=1e-4)


# ---- the state ----


def test_checkpoints_have_the_names_that_they_had():
    plain = make_trainer("pix2pix").state()
    other = make_trainer("pix2pix", diff_augment="color", d_regularization="r1").state()
    assert list(plain) == list(other)


@pytest.mark.slow
def test_a_resumed_training_goes_on_exactly():
    options = {"diff_augment": "color,translation,cutout", "d_regularization": "r1"}
    whole = make_trainer("pix2pix", **options)
    whole.train_step(batch(0))
    middle = state_of(whole)
    whole.train_step(batch(1))
    resumed = make_trainer("pix2pix", **options)
    resumed.load_state(middle)
    resumed.train_step(batch(1))
    for name, value in state_of(whole).items():
        np.testing.assert_array_equal(state_of(resumed)[name], value, err_msg=name)


# ---- R1 ----


def penalty(discriminator, images):
    return float(r1_penalty(GradientSteps().gradients_at(discriminator, images)))


def test_r1_of_a_linear_discriminator_is_half_the_square_of_its_weights():
    weights = np.random.default_rng(0).normal(size=(8, 8, 3))

    def discriminator(images, training):
        return ops.sum(images * weights, axis=(1, 2, 3), keepdims=True)

    images = tf.constant(np.random.default_rng(1).normal(size=(4, 8, 8, 3)))
    np.testing.assert_allclose(penalty(discriminator, images), 0.5 * np.sum(weights**2))


@pytest.mark.usefixtures("_float64")
@pytest.mark.parametrize("size", [(8, 8), (8, 24)])
def test_r1_of_patches_is_the_mean_over_patches_whatever_the_size(size):
    weights = np.random.default_rng(0).normal(size=(4, 4, 3, 1))

    def discriminator(images, training):
        return ops.conv(images, weights, strides=4)

    images = tf.constant(np.random.default_rng(1).normal(size=(2, *size, 3)))
    np.testing.assert_allclose(penalty(discriminator, images), 0.5 * np.sum(weights**2))


@pytest.mark.usefixtures("_float64")
@pytest.mark.parametrize("discriminator_class", [PatchDiscriminator, MultiscaleDiscriminator])
def test_r1_of_a_patchgan_is_that_of_finite_differences(discriminator_class):
    keras.utils.set_random_seed(0)
    discriminator = discriminator_class(ndf=2, n_layers=2, init_gain=0.5)
    images = np.random.default_rng(0).uniform(-1, 1, (1, 24, 24, 3))

    def logits(images):
        maps = keras.tree.flatten(discriminator(images, training=True))
        flat = [np.reshape(each, (len(images), -1)) for each in maps]
        return np.mean([each.sum(axis=1) / np.sqrt(each.shape[1]) for each in flat], axis=0)

    gradient = GradientSteps().gradients_at(discriminator, tf.constant(images)).numpy()
    steps = 1e-6 * np.random.default_rng(1).normal(size=(8, 24, 24, 3))
    slopes = (logits(images + steps) - logits(images - steps)) / 2
    np.testing.assert_allclose(np.sum(gradient * steps, axis=(1, 2, 3)), slopes, rtol=1e-5)
    found = penalty(discriminator, tf.constant(images))
    np.testing.assert_allclose(found, 0.5 * np.sum(gradient**2))


@pytest.mark.usefixtures("_float64")
@pytest.mark.parametrize("norm", ["instance", "batch"])  # TensorFlow's own batch norm fails
def test_discriminators_learn_from_r1_as_finite_differences_say(norm):
    networks = NetworkOptions(
        generator="resnet_1blocks",
        discriminator="n_layers",
        n_layers=1,
        ngf=2,
        ndf=2,
        norm=norm,
        init_gain=0.2,
    )
    trainer = make_trainer("cut", networks, d_regularization="r1", lambda_r1=3.0)
    data = {**batch(), "fake_y": batch(1)["y"]}
    kernel = trainer.discriminator_y.trainable_variables[0]
    with tf.GradientTape() as tape:
        loss = trainer.loss_of_discriminator(data)
    np.testing.assert_allclose(loss.value, loss.terms["d_y"] + 3 * loss.terms["r1_y"])
    gradient = tape.gradient(loss.value, kernel).numpy()
    start = kernel.numpy()
    direction = np.random.default_rng(0).normal(size=start.shape)
    values = []
    for sign in (1, -1):
        kernel.assign(start + sign * 1e-6 * direction)
        values.append(float(trainer.loss_of_discriminator(data).value))
    slope = (values[0] - values[1]) / 2e-6
    np.testing.assert_allclose(np.sum(gradient * direction), slope, rtol=1e-5)


def test_r1_is_a_term_of_training_alone():
    trainer, data = make_trainer("pix2pix", d_regularization="r1"), batch()
    assert trainer.train_step(data).keys() - trainer.test_step(data).keys() == {"r1_y"}
    assert "r1_y" not in make_trainer("pix2pix").means


# ---- refusals ----


@pytest.mark.parametrize("options_class", [CycleGANOptions, CUTOptions])
def test_what_cannot_be_is_refused_in_a_sentence(options_class):
    assert options_class(diff_augment="cutout, color").augmentations == ("color", "cutout")
    for wrong in ("colour", "color,color", "color,", ""):
        with pytest.raises(ValueError, match=f"--diff_augment={wrong}: expected some of color, "):
            options_class(diff_augment=wrong)
    with pytest.raises(ValueError, match=r"--d_regularization=r1 with --gan_mode=wgangp would"):
        options_class(gan_mode="wgangp", d_regularization="r1")
    with pytest.raises(
        ValueError, match=r"--d_regularization=r1 with --lambda_r1=0 would penalize"
    ):
        options_class(d_regularization="r1", lambda_r1=0.0)


def test_trainers_refuse_what_options_refuse():
    networks = make_trainer("cyclegan").networks
    with pytest.raises(ValueError, match="`d_regularization` must be 'none' or 'r1'"):
        TRAINERS["cyclegan"](**networks, d_regularization="R1")
