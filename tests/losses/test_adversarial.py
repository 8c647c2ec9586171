import numpy as np
import pytest
import tensorflow as tf

from cyclegan_keras.losses import ADVERSARIAL, gradient_penalty

RNG = np.random.default_rng(0)
REAL, FAKE = RNG.normal(0, 2, (2, 5, 6, 1)), RNG.normal(0, 2, (2, 5, 6, 1))


def log_sigmoid(z):
    return -np.log1p(np.exp(-z))


# mode -> G's loss on fakes, D's on reals, D's on fakes
FORMULAS = {
    "lsgan": (lambda z: (z - 1) ** 2, lambda z: (z - 1) ** 2, lambda z: z**2),
    "vanilla": (
        lambda z: -log_sigmoid(z),
        lambda z: -log_sigmoid(z),
        lambda z: -log_sigmoid(-z),
    ),
    "hinge": (lambda z: -z, lambda z: np.maximum(1 - z, 0), lambda z: np.maximum(1 + z, 0)),
    "wgangp": (lambda z: -z, lambda z: -z, lambda z: z),
}


def test_every_mode_has_its_formula():
    assert set(ADVERSARIAL) == set(FORMULAS)


@pytest.mark.parametrize("mode", ADVERSARIAL)
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-6), ("float64", 1e-14)])
def test_closed_forms(mode, dtype, tolerance):
    loss, (generator, real, fake) = ADVERSARIAL[mode], FORMULAS[mode]
    value = loss.generator(tf.constant(FAKE, dtype))
    assert value.dtype == dtype
    np.testing.assert_allclose(value, generator(FAKE).mean(), rtol=tolerance, atol=tolerance)
    value = loss.discriminator(tf.constant(REAL, dtype), tf.constant(FAKE, dtype))
    expected = (real(REAL).mean() + fake(FAKE).mean()) / 2
    assert value.shape == ()
    np.testing.assert_allclose(value, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("mode", ADVERSARIAL)
def test_descending_g_raises_the_verdict_and_descending_d_parts_them(mode):
    loss = ADVERSARIAL[mode]
    real, fake = tf.zeros((1, 1, 1, 1)), tf.zeros((1, 1, 1, 1))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([real, fake])
        g, d = loss.generator(fake), loss.discriminator(real, fake)
    assert tape.gradient(g, fake) < 0
    assert tape.gradient(d, real) < 0
    assert tape.gradient(d, fake) >= 0


@pytest.mark.parametrize("mode", ADVERSARIAL)
def test_half_precision_is_raised(mode):
    logits = tf.fill((1, 30, 30, 1), tf.constant(300.0, "float16"))  # its square overflows
    for value in (
        ADVERSARIAL[mode].generator(logits),
        ADVERSARIAL[mode].discriminator(logits, logits),
    ):
        assert value.dtype == "float32"
        assert np.isfinite(value)


def test_vanilla_does_not_overflow():
    logits = tf.constant([[-1e4, 1e4]])
    assert np.isfinite(ADVERSARIAL["vanilla"].discriminator(logits, logits))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_gradient_penalty(dtype):
    gradients = RNG.normal(size=(3, 4, 5, 2)).astype(dtype)
    norms = np.sqrt((gradients.astype("float64") ** 2).reshape(3, -1).sum(axis=1))
    value = gradient_penalty(tf.constant(gradients))
    assert value.dtype == ("float64" if dtype == "float64" else "float32")
    np.testing.assert_allclose(value, ((norms - 1) ** 2).mean(), rtol=1e-5)


def test_gradient_penalty_of_a_flat_critic_is_one_and_has_a_gradient():
    gradients = tf.zeros((2, 3, 3, 1))
    with tf.GradientTape() as tape:
        tape.watch(gradients)
        value = gradient_penalty(gradients)
    np.testing.assert_allclose(value, 1, atol=1e-5)
    assert np.all(np.isfinite(tape.gradient(value, gradients)))


@pytest.mark.parametrize("mode", ADVERSARIAL)
def test_patch_sizes_count_the_same_however_many_patches_they_have(mode):
    loss = ADVERSARIAL[mode]
    real, fake = ([x[:, :1], x] for x in (REAL, FAKE))
    expected = np.mean([loss.generator(each) for each in fake])
    np.testing.assert_allclose(loss.generator(fake), expected, rtol=1e-6)
    expected = np.mean([loss.discriminator(*pair) for pair in zip(real, fake, strict=True)])
    np.testing.assert_allclose(loss.discriminator(real, fake), expected, rtol=1e-6)


@pytest.mark.parametrize("mode", ["lsgan", "vanilla", "hinge"])
def test_chance_is_the_best_of_all_constant_answers(mode):
    answers = np.linspace(-3, 3, 61, dtype="float32")
    losses = [float(ADVERSARIAL[mode].discriminator(a, a)) for a in answers[:, None]]
    assert min(losses) == pytest.approx(ADVERSARIAL[mode].loss_at_chance, rel=1e-5)


def test_a_critic_has_no_chance_to_compare_with():
    assert ADVERSARIAL["wgangp"].loss_at_chance is None
