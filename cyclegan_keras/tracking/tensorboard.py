"""What a training writes for TensorBoard: one file of events a start, whoever writes into it."""

import json
import pathlib

from cyclegan_keras.files.markdown import table
from cyclegan_keras.files.writing import writing
from cyclegan_keras.tracking.event_file import EventFile
from cyclegan_keras.tracking.tracker import Tracker


class TensorBoard(Tracker):
    """The curves, pictures and texts of a training, in one file of events.

    TensorBoard reads the files of a folder in the order of their names and leaves a file when there
    is a later one. Of two files that are written at the same time, it would show only the last one
    to its end. So all that a training writes goes through one object of this class.

    As a context manager it closes the file at the end. The file is made when there is something to
    write.

    Args:
        folder: of the run's files of events, one for each start of the training.

    Example:
        with TensorBoard(run.tensorboard) as tracker:
            tracker.scalars(100, {"cycle_x": 0.25})
    """

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        self._opened: EventFile | None = None
        self._about: dict[str, str] = {}  # texts with which each file begins
        self._is_first = not any(folder.glob("events.out.tfevents.*"))  # of these files

    def scalars(self, step, values):
        with writing(self.folder):
            self._file().scalars(step, values)

    def image(self, step, name, picture):
        with writing(self.folder):
            self._file().image(step, name, picture)

    def text(self, step, name, sentence):
        with writing(self.folder):
            self._file().text(step, name, sentence)

    def about(self, name, sentence):
        if self._is_first:
            self.text(0, name, sentence)

    def options(self, values):
        """Shows the options as a table among the texts, in a file that is not made yet."""
        rows = [(name, f"{value}") for name, value in values.items()]
        self._about["options"] = table(("option", "value"), rows)

    def facts(self, values):
        """Shows the facts among the texts, in a file that is not made yet."""
        indented = json.dumps(values, indent=2).replace("\n", "\n    ")
        self._about["facts"] = f"    {indented}"  # code in Markdown

    def close(self, *, failed=False):
        """Writes what is left and closes the file."""
        if self._opened is not None:
            opened, self._opened = self._opened, None
            with writing(self.folder):
                opened.close()

    def _file(self) -> EventFile:
        """Returns the file, which is made before its first use."""
        if self._opened is None:
            self._opened = EventFile(self.folder)
            for name, text in self._about.items():
                self._opened.text(0, name, text)
        return self._opened
