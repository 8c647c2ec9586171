import numpy as np

from cyclegan_keras.images.pixels import to_float, to_uint8


def test_every_level_comes_back():
    levels = np.arange(256, dtype=np.uint8)
    values = to_float(levels)
    assert values.dtype == np.float32
    np.testing.assert_allclose(values, np.linspace(-1, 1, 256), atol=1e-7)
    np.testing.assert_array_equal(to_uint8(values), levels)


def test_values_outside_are_clipped_and_others_rounded():
    step = 2 / 255
    values = np.array([-7, -1 + 0.49 * step, -1 + 0.51 * step, 7], np.float32)
    assert to_uint8(values).tolist() == [0, 0, 1, 255]
