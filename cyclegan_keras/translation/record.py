"""What an output folder holds about itself, so that a job continues where it was interrupted."""

import contextlib
import hashlib
import json
import pathlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from cyclegan_keras.files.atomic import atomic_write
from cyclegan_keras.files.digest import add_file
from cyclegan_keras.files.errors import TranslationError
from cyclegan_keras.files.lock import locked
from cyclegan_keras.files.names import name_bytes
from cyclegan_keras.files.writing import writing
from cyclegan_keras.hub import fetching
from cyclegan_keras.runs.run import Run
from cyclegan_keras.runs.sources import find_source
from cyclegan_keras.translation.listing import Task
from cyclegan_keras.translation.options import USUAL_PRECISION, TranslateOptions
from cyclegan_keras.weights.networks import split_network
from cyclegan_keras.weights.starting import split_role

FILE = ".translation.json"
LOCK = ".translation.lock"


class Record:
    """The record of one output folder.

    A translation in it is done if its file is there and is not older than the record. Overwriting
    renews the record, so that older files no longer count.

    Args:
        folder: the output folder.
        made_by: what its pictures are made by: model, direction and options that show in them.
    """

    def __init__(self, folder: pathlib.Path, made_by: Mapping[str, Any]):
        self.folder = folder
        self.made_by = dict(made_by)
        self._since_ns: int | None = None  # when the record was written, None before

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
        with writing(self.folder), contextlib.ExitStack() as stack:
            self.folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(locked(self.folder / LOCK, busy))
            for partial in self.folder.rglob(".*.partial.*"):
                partial.unlink(missing_ok=True)
            held = stack.pop_all()
        with held:
            yield

    def check(self, targets: Iterable[pathlib.Path]) -> None:
        """Finds out what is done already; changes nothing.

        Raises:
            TranslationError: the folder holds translations that were made otherwise, or files of
                the same names that this program did not write.
        """
        path = self.folder / FILE
        present = next((target for target in targets if target.exists()), None)
        saved = _read(path)
        if saved == self.made_by:
            self._since_ns = path.stat().st_mtime_ns
        elif saved is not None:
            raise TranslationError(
                f"{self.folder} holds other translations: {_difference(saved, self.made_by)}. "
                "Choose another --output, or --overwrite to make them anew."
            )
        elif present:
            raise TranslationError(
                f"{present} exists already and was not written by this program: choose another "
                "--output, or --overwrite to replace it."
            )

    def begin(self, *, overwrite: bool) -> None:
        """Writes the record, unless it is there and is not to be renewed."""
        if self._since_ns is not None and not overwrite:
            return
        path = self.folder / FILE
        with atomic_write(path) as temporary:
            temporary.write_text(json.dumps(self.made_by, indent=2) + "\n")
        self._since_ns = path.stat().st_mtime_ns

    def is_done(self, target: pathlib.Path) -> bool:
        """Whether that file is there and belongs to this record."""
        if self._since_ns is None:
            return False
        try:
            return target.stat().st_mtime_ns >= self._since_ns
        except OSError:
            return False

    def remaining(self, tasks: Iterable[Task], parts: Sequence[str]) -> list[Task]:
        """Returns the tasks of which some part is not done."""
        return [task for task in tasks if not all(self.is_done(task.part(part)) for part in parts)]


def record_of(options: TranslateOptions, folder: pathlib.Path, direction: str) -> Record:
    """Returns the record of an output folder: the options that show in its translations."""
    made_by = {
        "model": fingerprint(options.model),
        "direction": direction,
        "strength": options.strength,
        "side_by_side": options.side_by_side,
        "cycle": options.cycle and options.side_by_side,  # otherwise it has files of its own
        "quality": options.quality,
    }
    if options.bit_depth is not None:  # which folders of earlier versions know nothing of
        made_by["bit_depth"] = options.bit_depth
    if options.precision not in (None, USUAL_PRECISION):  # nor of this one
        made_by["precision"] = options.precision
    return Record(folder, made_by)


def fingerprint(model: str) -> str:
    """Returns a digest of a model: equal for the same weights, wherever their files are.

    Args:
        model: a file, a run (its newest checkpoint counts) or a step of one, a folder, the prefix
            of the files of a checkpoint, or several of these with commas; with a role in front or
            a network of the file behind it, as `open_translators` takes them.

    Raises:
        TranslationError: there is no such file or folder.
        RunError: there is such a run, but it keeps nothing of that step.
    """
    digest = hashlib.sha256()
    for part in fetching.local(model).split(","):
        role, word = split_role(part)
        path, network = split_network(word)
        files = _model_files(path)
        if not files:
            raise TranslationError(f"--model={part}: there is no such model.")
        for file in files:
            digest.update(name_bytes(f"{file.name if path.is_dir() else ''}\0"))
            add_file(digest, file)
        if role or network:  # of one file that has several
            digest.update(name_bytes(f"{role}\0{network}\0"))
    return digest.hexdigest()[:16]


def _model_files(path: pathlib.Path) -> list[pathlib.Path]:
    source = find_source(path)
    if source is not None and source.step is not None and not path.exists():
        # Of run@step, since a snapshot stays and a checkpoint does not.
        path = Run(source.directory).snapshot(source.step)
        if not path.exists():
            path = source.file
    if path.is_file():
        return [path]
    if path.is_dir():
        checkpoints = sorted(path.glob("checkpoints/step_*.npz"))
        if checkpoints:
            return checkpoints[-1:]
        return sorted(
            file for file in path.rglob("*") if file.is_file() and not _is_hidden(file, path)
        )
    return sorted(path.parent.glob(f"{path.name}.*"))


def _is_hidden(file: pathlib.Path, folder: pathlib.Path) -> bool:
    """Whether a file, or a folder between it and `folder`, is hidden, such as the int8 graphs."""
    return any(part.startswith(".") for part in file.relative_to(folder).parts)


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


def _difference(saved: Mapping, now: Mapping) -> str:
    differences = []
    for name in {**now, **saved}:
        if saved.get(name) == now.get(name):
            continue
        if name == "model":
            differences.append("by another model")
            continue
        usual = USUAL_PRECISION if name == "precision" else None
        differences.append(f"{name} was {saved.get(name, usual)}, now {now.get(name, usual)}")
    return ", ".join(differences)
