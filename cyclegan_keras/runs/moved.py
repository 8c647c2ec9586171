"""Continuing a run whose pictures lie in another place, and finding it where none is named."""

import pathlib
from collections.abc import Mapping
from typing import Any

from absl import logging

from cyclegan_keras.files.errors import RunError, first_few
from cyclegan_keras.files.paths import same_path
from cyclegan_keras.runs.pictures import TRAINING, differing, knows_pictures
from cyclegan_keras.runs.run import Run, is_compression


def check_moved(
    run: Run, option: str, *, before: str, now: str, found: Mapping[str, Any], folders=TRAINING
) -> None:
    """Refuses another place unless its pictures are those that the run was trained on.

    Args:
        run: is to be continued.
        option: that names the place.
        before: the place when the run began.
        now: the place that is given.
        found: the pictures there, as "data" of facts.json.
        folders: whose pictures are compared.

    Raises:
        RunError: they are others.
    """
    changes = differing(run.saved_facts()["data"], found, folders)
    if changes:
        raise RunError(
            f"{run.directory} was trained on --{option}={before}, but --{option}={now} holds other "
            f"pictures: {', '.join(changes)}. Give the place where its pictures lie now, or choose "
            "another --run_dir for a new run."
        )
    logging.info(
        "The pictures of --%s=%s now lie in %s: they are the same, so %s is continued.",
        option,
        before,
        now,
        run.directory,
    )


def has_neighbors(run: Run) -> bool:
    """Whether there are other runs beside this one."""
    return any(path.parent != run.directory for path in run.directory.parent.glob("*/facts.json"))


def runs_on(folder: pathlib.Path, method: str, found: Mapping[str, Any]) -> list[Run]:
    """Returns the runs in a folder that were trained by a method on the pictures at hand.

    Args:
        folder: where runs lie side by side.
        method: as in --method.
        found: the pictures at hand, as "data" of facts.json.
    """
    runs = []
    for path in sorted(folder.glob("*/facts.json")):
        run = Run(path.parent)
        try:
            facts, options = run.saved_facts(), run.saved_options()
        except (RunError, OSError):  # that run is none of this training's business
            continue
        if not knows_pictures(facts) or options.get("method") != method:
            continue
        if is_compression(options):
            continue
        if not differing(facts["data"], found, TRAINING):
            runs.append(run)
    return runs


def run_of_same_pictures(run: Run, dataset: str, method: str, found: Mapping[str, Any]) -> str:
    """Returns a sentence that names the runs of these pictures; "" where there are none.

    Args:
        run: would be a new one.
        dataset: where the pictures lie now.
        method: as in --method.
        found: the pictures there, as "data" of facts.json.
    """
    others = runs_on(run.directory.parent, method, found)
    if not others:
        return ""
    newest = max(others, key=lambda other: other.last_step())
    folder = str(newest.saved_options().get("dataset"))
    then = "" if same_path(folder, dataset) else f", when they lay in {folder}"
    more = ""
    if len(others) > 1:
        names = [str(other.directory) for other in others if other is not newest]
        more = f" So {'were' if len(names) > 1 else 'was'} {first_few(names)}."
    return (
        f"{newest.directory} was trained on the pictures of {dataset}{then}: add "
        f"--run_dir={newest.directory} to continue it, or --run_dir={run.directory} for a new "
        f"run.{more}"
    )
