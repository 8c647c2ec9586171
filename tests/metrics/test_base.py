import dataclasses
import json

import numpy as np
import pytest

from cyclegan_keras.files.errors import MetricError
from cyclegan_keras.metrics.base import Evidence, Measure

GOOD = {
    "name": "KID",
    "value": 3.0,
    "low": 2.0,
    "high": 4.0,
    "real_score": 0.1,
    "copy_score": 30.0,
    "better": "lower",
    "n": (120, 140),
    "features": "toy",
    "protocol": "as the test says",
}
NAN, INFINITE = float("nan"), float("inf")


@pytest.mark.parametrize("field", GOOD)
def test_a_bare_number_is_refused(field):
    incomplete = dict(GOOD)
    del incomplete[field]
    with pytest.raises(TypeError, match=field):
        Measure(**incomplete)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("features", " "),
        ("protocol", ""),
        ("protocol", None),
        ("value", NAN),
        ("low", NAN),
        ("high", NAN),
        ("low", 5.0),
        ("value", "3"),
        ("value", True),
        ("real_score", NAN),
        ("copy_score", NAN),
        ("real_score", None),
        ("copy_score", None),
        ("chance", NAN),
        ("better", "smaller"),
        ("n", ()),
        ("n", 120),
        ("n", (0,)),
        ("n", (1.5,)),
    ],
)
def test_what_a_measure_cannot_be(field, value):
    with pytest.raises(ValueError, match=f"`{field}` of a measure must be"):
        Measure(**GOOD | {field: value})


def test_a_score_that_does_not_exist_is_explained():
    measure = Measure(**GOOD | {"copy_score": NAN, "note": "copying has none"})
    assert measure.to_dict()["ceiling"] is None


@pytest.mark.parametrize(
    "name", ["FID", "fid", "clean-FID", "FID@50k", "Frechet Inception Distance"]
)
def test_only_inceptions_features_make_an_fid(name):
    Measure(**GOOD | {"name": name, "features": "inception"})
    with pytest.raises(ValueError, match="call it 'Frechet distance'"):
        Measure(**GOOD | {"name": name})


def test_measures_are_json():
    measure = Measure(**GOOD | {"copy_score": INFINITE})
    written = json.loads(json.dumps(measure.to_dict(), allow_nan=False))
    assert written == {
        "name": "KID",
        "value": 3.0,
        "low": 2.0,
        "high": 4.0,
        "floor": 0.1,  # the real score; evaluation.json keeps its first names
        "ceiling": None,  # the score of copies
        "better": "lower",
        "n": [120, 140],
        "features": "toy",
        "protocol": "as the test says",
        "stderr": None,
        "chance": None,
        "note": "",
    }
    names = {field.name for field in dataclasses.fields(Measure)}
    own_names = {"real_score", "copy_score", "by_class"}
    assert names - own_names == written.keys() - {"floor", "ceiling"}


def test_means_over_classes_keep_the_number_of_each_class():
    measure = Measure(**GOOD | {"by_class": {"road": 0.5, "sky": float("nan")}})
    assert measure.to_dict()["by_class"] == {"road": 0.5, "sky": None}


def _pictures(value, count=3):
    return np.full((count, 4, 4, 3), value, "uint8")


def test_every_input_needs_a_translation():
    with pytest.raises(MetricError, match="3 inputs and 2 pictures in 'translated'"):
        Evidence(inputs=_pictures(0), translated=_pictures(0, 2))


def test_what_is_missing_is_named():
    expected = "There are no real pictures of the target. The pictures have no known counterparts."
    with pytest.raises(MetricError, match=expected):
        Evidence(inputs=_pictures(0)).need("inputs", "real", "truth")


def test_everything_that_may_be_missing_has_a_reason():
    evidence = Evidence(inputs=_pictures(0))
    for field in dataclasses.fields(Evidence):
        if getattr(evidence, field.name) is None:
            with pytest.raises(MetricError):
                evidence.need(field.name)


def test_features_are_computed_once(toy_network):
    evidence = Evidence(
        inputs=_pictures(10), translated=_pictures(20), real=_pictures(30), network=toy_network
    )
    np.testing.assert_array_equal(evidence.features("inputs"), np.full((3, 3), 10))
    real = evidence.features("real")
    assert evidence.features("translated")[0, 0] == 20
    later = evidence.replace(translated=_pictures(40))
    assert later.features("real") is real
    assert later.features("translated")[0, 0] == 40
    assert evidence.features("translated")[0, 0] == 20
    other = evidence.replace(network=toy_network)
    assert other.features("real") is not real
