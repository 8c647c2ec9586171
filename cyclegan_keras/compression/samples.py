"""Sample grids of a compression: what is translated, and what teacher and student make of it."""

import functools
from collections.abc import Mapping

import numpy as np

from cyclegan_keras.images.form import Form
from cyclegan_keras.images.window import Window
from cyclegan_keras.models.any_size import translate_any_size
from cyclegan_keras.runs.run import Run
from cyclegan_keras.tracking.tracker import Tracker
from cyclegan_keras.training.callbacks import Samples
from cyclegan_keras.training.sample_grid import grid_of
from cyclegan_keras.training.trainer import SOURCES, TARGETS


class StudentSamples(Samples):
    """Writes translations of the same test pictures by teachers and students.

    Columns are x, teacher and student, and behind them the same of y where both directions are
    compressed.

    Args:
        run: keeps the pictures in its folder samples/.
        tracker: gets the same pictures.
        every: steps between two grids; there is one before the first step too.
        pictures: {"x", "y"}, each (n, height, width, channels) in [-1, 1], of any size.
        forms: {"x", "y"}, what their numbers mean.
        answers: direction, "x_to_y" or "y_to_x", -> what its teacher makes of these pictures.
    """

    def __init__(
        self,
        run: Run,
        tracker: Tracker,
        *,
        every: int,
        pictures: Mapping[str, np.ndarray],
        forms: Mapping[str, Form],
        answers: Mapping[str, np.ndarray],
    ):
        super().__init__(run, tracker, every=every, pictures=dict(pictures), forms=forms)
        self.answers = answers

    def grid(self) -> np.ndarray:
        """Returns the grid, uint8 (height, width, 3)."""
        columns, windows = {}, {}
        for direction in self.model.translators:
            source = SOURCES[direction]
            letter = "G" if direction == "x_to_y" else "F"
            pictures, answers = self.pictures[source], self.answers[direction]
            of_source = Window.of(list(pictures), self.forms[source])
            of_target = Window.of(list(answers), self.forms[TARGETS[direction]])
            teacher, student = f"teacher {letter}({source})", f"student {letter}({source})"
            columns[source], windows[source] = pictures, of_source
            columns[teacher], windows[teacher] = answers, of_target
            network = self.model.generator(direction)
            columns[student] = translate_any_size(
                functools.partial(network, training=False),
                pictures,
                multiple=network.size_multiple,
                smallest=network.smallest_size,
            )
            windows[student] = of_target
        return grid_of(columns, windows)
