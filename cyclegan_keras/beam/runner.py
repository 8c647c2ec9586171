"""Runs a pipeline in a thread, beside the main thread, which shows progress and takes signals."""

import contextlib
import io
import logging
import os
import pathlib
import shlex
import sys
import threading
from collections.abc import Callable, Sequence

import apache_beam as beam
import psutil
from apache_beam.options import pipeline_options
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.transforms.environments import SubprocessSDKEnvironment

from cyclegan_keras.files.errors import TranslationError

LOCAL = ("DirectRunner", "BundleBasedDirectRunner", "FnApiRunner")
# Ctrl-C in a terminal goes to all processes; the workers leave it to the one that started them.
WORKER = "trap '' INT TERM; exec {python} -m apache_beam.runners.worker.sdk_worker_main 2>>{log}"
EXITED = "subprocess exited with return code"  # so begins what Beam says of a worker that ended
KILLED = (" -9", " 137")  # so it ends where the worker was killed
EXIT_SECONDS = 1.0  # until all of Beam knows that a worker has ended


class Runner:
    """One of Beam's runners, as its flags describe it.

    Args:
        words: Beam's flags.

    Attributes:
        name: what Beam calls the runner.
        is_local: whether its workers are on this machine, and start in this folder.
        workers: how many processes those are.
        errors: what ended the pipeline early.

    Raises:
        TranslationError: flags that Beam does not know.
    """

    def __init__(self, words: Sequence[str]):
        self._options = _parsed(words)
        standard = self._options.view_as(pipeline_options.StandardOptions)
        self.name = standard.runner or LOCAL[0]
        self.is_local = self.name in LOCAL
        self.workers = 1
        self.errors: list[BaseException] = []
        self._processes = False
        if self.is_local:
            _refuse_unknown(self._options)
            self._choose_processes(words)

    def start(self, build: Callable[[beam.Pipeline], None], log: pathlib.Path) -> None:
        """Starts a pipeline in a thread of its own.

        Args:
            build: adds the work to the pipeline.
            log: the file for what worker processes of this machine print.
        """
        threading.excepthook = self._note_error  # a thread of Beam fails when its worker ends
        runner = self._local_runner(log) if self.is_local else None
        self._thread = threading.Thread(target=self._run, args=(build, runner), daemon=True)
        self._thread.start()

    def is_running(self) -> bool:
        """Whether the pipeline still runs."""
        return self._thread.is_alive() and not self.errors

    def failure(self, log: pathlib.Path) -> str | None:
        """Returns what ended the pipeline early, in one line; None where nothing did."""
        if not self.errors:
            return None
        if self._processes:  # the thread that waited for a worker knows how it ended
            self._thread.join(EXIT_SECONDS)
        lines = [_last_line(str(error)) or repr(error) for error in self.errors]
        for line in lines:
            if line.endswith(KILLED):
                return f"{line}, mostly for lack of memory: try fewer --direct_num_workers."
            if EXITED in line and log.exists():
                return f"{line}: {_last_line(log.read_text(errors='replace'))}"
        return lines[0]

    def close(self) -> None:
        """Kills the worker processes of this machine that are left."""
        threading.excepthook = threading.__excepthook__
        for process in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.Error):  # it has ended already
                if "apache_beam.runners.worker.sdk_worker_main" in process.cmdline():
                    process.kill()

    def _run(self, build: Callable[[beam.Pipeline], None], runner: FnApiRunner | None) -> None:
        pipeline = beam.Pipeline(runner=runner, options=self._options)
        build(pipeline)
        pipeline.run().wait_until_finish()

    def _note_error(self, failed) -> None:
        self.errors.append(failed.exc_value)

    def _choose_processes(self, words: Sequence[str]) -> None:
        direct = self._options.view_as(pipeline_options.DirectOptions)
        self._processes = direct.direct_running_mode == "multi_processing"
        names_mode = any("direct_running_mode" in word for word in words)
        if direct.direct_num_workers != 1 and not names_mode:
            self._processes = True
        if self._processes:
            self.workers = direct.direct_num_workers or os.cpu_count()
            direct.direct_running_mode = "in_memory"  # else Beam would start them itself

    def _local_runner(self, log: pathlib.Path) -> FnApiRunner:
        """Beam's DirectRunner without Prism, which it would try first.

        Prism is a program to download that does not know --direct_num_workers.
        """
        for name in ("fn_api_runner.fn_runner", "local_job_service"):  # log every internal step
            logging.getLogger(f"apache_beam.runners.portability.{name}").setLevel(logging.CRITICAL)
        if not self._processes:
            return FnApiRunner()
        threads = max(os.cpu_count() // self.workers, 1)
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(threads))
        command = WORKER.format(python=shlex.quote(sys.executable), log=shlex.quote(str(log)))
        return FnApiRunner(SubprocessSDKEnvironment.from_command_string(command))


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if len(line) > 1]
    return lines[-1] if lines else ""


def _parsed(words: Sequence[str]) -> pipeline_options.PipelineOptions:
    printed = io.StringIO()
    try:
        with contextlib.redirect_stderr(printed):
            options = pipeline_options.PipelineOptions(list(words))
            options.get_all_options()  # parses them
            return options
    except SystemExit:
        reason = printed.getvalue().strip().rpartition("error: ")[2]
        raise TranslationError(f"Beam's flags: {reason}.") from None


def _refuse_unknown(options: pipeline_options.PipelineOptions) -> None:
    everything = options.get_all_options(retain_unknown_options=True)
    for name in everything.keys() - options.get_all_options().keys():
        raise TranslationError(
            f"Unknown flag --{name}: neither cyclegan-beam nor Apache Beam has it. See --help."
        )
