"""The order of examples and what is offered above them."""

import math

import numpy as np

from cyclegan_keras.report.base import Example
from cyclegan_keras.report.examples import controls_html, sorting_score, view_choices, worst_first

PICTURE = np.zeros((2, 2, 3), np.uint8)


def example(name, direction="x to y", **more):
    return Example(name=name, direction=direction, before=PICTURE, after=PICTURE, **more)


def test_worst_first_and_unknown_last():
    scores = {"a": 0.1, "b": math.nan, "c": 0.3, "d": 0.2}
    examples = [example(name, scores={"f": score}) for name, score in scores.items()]
    examples.append(example("e"))
    assert [each.name for each in worst_first(examples, "f")] == ["c", "d", "a", "b", "e"]


def test_sorting_score():
    examples = [example("a"), example("b", scores={"L1": 1.0, "faithfulness": 2.0})]
    assert sorting_score(examples, "faithfulness") == "faithfulness"
    assert sorting_score(examples, "missing") == "L1"
    assert sorting_score([example("a")], "faithfulness") is None


def test_only_what_can_be_chosen_is_offered():
    one = controls_html([example("a")], None)
    assert "data-direction" not in one
    assert "Worst first" not in one
    assert list(view_choices([example("a")])) == ["slider", "before", "after"]
    both = [example("a", scores={"f": 1.0}), example("b", "y to x", truth=PICTURE)]
    html = controls_html(both, "f")
    assert "Worst first" in html
    assert "y to x (1)" in html
    assert "Counterpart" in html
