"""The rules by which measures become findings, on recorded runs and on made-up histories."""

import json
import pathlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cyclegan_keras.cli import flags
from cyclegan_keras.commands import train
from cyclegan_keras.training.doctor.findings import AILMENTS, CHECKS, Diagnosis
from cyclegan_keras.training.doctor.measures import MEASURES
from cyclegan_keras.training.options import METHOD_OPTIONS

RECORDED = pathlib.Path(__file__).with_name("doctor_runs")
INVERTED, COPYING = AILMENTS[:2]
SICK, WELL = -0.8, 0.8


def see_all(history, name="G/luminance_correlation", method="cyclegan"):
    diagnosis, findings = Diagnosis(method), []
    for step, value in history:
        findings += diagnosis.add_check(step, {name: value})
    return findings, diagnosis


def recorded(name):
    diagnosis, findings = Diagnosis(), []
    for line in (RECORDED / f"{name}.jsonl").read_text().splitlines():
        row = json.loads(line)
        findings += diagnosis.add_check(row.pop("step"), row)
    return findings


@pytest.mark.parametrize("name", ["healthy_demo", "healthy_horse2zebra"])
def test_healthy_runs_raise_no_alarm(name):
    """Their first checks draw checkerboards, as young networks do."""
    assert recorded(name) == []


def test_generators_that_ignore_their_discriminators_are_found():
    findings = recorded("ignored_discriminators")
    assert {(finding.who, finding.ailment.name) for finding in findings} == {
        ("D_X", "saturated"),
        ("D_Y", "saturated"),
    }
    assert all(finding.begins and finding.since <= 1000 for finding in findings)


def test_it_begins_once_and_ends_once():
    history = [(100 * i, SICK if 3 <= i < 40 else WELL) for i in range(1, 60)]
    (begin, end), diagnosis = see_all(history)
    assert (begin.begins, begin.who, begin.since, begin.step) == (True, "G", 300, 1300)
    assert (end.begins, end.since, end.step) == (False, 4000, 4200)
    assert not diagnosis.current


def test_a_streak_must_last_in_steps_and_in_checks():
    assert see_all([(10 * i, SICK) for i in range(1, 101)])[0] == []  # 990 steps
    assert len(see_all([(10 * i, SICK) for i in range(1, 102)])[0]) == 1
    assert see_all([(5000, SICK), (10_000, SICK)])[0] == []
    assert len(see_all([(5000, SICK), (10_000, SICK), (15_000, SICK)])[0]) == 1


def test_one_good_check_starts_a_streak_anew_and_one_bad_check_is_no_relapse():
    history = [(500 * i, SICK) for i in range(1, 12)]
    history[2] = (1500, WELL)
    (finding,), _ = see_all(history)
    assert finding.since == 2000
    history[8] = (4500, WELL)
    assert len(see_all(history)[0]) == 1


def test_what_is_not_measured_leaves_everything_as_it_is():
    diagnosis = Diagnosis()
    for step in (1000, 2000):
        assert diagnosis.add_check(step, {"G/luminance_correlation": SICK}) == []
        assert diagnosis.add_check(step + 500, {"F/change": 0.5, "G/images_per_second": 0.0}) == []
    (finding,) = diagnosis.add_check(3000, {"G/luminance_correlation": SICK})
    assert finding.since == 1000


def test_networks_are_followed_apart():
    diagnosis = Diagnosis()
    for step in (1000, 2000, 3000):
        findings = diagnosis.add_check(
            step, {"G/luminance_correlation": WELL, "F/luminance_correlation": SICK}
        )
    assert [finding.who for finding in findings] == ["F"]
    assert list(diagnosis.current) == [("F", "inverted")]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 900), st.floats(-1, 1)), max_size=80))
def test_findings_alternate_and_each_rests_on_its_checks(gaps):
    steps = np.cumsum([gap for gap, _ in gaps], dtype=int)
    history = list(zip(map(int, steps), (value for _, value in gaps), strict=True))
    findings, diagnosis = see_all(history)
    assert [finding.begins for finding in findings] == [i % 2 == 0 for i in range(len(findings))]
    assert bool(diagnosis.current) == (len(findings) % 2 == 1)
    for finding in findings:
        streak = [value for step, value in history if finding.since <= step <= finding.step]
        assert len(streak) >= CHECKS
        assert {INVERTED.shows(value) for value in streak} == {finding.begins}
        assert not finding.begins or finding.step - finding.since >= INVERTED.steps


CASES = [(ailment, method) for ailment in AILMENTS for method in ailment.remedies]


@pytest.mark.parametrize(("ailment", "method"), CASES, ids=lambda case: getattr(case, "name", case))
def test_sentences_tell_the_number_the_step_and_flags_that_exist(ailment, method):
    value = ailment.limit + (0.31 if ailment.above else -0.01)
    rows = [(500 * i, value) for i in range(1, 30)]
    findings, _ = see_all(rows, f"G/{ailment.measure}", method)
    sentence = findings[0].sentence
    assert sentence.startswith("G ")
    assert "since step 500: " in sentence
    numbers = [f"{value * factor:.{digits}f}" for factor in (1, 100) for digits in (0, 1, 2)]
    assert any(number in sentence for number in numbers)
    known = flags.fields(flags.groups_of(method, train.GROUPS, METHOD_OPTIONS))
    named = [word.strip("(),.").removeprefix("--") for word in sentence.split() if "--" in word]
    assert named
    for word in named:
        name, _, choice = word.partition("=")
        name = name if name in known else name.removeprefix("no")
        assert name in known
        choices = known[name].metadata.get("choices")
        assert not choices or choice in choices


def test_every_measure_has_its_ailment():
    assert {ailment.measure for ailment in AILMENTS} == {*MEASURES, "loss_to_chance"}


def test_what_a_method_may_rightly_do_is_no_ailment():
    assert not see_all([(500 * i, -0.9) for i in range(1, 30)], method="pix2pix")[0]
