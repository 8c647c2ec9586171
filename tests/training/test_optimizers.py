import dataclasses

import keras
import numpy as np
import pytest
from golden_files import load_golden

from cyclegan_keras.training.optimizers import (
    SCHEDULES,
    Constant,
    CosineDecay,
    LinearDecay,
    StepDecay,
    adam,
    build_schedule,
)
from cyclegan_keras.training.options import OptimizerOptions
from cyclegan_keras.training.rates import Rate

RATE = 2e-4


def rates(schedule, epochs):
    """The rate at the first and at the last step of every epoch, which must be the same."""
    steps = schedule.steps_per_epoch
    first = np.array([schedule((epoch - 1) * steps) for epoch in epochs])
    last = np.array([schedule(epoch * steps - 1) for epoch in epochs])
    np.testing.assert_array_equal(first, last)
    return first


@pytest.mark.parametrize(("n_epochs", "n_epochs_decay"), [(100, 100), (10, 5), (0, 4), (5, 0)])
@pytest.mark.parametrize("steps_per_epoch", [1, 7])
def test_linear_has_the_recorded_rates(n_epochs, n_epochs_decay, steps_per_epoch):
    golden, case = load_golden("lr_schedule.npz"), f"c1_{n_epochs}_{n_epochs_decay}"
    schedule = LinearDecay(RATE, steps_per_epoch, n_epochs, n_epochs_decay)
    values = rates(schedule, golden[f"{case}/epoch"])
    np.testing.assert_allclose(values, golden[f"{case}/lr"], rtol=1e-6)
    after = schedule((n_epochs + n_epochs_decay) * steps_per_epoch)
    np.testing.assert_allclose(after, RATE * golden[f"{case}/factor_after_last"], atol=1e-12)


def test_linear_resumed_has_the_recorded_rates():
    golden = load_golden("lr_schedule.npz")
    values = rates(LinearDecay(RATE, 3, 100, 100), golden["c150_100_100/epoch"])
    np.testing.assert_allclose(values, golden["c150_100_100/lr"], rtol=1e-6)


def test_linear_stays_at_zero():
    assert LinearDecay(RATE, 10, 1, 2)(1000) == 0


def test_cosine_is_half_a_wave_after_n_epochs():
    values = rates(CosineDecay(RATE, 2, n_epochs=3, n_epochs_decay=4), range(1, 11))
    wave = (1 + np.cos(np.pi * np.arange(1, 6) / 5)) / 2
    expected = RATE * np.concatenate([[1, 1, 1], wave, [0, 0]])
    np.testing.assert_allclose(values, expected, rtol=1e-5, atol=1e-10)
    assert np.all(np.diff(values) <= 0)  # never rises again


def test_step_divides_by_ten():
    values = rates(StepDecay(RATE, 4, decay_epochs=50), [1, 50, 51, 100, 101, 151])
    np.testing.assert_allclose(values, RATE * 10.0 ** -np.array([0, 0, 1, 1, 2, 3]), rtol=1e-5)


def test_constant():
    np.testing.assert_allclose(rates(Constant(RATE, 5), [1, 10, 10_000]), RATE, rtol=1e-6)


def test_exact_beyond_float32_integers():
    steps, epoch = 1_000_003, 17  # the last step of the epoch is beyond 2^24 and odd
    schedule = LinearDecay(1.0, steps, 10, 9)
    assert float(schedule(np.int64(steps * epoch - 1))) == pytest.approx(0.3)
    assert float(schedule(np.int64(steps * epoch))) == pytest.approx(0.2)


@pytest.mark.parametrize("policy", SCHEDULES)
def test_in_an_optimizer_and_back(policy):
    options = OptimizerOptions(
        lr_policy=policy, n_epochs=1, n_epochs_decay=3, lr_decay_iters=2, learning_rate=0.5
    )
    schedule = build_schedule(options, steps_per_epoch=2)
    optimizer = keras.optimizers.SGD(schedule)
    loaded = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert loaded._learning_rate.get_config() == schedule.get_config()
    variable = keras.Variable(0.0)
    optimizer.build([variable])
    for step in range(8):
        np.testing.assert_allclose(optimizer.learning_rate, schedule(step))
        before = float(variable.value)
        optimizer.apply([np.float32(1)], [variable])
        assert float(before - variable.value) == pytest.approx(float(schedule(step)), rel=1e-5)


@pytest.mark.parametrize("policy", SCHEDULES)
def test_rates_that_change_at_the_beginning_of_an_epoch(policy):
    options = OptimizerOptions(
        lr_policy=policy, n_epochs=1, n_epochs_decay=4, lr_decay_iters=2, learning_rate=9.0
    )
    rates = [
        Rate(from_epoch=1, learning_rate=0.5),
        Rate(from_epoch=3, learning_rate=0.1),
        Rate(from_epoch=4, learning_rate=0.7),
    ]
    schedule = build_schedule(options, 2, rates)
    for step in range(10):
        rate = rates[0 if step < 4 else 1 if step < 6 else 2]
        alone = build_schedule(options, 2, [dataclasses.replace(rate, from_epoch=1)])
        assert schedule(step) == alone(step)
    optimizer = keras.optimizers.SGD(schedule)
    loaded = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert loaded._learning_rate.get_config() == schedule.get_config()
    np.testing.assert_array_equal(loaded._learning_rate(7), schedule(7))


def test_the_options_know_every_policy():
    choices = {f.name: f.metadata.get("choices") for f in dataclasses.fields(OptimizerOptions)}
    assert set(choices["lr_policy"]) == set(SCHEDULES)


def test_bad_arguments():
    with pytest.raises(ValueError, match="Received: steps_per_epoch=0"):
        Constant(RATE, 0)
    with pytest.raises(ValueError, match="Received: n_epochs=-1"):
        LinearDecay(RATE, 1, -1, 5)
    with pytest.raises(ValueError, match="Received: 0"):
        StepDecay(RATE, 1, 0)


def test_adam_is_bit_equal_to_that_of_keras():
    options = OptimizerOptions(n_epochs=1, n_epochs_decay=3)
    own = adam(options, steps_per_epoch=1)
    usual = keras.optimizers.Adam.from_config({**own.get_config(), "name": "usual"})
    assert type(own) is not type(usual)
    random = np.random.default_rng(0)
    shapes = [(3, 4), (5,), ()]
    starts = [random.normal(size=shape).astype("float32") for shape in shapes]
    results = []
    for optimizer in (own, usual):
        variables = [keras.Variable(start) for start in starts]
        optimizer.build(variables)
        results.append((optimizer, variables))
    for _ in range(4):
        gradients = [random.normal(size=shape).astype("float32") for shape in shapes]
        for optimizer, variables in results:
            optimizer.apply([keras.ops.convert_to_tensor(each) for each in gradients], variables)
    (_, own_variables), (_, usual_variables) = results
    for found, expected in zip(
        [*own_variables, *own.variables], [*usual_variables, *usual.variables], strict=True
    ):
        np.testing.assert_array_equal(found.numpy(), expected.numpy())
