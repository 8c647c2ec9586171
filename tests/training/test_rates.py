import json

import pytest

from cyclegan_keras.training.rates import Rate, from_json, rates_with, to_json, words

FIRST = [Rate(from_epoch=1, learning_rate=2e-4)]


def pairs(rates):
    return [(rate.from_epoch, rate.learning_rate) for rate in rates]


@pytest.mark.parametrize(
    ("step", "from_epoch"),
    [(10, 2), (11, 3), (19, 3), (20, 3), (21, 4)],
)
def test_another_rate_applies_from_the_next_beginning_of_an_epoch(step, from_epoch):
    rates = rates_with(FIRST, 1e-3, step=step, steps_per_epoch=10)
    assert pairs(rates) == [(1, 2e-4), (from_epoch, 1e-3)]


def test_the_same_rate_again_changes_nothing():
    changed = rates_with(FIRST, 1e-3, step=15, steps_per_epoch=10)
    for step in (0, 15, 19, 20, 99):
        assert rates_with(changed, 1e-3, step=step, steps_per_epoch=10) == changed


def test_a_run_without_a_finished_step_begins_with_the_new_rate():
    assert pairs(rates_with([], 2e-4, step=0, steps_per_epoch=10)) == [(1, 2e-4)]
    assert pairs(rates_with(FIRST, 1e-3, step=0, steps_per_epoch=10)) == [(1, 1e-3)]


def test_a_rate_that_has_not_begun_yet_gives_way():
    changed = rates_with(FIRST, 1e-3, step=15, steps_per_epoch=10)
    assert pairs(rates_with(changed, 5e-4, step=17, steps_per_epoch=10)) == [(1, 2e-4), (3, 5e-4)]
    assert rates_with(changed, 2e-4, step=17, steps_per_epoch=10) == FIRST
    again = rates_with(changed, 2e-4, step=25, steps_per_epoch=10)
    assert words(again) == "0.0002 from epoch 1, 0.001 from epoch 3, 0.0002 from epoch 4"


def test_they_are_kept_as_json():
    rates = rates_with(FIRST, 1e-3, step=15, steps_per_epoch=10)
    facts = {"learning_rates": json.loads(json.dumps(to_json(rates)))}
    assert from_json(facts, {"learning_rate": 1e-3}, 2e-4) == rates


def test_runs_whose_rate_never_changed_have_that_of_their_options():
    assert from_json({}, {}, 2e-4) == []
    assert pairs(from_json({}, {"learning_rate": 5e-4}, 2e-4)) == [(1, 5e-4)]
    assert pairs(from_json({}, {"ngf": 4}, 2e-4)) == [(1, 2e-4)]
