"""Measures to report."""

import pytest

from cyclegan_keras.metrics.base import Measure


@pytest.fixture(scope="session")
def make_measure():
    """Makes a KID, or what its changes make of it."""

    def make(**changes) -> Measure:
        values = {
            "name": "KID",
            "value": 0.06,
            "low": 0.05,
            "high": 0.07,
            "real_score": 0.0,
            "copy_score": 0.10,
            "better": "lower",
            "n": (1200,),
            "features": "efficientnet_lite0",
            "protocol": "resize <224>",
            "note": "why a score is missing",
        }
        return Measure(**values | changes)

    return make
