import numpy as np
import tensorflow as tf

from cyclegan_keras.evaluation.ground_truth import ground_truth
from cyclegan_keras.images.form import Form


class Data:
    """Stands in for pictures whose counterparts are their negatives."""

    forms = {"x": Form(), "y": Form()}  # noqa: RUF012

    def test(self):
        x = np.random.default_rng(0).uniform(-1, 1, (4, 1, 8, 8, 3)).astype("float32")
        return tf.data.Dataset.from_tensor_slices({"x": x, "y": -x})


class EqualPairs(Data):
    """Stands in for pictures that are their own counterparts."""

    def test(self):
        return super().test().map(lambda batch: {"x": batch["x"], "y": batch["x"]})


class Trainer:
    """Stands in for one that is perfect one way and copies the other way."""

    translators = {"x_to_y": "generator_g", "y_to_x": "generator_f"}  # noqa: RUF012

    def translate(self, images, direction):
        return -images if direction == "x_to_y" else images


def test_equal_pairs_are_said_to_be_equal():
    for line in ground_truth(Trainer(), EqualPairs()).splitlines():
        assert line.endswith("inputs equal their counterparts, so that there is no error to cut.")


def test_errors_that_grow_are_said_to_be_greater():
    step = 40 / 255

    class Near(Data):
        def test(self):
            x = np.full((4, 1, 8, 8, 3), -55 / 255, "float32")
            return tf.data.Dataset.from_tensor_slices({"x": x, "y": x + step})

    class Away(Trainer):
        def translate(self, images, direction):
            return images - step if direction == "x_to_y" else images + step

    for line in ground_truth(Away(), Near()).splitlines():
        assert line.endswith("unchanged inputs have 20.00, so it is 100% greater.")


def test_each_direction_has_its_line():
    first, second = ground_truth(Trainer(), Data()).splitlines()
    assert first.startswith("G on x: the mean error to the true counterparts is 0.00 of 255")
    assert first.endswith("cut by 100%.")
    assert second.startswith("F on y")
    assert second.endswith("cut by 0%.")
