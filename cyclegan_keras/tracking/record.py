"""What a run remembers of the run that a tracker keeps of it."""

import json
import pathlib
from collections.abc import Iterable

from cyclegan_keras.files.atomic import atomic_write
from cyclegan_keras.files.errors import RunError
from cyclegan_keras.files.writing import make_folder


class Record:
    """The tracked run of a run directory, and up to which step it holds what.

    It is kept in `<run>/trackers/<tracker>.json`, so that a run that is continued goes on in the
    same tracked run. A training that was killed continues from its last checkpoint and repeats the
    steps after it. Trackers never forget, so those steps are not logged twice.

    Args:
        path: of the file, which need not exist.

    Attributes:
        tracked: what the tracker needs to find its run again, such as {"id": "3k7x"}; empty where
            it has none yet.

    Raises:
        RunError: the file is damaged.
    """

    def __init__(self, path: pathlib.Path):
        self.path = path
        self.tracked: dict[str, str] = {}
        self._logged_before: dict[str, int] = {}
        if path.exists():
            try:
                content = json.loads(path.read_text())
                self.tracked = {name: str(value) for name, value in content["run"].items()}
                self._logged_before = {name: int(s) for name, s in content["logged"].items()}
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                raise RunError(
                    f"{path} does not say which tracked run this is: restore it, or remove it to "
                    "begin a new one."
                ) from error
        self._logged = dict(self._logged_before)

    def begin(self, tracked: dict[str, str]) -> None:
        """Writes down which run the tracker keeps.

        Raises:
            WriteError: the file cannot be written.
        """
        self.tracked = tracked
        self._write()

    def is_new(self, name: str, step: int) -> bool:
        """Whether no earlier process has logged `name` at `step` or later."""
        return step > self._logged_before.get(name, -1)

    def note(self, names: Iterable[str], step: int) -> None:
        """Writes down that the tracker has these names up to `step`.

        Raises:
            WriteError: the file cannot be written.
        """
        for name in names:
            self._logged[name] = max(step, self._logged.get(name, -1))
        self._write()

    def _write(self) -> None:
        make_folder(self.path.parent)
        with atomic_write(self.path) as temporary:
            content = {"run": self.tracked, "logged": self._logged}
            temporary.write_text(json.dumps(content, indent=2) + "\n")
