"""Curves keep what matters: ends, peaks and gaps."""

import json
import math

import numpy as np

from cyclegan_keras.report.curves import MOST_POINTS, curves_json, thinned


def test_json_is_what_went_in():
    rows = json.loads(curves_json({"d_x": [(1, 0.5), (2, np.float32(0.25))]}))
    assert rows == [{"name": "d_x", "points": [[1, 0.5], [2, 0.25]]}]


def test_what_is_not_finite_is_a_gap():
    rows = json.loads(curves_json({"g": [(1, math.nan), (2, math.inf), (3, 1.0)]}))
    assert rows[0]["points"] == [[1, None], [2, None], [3, 1.0]]


def test_a_name_cannot_leave_the_script_element():
    text = curves_json({"</script><script>": [(1, 1.0)]})
    assert "<" not in text
    assert json.loads(text)[0]["name"] == "</script><script>"


def test_long_curves_keep_their_peaks():
    values = np.random.default_rng(0).normal(size=50_000)
    values[[777, 31_000]] = 40.0, -40.0
    points = list(enumerate(values.tolist()))
    kept = thinned(points)
    assert len(kept) <= MOST_POINTS
    assert kept == sorted(kept)
    assert {points[777], points[31_000]} <= set(kept)
    assert set(kept) <= set(points)
    assert thinned(points[:MOST_POINTS]) == points[:MOST_POINTS]


def test_a_curve_that_ended_in_nan_ends_in_a_gap():
    points = [(k, 1.0 if k < 5000 else math.nan) for k in range(10_000)]
    tail = [value for step, value in thinned(points) if step >= 5100]
    assert tail
    assert all(math.isnan(value) for value in tail)
