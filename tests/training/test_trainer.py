import time

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from cyclegan_keras.models.pixel_discriminator import PixelDiscriminator
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.training.cyclegan import CycleGAN
from cyclegan_keras.training.optimizers import adam
from cyclegan_keras.training.options import OptimizerOptions

pytestmark = pytest.mark.usefixtures("unoptimized_graphs")
SHAPE = (16, 16, 3)


def make_trainer(seed=0, **options):
    """Of one residual block, which has the dropout: each is traced or run in every step."""
    keras.utils.set_random_seed(seed)
    trainer = CycleGAN(
        ResNetGenerator(ngf=2, n_blocks=1, dropout=True, name="generator_g"),
        ResNetGenerator(ngf=2, n_blocks=1, dropout=True, name="generator_f"),
        PixelDiscriminator(ndf=2, name="discriminator_x"),
        PixelDiscriminator(ndf=2, name="discriminator_y"),
        pool_size=3,
        seed=seed,
        **options,
    )
    trainer.build(dict.fromkeys("xy", (None, *SHAPE)))
    optimizers = (adam(OptimizerOptions(), steps_per_epoch=10) for _ in range(2))
    trainer.compile(*optimizers)
    return trainer


def dataset(steps):
    random = np.random.default_rng(5)
    pictures = random.uniform(-1, 1, (2, steps, 1, *SHAPE)).astype("float32")
    return tf.data.Dataset.from_tensor_slices({"x": pictures[0], "y": pictures[1]})


def batches_that_end_in_an_error():
    def fail(index):
        time.sleep(0.2)
        raise OSError("gone")

    def read(index, batch):
        index = tf.numpy_function(fail, [index], tf.int64)
        return {name: x + 0 * tf.cast(index, x.dtype) for name, x in batch.items()}

    return dataset(1).enumerate().map(read).map(with_known_shapes)


def with_known_shapes(batch):
    return {name: tf.ensure_shape(x, (1, *SHAPE)) for name, x in batch.items()}


def snapshot(trainer):
    return {name: ops.convert_to_numpy(value) for name, value in trainer.state().items()}


@pytest.mark.slow
def test_state_continues_bit_for_bit_with_dropout_pools_and_averages():
    options = {"ema_decay": 0.9, "lambda_identity": 0.0}
    first = make_trainer(**options)
    first.fit(dataset(8).take(5), verbose=0, shuffle=False)
    state = snapshot(first)
    first.fit(dataset(8).skip(5), verbose=0, shuffle=False)

    resumed = make_trainer(seed=99, **options)
    resumed.load_state(state)
    assert resumed.step == 5
    resumed.fit(dataset(8).skip(5), verbose=0, shuffle=False)

    expected = snapshot(first)
    for name, value in snapshot(resumed).items():
        np.testing.assert_array_equal(value, expected[name], err_msg=name)

    # A batch that is waited for and then cannot be had is no step, not even for a counter.
    with pytest.raises(tf.errors.OpError):
        resumed.fit(batches_that_end_in_an_error(), verbose=0, shuffle=False)
    for name, value in snapshot(resumed).items():
        np.testing.assert_array_equal(value, expected[name], err_msg=name)


def test_state_holds_all_kinds_of_variables():
    names = list(make_trainer(ema_decay=0.9).state())
    for part in (
        "generator_g/",
        "discriminator_x/",
        "average_generator_f/",
        "generator_optimizer/",
        "discriminator_optimizer/",
        "pool_x/",
        "penalty_seed/",
    ):
        assert any(name.startswith(part) for name in names), part
    assert any("seed_generator_state" in name for name in names if name.startswith("generator_g"))
    assert any(name.endswith("velocity") for name in names)


def test_state_of_another_model_is_refused():
    values = snapshot(make_trainer())
    values.pop("pool_x/000/images")
    with pytest.raises(ValueError, match="pool_x/000/images"):
        make_trainer().load_state(values)


@pytest.mark.slow
def test_averages_follow_the_warmed_up_decay():
    trainer = make_trainer(ema_decay=0.3)
    kernel = trainer.generator_g.trainable_variables[0]
    average = trainer.averages["generator_g"].weights[0]
    expected = ops.convert_to_numpy(kernel)
    np.testing.assert_array_equal(average, expected)
    for step, data in enumerate(dataset(4), start=1):  # at the third the warming up is over
        trainer.train_step(data)
        decay = min(0.3, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * ops.convert_to_numpy(kernel)
        np.testing.assert_allclose(average, expected, rtol=1e-4, atol=1e-7)


def test_translation_uses_the_average_when_there_is_one():
    images = next(iter(dataset(1)))["x"]
    trainer = make_trainer(ema_decay=0.9)
    for variable in trainer.averages["generator_f"].weights:
        variable.assign(ops.zeros_like(variable))
    np.testing.assert_allclose(trainer.translate(images, "y_to_x"), 0, atol=1e-6)
    assert np.abs(trainer.translate(images, "x_to_y")).max() > 0


def test_starting_from_other_networks_sets_the_averages_too():
    trainer, source = make_trainer(ema_decay=0.9), make_trainer(seed=1)
    before = snapshot(trainer)
    trainer.start_from({"generator_g": source.networks["generator_g"]})
    after = snapshot(trainer)
    for index, weight in enumerate(source.networks["generator_g"].get_weights()):
        for network in (trainer.networks, trainer.averages):
            np.testing.assert_array_equal(network["generator_g"].get_weights()[index], weight)
    changed = {name.split("/")[0] for name in after if np.any(after[name] != before[name])}
    assert changed == {"generator_g", "average_generator_g"}


@pytest.mark.slow
def test_starting_from_unfit_networks_changes_nothing():
    trainer, source = make_trainer(), make_trainer(seed=1)
    before = snapshot(trainer)
    good = {"generator_g": source.networks["generator_g"]}
    for bad in ({"generator_h": source.networks["generator_g"]}, {"generator_f": _wider()}):
        with pytest.raises(ValueError, match=r"generator_h is none of|Received: ResNetGenerator"):
            trainer.start_from({**good, **bad})
    for name, value in snapshot(trainer).items():
        np.testing.assert_array_equal(value, before[name])


def _wider():
    return ResNetGenerator(ngf=4, n_blocks=1, name="generator_f")


def test_translation_is_without_dropout():
    images = next(iter(dataset(1)))["x"]
    trainer = make_trainer()
    np.testing.assert_array_equal(trainer.translate(images), trainer.translate(images))


def test_unknown_direction_names_the_known_ones():
    with pytest.raises(ValueError, match=r"x_to_y.*y_to_x.*Received: 'AtoB'"):
        make_trainer().translate(np.zeros((1, *SHAPE)), "AtoB")


def test_calling_the_trainer_translates_both_ways():
    data = next(iter(dataset(1)))
    trainer = make_trainer()
    result = trainer(data)
    np.testing.assert_array_equal(result["x_to_y"], trainer.translate(data["x"], "x_to_y"))
    np.testing.assert_array_equal(result["y_to_x"], trainer.translate(data["y"], "y_to_x"))


@pytest.mark.parametrize("decay", [-0.1, 1.0])
def test_ema_decay_out_of_range(decay):
    with pytest.raises(ValueError, match="ema_decay"):
        make_trainer(ema_decay=decay)


def test_learning_rate_follows_the_schedule():
    trainer = make_trainer()
    assert trainer.learning_rates() == {
        "generator_optimizer/learning_rate": pytest.approx(2e-4),
        "discriminator_optimizer/learning_rate": pytest.approx(2e-4),
    }
    for optimizer in trainer.optimizers.values():
        optimizer.iterations.assign(10 * 150)  # epoch 151
    assert trainer.learning_rates()["generator_optimizer/learning_rate"] == pytest.approx(
        2e-4 * 50 / 101
    )


@pytest.mark.parametrize("precision", ["mixed_float16", "mixed_bfloat16"])
def test_the_loss_is_scaled_only_for_float16(precision):
    keras.config.set_dtype_policy(precision)  # tests/conftest.py takes it back
    for optimizer in make_trainer().optimizers.values():
        scaled = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
        assert scaled == (precision == "mixed_float16")


@pytest.mark.parametrize("precision", ["mixed_float16", "mixed_bfloat16"])
def test_what_lasts_is_float32_under_mixed_precision(precision):
    keras.config.set_dtype_policy(precision)
    trainer = make_trainer(ema_decay=0.99)
    kept = {keras.backend.standardize_dtype(v.dtype) for v in trainer.state().values()}
    assert kept <= {"float32", "int32", "int64", "uint32", "bool"}
    batch = next(iter(dataset(1)))
    for objective in trainer.generator_objectives:
        loss = objective(batch)
        assert {x.dtype for x in (loss.value, *loss.terms.values())} == {tf.float32}
        assert all(picture.dtype == tf.float32 for picture in loss.pictures.values())


@pytest.mark.slow
@pytest.mark.parametrize(
    "precision",
    ["mixed_float16", pytest.param("mixed_bfloat16", marks=pytest.mark.release)],
)
def test_mixed_precision_trains(precision):
    keras.config.set_dtype_policy(precision)
    trainer = make_trainer(lambda_identity=0.0)
    history = trainer.fit(dataset(3), verbose=0, shuffle=False).history
    assert np.isfinite(history["generator_loss"][0])
    assert trainer.step == 3  # also when the first steps only find the loss scale
    assert all(v.dtype == "float32" for v in trainer.generator_g.trainable_variables)
