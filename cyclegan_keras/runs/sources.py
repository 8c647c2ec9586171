"""What a word on the command line names in a run: its newest checkpoint, or an earlier step."""

import dataclasses
import pathlib
import re

from cyclegan_keras.files.errors import RunError
from cyclegan_keras.runs.run import Run

_STEP = re.compile(r"step_(\d+)")


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunSource:
    """Networks that a run keeps.

    Attributes:
        directory: of the run.
        step: of training; None for the newest checkpoint, which may change while the run goes on.
        file: the checkpoint, or the folder of the snapshot; None for the newest checkpoint.
    """

    directory: pathlib.Path
    step: int | None = None
    file: pathlib.Path | None = None

    @property
    def name(self) -> str:
        """What files that are made of it are called by default, such as "horses-step_12000"."""
        name = self.directory.resolve().name
        return name if self.step is None else f"{name}-step_{self.step}"


def find_source(word: str | pathlib.Path) -> RunSource | None:
    """Returns what `word` names in a run, or None where it names something else.

    A path that exists wins, so that folders may have an @ in their names.

    Args:
        word: a run directory; `run@step`, which is the checkpoint of that step or else its
            snapshot; a file `run/checkpoints/step_<step>.npz`; or a folder
            `run/snapshots/step_<step>`. No list with commas.

    Raises:
        RunError: the run keeps nothing of that step, or a checkpoint lies outside a run.
    """
    path = pathlib.Path(word).expanduser()
    if _is_run(path):
        return RunSource(directory=path)
    folder = path.absolute().parent
    if folder.name in ("checkpoints", "snapshots") and _is_run(folder.parent):
        match = _STEP.fullmatch(path.name.removesuffix(".npz"))
        if match:
            step = int(match[1])
            if not path.exists():
                raise _nothing_kept(folder.parent, match[1])
            return RunSource(directory=folder.parent, step=step, file=path)
    if path.suffix == ".npz" and path.is_file():
        raise RunError(
            f"{path} lies outside a run, whose options.json would say how its networks are built: "
            "give a checkpoint as <run>/checkpoints/step_<step>.npz."
        )
    directory, at, step_word = str(path).rpartition("@")
    if at and directory and not path.exists() and "," not in str(word):
        return _of_step(pathlib.Path(directory), step_word)
    return None


def _of_step(directory: pathlib.Path, step_word: str) -> RunSource | None:
    if not _is_run(directory):
        return None
    if not (step_word.isascii() and step_word.isdecimal()):
        raise _nothing_kept(directory, step_word)
    step = int(step_word)
    run = Run(directory)
    for file in (run.checkpoint(step), run.snapshot(step)):
        if file.exists():
            return RunSource(directory=directory, step=step, file=file)
    raise _nothing_kept(directory, step_word)


def _is_run(path: pathlib.Path) -> bool:
    return (path / "options.json").is_file()


def _nothing_kept(directory: pathlib.Path, step: str) -> RunError:
    run = Run(directory)
    kept = []
    steps_of = {"checkpoints": run.checkpoint_steps(), "snapshots": run.snapshot_steps()}
    for kind, steps in steps_of.items():
        listed = ", ".join(str(each) for each in steps)
        kept.append(f"{kind} of steps {listed}" if steps else f"no {kind}")
    return RunError(
        f"{directory} keeps nothing of step {step}: it has {' and '.join(kept)}. "
        "--snapshot_every keeps the generators of more steps while a run trains."
    )
