import json

import pytest

from cyclegan_keras.evaluation import tables
from cyclegan_keras.evaluation.protocol import Evaluation
from cyclegan_keras.metrics.base import Measure


def evaluation(**changes):
    facts = {"name": "KID", "value": 12.34, "low": 10.0, "high": 15.0, "floor": -0.1}
    facts |= {"ceiling": 220.0, "better": "lower", "n": (3, 4), "features": "toy"}
    measures = [
        Measure(**{**facts, "protocol": "subsets", **changes}),
        Measure(**{**facts, "name": "other", "protocol": "subsets", "note": "Mind it."}),
    ]
    return Evaluation(
        source="horse", target="zebra", measures=measures, left_out={"paired": "no truth"},
        translated=[], cycled=None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("value", "expected"),
    [(12.345, "12.3"), (0.00123, "0.00123"), (4567.8, "4568"), (float("nan"), "-"),
     (float("inf"), "inf"), (float("-inf"), "-inf"), (None, "-"), (0.0, "0")],
)  # fmt: skip
def test_numbers(value, expected):
    assert tables.number(value) == expected


def test_no_number_stands_alone():
    text = tables.plain(evaluation())
    header, row = text.splitlines()[1:3]
    assert text.splitlines()[0] == "horse to zebra"
    for word in ("95 % interval", "floor (real)", "ceiling (copying)", "n"):
        assert word in header
    for word in ("KID (lower is better)", "12.3", "10 .. 15", "-0.1", "220", "3/4"):
        assert word in row
    assert "not measured: paired: no truth" in text


def test_the_legend_tells_each_protocol_once():
    legend = tables.legend([evaluation(), evaluation()])
    assert legend.splitlines() == ["- KID, other: subsets; features: toy.", "- Mind it."]


def test_files_hold_the_same(tmp_path):
    tables.write(tmp_path / "new", [evaluation()], {"model": "m", "step": 3})
    told = json.loads((tmp_path / "new" / "evaluation.json").read_text())
    assert (told["model"], told["directions"][0]["measures"][0]["value"]) == ("m", 12.34)
    text = (tmp_path / "new" / "evaluation.md").read_text()
    assert "| KID (lower is better) | 12.3 | 10 .. 15 | -0.1 | 220 | 3/4 |" in text
    assert "- model: m\n- step: 3" in text
