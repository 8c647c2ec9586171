"""Words and numbers of a report, and what counts as an example."""

import math

import numpy as np
import pytest

from cyclegan_keras.report.base import Example, escape, finite, number_text

PICTURE = np.zeros((4, 6, 3), np.uint8)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        *((0, "0"), (1, "1.00"), (0.0, "0"), (12.0, "12.0"), (0.012345, "0.0123"), (999.4, "999")),
        *((999.6, "1,000"), (98765.4, "98,765"), (-0.5, "\u22120.500"), (3.2e-6, "3.20e\u221206")),
        *((None, "n/a"), (math.nan, "n/a"), (math.inf, "n/a"), (np.float32(0.25), "0.250")),
    ],
)
def test_numbers_have_three_digits(number, text):
    assert number_text(number) == text


def test_finite():
    assert [finite(x) for x in (None, math.nan, -math.inf, np.float32(2))] == [None, None, None, 2]


def test_escape_leaves_nothing_to_html():
    assert escape("<a href=\"x\" id='y'>&") == "&lt;a href=&quot;x&quot; id=&#x27;y&#x27;&gt;&amp;"


def test_example_knows_its_pictures():
    example = Example(name="a", direction="x to y", before=PICTURE, after=PICTURE, truth=PICTURE)
    assert list(example.pictures()) == ["before", "after", "truth"]


@pytest.mark.parametrize(
    ("view", "picture"),
    [
        ("before", PICTURE.astype(np.float32)),
        ("after", PICTURE[:, :, 0]),
        ("cycled", PICTURE[:2]),
        ("truth", PICTURE[..., :1]),
    ],
)
def test_example_refuses_what_is_no_picture(view, picture):
    pictures = {"before": PICTURE, "after": PICTURE, view: picture}
    with pytest.raises(ValueError, match=r"of the example 'a'.*uint8.*Received"):
        Example(name="a", direction="x to y", **pictures)
