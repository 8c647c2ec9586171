"""Rows of the table: of mappings and of dataclasses, with all that a number needs beside it."""

import dataclasses

import pytest

from cyclegan_keras.report.measures import measures_html


@dataclasses.dataclass
class Distance:
    name: str = "KID"
    value: float = 0.0312
    better: str = "lower"
    floor: float = 0.001
    n: int = 1200
    features: str = "efficientnet_lite0"
    protocol: str = "resize <224>"


def test_a_row_tells_all_it_knows():
    html = measures_html({"horse & zebra": [{**vars(Distance()), "low": 0.03, "high": 0.033}]})
    assert "<caption>horse &amp; zebra</caption>" in html
    assert "efficientnet_lite0 · resize &lt;224&gt;" in html
    assert "95\N{NO-BREAK SPACE}%: 0.0300 to 0.0330" in html
    assert "<strong>0.0312</strong>" in html
    assert ">1,200<" in html
    assert "standard error" not in html


def test_dataclasses_serve_too():
    assert measures_html({"a": [Distance()]}) == measures_html({"a": [vars(Distance())]})


def test_what_is_missing_is_said():
    html = measures_html({"a": [{"name": "KID", "better": "lower", "stderr": 0.002}]})
    assert "<strong>n/a</strong>" in html
    assert "95\N{NO-BREAK SPACE}%: n/a" in html
    assert 'count">n/a<' in html
    assert "standard error 0.00200" in html


@pytest.mark.parametrize("change", [{"name": ""}, {"better": "up"}])
def test_a_measure_without_a_meaning_is_refused(change):
    with pytest.raises(ValueError, match=r'must be "lower" or "higher".*Received'):
        measures_html({"a": [{**vars(Distance()), **change}]})
