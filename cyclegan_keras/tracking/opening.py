"""Opens the trackers of a run."""

import importlib.util
import os
import pathlib
from collections.abc import Sequence
from typing import Any

from absl import logging

from cyclegan_keras.files.errors import OptionError, UserError
from cyclegan_keras.files.names import printable
from cyclegan_keras.runs.run import Run
from cyclegan_keras.tracking.background import Background
from cyclegan_keras.tracking.options import MLFLOW, TENSORBOARD, WANDB, tracker_names
from cyclegan_keras.tracking.record import Record
from cyclegan_keras.tracking.several import Several
from cyclegan_keras.tracking.tracker import Tracker

# Trackers of packages that are not installed with this one.
OPTIONAL = (WANDB, MLFLOW)


def check_trackers(word: str) -> None:
    """Refuses a --tracker that cannot be used here, before anything is computed.

    Args:
        word: names of trackers, separated by commas.

    Raises:
        OptionError: a name is unknown, or its package is not installed.
    """
    try:
        names = tracker_names(word)
    except ValueError as error:
        raise OptionError(str(error)) from error
    for name in names:
        if name in OPTIONAL and not is_installed(name):
            raise OptionError(
                f"--tracker={name} needs a package that is not installed: pip install "
                f'"cyclegan-keras[{name}]".'
            )


def is_installed(package: str) -> bool:
    """Whether a package can be imported; a mere folder of its name, such as ./wandb, is none."""
    found = importlib.util.find_spec(package)
    return found is not None and found.origin is not None


def open_trackers(names: Sequence[str], run: Run) -> Tracker:
    """Opens the trackers of a training, which goes on in the tracked runs that it has already.

    Args:
        names: of `TRACKERS`.
        run: is created and locked.

    Returns:
        All of them as one.

    Raises:
        OptionError: one cannot be used; the others are closed.
        RunError: what the run remembers of one is damaged.
        WriteError: the directory of the run cannot be written to.
    """
    opened: list[Tracker] = []
    try:
        for name in names:
            opened.append(_open(name, run))
    except BaseException:
        Several(opened).close(failed=True)
        raise
    return Several(opened)


def _open(name: str, run: Run) -> Tracker:
    if name == TENSORBOARD:
        from cyclegan_keras.tracking.tensorboard import TensorBoard

        return TensorBoard(run.tensorboard)
    record = record_of(run, name)
    if name == WANDB:
        from cyclegan_keras.tracking.weights_and_biases import WeightsAndBiases

        in_wandb = WeightsAndBiases(run, record)
        return Background(in_wandb, title=WANDB, rest=in_wandb.rest, record=record)
    from cyclegan_keras.tracking.ml_flow import MLflow

    in_mlflow = MLflow(run, record)
    logging.info("MLflow shows this run as %s.", in_mlflow.place)
    return Background(in_mlflow, title=MLFLOW, rest=in_mlflow.rest, record=record)


def open_for_evaluation(run: Run) -> Tracker:
    """Opens the tracked runs that a run has already, to add an evaluation.

    One that cannot be opened is left out with a warning: the evaluation itself is done.
    """
    opened: list[Tracker] = []
    for name in OPTIONAL:
        if not record_path(run, name).exists():
            continue
        try:
            check_trackers(name)
            record = record_of(run, name)
            if name == WANDB:
                opened.append(_wandb_for_evaluation(run, record))
            else:
                from cyclegan_keras.tracking.ml_flow import MLflow

                in_mlflow = MLflow(run, record, training=False)
                opened.append(Background(in_mlflow, title=MLFLOW, rest=EVALUATION_REST))
        except UserError as error:
            logging.warning("The evaluation is not logged to %s: %s", name, error)
    return Several(opened)


EVALUATION_REST = "The evaluation is in the files that were written."


def _wandb_for_evaluation(run: Run, record: Record) -> Tracker:
    """Opens the run of wandb, unless a training has it open: wandb allows one process at a time.

    Raises:
        RunError: another process works in the run.
        OptionError: wandb cannot be used.
    """
    from cyclegan_keras.tracking.weights_and_biases import WeightsAndBiases

    with run.locked():
        pass
    return Background(WeightsAndBiases(run, record), title=WANDB, rest=EVALUATION_REST)


def record_path(run: Run, name: str) -> pathlib.Path:
    """Returns where a run remembers its run in a tracker."""
    return run.directory / "trackers" / f"{name}.json"


def record_of(run: Run, name: str) -> Record:
    """Returns what a run remembers of its run in a tracker.

    Raises:
        RunError: the file is damaged.
    """
    return Record(record_path(run, name))


def public(value: Any) -> Any:
    """Returns options or facts as trackers show them, to other people on other machines.

    ~ stands in place of the home folder, as somebody may have typed it, and escapes in place of
    what is no UTF-8.

    Args:
        value: a text, or lists and dicts that hold texts.
    """
    home = os.path.expanduser("~")
    if isinstance(value, str):
        is_within = home != "~" and home != os.sep and f"{value}{os.sep}".startswith(home + os.sep)
        return printable(f"~{value[len(home) :]}" if is_within else value)
    if isinstance(value, dict):
        return {name: public(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [public(each) for each in value]
    return value
