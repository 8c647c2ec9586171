"""The ruler puts numbers where they belong, whichever way is better."""

import math
import xml.etree.ElementTree as ElementTree

import pytest

from cyclegan_keras.report.ruler import ruler, verdict

KID = {
    **{"name": "KID", "better": "lower", "value": 0.06, "low": 0.05, "high": 0.07},
    **{"floor": 0.0, "ceiling": 0.10},
}


def drawn(measure):
    """The SVG's elements by class, as dicts of numbers, and its words."""
    root = ElementTree.fromstring(ruler(measure))
    found = {}
    for node in root:
        values = {
            key: float(value.rstrip("%"))
            for key, value in node.attrib.items()
            if key not in ("class", "text-anchor")
        }
        found.setdefault(node.get("class", node.tag).removeprefix("axis "), values)
    return found, ["".join(node.itertext()) for node in root.iter("text")]


def test_lower_is_better_runs_to_the_right():
    found, words = drawn(KID)
    assert found["ceiling"]["x1"] == 4  # copying at the left end of what is drawn
    assert found["floor"]["x1"] == 96
    assert found["value"]["cx"] == pytest.approx(4 + 92 * 0.4)
    assert found["interval"]["x"] == pytest.approx(4 + 92 * 0.3)
    assert found["interval"]["width"] == pytest.approx(92 * 0.2)
    assert words == ["real pictures 0", "copying the input 0.100"]


def test_higher_is_better_is_not_flipped():
    measure = {**KID, "better": "higher", "floor": 30.0, "ceiling": 10.0, "value": 15.0}
    found, _ = drawn({**measure, "low": 14.0, "high": 16.0})
    assert found["value"]["cx"] == pytest.approx(4 + 92 * 0.25)


def test_a_value_outside_stretches_the_ruler():
    found, _ = drawn({**KID, "value": 0.2, "low": 0.2, "high": 0.2})
    assert found["value"]["cx"] == 4
    assert found["ceiling"]["x1"] == 50


@pytest.mark.parametrize("missing", [None, math.nan, math.inf])
def test_what_is_missing_is_said(missing):
    found, words = drawn({**KID, "floor": missing})
    assert "floor" not in found
    assert words[0] == "real pictures: n/a"
    assert found["unknown"]["x1"] == 67  # the right third is open
    assert found["value"]["cx"] < 67


def test_a_value_alone_and_nothing_at_all():
    found, words = drawn({"name": "L1", "better": "lower", "value": 0.5})
    assert found["value"]["cx"] == 50
    assert words == ["real pictures: n/a", "copying the input: n/a"]
    assert "value" not in drawn({"name": "L1", "better": "lower"})[0]


def test_it_is_told_to_who_cannot_see_it():
    label = ElementTree.fromstring(ruler({**KID, "name": 'K<I>"D'})).get("aria-label")
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
        ({"value": 0.15, "low": None, "high": None}, "worse than copying the input"),
        ({"floor": None}, ""),
        ({"value": math.nan}, ""),
        ({"ceiling": 0.0}, ""),  # copying is the best there is: nothing to compare with
    ],
)
def test_verdict(change, words):
    said, _ = verdict({**KID, **change})
    assert said.startswith(words)
    assert bool(said) == bool(words)
    mirrored = {k: -v if isinstance(v, float) else v for k, v in {**KID, **change}.items()}
    mirrored.update(better="higher", low=mirrored["high"], high=mirrored["low"])
    assert verdict(mirrored)[0] == said
