import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from cyclegan_keras.compression.distiller import Distiller
from cyclegan_keras.losses import color_offset
from cyclegan_keras.models.pixel_discriminator import PixelDiscriminator
from cyclegan_keras.models.resnet_generator import ResNetGenerator

SHAPE = (16, 16, 3)
STEPS = 6
pytestmark = pytest.mark.usefixtures("unoptimized_graphs")


def student(seed, name="generator_g"):
    keras.utils.set_random_seed(seed)
    return ResNetGenerator(ngf=2, n_blocks=1, name=name)


def squared(target, prediction):
    return ops.mean(ops.square(target - prediction))


def discriminator(seed, name="discriminator_y", channels=3):
    keras.utils.set_random_seed(seed)
    return PixelDiscriminator(ndf=2, input_channels=channels, name=name)


def make(*, both=False, gan=False, seed=0, run_eagerly=True, **options):
    students = {"generator_g": student(seed)}
    judges = {"discriminator_y": discriminator(seed)}
    if both:
        students["generator_f"] = student(seed + 1, "generator_f")
        judges["discriminator_x"] = discriminator(seed + 1, "discriminator_x")
    if gan:
        options = {"discriminators": judges, "adversarial_from": 4, **options}
    distiller = Distiller(students, **options)
    distiller.compile_for(steps=STEPS, run_eagerly=run_eagerly)
    return distiller


def batch(seed=0, count=2):
    random = np.random.default_rng(seed)
    names = ("x", "y", "teacher_x_to_y", "teacher_y_to_x")
    return {name: random.uniform(-1, 1, (count, *SHAPE)).astype("float32") for name in names}


def dataset(start, stop):
    batches = [batch(step) for step in range(start, stop)]
    columns = {name: np.stack([each[name] for each in batches]) for name in batches[0]}
    return tf.data.Dataset.from_tensor_slices(columns)


def snapshot(distiller):
    return {name: ops.convert_to_numpy(value) for name, value in distiller.state().items()}


def assert_same(state, expected):
    assert state.keys() == expected.keys()
    for name, value in state.items():
        np.testing.assert_array_equal(value, expected[name], err_msg=name)


def test_terms_are_the_formulas():
    distiller = make(both=True, distance=squared, lambda_l1=2.0, lambda_offset=5.0)
    data = batch()
    logs = {name: float(value) for name, value in distiller.test_step(data).items()}
    expected, total = {}, 0
    for letter, source, answer in (("g", "x", "teacher_x_to_y"), ("f", "y", "teacher_y_to_x")):
        translation = np.asarray(distiller.networks[f"generator_{letter}"](data[source]))
        difference = data[answer] - translation
        l1 = np.abs(difference).mean()
        offset = np.abs(difference.mean((1, 2))).mean()
        expected[f"l1_{letter}"] = l1
        expected[f"perceptual_{letter}"] = np.square(difference).mean()
        expected[f"offset_{letter}"] = offset
        total += 2 * l1 + 3 * np.square(difference).mean() + 5 * offset
    expected["generator_loss"] = total
    assert logs.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(logs[name], value, rtol=1e-4, err_msg=name)


@pytest.mark.parametrize("optimizer", [keras.optimizers.SGD, keras.optimizers.Adam])
def test_a_perfect_student_has_no_loss_and_does_not_move(optimizer):
    distiller = make(distance=squared, lambda_offset=1.0)
    distiller.compile_optimizers(
        {"student_optimizer": (optimizer(1.0), distiller.generator_variables)}
    )
    x = batch()["x"]
    data = {"x": x, "teacher_x_to_y": distiller.networks["generator_g"](x, training=True)}
    before = snapshot(distiller)
    for _ in range(2):
        logs = distiller.train_step(data)
        assert {name: float(value) for name, value in logs.items()} == dict.fromkeys(logs, 0)
    after = snapshot(distiller)
    for name, value in before.items():
        if name.startswith("generator_g"):
            np.testing.assert_array_equal(after[name], value, err_msg=name)
    assert distiller.step == 2


def test_an_imperfect_student_moves():
    distiller = make()
    before = snapshot(distiller)
    distiller.train_step(batch())
    after = snapshot(distiller)
    moved = [name for name in before if np.abs(after[name] - before[name]).max() > 1e-4]
    assert any(name.startswith("generator_g") for name in moved)


def test_color_offset_and_its_gradient():
    a, b = np.random.default_rng(0).uniform(-1, 1, (2, 3, 4, 5, 3))
    expected = np.abs((a - b).mean((1, 2)))
    prediction = tf.constant(b)
    with tf.GradientTape() as tape:
        tape.watch(prediction)
        value = color_offset(tf.constant(a), prediction)
    np.testing.assert_allclose(value, expected.mean())
    signs = np.sign((b - a).mean((1, 2)))[:, None, None]
    slope = np.broadcast_to(signs / (9 * 20), b.shape)  # 9 means, each over 20 places
    np.testing.assert_allclose(tape.gradient(value, prediction), slope)


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"run_eagerly": True}, marks=pytest.mark.release),
        pytest.param({"run_eagerly": False, "both": True}, marks=pytest.mark.release),
    ],
)
def test_killed_and_resumed_equals_uninterrupted(options):
    """Across the beginning of the adversarial part, and within it."""
    options = {"gan": True, "ema_decay": 0.9, **options}
    whole = make(**options)
    assert whole.next_stop(STEPS) == 4
    whole.fit(dataset(0, 4), verbose=0, shuffle=False)
    assert whole.next_stop(STEPS) == STEPS
    middle = snapshot(whole)
    history = whole.fit(dataset(4, STEPS), verbose=0, shuffle=False).history
    assert {"d_y", "g_adversarial", "l1_g"} <= history.keys()
    expected = snapshot(whole)

    resumed = make(seed=9, **options)
    resumed.fit(dataset(0, 1), verbose=0, shuffle=False)  # another past is forgotten
    resumed.load_state(middle)
    resumed.fit(dataset(4, 5), verbose=0, shuffle=False)
    last = make(seed=7, **options)
    last.load_state(snapshot(resumed))
    last.fit(dataset(5, STEPS), verbose=0, shuffle=False)
    assert_same(snapshot(last), expected)
    for name in middle:
        if name.startswith("discriminator_") and name.endswith("kernel"):
            assert np.abs(middle[name] - expected[name]).max() > 0, name


def test_discriminators_wait_for_their_part():
    distiller = make(gan=True)
    before = snapshot(distiller)
    logs = distiller.fit(dataset(0, 4), verbose=0, shuffle=False).history
    assert set(logs) == {"l1_g", "offset_g", "generator_loss"}
    after = snapshot(distiller)
    for name, value in before.items():
        if name.startswith("discriminator_"):
            np.testing.assert_array_equal(after[name], value, err_msg=name)
    fresh = make(gan=True)
    fresh.finished_steps.assign(1)
    with pytest.raises(ValueError, match="the steps 1 to 5"):
        fresh.fit(dataset(1, 5), verbose=0, shuffle=False)


def test_a_conditional_discriminator_sees_the_input_too():
    judge = discriminator(0, channels=6)
    distiller = make(
        gan=True, conditional=True, discriminators={"discriminator_y": judge}, lambda_gan=0.5
    )
    distiller.is_adversarial = True
    data = batch()
    loss = distiller.loss_of_g(data)
    logits = judge(np.concatenate([data["x"], loss.pictures["fake_y"]], -1), training=True)
    np.testing.assert_allclose(
        loss.terms["g_adversarial"], np.square(np.asarray(logits) - 1).mean(), rtol=1e-5
    )
    np.testing.assert_allclose(
        loss.value, loss.terms["l1_g"] + 0.5 * loss.terms["g_adversarial"], rtol=1e-5
    )


def test_discriminators_learn_on_as_they_were_trained():
    judge = discriminator(0, channels=6)
    distiller = make(
        gan=True,
        conditional=True,
        discriminators={"discriminator_y": judge},
        diff_augment="translation,cutout",
        d_regularization="r1",
    )
    seen, look = [], judge.call
    judge.call = lambda images, **how: seen.append(np.asarray(images)) or look(images, **how)
    distiller.train_step(batch())
    assert not seen
    distiller.is_adversarial = True
    logs = distiller.train_step(batch())
    assert {"d_y", "r1_y"} <= logs.keys()
    assert len(seen) == 4  # the student's picture, a fake, a real one, and that for R1
    for pictures in seen:
        empty = np.all(pictures == 0, axis=-1).mean(axis=(1, 2))
        assert np.all(empty > 0.05)
    assert np.array_equal(seen[2], seen[3])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"students": {}}, "`students` must be for some of"),
        ({"students": {"generator": None}}, "Received: .'generator'"),
        (
            {"students": {"generator_g": None}, "discriminators": {"discriminator_x": None}},
            "must be .'discriminator_y'. .* Received: .'discriminator_x'",
        ),
        (
            {"students": {"generator_g": None}, "discriminators": {"discriminator_y": None}},
            "`adversarial_from` is needed",
        ),
    ],
)
def test_roles_are_checked(arguments, message):
    with pytest.raises(ValueError, match=message):
        Distiller(**arguments)
