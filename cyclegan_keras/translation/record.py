"""What an output folder tells of itself, so that a job goes on only where it left off."""

import contextlib
import json
import pathlib
from collections.abc import Iterable, Iterator, Mapping

from cyclegan_keras.files.atomic import atomic_write
from cyclegan_keras.files.errors import TranslationError, WriteError
from cyclegan_keras.files.lock import locked

FILE, LOCK = ".translation.json", ".translation.lock"


class Record:
    """The record of one output folder.

    A translation in it is done if its file is there and is not older than the record: whoever asks
    to overwrite renews the record, and what is older then counts for nothing.

    Args:
        folder: the output folder.
        made_by: what its pictures are made by: model, direction and options that show in them.
    """

    def __init__(self, folder: pathlib.Path, made_by: Mapping[str, object]):
        self.folder, self.made_by = folder, dict(made_by)
        self._since = None

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keeps other processes out and removes what a killed one left half written.

        Raises:
            TranslationError: another process translates to that folder.
            WriteError: the folder cannot be written to.
        """
        busy = TranslationError(
            f"Another process is translating to {self.folder}: wait for it to end, or choose "
            "another --output."
        )
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with contextlib.ExitStack() as stack:
                stack.enter_context(locked(self.folder / LOCK, busy))
                for partial in self.folder.rglob(".*.partial.*"):
                    partial.unlink(missing_ok=True)
                held = stack.pop_all()
        except OSError as error:
            raise WriteError(f"Cannot write to {self.folder}: {error.strerror}.") from error
        with held:
            yield

    def check(self, targets: Iterable[pathlib.Path]) -> None:
        """Finds out what is done already; changes nothing.

        Raises:
            TranslationError: the folder holds translations that were made otherwise, or files of
                the same names that this program did not write.
        """
        path = self.folder / FILE
        there = next((target for target in targets if target.exists()), None)
        saved = _read(path)
        if saved == self.made_by:
            self._since = path.stat().st_mtime_ns
        elif saved is not None:
            raise TranslationError(
                f"{self.folder} holds other translations: {_difference(saved, self.made_by)}. "
                "Choose another --output, or --overwrite to make them anew."
            )
        elif there:
            raise TranslationError(
                f"{there} is there already and was not written by this program: choose another "
                "--output, or --overwrite to replace it."
            )

    def begin(self, *, overwrite: bool) -> None:
        """Writes the record unless it is there and stays."""
        path = self.folder / FILE
        if self._since is not None and not overwrite:
            return
        try:
            with atomic_write(path) as temporary:
                temporary.write_text(json.dumps(self.made_by, indent=2) + "\n")
        except OSError as error:
            raise WriteError(f"Cannot write {path}: {error.strerror}.") from error
        self._since = path.stat().st_mtime_ns

    def is_done(self, target: pathlib.Path) -> bool:
        """Whether that file is there and belongs to this record."""
        with contextlib.suppress(OSError):
            return self._since is not None and target.stat().st_mtime_ns >= self._since
        return False


def _read(path: pathlib.Path) -> dict | None:
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise TranslationError(
            f"{path} cannot be read ({error}): choose another --output, or remove it and use "
            "--overwrite."
        ) from error


def _difference(saved: Mapping, wanted: Mapping) -> str:
    names = [name for name in {**wanted, **saved} if saved.get(name) != wanted.get(name)]
    return ", ".join(
        f"by another {name}"
        if name == "model"
        else f"{name} was {saved.get(name)}, now {wanted.get(name)}"
        for name in names
    )
