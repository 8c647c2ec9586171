"""Sample grids of a compression."""

import types

import numpy as np

from cyclegan_keras.compression.samples import StudentSamples
from cyclegan_keras.images.form import Form
from cyclegan_keras.runs.run import Run


class Student:
    """Darkens pictures whose sides are multiples of 32."""

    size_multiple = smallest_size = 32

    def __call__(self, pictures, training):
        assert not training
        assert [side % 32 for side in pictures.shape[1:3]] == [0, 0]
        return pictures / 2


def test_pictures_of_any_size_are_shown(tmp_path):
    pictures = {"x": np.zeros((2, 20, 36, 3), "float32")}
    samples = StudentSamples(
        Run(tmp_path),
        None,
        every=1,
        pictures=pictures,
        forms=dict.fromkeys("xy", Form()),
        answers={"x_to_y": pictures["x"]},
    )
    samples.set_model(
        types.SimpleNamespace(
            translators={"x_to_y": "generator_g"}, generator=lambda direction: Student()
        )
    )
    height, width, _ = samples.grid().shape
    assert height >= 2 * 20
    assert width >= 3 * 36
