"""Opens the trackers of a run."""

import importlib.util
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from absl import logging

from cyclegan_keras.files.errors import OptionError, UserError
from cyclegan_keras.files.names import printable
from cyclegan_keras.runs.run import Run
from cyclegan_keras.tracking.background import Background
from cyclegan_keras.tracking.options import MLFLOW, TENSORBOARD, WANDB
from cyclegan_keras.tracking.record import Record, record_of_training
from cyclegan_keras.tracking.several import Several
from cyclegan_keras.tracking.tracker import Tracker

if TYPE_CHECKING:
    from cyclegan_keras.tracking.mlflow_runs import MLflow
    from cyclegan_keras.tracking.wandb_runs import WeightsAndBiases

# Trackers of packages that are not installed with this one.
OPTIONAL = (WANDB, MLFLOW)
EVALUATION_REST = "The evaluation is in the files that were written."


def check_installed(names: Sequence[str]) -> None:
    """Refuses trackers whose packages are not installed, before anything is computed.

    Args:
        names: of `TRACKERS`.

    Raises:
        OptionError: a package is not installed.
    """
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


def try_out(names: Sequence[str]) -> None:
    """Refuses trackers that cannot be used now, before a run is made and its pictures are checked.

    Args:
        names: of `TRACKERS`.

    Raises:
        OptionError: there is no login, no server, or a store that cannot be written.
    """
    for name in names:
        if name == WANDB:
            from cyclegan_keras.tracking import wandb_runs

            wandb_runs.try_out()
        if name == MLFLOW:
            from cyclegan_keras.tracking import mlflow_runs

            mlflow_runs.try_out()


def open_trackers(names: Sequence[str], run: Run) -> Tracker:
    """Opens the trackers of a training, which goes on in the tracked runs that it has already.

    A new tracked run that cannot be begun is an error: what is wrong can be put right before
    anything is trained. One that cannot be continued is a warning, because nobody may be there to
    read an error: a server may be away while a training that was stopped starts by itself.

    Args:
        names: of `TRACKERS`.
        run: is created and locked.

    Returns:
        All of them as one.

    Raises:
        OptionError: a new tracked run cannot be begun; the others are closed.
        RunError: what the run remembers of one is damaged.
        WriteError: the directory of the run cannot be written to.
    """
    opened: list[Tracker] = []
    try:
        for name in names:
            if name == TENSORBOARD:
                from cyclegan_keras.tracking.tensorboard import TensorBoard

                opened.append(TensorBoard(run.tensorboard))
                continue
            record = record_of_training(run, name)
            try:
                opened.append(_open(name, run, record))
            except OptionError as error:
                if not record.tracked:
                    raise
                logging.warning(
                    "%s The training goes on without it; metrics.jsonl and samples/ of %s have "
                    "everything.",
                    error,
                    run.directory,
                )
    except BaseException:
        Several(opened).close(failed=True)
        raise
    return Several(opened)


def _open(name: str, run: Run, record: Record) -> Tracker:
    """Opens the tracked run of a training with a package that is not installed with this one."""
    tracker: WeightsAndBiases | MLflow
    if name == WANDB:
        from cyclegan_keras.tracking import wandb_runs

        tracker = wandb_runs.WeightsAndBiases(run, record)
        settle_seconds = wandb_runs.SETTLE_SECONDS
    else:
        from cyclegan_keras.tracking import mlflow_runs

        tracker = mlflow_runs.MLflow(run, record)
        settle_seconds = mlflow_runs.SETTLE_SECONDS
        logging.info("MLflow shows this run as %s.", tracker.place)
    return Background(
        tracker,
        title=name,
        rest=tracker.rest,
        record=record,
        settle_seconds=settle_seconds,
    )


def open_for_evaluation(run: Run, names: Sequence[str] | None = None) -> Tracker:
    """Opens the tracked runs that a run has already, to add an evaluation.

    One that cannot be opened is left out with a warning: the evaluation itself is done.

    Args:
        run: that was evaluated.
        names: of `TRACKERS`; by default all in which the run has a tracked run, unless the run
            comes from another directory: it may be somebody else's then.
    """
    opened: list[Tracker] = []
    for name in OPTIONAL if names is None else names:
        try:
            opened += _opened_for_evaluation(name, run, is_asked_for=names is not None)
        except UserError as error:
            logging.warning("The evaluation is not logged to %s: %s", name, error)
    return Several(opened)


def _opened_for_evaluation(name: str, run: Run, *, is_asked_for: bool) -> list[Tracker]:
    """Returns the tracker, or nothing where the run has no tracked run there.

    Raises:
        OptionError: it cannot be used, or was asked for and has no such run.
        RunError: it is in use, or the file that says which run it is is damaged.
    """
    if name == TENSORBOARD:
        raise OptionError("evaluate.py writes nothing for TensorBoard.")
    record = Record(run, name)
    if not record.tracked:
        if is_asked_for:
            raise OptionError(
                f"{run.directory} has no tracked run there: train.py --tracker={name} begins one."
            )
        return []
    if record.moved_from is not None and not is_asked_for:
        raise OptionError(
            f"{run.directory} was in {record.moved_from} when it was trained. --tracker={name} "
            "logs it all the same, and --tracker=none says nothing of it."
        )
    check_installed([name])
    tracker: Tracker
    if name == WANDB:
        from cyclegan_keras.tracking.wandb_runs import WeightsAndBiases

        with run.locked():  # wandb allows one process at a time: no training may have its run open
            pass
        tracker = WeightsAndBiases(run, record)
    else:
        from cyclegan_keras.tracking.mlflow_runs import MLflow

        tracker = MLflow(run, record, training=False)
    return [Background(tracker, title=name, rest=EVALUATION_REST)]


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
