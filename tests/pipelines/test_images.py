import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from cyclegan_keras.images.resizing import resize
from pipelines import images


@pytest.mark.parametrize("size", [(286, 286), (40, 90)])
def test_resize_agrees_with_tensorflow_bicubic(size):
    random = np.random.default_rng(0)
    coarse = random.integers(0, 256, (8, 8, 3), np.uint8)
    image = np.asarray(Image.fromarray(coarse).resize((128, 128), Image.Resampling.BILINEAR))
    resized = resize(image, size)
    oracle = tf.image.resize(image, size[::-1], "bicubic", antialias=True)
    assert resized.shape == (size[1], size[0], 3)
    # The two choose different bicubic kernels (a = -0.5 by both, edges apart); one level is noise.
    assert np.abs(resized.astype(float) - np.clip(oracle, 0, 255)).mean() < 1.0


def test_resize_leaves_a_picture_of_that_size_alone():
    image = np.zeros((3, 5, 3), np.uint8)
    assert resize(image, (5, 3)) is image


def test_center_crop():
    image = np.arange(6 * 8 * 3, dtype=np.uint8).reshape(6, 8, 3)
    np.testing.assert_array_equal(images.center_crop(image, 2, 4), image[2:4, 2:6])
