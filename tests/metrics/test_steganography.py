import numpy as np
import pytest

from cyclegan_keras.files.errors import MetricError
from cyclegan_keras.images.pixels import to_uint8
from cyclegan_keras.metrics.base import Evidence
from cyclegan_keras.metrics.steganography import (
    DISTURBANCES,
    cycle_errors,
    jpeg,
    noisy,
    rounded,
    steganography_measures,
)

RNG = np.random.default_rng(0)
INPUTS = np.kron(RNG.integers(60, 196, (6, 3, 2, 1)), np.ones((1, 8, 8, 3))).astype("uint8")


def _disturbed(disturb, pictures):
    return disturb(pictures, np.random.default_rng(0))


def test_rounding_keeps_pictures_of_bytes():
    pictures = INPUTS.astype("float32") / 127.5 - 1
    np.testing.assert_allclose(_disturbed(rounded, pictures), pictures, atol=1e-6)
    np.testing.assert_array_equal(to_uint8(pictures), INPUTS)
    assert np.abs(_disturbed(rounded, pictures + 0.003) - pictures).max() < 1e-6
    assert to_uint8(np.array([-2.0, 2.0])).tolist() == [0, 255]


def test_noise_has_two_gray_levels():
    change = _disturbed(noisy, np.zeros((1, 99, 99, 3), "float32")) * 127.5
    assert change.std() == pytest.approx(2, rel=0.02)
    assert abs(change.mean()) < 0.05


@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_loses_what_is_fine(channels):
    fine = RNG.uniform(-1, 1, (2, 16, 24, channels)).astype("float32")
    changed = _disturbed(jpeg, fine)
    assert changed.shape == fine.shape
    assert np.abs(changed - fine).mean() > 0.05
    flat = np.full_like(fine, 0.5)
    np.testing.assert_allclose(_disturbed(jpeg, flat), flat, atol=0.03)


def test_errors_are_in_gray_levels():
    errors = cycle_errors(lambda x: x, lambda y: y + 4 / 127.5, INPUTS)
    assert errors.keys() == {"as it is", *DISTURBANCES}
    np.testing.assert_allclose(errors["as it is"], 4, rtol=1e-4)
    assert errors["as it is"].shape == (6,)


def test_sizes_may_differ():
    errors = cycle_errors(lambda x: x, lambda y: y + 0.1, [INPUTS[0], INPUTS[1, :8], INPUTS[2, :8]])
    np.testing.assert_allclose(errors["as it is"], 12.75, rtol=1e-4)


def _ratios(translate, back):
    measures = steganography_measures(
        Evidence(inputs=INPUTS, translate=translate, back=back, seed=1)
    )
    return {measure.name.removeprefix("Cycle error ratio after "): measure for measure in measures}


def test_what_is_plain_to_see_survives():
    ratios = _ratios(lambda x: x * 0.9, lambda y: y / 0.9 + 0.1)
    assert all(0.9 < ratio.value < 1.5 for ratio in ratios.values())


def test_what_is_hidden_does_not():
    """G paints all pictures gray, but for the input at a thousandth of its contrast."""
    ratios = _ratios(lambda x: x * 1e-3, lambda y: y * 1e3 + 0.05)
    assert all(ratio.value > 5 for ratio in ratios.values())
    measure = ratios["JPEG 75"]
    assert measure.low < measure.value < measure.high
    assert measure.real_score == 1
    assert np.isnan(measure.copy_score)
    assert "Copying has no ratio" in measure.note


def test_a_copy_has_no_ratio():
    with pytest.raises(MetricError, match="only copies"):
        _ratios(lambda x: x, lambda y: y)


def test_an_interval_where_most_cycles_are_perfect():
    """A resample of perfect cycles alone has no ratio, and must not make the interval NaN."""
    one_is_bright = INPUTS.mean(axis=(1, 2, 3)) > 140
    assert one_is_bright.sum() == 1

    def back(y):
        return y + 0.1 * (y.mean(axis=(1, 2, 3), keepdims=True) > 140 / 127.5 - 1)

    ratios = _ratios(lambda x: x, back)
    for ratio in ratios.values():
        assert np.isfinite([ratio.value, ratio.low, ratio.high]).all()
