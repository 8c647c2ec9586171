import dataclasses
import json

import pytest

from cyclegan_keras.evaluation import tables
from cyclegan_keras.evaluation.protocol import Evaluation
from cyclegan_keras.metrics.base import Measure


def evaluation():
    kid = Measure(
        name="KID",
        value=12.34,
        low=10.0,
        high=15.0,
        real_score=-0.1,
        copy_score=220.0,
        better="lower",
        n=(3, 4),
        features="toy",
        protocol="subsets",
    )
    return Evaluation(
        source="horse",
        target="zebra",
        measures=[kid, dataclasses.replace(kid, name="other", note="Mind it.")],
        left_out={"cycle": "The model has no way back (F).", "hit_rate": "SSIM stays."},
        translated=[],
        cycled=None,
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (12.345, "12.3"),
        (0.00123, "0.00123"),
        (4567.8, "4568"),
        (float("nan"), "-"),
        (float("inf"), "inf"),
        (float("-inf"), "-inf"),
        (None, "-"),
        (0.0, "0"),
    ],
)
def test_numbers(value, expected):
    assert tables.number(value) == expected


def test_no_number_stands_alone():
    text = tables.plain(evaluation())
    header, row = text.splitlines()[1:3]
    assert text.splitlines()[0] == "horse to zebra"
    for word in ("95 % interval", "real pictures", "copying", "n"):
        assert word in header
    for word in ("KID (lower is better)", "12.3", "10 .. 15", "-0.1", "220", "3/4"):
        assert word in row
    assert "  cycle error: not measured, because the model has no way back (F)." in text
    assert "  hit rate: not measured, because SSIM stays." in text


def test_the_legend_tells_each_protocol_once():
    legend = tables.legend([evaluation(), evaluation()])
    assert legend.splitlines() == ["- KID, other: subsets; features: toy.", "- Mind it."]


def test_files_hold_the_same(tmp_path):
    tables.write(tmp_path / "new", [evaluation()], {"model": "m", "step": 3})
    written = json.loads((tmp_path / "new" / "evaluation.json").read_text())
    assert (written["model"], written["directions"][0]["measures"][0]["value"]) == ("m", 12.34)
    text = (tmp_path / "new" / "evaluation.md").read_text()
    assert "| KID (lower is better) | 12.3 | 10 .. 15 | -0.1 | 220 | 3/4 |" in text
    assert "- model: m\n- step: 3" in text
