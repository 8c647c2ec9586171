import numpy as np
import pytest

from cyclegan_keras.images.form import Form
from cyclegan_keras.images.values import Values
from cyclegan_keras.images.window import Window

HOUNSFIELD = Form(channels=1, values=Values(dtype="int16", low=-1024, high=3072))


def test_ordinary_levels_are_shown_as_they_are():
    picture = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    window = Window.of([picture], Form())
    assert window.words == ""
    np.testing.assert_array_equal(window.view(picture), picture)


def test_tissues_fill_the_range_from_black_to_white():
    """Of 0 to 99 hundredths of a range, in a picture that bone and air would darken."""
    ramp = np.linspace(-0.5, -0.1, 101, dtype=np.float32).reshape(1, 101, 1)
    window = Window.of([ramp], HOUNSFIELD)
    shown = window.view(ramp)
    assert shown.shape == (1, 101, 3)
    assert shown[0, 1, 0] == 0
    assert shown[0, 99, 0] == 255
    assert shown[0, 50, 0] == pytest.approx(128, abs=1)
    low, high = (float(word) for word in window.words.split(".."))
    expected = HOUNSFIELD.values.from_network(np.array([-0.496, -0.104]), dtype="float32")
    np.testing.assert_allclose([low, high], expected, atol=1)


def test_flat_pictures_are_shown_in_the_whole_range():
    flat = np.zeros((2, 2, 1), np.float32)
    window = Window.of([flat], HOUNSFIELD)
    assert window.words == "-1024..3072"
    assert (window.view(flat) == 128).all()
