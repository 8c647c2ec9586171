"""The ruler puts numbers where they belong, whichever way is better."""

import math
import re
import xml.etree.ElementTree as ElementTree

import pytest

from cyclegan_keras.report.page import render
from cyclegan_keras.report.ruler import verdict


def svg_of(measure):
    """Returns the ruler's SVG element, as a page with this measure alone has it."""
    page = render(title="", summary={}, measures={"a": [measure]}, examples=[], curves={})
    (svg,) = re.findall(r'<svg class="ruler".*?</svg>', page, re.DOTALL)
    return ElementTree.fromstring(svg)


def drawn(measure):
    """Returns the SVG's elements by class, as dicts of numbers, and its words."""
    root = svg_of(measure)
    found = {}
    for node in root:
        values = {
            key: float(value.rstrip("%"))
            for key, value in node.attrib.items()
            if key not in ("class", "text-anchor")
        }
        found.setdefault(node.get("class", node.tag).removeprefix("axis "), values)
    return found, ["".join(node.itertext()) for node in root.iter("text")]


def test_lower_is_better_runs_to_the_right(make_measure):
    found, words = drawn(make_measure())
    assert found["copy"]["x1"] == 4  # copying at the left end of what is drawn
    assert found["real"]["x1"] == 96
    assert (found["gap"]["x"], found["gap"]["width"]) == (4, 92)
    assert found["value"]["cx"] == pytest.approx(4 + 92 * 0.4)
    assert found["interval"]["x"] == pytest.approx(4 + 92 * 0.3)
    assert found["interval"]["width"] == pytest.approx(92 * 0.2)
    assert words == ["real pictures 0", "copying the input 0.100"]


def test_higher_is_better_is_not_mirrored(make_measure):
    measure = make_measure(
        better="higher", real_score=30.0, copy_score=10.0, value=15.0, low=14.0, high=16.0
    )
    found, _ = drawn(measure)
    assert found["value"]["cx"] == pytest.approx(4 + 92 * 0.25)


def test_a_value_outside_stretches_the_ruler(make_measure):
    found, _ = drawn(make_measure(value=0.2, low=0.2, high=0.2))
    assert found["value"]["cx"] == 4
    assert found["copy"]["x1"] == 50


@pytest.mark.parametrize("missing", [math.nan, math.inf])
def test_what_is_missing_is_said(missing, make_measure):
    found, words = drawn(make_measure(real_score=missing))
    assert "real" not in found
    assert "gap" not in found
    assert words[0] == "real pictures: n/a"
    assert found["unknown"]["x1"] == 67  # the right third is open
    assert found["value"]["cx"] < 67


def test_a_value_alone_and_nothing_at_all(make_measure):
    alone = make_measure(value=0.5, low=0.5, high=0.5, real_score=math.nan, copy_score=math.nan)
    found, words = drawn(alone)
    assert found["value"]["cx"] == 50
    assert words == ["real pictures: n/a", "copying the input: n/a"]
    nothing = make_measure(
        value=math.inf, low=math.inf, high=math.inf, real_score=math.nan, copy_score=math.nan
    )
    found, _ = drawn(nothing)
    assert "value" not in found
    assert "interval" not in found


def test_it_is_described_for_those_who_cannot_see_it(make_measure):
    label = svg_of(make_measure(name='K<I>"D')).get("aria-label")
    assert (
        label == 'K<I>"D: value 0.0600, real pictures 0, copying the input 0.100; lower is better'
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, "40\N{NO-BREAK SPACE}% of the way"),
        ({"high": 0.11}, "no clear difference from copying the input"),
        ({"value": 0.2, "low": 0.15, "high": 0.25}, "worse than copying the input"),
        ({"value": 0.01, "low": -0.01, "high": 0.02}, "as near to real pictures"),
        ({"value": 0.15, "low": -math.inf, "high": math.inf}, "worse than copying the input"),
        ({"real_score": math.nan}, ""),
        ({"value": math.inf}, ""),
        ({"copy_score": 0.0}, ""),  # copying is the best there is: nothing to compare with
    ],
)
def test_verdict(change, words, make_measure):
    measure = make_measure(**change)
    said = verdict(measure).words
    assert said.startswith(words)
    assert bool(said) == bool(words)
    mirrored = make_measure(
        better="higher",
        value=-measure.value,
        low=-measure.high,
        high=-measure.low,
        real_score=-measure.real_score,
        copy_score=-measure.copy_score,
    )
    assert verdict(mirrored).words == said
