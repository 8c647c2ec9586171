"""A run in MLflow, on its server or in a local store.

MLflow's own callback for Keras (`mlflow.keras.MlflowCallback`) does not do here: it reads the
counter of one optimizer where a GAN has several, refuses options that change when a run is
continued, and sees only what `fit` logs: no sample grid, finding or evaluation.
"""

import contextlib
import logging
import os
import pathlib
import re
import sqlite3
import time
from collections.abc import Iterator, Mapping
from typing import Any

from cyclegan_keras.files.errors import OptionError
from cyclegan_keras.files.names import printable
from cyclegan_keras.runs.run import Run
from cyclegan_keras.tracking.reasons import reason_of, without_passwords
from cyclegan_keras.tracking.record import Record
from cyclegan_keras.tracking.tracker import Tracker

EXPERIMENT = "cyclegan-keras"
OF_TRAININGS = {"mlflow.experimentKind": "custom_model_development"}  # its page begins with runs
MOST_CHARACTERS = 5000  # of an option or a fact; MLflow 3 takes 6000 and 8000
SETTLE_SECONDS = 1.0  # MLflow answers when its store has everything; so seldom it is noted
MOST_IN_BATCH = 100  # options or facts in one request
RETRIES = "MLFLOW_HTTP_REQUEST_MAX_RETRIES"
RETRYING = logging.getLogger("urllib3.connectionpool")  # warns at each attempt to reach a server
RETRIES_AT_START = "2"  # MLflow's own number takes four minutes to find that there is no server


class MLflow(Tracker):
    """Logs to a run of MLflow, which goes on where the run is continued.

    The store is the one that MLFLOW_TRACKING_URI names, or else MLflow's own default, the file
    mlflow.db in the current folder: one store for many runs is what makes them comparable.

    Args:
        run: of which the run of MLflow has the name.
        record: knows the run of MLflow, and is told of a new one.
        training: whether the run is under way as long as this tracker is open.

    Attributes:
        rest: a sentence on where everything is, for when MLflow no longer takes anything.
        training: as given.
        place: the run and its store in words.

    Raises:
        OptionError: MLflow cannot be used now, for example because no server answers.
    """

    def __init__(self, run: Run, record: Record, *, training: bool = True):
        import mlflow

        self.rest = f"The curves and pictures are in metrics.jsonl and samples/ of {run.directory}."
        self.training = training
        self._is_interrupted = False
        self._texts: dict[str, int] = {}  # file -> how many of its name there are
        try:
            check_file(mlflow.get_tracking_uri())
            with _few_retries(), _quiet_retries():
                self._client = mlflow.MlflowClient()
                self._id = record.tracked.get("id") or os.environ.get("MLFLOW_RUN_ID")
                if self._id is None:
                    self._id = self._create_run(printable(run.name))
                self._check_run()
                if training:
                    self._client.update_run(self._id, status="RUNNING")
        except Exception as error:  # whatever it is, MLflow cannot be used
            known = ""
            if record.tracked:
                known = (
                    f" The run goes on in run {self._id} of MLflow, as {record.path} says; without "
                    "that file a new one begins."
                )
            raise OptionError(f"{_refusal(error)}{known}") from error
        if not record.tracked:
            record.begin({"id": self._id})
        self.place = f"run {self._id} in {without_passwords(mlflow.get_tracking_uri())}"
        self._quiet = contextlib.ExitStack()
        self._quiet.enter_context(_quiet_retries())

    def scalars(self, step, values):
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        metrics = [
            Metric(key=valid_name(name), value=float(value), timestamp=now, step=step)
            for name, value in values.items()
        ]
        self._client.log_batch(self._id, metrics=metrics)

    def image(self, step, name, picture):
        self._client.log_image(self._id, picture, key=valid_name(name), step=step)

    def text(self, step, name, sentence):
        file = f"{valid_name(name)}/step_{step:09d}"
        count = self._texts[file] = self._texts.get(file, 0) + 1
        numbered = file if count == 1 else f"{file}_{count}"
        self._client.log_text(self._id, f"{sentence}\n", f"{numbered}.txt")

    def options(self, values):
        """Logs the options as params, and those that have changed since as tags.

        Params of MLflow never change.
        """
        from mlflow.entities import Param, RunTag

        logged = self._client.get_run(self._id).data.params
        params, tags = [], []
        for name, value in values.items():
            text = str(value)[:MOST_CHARACTERS]
            if name not in logged:
                params.append(Param(name, text))
            elif logged[name] != text:
                tags.append(RunTag(f"changed/{name}", text))
        for start in range(0, len(params), MOST_IN_BATCH):
            self._client.log_batch(self._id, params=params[start : start + MOST_IN_BATCH])
        if tags:
            self._client.log_batch(self._id, tags=tags)

    def facts(self, values):
        """Logs the facts as the file facts.json and, each by its name, as tags."""
        from mlflow.entities import RunTag

        self._client.log_dict(self._id, dict(values), "facts.json")
        tags = [RunTag(name, text) for name, text in flat(values, "facts").items()]
        for start in range(0, len(tags), MOST_IN_BATCH):
            self._client.log_batch(self._id, tags=tags[start : start + MOST_IN_BATCH])

    def interrupted(self):
        self._is_interrupted = True

    def close(self, *, failed=False):
        status = "FAILED" if failed else "FINISHED"
        if self._is_interrupted:
            status = "KILLED"
        try:
            if self.training:
                self._client.set_terminated(self._id, status=status)
        finally:
            self._quiet.close()

    def _create_run(self, name: str) -> str:
        experiment_id = os.environ.get("MLFLOW_EXPERIMENT_ID")
        if not experiment_id:
            experiment_name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or EXPERIMENT
            experiment = self._client.get_experiment_by_name(experiment_name)
            if experiment is None:
                experiment_id = self._client.create_experiment(experiment_name, tags=OF_TRAININGS)
            else:
                experiment_id = experiment.experiment_id
        return self._client.create_run(experiment_id, run_name=name).info.run_id

    def _check_run(self) -> None:
        if self._client.get_run(self._id).info.lifecycle_stage != "active":
            raise ValueError(f"run {self._id} is deleted there")


def try_out() -> None:
    """Asks the store that a new run would be in, and begins none.

    Raises:
        OptionError: MLflow cannot be used now.
    """
    import mlflow

    try:
        check_file(mlflow.get_tracking_uri())
        with _few_retries(), _quiet_retries():
            client = mlflow.MlflowClient()
            if os.environ.get("MLFLOW_RUN_ID"):
                client.get_run(os.environ["MLFLOW_RUN_ID"])
            else:
                client.search_experiments(max_results=1)
    except Exception as error:  # whatever it is, MLflow cannot be used
        raise OptionError(_refusal(error)) from error


def _refusal(error: Exception) -> str:
    import mlflow

    store = without_passwords(mlflow.get_tracking_uri())
    return (
        f"--tracker=mlflow cannot be used with {store}: {reason_of(error)}. Set "
        "MLFLOW_TRACKING_URI to a server that runs or to a local store, such as "
        "sqlite:///mlflow.db, or leave mlflow out of --tracker."
    )


def check_file(store: str) -> None:
    """Refuses a store in a file of SQLite that cannot be written.

    MLflow finds it out by itself, but tries for two minutes.

    Args:
        store: the address of any store.

    Raises:
        sqlite3.OperationalError: the file cannot be made or written.
    """
    if not store.startswith("sqlite:///"):
        return
    path = pathlib.Path(store.removeprefix("sqlite:///").partition("?")[0])
    if not path.parent.is_dir():  # MLflow makes it
        return
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=0.0)) as connection:
            connection.execute("BEGIN IMMEDIATE")  # as before writing
    except sqlite3.OperationalError as error:
        if "locked" not in str(error):  # another process writes at this moment
            raise


def valid_name(name: str) -> str:
    """Returns a name as MLflow takes it, with _ in place of characters that it refuses.

    Example:
        >>> valid_name("eval/x_to_y/LPIPS (VGG)")
        'eval/x_to_y/LPIPS _VGG_'
    """
    return re.sub(r"[^\w\-./: ]", "_", name, flags=re.ASCII)


def flat(values: Mapping[str, Any], prefix: str) -> dict[str, str]:
    """Returns nested facts as one level of texts, by the path to each.

    Example:
        >>> flat({"versions": {"keras": "3.15.1"}, "domains": ["a", "b"]}, "facts")
        {'facts/versions/keras': '3.15.1', 'facts/domains': 'a, b'}
    """
    found: dict[str, str] = {}
    for name, value in values.items():
        path = f"{prefix}/{valid_name(name)}"
        if isinstance(value, Mapping):
            found.update(flat(value, path))
            continue
        is_list = bool(value) and isinstance(value, list | tuple)
        text = ", ".join(str(each) for each in value) if is_list else str(value)
        found[path] = text[:MOST_CHARACTERS]
    return found


@contextlib.contextmanager
def _few_retries() -> Iterator[None]:
    """Lets MLflow give up soon in the block, unless the user has said how often it tries."""
    if RETRIES in os.environ:
        yield
        return
    os.environ[RETRIES] = RETRIES_AT_START
    try:
        yield
    finally:
        del os.environ[RETRIES]


@contextlib.contextmanager
def _quiet_retries() -> Iterator[None]:
    """Keeps attempts out of the messages: what is not reached in the end is said once."""
    level_before = RETRYING.level
    RETRYING.setLevel(logging.ERROR)
    try:
        yield
    finally:
        RETRYING.setLevel(level_before)
