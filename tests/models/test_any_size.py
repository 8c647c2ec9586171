import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cyclegan_keras.models.any_size import fitting_side, mirrored, translate_any_size

SIDES = st.integers(1, 300)


@given(SIDES, st.sampled_from([1, 4, 32, 256]), st.integers(1, 300))
def test_a_fitting_side_is_the_least(side, multiple, smallest):
    found = fitting_side(side, multiple, smallest)
    assert found % multiple == 0
    assert found >= max(side, smallest)
    assert found - multiple < max(side, smallest)


@given(st.integers(2, 300), SIDES)
def test_mirrored_is_numpy_s_reflection(side, more):
    row = np.arange(side)
    expected = np.pad(row, (0, more), mode="reflect")
    np.testing.assert_array_equal(row[mirrored(side, side + more)], expected)


def test_a_single_pixel_is_repeated():
    assert mirrored(1, 4).tolist() == [0, 0, 0, 0]


@settings(max_examples=30, deadline=None)
@given(SIDES, SIDES, st.sampled_from([1, 4, 32]))
def test_the_size_comes_back_and_nothing_moves(height, width, multiple):
    seen = []

    def network(images):
        seen.append(images.shape)
        return -images

    images = np.random.default_rng(0).random((2, height, width, 3), "float32")
    translated = translate_any_size(network, images, multiple=multiple, smallest=8)
    np.testing.assert_array_equal(translated, -images)
    assert all(side % multiple == 0 and side >= 8 for side in seen[0][1:3])


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (17, 4)])
def test_thin_pictures(size):
    images = np.zeros((1, *size, 1), "float32")
    result = translate_any_size(lambda x: x, images, multiple=4, smallest=8)
    assert result.shape == images.shape
