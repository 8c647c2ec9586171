"""A run in Weights & Biases, on its server or, with WANDB_MODE=offline, in files of the run.

wandb's own callback for Keras (`WandbMetricsLogger`) does not do here: it counts steps from 0 in
every process, reads the learning rate of one optimizer where a GAN has several, and sees only what
`fit` logs: no sample grid, finding or evaluation.
"""

import html
import os
from typing import Any

from cyclegan_keras.files.errors import OptionError
from cyclegan_keras.files.names import printable
from cyclegan_keras.runs.run import Run
from cyclegan_keras.tracking.reasons import reason_of
from cyclegan_keras.tracking.record import Record
from cyclegan_keras.tracking.tracker import Tracker

PROJECT = "cyclegan-keras"
INIT_SECONDS = 30.0  # to reach the server at the start
FINISH_SECONDS = 50.0  # to send the rest at the end; afterwards `wandb sync` can
# What wandb has not written yet is lost with a process that is killed; by itself it waits 15 s.
FLUSH_SECONDS = 0.1
# It writes in a process of its own, and Linux may keep what was written for 30 s before it is on
# the disk: so much is lost where both processes are killed, or the power fails.
SETTLE_SECONDS = 30.0

INTERRUPTED = 255  # the exit code that wandb itself gives a run that Ctrl-C has ended


class WeightsAndBiases(Tracker):
    """Logs to a run of wandb, which goes on where the run is continued.

    wandb numbers rows by itself and refuses numbers that go back. Our step is a column of the rows
    instead, `step`, which all charts have as their x.

    Args:
        run: of which the run of wandb has the name. wandb's files are in its folder wandb/, unless
            WANDB_DIR says otherwise.
        record: knows the run of wandb, and is told of a new one.

    Attributes:
        rest: a sentence on where everything else is, for when wandb no longer takes anything.

    Raises:
        OptionError: wandb cannot be used now, for example without an API key.
    """

    def __init__(self, run: Run, record: Record):
        import wandb

        self.rest = (
            f"The curves and pictures are in metrics.jsonl and samples/ of {run.directory}, and "
            "what wandb has on this disk is sent by `wandb sync`."
        )
        self._is_interrupted = False
        tracked = record.tracked
        is_new = not tracked
        # Variables are read here, because wandb itself reads them only once in a process.
        environment = os.environ
        settings: dict[str, Any] = {
            "console": "off",  # the console is this project's own
            "finish_timeout": FINISH_SECONDS,
            "x_transaction_log_flush_interval": FLUSH_SECONDS,
        }
        if "WANDB_INIT_TIMEOUT" not in environment:
            settings["init_timeout"] = INIT_SECONDS
        # Versions of wandb differ in their settings.
        settings = {
            name: value for name, value in settings.items() if name in wandb.Settings.model_fields
        }
        mode: Any = environment.get("WANDB_MODE")  # wandb refuses unknown ones itself
        try:
            project = environment.get("WANDB_PROJECT") or wandb.setup().settings.project
            self._run = wandb.init(
                project=tracked.get("project") or project or PROJECT,
                entity=tracked.get("entity") or environment.get("WANDB_ENTITY"),
                id=tracked.get("id") or environment.get("WANDB_RUN_ID"),
                # a run that was renamed on the server keeps its new name
                name=environment.get("WANDB_NAME", printable(run.name)) if is_new else None,
                mode=mode,
                dir=environment.get("WANDB_DIR") or str(run.directory.absolute()),
                resume="allow",
                reinit="create_new",  # a run of the caller's own stays as it is
                settings=wandb.Settings(**settings),
            )
        except Exception as error:  # whatever it is, wandb cannot be used
            raise OptionError(_refusal(error)) from error
        if is_new and not self._run.disabled:
            tracked = {"id": self._run.id, "project": self._run.project}
            if self._run.entity:
                tracked["entity"] = self._run.entity
            record.begin(tracked)
        self._run.define_metric("step", hidden=True)
        self._run.define_metric("*", step_metric="step")

    def scalars(self, step, values):
        self._run.log({**values, "step": step})

    def image(self, step, name, picture):
        import wandb

        self._run.log({name: wandb.Image(picture, caption=f"step {step}"), "step": step})

    def text(self, step, name, sentence):
        import wandb

        self._run.log({name: wandb.Html(f"<p>{html.escape(sentence)}</p>"), "step": step})

    def options(self, values):
        self._run.config.update(dict(values), allow_val_change=True)

    def facts(self, values):
        self._run.config.update({"facts": dict(values)}, allow_val_change=True)

    def interrupted(self):
        self._is_interrupted = True

    def close(self, *, failed=False):
        exit_code = 1 if failed else 0
        self._run.finish(exit_code=INTERRUPTED if self._is_interrupted else exit_code)


def try_out() -> None:
    """Asks the server for the login that a new run needs, and begins none; offline it asks nothing.

    Raises:
        OptionError: wandb cannot be used now.
    """
    import wandb

    try:
        mode = os.environ.get("WANDB_MODE") or wandb.setup().settings.mode
        if mode == "online":
            wandb.login()
    except Exception as error:  # whatever it is, wandb cannot be used
        raise OptionError(_refusal(error)) from error


def _refusal(error: Exception) -> str:
    # wandb says itself how to log in, without the other ways.
    reason = reason_of(error).removesuffix(" Use `wandb login` to log in").rstrip(".")
    return (
        f"--tracker=wandb cannot be used: {reason}. Log in by `wandb login`, or set "
        "WANDB_MODE=offline to keep everything on this disk until `wandb sync`, or leave wandb out "
        "of --tracker."
    )
