"""What a training writes for TensorBoard: one file of events a start, whoever writes into it."""

import contextlib
import json
import os
import pathlib
import shutil
import tempfile
from collections.abc import Iterator

import tensorflow as tf

from cyclegan_keras.files.markdown import table
from cyclegan_keras.files.writing import writing
from cyclegan_keras.tracking.tracker import Tracker

PROBE_BYTES = 4096  # a block of most file systems


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
        self._opened: tf.summary.SummaryWriter | None = None
        self._about: dict[str, str] = {}  # texts with which each file begins
        self._is_first = not any(folder.glob("events.out.tfevents.*"))  # of these files

    def scalars(self, step, values):
        with self._writing(step):
            for name, value in values.items():
                tf.summary.scalar(name, value)

    def image(self, step, name, picture):
        with self._writing(step):
            tf.summary.image(name, picture[None])

    def text(self, step, name, sentence):
        with self._writing(step):
            tf.summary.text(name, sentence)

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

    @contextlib.contextmanager
    def _writing(self, step: int) -> Iterator[None]:
        """Lets `tf.summary` write in the block, and what it wrote arrive on the disk.

        Raises:
            WriteError: the file cannot be written.
        """
        with writing(self.folder):
            with self._writer().as_default(step=step):
                yield
            self._writer().flush()
            if shutil.disk_usage(self.folder).free == 0:
                _write_something(self.folder)

    def _writer(self) -> tf.summary.SummaryWriter:
        if self._opened is None:
            # As bytes, because the name of a folder may not be UTF-8.
            self._opened = tf.summary.create_file_writer(os.fsencode(self.folder))
            with self._opened.as_default(step=0):
                for name, text in self._about.items():
                    tf.summary.text(name, text)
        return self._opened


def _write_something(folder: pathlib.Path) -> None:
    """Writes a few bytes and removes them, because TensorFlow says nothing of a full disk.

    The numbers of a file system do not tell whether it is full: some always say 0 bytes, and of
    what is kept for root there are more.

    Raises:
        OSError: the disk is full, for example.
    """
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
        file.write(bytes(PROBE_BYTES))
        os.fsync(file.fileno())
