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
    "floor": 0.1,
    "ceiling": 30.0,
    "better": "lower",
    "n": (120, 140),
    "features": "toy",
    "protocol": "as the test says",
}
NAN, INFINITE = float("nan"), float("inf")


@pytest.mark.parametrize("field", GOOD)
def test_a_bare_number_is_refused(field):
    with pytest.raises(TypeError, match=field):
        Measure(**{key: value for key, value in GOOD.items() if key != field})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("name", ""), ("features", " "), ("protocol", ""), ("protocol", None)),
        *(
            ("value", NAN),
            ("low", NAN),
            ("high", NAN),
            ("low", 5.0),
            ("value", "3"),
            ("value", True),
        ),
        *(("floor", NAN), ("ceiling", NAN), ("floor", None), ("ceiling", None), ("chance", NAN)),
        *(("better", "smaller"), ("n", ()), ("n", 120), ("n", (0,)), ("n", (1.5,))),
    ],
)
def test_what_a_measure_cannot_be(field, value):
    with pytest.raises(ValueError, match=f"`{field}` of a measure must be"):
        Measure(**(GOOD | {field: value}))


def test_a_reference_that_does_not_exist_is_told():
    assert (
        Measure(**GOOD | {"ceiling": NAN, "note": "copying has none"}).to_dict()["ceiling"] is None
    )


@pytest.mark.parametrize(
    "name", ["FID", "fid", "clean-FID", "FID@50k", "Frechet Inception Distance"]
)
def test_only_inceptions_features_make_an_fid(name):
    Measure(**GOOD | {"name": name, "features": "inception"})
    with pytest.raises(ValueError, match="call it 'Frechet distance'"):
        Measure(**GOOD | {"name": name})


def test_measures_are_json():
    measure = Measure(**GOOD | {"ceiling": INFINITE})
    told = json.loads(json.dumps(measure.to_dict(), allow_nan=False))
    assert told == GOOD | {
        **{"ceiling": None, "n": [120, 140], "stderr": None, "chance": None, "note": ""}
    }
    assert {field.name for field in dataclasses.fields(Measure)} == told.keys()


def _pictures(value, count=3):
    return np.full((count, 4, 4, 3), value, "uint8")


def test_every_input_needs_a_translation():
    with pytest.raises(MetricError, match="3 inputs and 2 pictures in 'translated'"):
        Evidence(inputs=_pictures(0), translated=_pictures(0, 2))


def test_what_is_missing_is_named():
    with pytest.raises(MetricError, match="The measure needs real and truth, which are not given"):
        Evidence(inputs=_pictures(0)).need("The measure", "inputs", "real", "truth")


def test_features_are_computed_once(toy_network):
    evidence = Evidence(
        inputs=_pictures(10), translated=_pictures(20), real=_pictures(30), network=toy_network
    )
    np.testing.assert_array_equal(evidence.features("inputs"), np.full((3, 3), 10))
    real = evidence.features("real")
    assert evidence.features("translated")[0, 0] == 20
    later = evidence.renewed(translated=_pictures(40))
    assert later.features("real") is real
    assert later.features("translated")[0, 0] == 40
    assert evidence.features("translated")[0, 0] == 20
    other = evidence.renewed(network=toy_network)
    assert other.features("real") is not real
