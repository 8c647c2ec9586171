"""Resizing against pixels recorded from Pillow; tests/golden/README.md says how."""

import hashlib
import pathlib

import numpy as np
import PIL
import pytest

from cyclegan_keras.images.resizing import FILTERS, resize

GOLDEN = np.load(pathlib.Path(__file__).parents[1] / "golden" / "resizing.npz")
SIZES = ((311, 205), (205, 311), (286, 286), (97, 61), (512, 300))  # width and height
KINDS = ("color", "gray", "float")


def picture(kind):
    """Noise, whose edges make every filter overshoot: (256, 256, channels)."""
    random = np.random.default_rng(0)
    if kind == "float":
        return random.uniform(-1, 1, (256, 256, 1)).astype("float32")
    return random.integers(0, 256, (256, 256, 3 if kind == "color" else 1), dtype="uint8")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", SIZES)
def test_every_filter_gives_the_recorded_pixels(kind, size):
    name = f"{kind}/{size[0]}x{size[1]}"
    for number, resize_filter in enumerate(FILTERS):
        resized = resize(picture(kind), size, resize_filter)
        seen = resized[::23, ::29]
        expected = GOLDEN[name][number]
        about = f"{name} {resize_filter} with Pillow {PIL.__version__}"
        if kind == "float":
            np.testing.assert_allclose(seen, expected, atol=1e-6, err_msg=about)
        else:
            np.testing.assert_array_equal(seen, expected, err_msg=about)
            digest = hashlib.sha256(resized.tobytes()).hexdigest()
            assert digest == GOLDEN[f"{name}/digests"][number], about
