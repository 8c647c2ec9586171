import numpy as np
import pytest

from cyclegan_keras.compression.keeping import keep_better, kid_of
from cyclegan_keras.evaluation.protocol import Pictures
from cyclegan_keras.metrics.base import Measure
from cyclegan_keras.models.description import Description
from cyclegan_keras.translation.translator import Translator


def kid(value, width=1.0):
    return Measure(
        name="KID",
        value=value,
        low=value - width,
        high=value + width,
        real_score=0.0,
        copy_score=100.0,
        better="lower",
        n=(40, 40),
        features="efficientnet_lite0",
        protocol="MMD",
    )


def test_the_lower_kid_is_kept():
    kept = keep_better([kid(30.0)], [kid(20.0)])
    assert kept.adversarial
    assert kept.why == (
        "The students after the adversarial part are kept: their KID to real pictures is 20 "
        "(95 %: 19 to 21), and that of the students before it is 30 (95 %: 29 to 31)."
    )
    assert not keep_better([kid(20.0)], [kid(30.0)]).adversarial


def test_the_mean_over_directions_decides():
    assert keep_better([kid(10.0), kid(40.0)], [kid(15.0), kid(30.0)]).adversarial
    assert not keep_better([kid(10.0), kid(40.0)], [kid(25.0), kid(30.0)]).adversarial


def test_of_equal_ones_the_distilled_are_kept():
    kept = keep_better([kid(20.0)], [kid(20.0)])
    assert not kept.adversarial
    assert "before the adversarial part are kept" in kept.why


def test_overlapping_intervals_are_said():
    assert "overlap" in keep_better([kid(20.0)], [kid(19.0)]).why
    assert "overlap" not in keep_better([kid(20.0)], [kid(17.9)]).why


@pytest.mark.parametrize(("before", "after"), [([], []), ([kid(1.0)], [kid(1.0), kid(2.0)])])
def test_each_direction_needs_its_kid(before, after):
    with pytest.raises(ValueError, match="a KID for each direction"):
        keep_better(before, after)


def test_the_kid_is_that_of_the_students_translations():
    class Means:
        name = "means"
        protocol = "mean colors"

        def features(self, pictures):
            return np.array([picture.mean(axis=(0, 1)) / 255 for picture in pictures])

    rng = np.random.default_rng(0)
    real = [rng.integers(0, 100, (12, 12, 3), np.uint8) for _ in range(5)]
    inputs = [picture + np.uint8(100) for picture in real]
    pictures = Pictures(inputs=inputs, real=real)
    good = Translator(lambda images: images - 100 / 127.5, Description())
    bad = Translator(lambda images: images, Description())
    measures = [kid_of(each, pictures, network=Means()) for each in (good, bad)]
    assert measures[0].value == 0  # the real pictures themselves
    assert measures[1].value > 100
