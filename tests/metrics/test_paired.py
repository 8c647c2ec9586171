import numpy as np
import pytest

from cyclegan_keras.metrics import paired_error


def test_errors_are_on_the_scale_of_bytes():
    source, truth = np.zeros((1, 2, 2, 3)), np.full((1, 2, 2, 3), 0.4)
    error = paired_error(lambda images: images + 0.3, [(source, truth)] * 3)
    assert error == {
        "translated": pytest.approx(0.1 * 127.5),
        "copied": pytest.approx(0.4 * 127.5),
        "cut": pytest.approx(0.75),
    }


def test_perfect_and_useless_translations():
    pairs = [(np.zeros((1, 2, 2, 3)), np.ones((1, 2, 2, 3)))]
    assert paired_error(lambda images: images + 1, pairs)["cut"] == 1
    assert paired_error(lambda images: images, pairs)["cut"] == 0
    assert paired_error(lambda images: images - 1, pairs)["cut"] == -1


def test_nothing_to_measure_is_an_error():
    with pytest.raises(ValueError, match="at least one batch"):
        paired_error(lambda images: images, [])
