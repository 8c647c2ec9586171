r"""Translates a folder of any number of pictures on Apache Beam, by many processes or machines.

    cyclegan-beam --model=generator_g.keras --input=photos \
        --output=translated --direct_num_workers=2

Flags that are not listed here are Beam's, such as --runner=FlinkRunner; without --runner the
workers are processes of this machine, --direct_num_workers of them.
"""

import contextlib
import dataclasses
import functools
import itertools
import logging as standard_logging
import os
import sys
import time
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before TensorFlow is loaded

import psutil
from absl import logging

from cyclegan_keras.beam.journal import Journal
from cyclegan_keras.cli import backends, flags
from cyclegan_keras.cli.console import Interruption, run_command
from cyclegan_keras.files.errors import OptionError, PipelineError
from cyclegan_keras.hub import fetching
from cyclegan_keras.translation.listing import find_input, kept_line, name_outputs, outline
from cyclegan_keras.translation.options import TranslateOptions

GROUPS = {"translate": TranslateOptions}
LOOK_SECONDS = 0.2  # between two looks at what the workers did
PATIENCE_SECONDS = 60.0  # until a network file system shows what other machines wrote


def main(argv: list[str]) -> int:
    """Runs the command; expected errors print one line and exit with code 2."""
    own_flags, beam_flags = split_flags(argv)
    return run_command(own_flags, lambda typed: translate(typed, beam_flags), GROUPS, __doc__)


def translate(typed: Mapping[str, Any], beam_flags: Sequence[str]) -> int:
    """Translates what the options typed name, with Beam's own flags; returns the exit code."""
    backends.check_environment(only_with_tensorflow="Translating")
    warnings.filterwarnings("ignore", module=r"PIL\.")  # what matters becomes a sentence
    options = flags.resolve_one(TranslateOptions, typed)
    if options.model:  # fetched once, and not by each worker
        options = dataclasses.replace(options, model=fetching.local(options.model))
    runner = open_runner(beam_flags, options)

    from cyclegan_keras.translation.endings import endings_of
    from cyclegan_keras.translation.job import Outcome
    from cyclegan_keras.translation.opening import open_recipe
    from cyclegan_keras.translation.record import record_of

    inputs = find_input(options)
    if inputs.found is None:
        raise OptionError(f"{options.input} is one file: translate.py translates it.")
    if inputs.passed_over:
        print(inputs.passed_over)
    options = share_memory(options, runner)
    recipe = open_recipe(options)
    parts = recipe.parts
    endings = endings_of(recipe, options)
    listing = name_outputs(inputs, options.output, endings=endings, parts=parts)
    direction = recipe.direction
    words = recipe.translator.description.words
    record = record_of(options, listing.folder, direction)
    tasks = listing.tasks
    if not options.overwrite:
        record.check(task.part(part) for task in tasks for part in parts)
        tasks = record.remaining(tasks, parts)
    if options.dry_run:
        print("\n".join(outline(tasks, parts)))
        return 0

    print(f"Translating {words} ({direction}){options.in_precision} on {runner.name}.", flush=True)
    with (
        Interruption("Stopping after the pictures in progress are written ...") as interruption,
        record.locked(),
    ):
        record.begin(overwrite=options.overwrite)
        tasks = record.remaining(listing.tasks, parts)
        if len(tasks) < len(listing.tasks):
            print(kept_line(len(listing.tasks) - len(tasks), len(listing.tasks)))
        outcome = Outcome()
        if tasks:
            recipe.prepare()  # once, and not by each worker
            del recipe  # the workers open their own
            outcome = run_pipeline(
                runner, tasks, options=options, record=record, interruption=interruption
            )
    print("\n".join(outcome.summary(listing.folder, len(tasks))))
    if interruption.requested():
        print(f"Stopped by {interruption.signal_name}. The same command continues from there.")
        return interruption.exit_code
    lost = len(tasks) - outcome.written - len(outcome.failed)
    if lost:
        raise PipelineError(
            f"{lost} pictures were neither written nor reported as failed: do all workers see "
            f"{listing.folder}? The same command tries them again."
        )
    return 1 if outcome.failed else 0


def split_flags(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """Returns the name of the program with its own flags, and Beam's flags, with their values."""
    own_names = {*flags.fields(GROUPS), "help", "helpfull", "h"}
    own_flags = [argv[0]]
    beam_flags: list[str] = []
    destination = own_flags
    for previous, word in itertools.pairwise(argv):
        if word.startswith("-"):
            name = word.lstrip("-").partition("=")[0]
            is_own = name in own_names or name.removeprefix("no") in own_names
            destination = own_flags if is_own else beam_flags
        elif "=" in previous:
            destination = own_flags  # a value without a flag, which the own flags refuse
        destination.append(word)
    return own_flags, beam_flags


def open_runner(beam_flags: Sequence[str], options: TranslateOptions):
    """Returns the runner that Beam's flags name.

    Raises:
        OptionError: Beam is missing, or a path means nothing to the workers.
        TranslationError: Beam does not know a flag.
    """
    try:
        with quiet_import():
            from cyclegan_keras.beam.runner import Runner
    except ModuleNotFoundError as error:
        if error.name.partition(".")[0] != "apache_beam":
            raise
        raise OptionError(
            'Apache Beam is missing: pip install "cyclegan-keras[beam]". Without it translate.py '
            "does the same in one process."
        ) from error
    runner = Runner(beam_flags)
    for name in ("model", "input", "output"):
        for path in (vars(options)[name] or "").split(","):
            if "://" in path:
                raise OptionError(
                    f"--{name}={path}: expected a path. A bucket must be mounted as a folder, at "
                    "the same path for all workers."
                )
            if path and not runner.is_local and not os.path.isabs(path.rpartition("=")[2]):
                raise OptionError(
                    f"--{name}={path}: workers of {runner.name} need a path that begins with / "
                    "and leads all of them to the same folder."
                )
    return runner


@contextlib.contextmanager
def quiet_import():
    """Hides the warnings of Beam about packages of Google that are missing."""
    standard_logging.disable(standard_logging.WARNING)
    try:
        yield
    finally:
        standard_logging.disable(standard_logging.NOTSET)


def share_memory(options: TranslateOptions, runner) -> TranslateOptions:
    """Returns the options with the share that each worker has in the memory of this machine."""
    if options.max_memory_mb or not runner.is_local:
        return options
    from cyclegan_keras.translation.opening import SHARE_OF_MEMORY

    free_mb = psutil.virtual_memory().available / 1e6
    share = max(int(free_mb * SHARE_OF_MEMORY / runner.workers), 1)
    return dataclasses.replace(options, max_memory_mb=share)


def run_pipeline(runner, tasks, *, options: TranslateOptions, record, interruption: Interruption):
    """Translates the tasks; returns the `Outcome`.

    Raises:
        PipelineError: the runner failed; what is written is whole.
        WriteError: a worker could not write.
    """
    from cyclegan_keras.beam import pipeline

    began = time.monotonic()
    journal = Journal(record.folder)
    tasks_file = journal.folder / "tasks"
    log = journal.folder / "workers.log"
    try:
        chunks = pipeline.write_tasks(tasks, tasks_file)
        work = pipeline.Work(
            options=options, record=record, tasks=tasks_file, journal=journal.folder
        )
        runner.start(functools.partial(pipeline.build, work=work, chunks=chunks), log)
        outcome = follow(runner, journal, len(tasks), interruption)
        reason = runner.failure(log)
        if reason:
            raise PipelineError(
                f"{runner.name} failed: {reason.rstrip('.')}. What is written is whole, and the "
                "same command goes on from there."
            )
    finally:
        runner.close()
        journal.remove()
    outcome.seconds = time.monotonic() - began
    return outcome


def follow(runner, journal: Journal, count: int, interruption: Interruption):
    """Shows how many of `count` pictures are done until the workers end; returns the `Outcome`."""
    from cyclegan_keras.translation.job import Outcome, progress_bar

    outcome = Outcome()
    patience = 0.0 if runner.is_local else PATIENCE_SECONDS
    ended = None  # when the runner did
    with progress_bar(count, "img") as bar:
        while True:
            if ended is None and not runner.is_running():
                ended = time.monotonic()
            written, failed = journal.news()
            for sentence in failed:
                logging.warning("%s", sentence)
            outcome.written += written
            outcome.failed += failed
            bar.update(written + len(failed))
            if interruption.requested():
                journal.end()
            if interruption.requested() or runner.errors:
                patience = 0.0
            if ended is not None:
                is_complete = bar.n >= count
                if is_complete or time.monotonic() > ended + patience:
                    return outcome
            time.sleep(LOOK_SECONDS)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
