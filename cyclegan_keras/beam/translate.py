r"""Translates a folder of any number of pictures on Apache Beam, by many processes or machines.

    cyclegan-beam --model=generator_g.keras --input=photos \
        --output=translated --direct_num_workers=2

Flags that are not listed here are Beam's, such as --runner=FlinkRunner; without --runner the
workers are processes of this machine, --direct_num_workers of them.
"""

from __future__ import annotations  # types load nothing

import contextlib
import dataclasses
import functools
import io
import itertools
import logging as standard
import os
import sys
import time
import warnings
from collections.abc import Mapping, Sequence

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before TensorFlow is loaded

import psutil
from absl import logging

from cyclegan_keras.beam.journal import Journal
from cyclegan_keras.cli import console, flags
from cyclegan_keras.files.errors import PipelineError
from cyclegan_keras.translation.options import TranslateOptions

GROUPS = {"translate": TranslateOptions}
LOOK_SECONDS = 0.2  # between looks at what the workers did
PATIENCE_SECONDS = 60.0  # until a network file system shows what other machines wrote


def split_flags(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """Returns the program's name with its own flags, and Beam's flags, each with its value."""
    names = {*flags.fields(GROUPS), "help", "helpfull", "h"}
    own, beams = [argv[0]], []
    target = own
    for before, word in itertools.pairwise(argv):
        if word.startswith("-"):
            name = word.lstrip("-").partition("=")[0]
            target = own if {name, name.removeprefix("no")} & names else beams
        elif "=" in before:
            target = own  # nobody's value, which the own flags refuse
        target.append(word)
    return own, beams


@contextlib.contextmanager
def quiet_import():
    """Keeps from the user what Beam misses of Google's packages."""
    standard.disable(standard.WARNING)
    try:
        yield
    finally:
        standard.disable(standard.NOTSET)


def open_runner(words: Sequence[str], options: TranslateOptions):
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
        raise flags.OptionError(
            'Apache Beam is missing: pip install "cyclegan-keras[beam]". Without it translate.py '
            "does the same in one process."
        ) from error
    runner = Runner(words)
    for name in ("model", "input", "output"):
        for place in (vars(options)[name] or "").split(","):
            if "://" in place:
                raise flags.OptionError(
                    f"--{name}={place}: expected a path. A bucket must be mounted as a folder, at "
                    "the same place for all workers."
                )
            if place and not runner.is_local and not os.path.isabs(place.rpartition("=")[2]):
                raise flags.OptionError(
                    f"--{name}={place}: workers of {runner.name} need a path that begins with / "
                    "and leads all of them to the same folder."
                )
    return runner


def share_memory(options: TranslateOptions, runner) -> TranslateOptions:
    """Returns the options with each worker's part of this machine's memory."""
    if options.max_memory_mb or not runner.is_local:
        return options
    free = psutil.virtual_memory().available / 1e6
    from cyclegan_keras.translation.opening import SHARE_OF_MEMORY

    part = max(int(free * SHARE_OF_MEMORY / runner.workers), 1)
    return dataclasses.replace(options, max_memory_mb=part)


def run_pipeline(runner, tasks, find_recipe, options, record, interruption):
    """Translates the tasks; returns what came of it.

    Raises:
        PipelineError: the runner failed; what is written is whole.
        WriteError: a worker could not write.
    """
    from cyclegan_keras.beam import pipeline
    from cyclegan_keras.translation import plan
    from cyclegan_keras.translation.job import Outcome

    journal, outcome, began = Journal(record.folder), Outcome(), time.monotonic()
    path, log = journal.folder / "tasks", journal.folder / "workers.log"
    try:
        chunks = pipeline.write_tasks(tasks, path)
        work = pipeline.Work(
            find_recipe=find_recipe,
            settings=plan.settings_of(options),
            record=record,
            tasks=path,
            journal=journal.folder,
        )
        runner.start(functools.partial(pipeline.build, work=work, chunks=chunks), log)
        look_on(runner, journal, outcome, len(tasks), interruption)
        if reason := runner.failure(log):
            raise PipelineError(
                f"{runner.name} failed: {reason.rstrip('.')}. What is written is whole, and the "
                "same command goes on from there."
            )
    finally:
        runner.close()
        journal.remove()
    outcome.seconds = time.monotonic() - began
    return outcome


def look_on(runner, journal: Journal, outcome, count: int, interruption) -> None:
    """Tells how far the workers are, until they end."""
    from cyclegan_keras.translation.progress import progress_bar

    patience, ended = 0.0 if runner.is_local else PATIENCE_SECONDS, None
    with progress_bar(count, "img") as bar:
        while True:
            if not (ended or runner.is_running()):
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
            if ended and (bar.n >= count or time.monotonic() > ended + patience):
                return
            time.sleep(LOOK_SECONDS)


def translate_folder(runner, listing, find_recipe, options, record, parts) -> int:
    """Translates what is not done yet; returns the exit code."""
    from cyclegan_keras.translation import plan
    from cyclegan_keras.translation.job import Outcome

    with (
        console.Interruption("Stopping when what was begun is written ...") as interruption,
        record.locked(),
    ):
        record.begin(overwrite=options.overwrite)
        tasks = plan.left_over(listing.tasks, parts, record)
        if done := len(listing.tasks) - len(tasks):
            print(f"{done} of {len(listing.tasks)} are there already; --overwrite makes them anew.")
        outcome = Outcome()
        if tasks:
            outcome = run_pipeline(runner, tasks, find_recipe, options, record, interruption)
    print("\n".join(plan.summary(outcome, listing.folder, len(tasks))))
    if interruption.requested():
        print(f"Stopped by {interruption.signal_name}. The same command continues from there.")
        return interruption.exit_code
    if lost := len(tasks) - outcome.written - len(outcome.failed):
        raise PipelineError(
            f"{lost} pictures are neither written nor told of: do all workers see "
            f"{listing.folder}? The same command tries them again."
        )
    return 1 if outcome.failed else 0


def translate(typed: Mapping[str, object], beam_flags: Sequence[str]) -> int:
    """Translates what the options typed name, with Beam's own flags; returns the exit code."""
    warnings.filterwarnings("ignore", module=r"PIL\.")  # what matters becomes a sentence
    options = flags.resolve(GROUPS, typed)["translate"]
    runner = open_runner(beam_flags, options)

    from cyclegan_keras.translation import plan
    from cyclegan_keras.translation.opening import open_translators

    listing = plan.list_input(options)
    if listing.folder is None:
        raise flags.OptionError(f"{options.input} is one file: translate.py translates it.")
    if listing.videos:
        print(f"{listing.videos} videos are passed over: translate.py translates them one by one.")
    options = share_memory(options, runner)
    find_recipe = functools.partial(plan.find_recipe, options, open_translators)
    direction, recipe = find_recipe()
    words, parts = recipe.translator.description.words, recipe.parts
    del recipe  # the workers load their own
    record = plan.record_of(options, listing.folder, direction)
    tasks = listing.tasks
    if not options.overwrite:
        record.check(task.part(part) for task in tasks for part in parts)
        tasks = plan.left_over(tasks, parts, record)
    if options.dry_run:
        print("\n".join(plan.outline(tasks, parts)))
        return 0
    print(f"Translating {words} ({direction}) on {runner.name}.", flush=True)
    return translate_folder(runner, listing, find_recipe, options, record, parts)


def main(argv: list[str]) -> int:
    """Runs the command; expected errors print one line and exit with code 2."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # names of files may be no text
        sys.stdout.reconfigure(errors="backslashreplace")
    own, beam_flags = split_flags(argv)
    return console.run_command(own, lambda typed: translate(typed, beam_flags), GROUPS, __doc__)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
