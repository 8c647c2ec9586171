"""Numbers of a report as text."""

import math

import numpy as np
import pytest

from cyclegan_keras.report.numbers import finite, number_text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (1, "1.00"),
        (0.0, "0"),
        (12.0, "12.0"),
        (0.012345, "0.0123"),
        (999.4, "999"),
        (999.6, "1,000"),
        (98765.4, "98,765"),
        (-0.5, "\u22120.500"),
        (3.2e-6, "3.20e\u221206"),
        (None, "n/a"),
        (math.nan, "n/a"),
        (math.inf, "n/a"),
        (np.float32(0.25), "0.250"),
    ],
)
def test_numbers_have_three_digits(number, text):
    assert number_text(number) == text


def test_finite():
    assert [finite(x) for x in (None, math.nan, -math.inf, np.float32(2))] == [None, None, None, 2]
