"""What a run remembers of the run that a tracker keeps of it."""

import json
import os
import pathlib
from collections.abc import Iterable

from absl import logging

from cyclegan_keras.files.atomic import atomic_write
from cyclegan_keras.files.errors import RunError
from cyclegan_keras.files.writing import make_folder
from cyclegan_keras.runs.run import Run


class Record:
    """The tracked run of a run directory, and up to which step it surely holds what.

    It is kept in `<run>/trackers/<tracker>.json`, so that a run that is continued goes on in the
    same tracked run. A training that was killed continues from its last checkpoint and repeats the
    steps after it. Trackers never forget, so those steps are not logged twice.

    A copy of a run directory has a copy of this file, but the tracked run is that of the original:
    the copy has none. A run that was moved keeps its own.

    Args:
        run: need not have such a file.
        name: of the tracker.

    Attributes:
        path: of the file.
        tracked: what the tracker needs to find its run again, such as {"id": "3k7x"}; empty where
            it has none yet.
        copied_from: the directory of which this one is a copy, or None.
        moved_from: the directory in which the tracked run was last used, if it is not this one; it
            may be the original of a copy if it is on another machine. None otherwise.

    Raises:
        RunError: the file is damaged.
    """

    def __init__(self, run: Run, name: str):
        self.path = record_path(run.directory, name)
        self.tracked: dict[str, str] = {}
        self.copied_from: pathlib.Path | None = None
        self.moved_from: pathlib.Path | None = None
        self._directory = run.directory.resolve()
        self._logged_before: dict[str, int] = {}
        if self.path.exists():
            self._read(name)
        self._logged = dict(self._logged_before)

    def begin(self, tracked: dict[str, str]) -> None:
        """Writes down which run the tracker keeps.

        Raises:
            WriteError: the file cannot be written.
        """
        self.tracked = tracked
        self._write()

    def stay(self) -> None:
        """Writes down that the tracked run is that of this directory, wherever it was before.

        Raises:
            WriteError: the file cannot be written.
        """
        if self.moved_from is not None:
            self.moved_from = None
            self._write()

    def is_new(self, name: str, step: int) -> bool:
        """Whether no earlier process has surely logged `name` at `step` or later."""
        return step > self._logged_before.get(name, -1)

    def note(self, logged: Iterable[tuple[str, int]]) -> None:
        """Writes down that the tracker has these names up to these steps.

        Raises:
            WriteError: the file cannot be written.
        """
        for name, step in logged:
            self._logged[name] = max(step, self._logged.get(name, -1))
        self._write()

    def _read(self, name: str) -> None:
        try:
            content = json.loads(self.path.read_text())
            tracked = {name: str(value) for name, value in content["run"].items()}
            logged = {name: int(step) for name, step in content["logged"].items()}
            directory = pathlib.Path(os.fsdecode(content["directory"]))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise RunError(
                f"{self.path} does not say which tracked run this is: restore it, or remove it to "
                "begin a new one."
            ) from error
        if directory != self._directory and not _is_same(directory, self._directory):
            if _tracked_there(directory, name) == tracked:
                self.copied_from = directory
                return
            self.moved_from = directory
        self.tracked, self._logged_before = tracked, logged

    def _write(self) -> None:
        make_folder(self.path.parent)
        with atomic_write(self.path) as temporary:
            content = {
                "run": self.tracked,
                "directory": str(self._directory),
                "logged": self._logged,
            }
            temporary.write_text(json.dumps(content, indent=2) + "\n")


def record_path(directory: pathlib.Path, name: str) -> pathlib.Path:
    """Returns where a run remembers its run in a tracker."""
    return directory / "trackers" / f"{name}.json"


def record_of_training(run: Run, name: str) -> Record:
    """Returns what a run that is trained remembers, and says where that is of another directory.

    Raises:
        RunError: the file is damaged.
        WriteError: the file cannot be written.
    """
    record = Record(run, name)
    if record.copied_from is not None:
        logging.info(
            "%s is a copy of %s, which keeps its tracked run in %s: a new one begins.",
            run.directory,
            record.copied_from,
            name,
        )
    if record.moved_from is not None:
        logging.info(
            "%s was in %s before and goes on in the same tracked run of %s. If it is a copy, stop "
            "it and remove %s first: a new one begins then.",
            run.directory,
            record.moved_from,
            name,
            record.path,
        )
        record.stay()
    return record


def _is_same(one: pathlib.Path, other: pathlib.Path) -> bool:
    """Whether two paths lead to one directory, for example by another mount."""
    try:
        return one.samefile(other)
    except OSError:
        return False


def _tracked_there(directory: pathlib.Path, name: str) -> dict[str, str] | None:
    """Returns the tracked run that another directory remembers, or None."""
    try:
        content = json.loads(record_path(directory, name).read_text())
        return {name: str(value) for name, value in content["run"].items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
