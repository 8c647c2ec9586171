import dataclasses

import numpy as np
import pytest
from PIL import Image

from cyclegan_keras.compression.before_after import SIDE, before_after, write_before_after
from cyclegan_keras.compression.quality import Translated
from cyclegan_keras.evaluation.protocol import Pictures
from cyclegan_keras.training.sample_grid import HEADER


def flat(level, *shapes):
    return [np.full((*shape, 3), level, np.uint8) for shape in shapes]


def translated(*shapes, levels=(10, 90, 200)):
    x, teacher, student = (flat(level, *shapes) for level in levels)
    return Translated(
        source="day",
        target="night",
        pictures=Pictures(inputs=x, real=()),
        teacher=teacher,
        student=student,
        mirrored=teacher,
    )


def test_columns_are_input_teacher_and_student():
    grid = before_after([translated((128, 128), (128, 128))])
    assert grid.shape == (HEADER + 2 * 128, 3 * 128, 3)
    for cell, level in zip(np.split(grid[HEADER:], 3, axis=1), (10, 90, 200), strict=True):
        np.testing.assert_array_equal(cell, np.full_like(cell, level))


def test_pictures_of_several_sizes_keep_their_proportions():
    grid = before_after([translated((512, 256), (64, 128))])
    assert grid.shape == (HEADER + 2 * SIDE, 3 * 128, 3)
    first, second = grid[HEADER : HEADER + SIDE, :128], grid[HEADER + SIDE :, :128]
    np.testing.assert_array_equal(first, np.full_like(first, 10))  # half as large
    np.testing.assert_array_equal(second[:64], np.full((64, 128, 3), 10))
    np.testing.assert_array_equal(second[64:], np.full((SIDE - 64, 128, 3), 255))


def test_directions_stand_below_each_other_with_a_few_rows_each():
    shapes = [(128, 128)] * 9
    one, other = translated(*shapes), translated(*shapes, levels=(20, 30, 40))
    grid = before_after([one, other], rows=3)
    height = HEADER + 3 * 128
    assert grid.shape == (2 * height, 3 * 128, 3)
    assert grid[HEADER, 0, 0] == 10
    assert grid[height + HEADER, 0, 0] == 20


def test_the_grid_is_a_picture_in_the_run(tmp_path):
    pair = [translated((128, 128))]
    write_before_after(tmp_path, pair)
    with Image.open(tmp_path / "before_after.png") as file:
        np.testing.assert_array_equal(np.asarray(file), before_after(pair))


def test_a_long_name_of_a_domain_stays_in_its_column(monkeypatch):
    titles = []
    monkeypatch.setattr(
        "cyclegan_keras.training.sample_grid._header",
        lambda names, width: titles.extend(names) or np.zeros((1, 3 * width, 3), np.uint8),
    )
    long = translated((128, 128))
    before_after([dataclasses.replace(long, source="photographs of horses")])
    assert titles == ["photographs of h", "teacher", "student"]


def test_a_domain_may_be_called_teacher():
    shown = dataclasses.replace(translated((128, 128)), source="teacher")
    assert before_after([shown]).shape == (HEADER + 128, 3 * 128, 3)


@pytest.mark.parametrize("rows", [1, 4])
def test_no_more_rows_than_pictures(rows):
    assert before_after([translated((128, 128))], rows=rows).shape[0] == HEADER + 128
