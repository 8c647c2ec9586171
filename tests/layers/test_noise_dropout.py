import keras
import numpy as np
import pytest

from cyclegan_keras.layers import NoiseDropout

ONES = np.ones((2, 40, 48, 16), "float32")


def test_without_noise_at_test_nothing_happens_there():
    layer = NoiseDropout(0.5)
    np.testing.assert_array_equal(layer(ONES), ONES)
    np.testing.assert_array_equal(layer(ONES, training=False), ONES)


@pytest.mark.parametrize("at_test", [False, True])
def test_training_draws_anew_every_time_and_for_every_picture(at_test):
    layer = NoiseDropout(0.5, at_test=at_test)
    first, second = (np.array(layer(ONES, training=True)) for _ in range(2))
    for one, other in ((first, second), (first[0], first[1])):
        assert 0.4 < (one != other).mean() < 0.6


@pytest.mark.parametrize("rate", [0.2, 0.5])
def test_noise_at_test_drops_its_share_and_keeps_the_mean(rate):
    values = np.array(NoiseDropout(rate, at_test=True)(ONES))
    assert np.abs((values == 0).mean() - rate) < 0.01
    np.testing.assert_allclose(values[values > 0], 1 / (1 - rate), rtol=1e-6)


def test_a_picture_has_the_same_noise_in_any_batch_and_any_larger_picture():
    layer = NoiseDropout(0.5, at_test=True)
    together = np.array(layer(ONES))
    np.testing.assert_array_equal(layer(ONES[:1])[0], together[1])
    np.testing.assert_array_equal(layer(ONES[:, :20, :24]), together[:, :20, :24])


def test_channels_and_layers_have_other_noise():
    one, other = (np.array(NoiseDropout(0.5, at_test=True, name=n)(ONES)) for n in ("a", "b"))
    assert 0.4 < (one != other).mean() < 0.6
    assert 0.4 < (one[..., 0] != one[..., 1]).mean() < 0.6
    again = NoiseDropout.from_config(NoiseDropout(0.5, at_test=True, name="a").get_config())
    np.testing.assert_array_equal(again(ONES), one)


def test_unknown_sides_and_half_precision():
    inputs = keras.Input((None, None, 16))
    layer = NoiseDropout(0.5, at_test=True, name="a", dtype="float16")
    model = keras.Model(inputs, layer(inputs))
    expected = NoiseDropout(0.5, at_test=True, name="a")(ONES)
    result = model(ONES)
    assert result.dtype == "float16"
    np.testing.assert_array_equal(result, expected)
