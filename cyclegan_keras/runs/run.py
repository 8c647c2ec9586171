"""A run directory: its options, facts, metrics and checkpoints, and the rule of resuming."""

import contextlib
import importlib.metadata
import json
import math
import pathlib
import platform
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from absl import logging

from cyclegan_keras.files.atomic import atomic_write
from cyclegan_keras.files.errors import RunError, SaveError, WriteError
from cyclegan_keras.files.lock import HELD, locked
from cyclegan_keras.files.writing import writing
from cyclegan_keras.runs.checkpoint import (
    UNREADABLE,
    Checkpoint,
    check_shapes,
    read_checkpoint,
    write_checkpoint,
)
from cyclegan_keras.runs.pictures import differing

# A result may depend on each of these.
VERSIONED_PACKAGES = (
    "cyclegan-keras",
    "keras",
    "tensorflow",
    "jax",
    "numpy",
    "pillow",
    "ai-edge-litert",
    "ai-edge-quantizer",
    "tensorflow-serving-api",
    "tf2onnx",
    "onnxruntime",
)


class Run:
    """The files of one training run.

    Args:
        directory: created when missing.
        keep_checkpoints: how many checkpoints `save` leaves behind.

    Attributes:
        directory, checkpoints, snapshots, samples, tensorboard: folders of the run.
    """

    def __init__(self, directory: str | pathlib.Path, keep_checkpoints: int = 2):
        self.directory = pathlib.Path(directory)
        self.keep_checkpoints = keep_checkpoints
        self.checkpoints = self.directory / "checkpoints"
        self.snapshots = self.directory / "snapshots"  # made when the first one is written
        self.samples = self.directory / "samples"
        self.tensorboard = self.directory / "tensorboard"
        self._made: list[pathlib.Path] = []

    @property
    def name(self) -> str:
        """The name of the directory, whatever leads to it."""
        return self.directory.resolve().name

    def create(self) -> None:
        """Makes the folders.

        Raises:
            RunError: the directory holds files but no options.json, so it is not a run; or it
                cannot be written.
        """
        try:
            self._refuse_other_files()
            folders = (self.checkpoints, self.samples, self.tensorboard)
            self._made = [
                folder
                for folder in (*folders, self.directory, *self.directory.parents)
                if not folder.exists()
            ]
            for folder in folders:
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(f"Cannot write the run directory {self.directory}: {error}.") from error

    def check_free(self) -> None:
        """Refuses a directory that `create` or `locked` would refuse now; makes no files.

        Raises:
            RunError: the directory is a file, holds files but no options.json, or another process
                is in it.
            WriteError: the directory cannot be written to.
        """
        self._refuse_other_files()
        if (self.directory / ".lock").exists():
            with self.locked():
                pass

    def _refuse_other_files(self) -> None:
        if self.directory.exists() and not self.directory.is_dir():
            raise RunError(f"{self.directory} is a file: choose another --run_dir.")
        own = {
            ".lock",
            f".lock{HELD}",
            self.checkpoints.name,
            self.samples.name,
            self.tensorboard.name,
        }
        names = {path.name for path in self.directory.glob("*")}
        if "options.json" not in names and names - own:
            raise RunError(
                f"{self.directory} holds files but no options.json, so it is not a run: "
                "choose another --run_dir."
            )

    def remove_unused(self) -> None:
        """Removes the folders that `create` has made and nothing was put into since."""
        if self.directory in self._made:
            (self.directory / ".lock").unlink(missing_ok=True)
        for folder in self._made:
            with contextlib.suppress(OSError):
                folder.rmdir()

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keeps other processes out of this run while the block lasts; a killed one frees it.

        Checkpoints and snapshots that a killed process has half written are removed.

        Raises:
            RunError: another process is in it.
            WriteError: the directory cannot be written to.
        """
        busy = RunError(
            f"Another process is working in {self.directory}: wait for it to end, or choose "
            "another --run_dir."
        )
        with contextlib.ExitStack() as stack:
            with writing(self.directory):
                stack.enter_context(locked(self.directory / ".lock", busy))
                for partial in self.checkpoints.glob(".*.partial.npz"):
                    partial.unlink()
                for partial in self.snapshots.glob(".*.partial"):
                    shutil.rmtree(partial)
            yield

    def save_options(self, options: Mapping[str, Any]) -> None:
        """Writes `options` to options.json."""
        self._write_json("options.json", options)

    def saved_options(self) -> dict[str, Any]:
        """Returns what options.json holds; empty for a new run."""
        return self._read_json("options.json")

    def save_facts(self, facts: Mapping[str, Any]) -> None:
        """Writes facts.json: what is true of the run but nobody chose, such as its pictures."""
        self._write_json("facts.json", facts)

    def saved_facts(self) -> dict[str, Any]:
        """Returns what facts.json holds; empty for a run without."""
        return self._read_json("facts.json")

    def save_data_check(self, found: Mapping[str, Any]) -> None:
        """Writes data_check.json: what was found in the pictures before the run began."""
        self._write_json("data_check.json", found)

    def saved_data_check(self) -> dict[str, Any]:
        """Returns what data_check.json holds; empty for a run whose pictures were not looked at."""
        return self._read_json("data_check.json")

    def note_learning_rates(self, rates: Sequence[Mapping[str, Any]]) -> None:
        """Writes into facts.json which learning rates the run has had, by epoch."""
        self.save_facts({**self.saved_facts(), "learning_rates": list(rates)})

    def note_facts(self, facts: Mapping[str, Any]) -> None:
        """Saves the facts of a run that begins or continues, with the versions of all packages.

        It warns when the pictures are not those that the run began with.

        Args:
            facts: of the data: "domains", the names of both, and "data", the name of the set and,
                by folder, count and fingerprint of its pictures.
        """
        changes = differing(self.saved_facts().get("data", facts["data"]), facts["data"])
        if changes:
            logging.warning(
                "The pictures have changed since the run began (%s). The training continues, but "
                "no longer as an uninterrupted one would have.",
                ", ".join(changes),
            )
        self.save_facts({**self.saved_facts(), **facts, "versions": versions()})

    def save(self, step: int, state: Mapping[str, np.ndarray]) -> pathlib.Path:
        """Writes the checkpoint of `step` atomically and removes the oldest ones.

        Raises:
            SaveError: the disk is full or not writable; earlier checkpoints stay as they are.
        """
        path = self.checkpoint(step)
        try:
            write_checkpoint(path, step, state)
        except WriteError as error:
            raise SaveError(f"{error} {self.what_is_saved()}") from error
        with writing(self.checkpoints):
            for old in self._newest_first()[self.keep_checkpoints :]:
                old.unlink(missing_ok=True)
        return path

    def restore(self, expected: Mapping[str, tuple]) -> Checkpoint | None:
        """Returns the newest usable checkpoint, or None when there is none at all.

        Args:
            expected: shape by name of what the model needs. A checkpoint that holds anything else
                is foreign; one that cannot be read to its last byte is torn. Both are refused with
                a warning, the one before is tried, and they are set aside as *.refused.

        Raises:
            RunError: there are checkpoints, but none can be used.
        """
        paths = self._newest_first()
        for count, path in enumerate(paths):
            try:
                checkpoint = read_checkpoint(path)
                check_shapes(checkpoint.state, expected)
            except UNREADABLE as error:
                logging.warning("Checkpoint %s is refused: %s", path, error)
                continue
            with writing(self.checkpoints):
                for refused in paths[:count]:
                    refused.replace(refused.with_suffix(".refused"))
            return checkpoint
        if paths:
            raise RunError(
                f"None of the {len(paths)} checkpoints in {self.checkpoints} can be used (reasons "
                "above). Restore one from a backup, or start anew with another --run_dir."
            )
        return None

    def newest_state(self) -> Checkpoint:
        """Returns the newest checkpoint, whatever model it belongs to.

        Raises:
            RunError: there is none, or it cannot be read.
        """
        for path in self._newest_first():
            try:
                return read_checkpoint(path)
            except FileNotFoundError:  # a training beside has just replaced it by a newer one
                return self.newest_state()
            except UNREADABLE as error:
                raise RunError(f"Checkpoint {path} cannot be read: {error}.") from error
        raise RunError(f"{self.checkpoints} holds no checkpoint.")

    def what_is_saved(self) -> str:
        """Returns a sentence that names the last good checkpoint."""
        paths = self._newest_first()
        if not paths:
            return "No checkpoint exists yet."
        return f"The last good checkpoint is {paths[0]}."

    def state_in(self, path: pathlib.Path) -> Checkpoint:
        """Returns one checkpoint of the run, whatever model it belongs to.

        Raises:
            RunError: it cannot be read.
        """
        try:
            return read_checkpoint(path)
        except UNREADABLE as error:
            raise RunError(f"Checkpoint {path} cannot be read: {error}.") from error

    def last_step(self) -> int:
        """Returns the step of the newest checkpoint file, 0 when there is none."""
        return max(self.checkpoint_steps(), default=0)

    def checkpoint(self, step: int) -> pathlib.Path:
        """Returns where the checkpoint of a step lies, or would."""
        return self.checkpoints / f"step_{step:09d}.npz"

    def checkpoint_steps(self) -> list[int]:
        """Returns the steps of all checkpoint files, in their order."""
        return _steps(self.checkpoints.glob("step_*.npz"))

    def snapshot(self, step: int) -> pathlib.Path:
        """Returns the folder in which the generators of a step are kept, or would be."""
        return self.snapshots / f"step_{step:09d}"

    def evaluation(self, step: int) -> pathlib.Path:
        """Returns the folder in which the evaluation of a step lies, or would."""
        return self.directory / "evaluations" / f"step_{step:09d}"

    def snapshot_steps(self) -> list[int]:
        """Returns the steps of all snapshots, in their order."""
        return _steps(self.snapshots.glob("step_*"))

    def append_metrics(self, row: Mapping[str, Any]) -> None:
        """Adds one JSON line to metrics.jsonl."""
        self._append("metrics.jsonl", row)

    def append_check(self, row: Mapping[str, Any]) -> None:
        """Adds one JSON line to doctor.jsonl."""
        self._append("doctor.jsonl", row)

    def checks(self) -> list[dict[str, Any]]:
        """Returns the lines of doctor.jsonl."""
        path = self.directory / "doctor.jsonl"
        if not path.exists():
            return []
        return [json.loads(line) for line in path.read_text().splitlines()]

    def forget_metrics_after(self, step: int) -> None:
        """Removes lines of metrics.jsonl and doctor.jsonl later than `step`.

        A resumed run repeats them.
        """
        for path in (self.directory / "metrics.jsonl", self.directory / "doctor.jsonl"):
            if not path.exists():
                continue
            kept = []
            for line in path.read_text().splitlines():
                with contextlib.suppress(ValueError):  # the last line of a killed run may be torn
                    if json.loads(line)["step"] <= step:
                        kept.append(line + "\n")
            with atomic_write(path) as temporary:
                temporary.write_text("".join(kept))

    def _append(self, name: str, row: Mapping[str, Any]) -> None:
        path = self.directory / name
        with writing(path), open(path, "a") as file:
            file.write(json.dumps(_as_json(row), allow_nan=False) + "\n")

    def _write_json(self, name: str, content: Mapping[str, Any]) -> None:
        with atomic_write(self.directory / name) as temporary:
            temporary.write_text(json.dumps(content, indent=2) + "\n")

    def _read_json(self, name: str) -> dict[str, Any]:
        path = self.directory / name
        if not path.exists():
            return {}
        try:
            found = json.loads(path.read_text())
        except ValueError as error:
            raise RunError(f"{path} is not valid JSON ({error}): restore or remove it.") from error
        if not isinstance(found, dict):
            raise RunError(f"{path} holds no {path.stem}: restore or remove it.")
        return found

    def _newest_first(self) -> list[pathlib.Path]:
        return sorted(self.checkpoints.glob("step_*.npz"), reverse=True)


def is_compression(options: Mapping[str, Any]) -> bool:
    """Whether the options of a run are those of a compression, and not of a training."""
    return "model" in options


def _as_json(row: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a row with None in place of infinity and NaN, which JSON lacks."""
    as_json: dict[str, Any] = {}
    for name, value in row.items():
        is_number = not isinstance(value, float) or math.isfinite(value)
        as_json[name] = value if is_number else None
    return as_json


def _steps(paths: Iterable[pathlib.Path]) -> list[int]:
    words = [path.stem.removeprefix("step_") for path in paths]
    return sorted(int(word) for word in words if word.isdecimal())


def versions() -> dict[str, str]:
    """Returns the versions of Python and of those of `VERSIONED_PACKAGES` that are installed."""
    found = {"python": platform.python_version()}
    for package in VERSIONED_PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
