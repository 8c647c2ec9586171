import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.translation.translator import Translator

GENERATOR = ResNetGenerator(ngf=2, n_blocks=1)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 300), st.integers(1, 300))
def test_out_is_as_large_as_in(height, width):
    """The network is given only sides that its description allows, and the picture is not moved."""
    description = GENERATOR.description

    def network(images):
        for side in images.shape[1:3]:
            assert side >= description.smallest_size
            assert side % description.size_multiple == 0
        return images

    images = np.random.default_rng(0).random((1, height, width, 3), "float32")
    np.testing.assert_array_equal(Translator(network, description)(images), images)


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1)])
def test_thin_pictures(size):
    translate = Translator(GENERATOR, GENERATOR.description)
    assert translate(np.ones((2, *size, 3), "float32")).shape == (2, *size, 3)


def test_a_fitting_picture_is_the_network_s_own_answer():
    images = np.random.default_rng(0).uniform(-1, 1, (2, 16, 24, 3)).astype("float32")
    translate = Translator(GENERATOR, GENERATOR.description)
    np.testing.assert_array_equal(translate(images), GENERATOR(images))


@pytest.mark.parametrize(
    ("most_pixels", "expected"),
    [
        (None, [("whole", 3)]),
        (3 * 64, [("whole", 3)]),
        (2 * 64, [("whole", 2), ("whole", 1)]),
        (64, [("whole", 1)] * 3),
        (63, [("tiled", 1)] * 3),
    ],
)
def test_what_is_too_large_goes_in_parts(most_pixels, expected):
    calls = []

    def network(name):
        return lambda images: calls.append((name, len(images))) or images * 2

    images = np.random.default_rng(0).random((3, 8, 8, 3), "float32")
    translate = Translator(
        network("whole"), GENERATOR.description, tiled=network("tiled"), most_pixels=most_pixels
    )
    np.testing.assert_array_equal(translate(images), images * 2)
    assert calls == expected
