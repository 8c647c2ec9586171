import io

import numpy as np
import pytest
from PIL import Image

from cyclegan_keras.images.form import Form
from cyclegan_keras.images.values import Values
from cyclegan_keras.images.window import Window
from cyclegan_keras.training.sample_grid import HEADER, SMALLEST, grid_of, sample_grid, to_png

STEPS = {"x_to_y": 0.5, "y_to_x": -0.25}


class Painter:
    """Translates by adding a fixed step: what a grid shows is known then."""

    def __init__(self, *directions, needs_pairs=False):
        self.translators = dict.fromkeys(directions)
        self.needs_pairs = needs_pairs

    def translate(self, images, direction):
        return images + STEPS[direction]


def pictures(height=8, width=64):
    return {
        "x": np.full((2, height, width, 3), -1.0, "float32"),
        "y": np.full((2, height, width, 3), 0.0, "float32"),
    }


def level(value):
    return round(np.clip((value + 1) * 127.5, 0, 255))


def test_columns_are_x_gx_fgx_y_fy_gfy():
    grid = sample_grid(Painter("x_to_y", "y_to_x"), pictures())
    assert grid.shape == (HEADER + 2 * 8 * 2, 6 * 128, 3)
    values = [-1, -0.5, -0.75, 0, -0.25, 0.25]
    for column, value in enumerate(values):
        cell = grid[HEADER:, column * 128 : (column + 1) * 128]
        np.testing.assert_allclose(cell, level(value), atol=1)


def test_one_way_methods_have_two_columns():
    grid = sample_grid(Painter("x_to_y"), pictures())
    assert grid.shape[1] == 2 * 128
    np.testing.assert_allclose(grid[HEADER:, 128:], level(-0.5), atol=1)


def test_the_truth_stands_last_where_there_is_one():
    grid = sample_grid(Painter("x_to_y", needs_pairs=True), pictures())
    assert grid.shape[1] == 3 * 128
    np.testing.assert_allclose(grid[HEADER:, 128:256], level(-0.5), atol=1)
    np.testing.assert_allclose(grid[HEADER:, 256:], level(0), atol=1)


@pytest.mark.parametrize(("width", "scale"), [(16, 8), (100, 2), (128, 1), (256, 1)])
def test_small_pictures_are_enlarged_by_a_whole_factor(width, scale):
    grid = sample_grid(Painter("x_to_y"), pictures(width=width))
    assert grid.shape == (HEADER + 2 * 8 * scale, 2 * width * scale, 3)
    assert width * scale >= SMALLEST


def test_titles_are_written_above_every_column():
    header = sample_grid(Painter("x_to_y", "y_to_x"), pictures())[:HEADER]
    for column in np.split(header, 6, axis=1):
        assert column.min() < 100 < column.max()


def test_png_holds_the_grid():
    grid = sample_grid(Painter("x_to_y"), pictures())
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(to_png(grid)))), grid)


class BandPainter(Painter):
    """Translates x of four bands to one gray of half of the first, and back to four bands."""

    def translate(self, images, direction):
        if direction == "x_to_y":
            return images[..., :1] / 2
        return np.repeat(images, 4, axis=-1)


def test_bands_and_grays_are_shown_side_by_side():
    bands = np.zeros((1, 8, 128, 4), "float32")
    bands[..., 0], bands[..., 1], bands[..., 2], bands[..., 3] = -1, 0, 1, 0.7
    given = {"x": bands, "y": np.full((1, 8, 128, 1), 0.5, "float32")}
    grid = sample_grid(BandPainter("x_to_y", "y_to_x"), given)
    cells = np.split(grid[HEADER:], 6, axis=1)
    expected = [(-1, 0, 1), (-0.5,) * 3, (-0.5,) * 3, (0.5,) * 3, (0.5,) * 3, (0.25,) * 3]
    for cell, colors in zip(cells, expected, strict=True):
        np.testing.assert_allclose(cell[4, 4], [level(value) for value in colors], atol=1)


def test_the_header_states_the_window_of_deep_domains_alone(monkeypatch):
    written = []
    monkeypatch.setattr(
        "cyclegan_keras.training.sample_grid._header",
        lambda titles, width: written.extend(titles) or np.zeros((1, 6 * width, 3), np.uint8),
    )
    hounsfield = Values(dtype="int16", low=-1024, high=3071)
    forms = {"x": Form(channels=3, values=hounsfield), "y": Form()}
    shown = pictures()
    ramp = np.linspace(-0.5, 0, 64, dtype="float32")[:, None]
    shown["x"] = np.broadcast_to(ramp, shown["x"].shape)
    sample_grid(Painter("x_to_y", "y_to_x"), shown, forms)
    low, high = np.percentile((shown["x"] + 1) * 2047.5 - 1024, [1, 99])
    window = f"  {round(low)}..{round(high)}"
    titles = [f"x{window}", "G(x)", f"F(G(x)){window}", "y", f"F(y){window}", "G(F(y))"]
    assert written == titles


def test_a_header_without_forms_is_that_of_ordinary_pictures():
    painter = Painter("x_to_y", "y_to_x")
    plain = sample_grid(painter, pictures())
    np.testing.assert_array_equal(plain, sample_grid(painter, pictures(), {"x": Form()}))
    deep = {"x": Form(values=Values(dtype="uint16", low=0, high=65535))}
    assert (sample_grid(painter, pictures(), deep)[:HEADER] != plain[:HEADER]).any()


def test_columns_are_given_by_name_with_a_window_each(monkeypatch):
    written = []
    monkeypatch.setattr(
        "cyclegan_keras.training.sample_grid._header",
        lambda titles, width: written.extend(titles) or np.zeros((1, 3 * width, 3), np.uint8),
    )
    levels = np.full((2, 8, 128, 3), 7, "uint8")
    floats = np.full((2, 8, 128, 1), 0.25, "float32")
    shown = Window(low=-0.5, high=0.5, words="10..20")
    columns = {"x": levels, "teacher": floats, "student": -floats}
    grid = grid_of(columns, {"teacher": shown, "student": shown})
    assert written == ["x", "teacher  10..20", "student  10..20"]
    for cell, value in zip(np.split(grid[1:], 3, axis=1), (7, 191, 64), strict=True):
        np.testing.assert_array_equal(cell, np.full((16, 128, 3), value))
