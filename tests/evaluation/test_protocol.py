import numpy as np
import pytest

from cyclegan_keras.evaluation.protocol import (
    Pictures,
    evaluate,
    translate_all,
)


def drawn(count, size=16, seed=0):
    return list(np.random.default_rng(seed).integers(0, 256, (count, size, size, 3), np.uint8))


def test_translations_and_cycles_are_of_every_picture():
    pictures = [*drawn(3), *drawn(2, size=8)]
    translated, cycled = translate_all(lambda x: -x, lambda x: -x, pictures, title="test")
    for picture, one, back in zip(pictures, translated, cycled, strict=True):
        np.testing.assert_array_equal(one, 255 - picture)
        np.testing.assert_array_equal(back, picture)
    assert translate_all(lambda x: x, None, pictures, title="test")[1] is None


def test_copying_gets_what_copying_gets():
    """A model that copies must get the copy score of every measure."""
    pictures = Pictures(inputs=drawn(4), real=drawn(4, seed=1), other_real=drawn(4, seed=2))
    found = evaluate(lambda x: x, lambda x: x, pictures, source="a", target="b", network=None)
    assert {"kid", "frechet", "hit_rate", "perceptual", "paired", "steganography"} == set(
        found.left_out
    )
    assert found.measures
    assert all(measure.value == measure.copy_score for measure in found.measures)


def test_a_perfect_model_reaches_the_real_score():
    inputs = drawn(3)
    truth = [255 - picture for picture in inputs]
    pictures = Pictures(inputs=inputs, real=truth, other_real=truth, truth=truth)
    found = evaluate(
        lambda x: -x, None, pictures, source="a", target="b", network=None, metrics=["paired"]
    )
    assert [measure.value for measure in found.measures] == [0, np.inf, pytest.approx(1)]
    assert found.to_dict()["measures"][1]["value"] is None  # JSON has no infinity
    assert found.words == "a to b"


def test_a_feature_network_sees_what_colors_do(toy_network):
    red, blue = (np.zeros((16, 16, 3), np.uint8) for _ in range(2))
    red[..., 0], blue[..., 2] = 200, 200
    noise = np.random.default_rng(0).integers(0, 40, (12, 16, 16, 3), np.uint8)
    inputs, real = list(red + noise[:4]), list(blue + noise[4:8])
    pictures = Pictures(inputs=inputs, real=real, other_real=list(blue + noise[8:]))
    good = evaluate(
        lambda x: x[..., ::-1],
        None,
        pictures,
        source="a",
        target="b",
        network=toy_network,
        metrics=["kid", "frechet"],
    )
    for measure in good.measures:
        assert measure.value < measure.copy_score / 10
