"""Other ways to train and which of them is advised."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cyclegan_keras.planning.advice import (
    Estimate,
    PlannedTraining,
    best,
    estimate,
    same_training,
    smaller_sides,
    smaller_training,
)
from cyclegan_keras.planning.costs import CostModel, MeasuredSteps


def linear(per_pixel, seconds=0.001, at_zero=1e6):
    """A cost of `at_zero + per_pixel * pixels` bytes."""
    measured = []
    for side in (32, 64):
        peak = at_zero + per_pixel * side**2
        measured.append(MeasuredSteps((1, side, side), seconds * side**2, peak))
    return CostModel(measured)


TRAINING = PlannedTraining(shape=(4, 128, 128), steps_per_epoch=100, epochs=10)
PLAIN = linear(1000)
REMAT = linear(500, seconds=0.0013)


def ways(limit, training=TRAINING, other_remat=REMAT, costs=PLAIN):
    estimates = same_training(training, costs, other_remat, limit)
    estimates += smaller_training(training, costs, limit, lambda side: f"--crop_size={side}")
    return {each.change: each for each in estimates}


def test_an_estimate_adds_up_what_is_held_beside_the_steps():
    beside = dataclasses.replace(
        TRAINING, parts=2, pool_pictures=10, gradient_bytes=7e6, process_bytes=5e6, cached_bytes=3e6
    )
    found = estimate(PLAIN, beside)
    pools = 10 * 128 * 128 * 3 * 4
    assert found.peak == pytest.approx(1e6 + 1000 * 2 * 128**2 + pools + 15e6)
    assert found.seconds == pytest.approx(0.001 * 4 * 128**2)
    assert found.epoch_seconds == pytest.approx(100 * found.seconds)
    assert found.total_seconds == pytest.approx(1000 * found.seconds)


def test_pools_hold_pictures_of_both_domains():
    """Ten pictures of four channels and ten of one."""
    pooled = dataclasses.replace(TRAINING, pool_pictures=20, pool_channels=2.5)
    beside = estimate(PLAIN, pooled).peak - estimate(PLAIN, TRAINING).peak
    assert beside == pytest.approx(10 * 128 * 128 * (4 + 1) * 4)


def test_the_least_change_that_fits_is_shown():
    found = ways(limit=40e6)
    assert list(found) == ["--accumulate_steps=2", "--remat", "--batch_size=2", "--crop_size=96"]
    assert [each.peak <= 40e6 for each in found.values()] == [True, True, True, True]
    assert [each.same for each in found.values()] == [True, True, False, False]
    assert found["--batch_size=2"].steps == 200
    assert found["--crop_size=96"].steps == 100
    assert found["--remat"].seconds == pytest.approx(1.3 * estimate(PLAIN, TRAINING).seconds)


def test_changes_are_joined_where_none_alone_is_enough():
    found = ways(limit=10e6)
    assert found["--remat --accumulate_steps=4"].peak == pytest.approx(1e6 + 500 * 128**2)
    assert found["--remat --accumulate_steps=4"].same
    cached = dataclasses.replace(TRAINING, cached_bytes=9e6)
    assert "--remat --cache=none --accumulate_steps=4" in ways(10e6, cached)
    assert ways(10e6, cached)["--cache=none"].peak == estimate(PLAIN, TRAINING).peak


def test_what_cannot_be_changed_is_not_offered():
    one = dataclasses.replace(TRAINING, shape=(1, 128, 128))
    assert list(ways(1e6, one, other_remat=None)) == ["--crop_size=32"]
    assert list(ways(1e6, one)) == ["--remat", "--crop_size=32"]
    remat = dataclasses.replace(one, remat=True)
    assert list(ways(1e12, remat, other_remat=PLAIN, costs=REMAT)) == [
        "--noremat",
        "--crop_size=112",
    ]
    whole = dataclasses.replace(one, multiple=128, smallest=128)
    assert list(ways(1e6, whole, other_remat=None)) == []


def test_typed_steps_of_an_epoch_stay_when_the_batch_changes():
    typed = dataclasses.replace(TRAINING, steps_fixed=True)
    assert ways(40e6, typed)["--batch_size=2"].steps == 100


def test_batches_stay_divisible_by_their_parts():
    parts = dataclasses.replace(TRAINING, shape=(6, 64, 64), parts=3)
    assert [w for w in ways(1e12, parts) if "size" in w] == ["--batch_size=3", "--crop_size=56"]
    assert "--accumulate_steps=6" in ways(0, parts)


@given(st.integers(8, 1024), st.sampled_from([4, 32]))
def test_smaller_sides_suit_the_networks(side, multiple):
    sides = smaller_sides(side * multiple, multiple, 16)
    assert all(s % multiple == 0 and 16 <= s < side * multiple for s in sides)
    assert sides == sorted(set(sides), reverse=True)


def test_advice_prefers_what_was_asked_then_the_same_training_then_the_quickest():
    def made(change, same, seconds, peak):
        return Estimate(
            change=change,
            same=same,
            seconds=seconds,
            steps=1,
            epochs=1,
            images=1,
            peak=peak,
            measured=True,
        )

    plan = made("", True, 5, 10)
    slow, quick = made("slow", True, 9, 5), made("quick", True, 6, 5)
    other, better = made("other", False, 1, 2), made("better", False, 0.5, 2)
    rows = [slow, quick, other, better]
    assert best(plan, rows, 10) is plan
    assert best(plan, rows, 5) is quick
    assert best(plan, rows, 4) is better
    assert best(plan, rows, 1) is None
