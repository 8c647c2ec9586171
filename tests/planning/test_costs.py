"""Costs of steps: lines through measured points, and which shapes to measure."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cyclegan_keras.planning.costs import (
    CostModel,
    Line,
    MeasuredSteps,
    StepCost,
    first_shape,
    fit,
    next_shape,
    pixels_of,
    shapes_to_measure,
)

positive = st.floats(1e-3, 1e3)


@given(positive, positive, st.lists(st.integers(1, 10**7), min_size=2, max_size=5, unique=True))
def test_fit_finds_the_line_that_points_lie_on(at_zero, per_pixel, pixels):
    line = fit([(p, at_zero + per_pixel * p) for p in pixels])
    for p in pixels:
        assert line(p) == pytest.approx(at_zero + per_pixel * p, rel=1e-4)


@given(st.lists(st.tuples(st.integers(1, 10**7), positive), min_size=1, max_size=6))
def test_costs_are_never_negative_and_grow(points):
    line = fit(points)
    assert line.at_zero >= 0
    assert line.per_pixel >= 0


def test_fit_is_the_least_squares_of_relative_errors():
    points = [(1.0, 2.0), (2.0, 2.9), (4.0, 5.2)]
    rows = np.array([[1 / cost, pixels / cost] for pixels, cost in points])
    at_zero, per_pixel = np.linalg.lstsq(rows, np.ones(3), rcond=None)[0]
    assert fit(points) == Line(pytest.approx(at_zero), pytest.approx(per_pixel))


def test_a_line_below_zero_or_falling_is_bounded():
    through_zero = fit([(1, 1.0), (2, 3.0)])
    assert through_zero.at_zero == 0
    assert 1.0 < through_zero.per_pixel < 1.5
    assert fit([(1, 2.0), (2, 1.0)]).per_pixel == 0


def test_one_point_is_joined_with_what_is_known_of_none():
    assert fit([(4, 10.0)], at_zero=2.0) == Line(2.0, 2.0)
    assert fit([(4, 10.0)], at_zero=12.0) == Line(10.0, 0.0)
    assert fit([(4, 8.0), (4, 12.0)]) == Line(0.0, 2.5)


def test_step_by_closed_form():
    """t = 1 + p / 1000 and m = 50 + 3 p, in k parts: k + p / 1000 and 50 + 3 p / k."""
    measured = [
        MeasuredSteps((1, side, side), 1 + side**2 / 1000, 50 + 3 * side**2) for side in (8, 16)
    ]
    costs = CostModel(measured, resting_bytes=50, preparation_peak=100)
    assert costs.step((1, 8, 8)) == StepCost(1.064, 242, True)
    whole, in_halves = costs.step((4, 32, 32)), costs.step((4, 32, 32), parts=2)
    assert whole == StepCost(pytest.approx(5.096), pytest.approx(12338), False)
    assert in_halves == StepCost(pytest.approx(6.096), pytest.approx(6194), False)
    assert costs.step((1, 2, 2)).peak == 100  # as much as the preparation takes


def test_a_sample_grid_may_take_more_than_the_steps():
    """It takes 10 + 20 p for p pixels of a picture, whatever the batch and its parts."""
    measured = []
    for batch, side in ((1, 4), (1, 8), (2, 8)):
        steps = MeasuredSteps((batch, side, side), 1.0, 5.0 * batch, 10 + 20 * side**2)
        measured.append(steps)
    costs = CostModel(measured)
    assert costs.step((1, 8, 8)).peak == 1290
    for batch, parts in ((1, 1), (4, 1), (4, 4)):
        assert costs.step((batch, 16, 16), parts).peak == pytest.approx(10 + 20 * 256)


def test_disturbed_times_are_not_taken_for_free_pixels():
    costs = CostModel([MeasuredSteps((1, 8, 8), 5.0, 10), MeasuredSteps((1, 16, 16), 4.0, 20)])
    expected = StepCost(pytest.approx(16.0), pytest.approx(60.0), False)
    assert costs.step((1, 32, 32)) == expected


@given(
    st.integers(1, 9),
    st.integers(1, 300),
    st.integers(1, 300),
    st.sampled_from([4, 64, 256]),
)
def test_shapes_grow_to_the_one_asked_for(batch, height, width, multiple):
    largest = (batch, height * multiple, width * multiple)
    shapes = shapes_to_measure(largest, multiple, smallest=8)
    assert shapes[-1] == largest
    assert all(pixels_of(a) < pixels_of(b) for a, b in itertools.pairwise(shapes))
    assert all(side % multiple == 0 for _, *sides in shapes for side in sides)
    assert all(min(sides) >= min(8, height * multiple, width * multiple) for _, *sides in shapes)
    assert first_shape(shapes) in shapes


def test_shapes_are_chosen_by_time():
    shapes = shapes_to_measure((4, 256, 256), 4, 8)
    assert shapes[-4:] == [(1, 180, 180), (1, 256, 256), (2, 256, 256), (4, 256, 256)]
    assert first_shape(shapes) == (1, 64, 64)
    first = MeasuredSteps((1, 64, 64), 1.0, 1.0)
    assert next_shape(shapes, [first], 12.0) == (1, 128, 128)  # three steps of four seconds
    assert next_shape(shapes, [first], 1e9) == (4, 256, 256)
    assert next_shape(shapes, [first], 0.0) == (1, 92, 92)  # a line needs two points
    second = MeasuredSteps((1, 92, 92), 2.0, 1.0)
    assert next_shape(shapes, [first, second], 0.0) is None
    assert next_shape(shapes, [first, MeasuredSteps((4, 256, 256), 9.0, 1.0)], 1e9) is None
    assert first_shape(shapes_to_measure((1, 256, 256), 256, 256)) == (1, 256, 256)
