"""What a word on the command line names in a run: its newest checkpoint, or an earlier step."""

import dataclasses
import pathlib
import re

from cyclegan_keras.files.errors import RunError
from cyclegan_keras.hub.words import names_hub
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
    if isinstance(word, str) and names_hub(word):
        return None  # what is shared there are networks, and no runs
    path = pathlib.Path(word).expanduser()
    if _is_run(path):
        return RunSource(directory=path)
    if path.is_dir() and path.name in ("checkpoints", "snapshots") and _is_run(path.parent):
        raise RunError(
            f"{path} is a folder of several steps: name one, as {path.parent}@<step>. "
            f"{_kept(path.parent)}"
        )
    folder = path.absolute().parent
    if folder.name in ("checkpoints", "snapshots") and _is_run(folder.parent):
        match = _STEP.fullmatch(path.name.removesuffix(".npz"))
        if match:
            step = int(match[1])
            if not path.exists():
                raise _nothing_kept(folder.parent, step)
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
        raise RunError(
            f"{directory}@{step_word}: expected the number of a step after the @. "
            f"{_kept(directory)}"
        )
    step = int(step_word)
    run = Run(directory)
    for file in (run.checkpoint(step), run.snapshot(step)):
        if file.exists():
            return RunSource(directory=directory, step=step, file=file)
    raise _nothing_kept(directory, step)


def _is_run(path: pathlib.Path) -> bool:
    return (path / "options.json").is_file()


def _nothing_kept(directory: pathlib.Path, step: int) -> RunError:
    return RunError(
        f"{directory} keeps nothing of step {step}. {_kept(directory)} --snapshot_every keeps the "
        "generators of more steps while a run trains."
    )


def _kept(directory: pathlib.Path) -> str:
    """Returns a sentence that names the steps of which a run keeps something."""
    run = Run(directory)
    kept = []
    steps_of = {"checkpoints": run.checkpoint_steps(), "snapshots": run.snapshot_steps()}
    for kind, steps in steps_of.items():
        listed = ", ".join(str(each) for each in steps)
        of_steps = f"of step{'' if len(steps) == 1 else 's'} {listed}"
        kept.append(f"{kind} {of_steps}" if steps else f"no {kind}")
    return f"It has {' and '.join(kept)}."
