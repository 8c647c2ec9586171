"""A run directory: options.json, metrics.jsonl, checkpoints/, samples/ and the rule of resuming."""

import contextlib
import dataclasses
import json
import pathlib
import zipfile
import zlib
from collections.abc import Iterator, Mapping

import numpy as np
from absl import logging

from cyclegan_keras.files.atomic import atomic_write
from cyclegan_keras.files.errors import RunError, SaveError
from cyclegan_keras.files.lock import locked

FORMAT = 1  # of a checkpoint; raise it when its meaning changes
META = "__meta__"
# What reading a damaged zip file may raise; RuntimeError where a bit says that it is encrypted.
UNREADABLE = (
    *(OSError, ValueError, KeyError, TypeError, EOFError, RuntimeError),
    *(zipfile.BadZipFile, zlib.error),
)


def default_directory(dataset: str, method: str, *, is_folder: bool) -> str:
    """Returns runs/<dataset>-<method>: a folder's own name, or `set/config` made flat."""
    name = pathlib.Path(dataset).resolve().name if is_folder else dataset.replace("/", "-")
    return f"runs/{name}-{method}"


def refuse_contradiction(
    typed: Mapping[str, object],
    saved: Mapping[str, object],
    fields: Mapping[str, dataclasses.Field],
    directory: str,
) -> None:
    """Raises RunError when a typed option contradicts the run that `directory` already holds."""
    differing = [
        f"--{name}={value} (the run has {saved[name]})"
        for name, value in typed.items()
        if name in saved and saved[name] != value and not fields[name].metadata.get("may_change")
    ]
    if differing:
        raise RunError(
            f"{directory} holds a run with other options: {', '.join(differing)}. Leave them "
            "out to continue that run, or choose another --run_dir for a new one."
        )


class Run:
    """The files of one training run.

    Args:
        directory: created when missing.
        keep_checkpoints: how many checkpoints `save` leaves behind.

    Attributes:
        directory, checkpoints, samples, tensorboard: folders of the run.
    """

    def __init__(self, directory: str | pathlib.Path, keep_checkpoints: int = 2):
        self.directory = pathlib.Path(directory)
        self.keep_checkpoints = keep_checkpoints
        self.checkpoints = self.directory / "checkpoints"
        self.samples = self.directory / "samples"
        self.tensorboard = self.directory / "tensorboard"

    def create(self) -> None:
        """Makes the folders.

        Raises:
            RunError: the directory holds files but no options.json, so it is not a run; or it
                cannot be written.
        """
        own = {".lock", self.checkpoints.name, self.samples.name, self.tensorboard.name}
        try:
            names = {path.name for path in self.directory.glob("*")}
            if "options.json" not in names and names - own:
                raise RunError(
                    f"{self.directory} holds files but no options.json, so it is not a run: "
                    "choose another --run_dir."
                )
            for folder in (self.checkpoints, self.samples, self.tensorboard):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(f"Cannot write the run directory {self.directory}: {error}.") from error

    def save_options(self, options: Mapping[str, object]) -> None:
        """Writes `options` to options.json."""
        with atomic_write(self.directory / "options.json") as temporary:
            temporary.write_text(json.dumps(options, indent=2) + "\n")

    def save_facts(self, facts: Mapping[str, object]) -> None:
        """Writes facts.json: what is true of the run but nobody chose, such as its pictures."""
        with atomic_write(self.directory / "facts.json") as temporary:
            temporary.write_text(json.dumps(facts, indent=2) + "\n")

    def saved_facts(self) -> dict[str, object]:
        """Returns what facts.json holds; empty for a run without."""
        return self._read_json("facts.json")

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keeps other processes out of this run while the block lasts; a killed one frees it.

        What a killed one had half written is removed.

        Raises:
            RunError: another process is in it.
        """
        busy = RunError(
            f"Another process is training in {self.directory}: wait for it to end, or choose "
            "another --run_dir."
        )
        with locked(self.directory / ".lock", busy):
            for partial in self.checkpoints.glob(".*.partial.npz"):
                partial.unlink()
            yield

    def saved_options(self) -> dict[str, object]:
        """Returns what options.json holds; empty for a new run."""
        return self._read_json("options.json")

    def save(self, step: int, state: Mapping[str, np.ndarray]) -> pathlib.Path:
        """Writes the checkpoint of `step` atomically and drops the oldest ones.

        Raises:
            RunError: the disk is full or not writable; earlier checkpoints stay as they are.
        """
        path = self.checkpoints / f"step_{step:09d}.npz"
        meta = json.dumps({"format": FORMAT, "step": step})
        try:
            with atomic_write(path) as temporary:
                np.savez(temporary, **{META: np.array(meta)}, **state)
        except OSError as error:
            last = self._newest_first()
            intact = (
                f"The last good checkpoint is {last[0]}." if last else "There is no earlier one."
            )
            raise SaveError(
                f"Cannot write the checkpoint of step {step}: {error}. {intact} "
                "Free some space and run the same command again."
            ) from error
        for old in self._newest_first()[self.keep_checkpoints :]:
            old.unlink()
        return path

    def restore(self, expected: Mapping[str, tuple]) -> tuple[int, dict[str, np.ndarray]] | None:
        """Returns (step, state) of the newest usable checkpoint, or None when there is none at all.

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
                step, state = _read(path)
                _refuse_foreign(state, expected)
            except UNREADABLE as error:
                logging.warning("Checkpoint %s is refused: %s", path, error)
                continue
            for refused in paths[:count]:
                refused.replace(refused.with_suffix(".refused"))
            return step, state
        if paths:
            raise RunError(
                f"None of the {len(paths)} checkpoints in {self.checkpoints} can be used (reasons "
                "above). Restore one from a backup, or start anew with another --run_dir."
            )
        return None

    def newest_state(self) -> tuple[int, dict[str, np.ndarray]]:
        """Returns (step, arrays) of the newest checkpoint, whatever model they belong to.

        Raises:
            RunError: there is none, or it cannot be read.
        """
        for path in self._newest_first():
            try:
                return _read(path)
            except FileNotFoundError:  # a training beside has just replaced it by a newer one
                return self.newest_state()
            except UNREADABLE as error:
                raise RunError(f"Checkpoint {path} cannot be read: {error}.") from error
        raise RunError(f"{self.checkpoints} holds no checkpoint.")

    def last_step(self) -> int:
        """Step of the newest checkpoint file, 0 when there is none."""
        paths = self._newest_first()
        return int(paths[0].stem.removeprefix("step_")) if paths else 0

    def append_metrics(self, row: Mapping[str, object]) -> None:
        """Adds one JSON line to metrics.jsonl."""
        self._append("metrics.jsonl", row)

    def append_check(self, row: Mapping[str, object]) -> None:
        """Adds one JSON line to doctor.jsonl."""
        self._append("doctor.jsonl", row)

    def checks(self) -> list[dict[str, object]]:
        """Returns the lines of doctor.jsonl."""
        path = self.directory / "doctor.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def forget_metrics_after(self, step: int) -> None:
        """Drops lines of metrics.jsonl and doctor.jsonl later than `step`.

        A resumed run writes them again.
        """
        for name in ("metrics.jsonl", "doctor.jsonl"):
            if (path := self.directory / name).exists():
                _keep_lines_until(step, path)

    def _append(self, name: str, row: Mapping[str, object]) -> None:
        with open(self.directory / name, "a") as file:
            file.write(json.dumps(row) + "\n")

    def _read_json(self, name: str) -> dict[str, object]:
        path = self.directory / name
        if not path.exists():
            return {}
        try:
            found = json.loads(path.read_text())
        except ValueError as error:
            raise RunError(f"{path} is not valid JSON ({error}): restore or remove it.") from error
        if not isinstance(found, dict):
            raise RunError(f"{path} holds no {name.split('.')[0]}: restore or remove it.")
        return found

    def _newest_first(self) -> list[pathlib.Path]:
        return sorted(self.checkpoints.glob("step_*.npz"), reverse=True)


def _keep_lines_until(step: int, path: pathlib.Path) -> None:
    kept = []
    for line in path.read_text().splitlines():
        with contextlib.suppress(ValueError):  # the last line of a killed run may be torn
            if json.loads(line)["step"] <= step:
                kept.append(line + "\n")
    with atomic_write(path) as temporary:
        temporary.write_text("".join(kept))


def _read(path: pathlib.Path) -> tuple[int, dict[str, np.ndarray]]:
    with np.load(path, allow_pickle=False) as archive:
        if META not in archive.files:
            raise ValueError("it is not a checkpoint of this program")
        meta = json.loads(str(archive[META]))
        if meta["format"] != FORMAT:
            raise ValueError(f"it has format {meta['format']}, expected {FORMAT}")
        state = {name: archive[name] for name in archive.files if name != META}
    return meta["step"], state


def _refuse_foreign(state: Mapping[str, np.ndarray], expected: Mapping[str, tuple]) -> None:
    shapes = {name: value.shape for name, value in state.items()}
    wrong = sorted(
        name for name in shapes.keys() | expected.keys() if shapes.get(name) != expected.get(name)
    )
    if wrong:
        name = wrong[0]
        raise ValueError(
            f"it belongs to another model: {len(wrong)} arrays differ, first {name!r}: expected "
            f"{expected.get(name, 'nothing')}, found {shapes.get(name, 'nothing')}"
        )
