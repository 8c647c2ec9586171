"""Makes generators smaller: options -> teachers -> shape -> inherit -> distill -> receipt.

python compress.py --model=runs/demo --target_macs=2e7
"""

import contextlib
import dataclasses
import json
import math
import time
from collections.abc import Iterator, Mapping
from typing import Any

import absl.logging

from cyclegan_keras.cli import backends, flags
from cyclegan_keras.cli.console import Interruption, run_command
from cyclegan_keras.commands.compress_learning import (
    answer_shapes,
    build_distiller,
    build_students,
    facts_of,
    inherit_weights,
    keeps_answers,
    open_batches,
    schedule_of,
    teachers_of,
    translate_of,
    with_definite_options,
)
from cyclegan_keras.commands.compress_results import keep_better_students, write_results
from cyclegan_keras.commands.compress_setup import (
    GROUPS,
    Setup,
    fitting_patch,
    forms_of,
    open_data,
    pictures_in_words,
    resolve_options,
    warn_of_few,
)
from cyclegan_keras.commands.compress_shape import ChosenShape, shape_of
from cyclegan_keras.commands.compress_time import (
    in_words,
    plan,
    seconds_of_steps,
    speed_here,
    steps_in_time,
)
from cyclegan_keras.commands.fitting import (
    continue_run,
    fit_while_readable,
    print_generators,
    saving_after_failure,
)
from cyclegan_keras.files.errors import LostPicturesError
from cyclegan_keras.runs.run import Run
from cyclegan_keras.tracking.opening import check_installed, open_trackers, public, try_out
from cyclegan_keras.tracking.tracker import Tracker

FEW_PICTURES = 100
SHOWN = ("generator_loss", "l1_g", "l1_f", "d_x", "d_y")  # beside the progress bar


def run(**options) -> int:
    """Compresses, as `compress.py` does with the same options.

    Args:
        **options: the options of docs/options.md by name; those left out have their defaults.

    Returns:
        The exit code of the command: 0 when the students are ready, 128 + the signal when a signal
        ended the compression before; the same call then continues it.

    Raises:
        UserError: an option cannot be used, or the compression failed; the message says why.

    Example:
        from cyclegan_keras.commands import compress
        compress.run(model="runs/demo", target_macs=2e7)
    """
    return compress(flags.as_typed(options, GROUPS))


def main(argv: list[str]) -> int:
    """Runs the command; expected errors print one line and exit with code 2."""
    return run_command(argv, compress, GROUPS, __doc__)


def compress(typed: Mapping[str, Any]) -> int:
    """Compresses with the typed options, given by name; returns the exit code."""
    backends.check_environment(only_with_tensorflow="Compressing")

    # ---- what is asked for, and the teachers ----
    setup = resolve_options(typed)
    check_installed(setup.options["trackers"].names)
    directory = Run(setup.run_dir, setup.options["compression"].keep_checkpoints)
    if setup.options["compression"].dry_run:
        print(json.dumps(outline(setup, directory), indent=2))
        return 0

    directory.check_free()
    if setup.options["compression"].plan:
        return compress_here(setup, directory)
    if not directory.saved_options():
        try_out(setup.options["trackers"].names)
    with reserved(directory):
        return compress_here(setup, directory)


@contextlib.contextmanager
def reserved(directory: Run) -> Iterator[None]:
    """Makes a run and keeps others out of it; what is refused before it has options leaves none."""
    directory.create()
    with directory.locked():
        try:
            yield
        finally:
            if not directory.saved_options():
                directory.remove_unused()


def compress_here(setup: Setup, directory: Run) -> int:
    """Compresses to the receipt, or prints the plan of it; returns the exit code.

    Args:
        setup: what the compression consists of.
        directory: the run, locked unless only a plan is made.
    """
    import keras

    from cyclegan_keras.training.global_state import global_state

    # ---- pictures and shape ----
    with global_state(seed=0):
        data = open_data(setup)
        absl.logging.info("%s", pictures_in_words(setup, data))
        warn_of_few(setup, data, FEW_PICTURES)
        setup = with_definite_options(setup)
        chosen = shape_of(setup, directory)
    options = setup.options["compression"]
    state_of_training = global_state(
        seed=options.seed,
        deterministic=options.deterministic,
        mixed_precision=options.mixed_precision,
    )
    if options.plan:
        with state_of_training:
            print(plan(setup, data, directory, chosen))
        return 0

    # ---- learning ----
    with state_of_training:
        exit_code = learn(setup, data, directory, chosen)
    if exit_code:
        return exit_code

    # ---- receipt ----
    if keras.backend.backend() != "tensorflow":
        print(
            "The receipt is measured with TensorFlow: KERAS_BACKEND=tensorflow before the same "
            "command writes it."
        )
        return 0
    with global_state(seed=0):
        write_results(setup, data, directory)
    return 0


def outline(setup: Setup, directory: Run) -> dict[str, Any]:
    """Returns what --dry_run prints: options and, where nothing is measured for it, the shape."""
    options = setup.options["compression"]
    shown = flags.flatten(setup.options)
    shown["run_dir"] = setup.run_dir
    shown["direction"] = ",".join(setup.teachers.networks)
    needs_files = options.target_kb is not None or options.target_ms is not None
    if directory.saved_facts().get("compression") or not needs_files:
        shown["shape"] = str(shape_of(setup, directory).shape)
    return shown


def learn(setup: Setup, data, directory: Run, chosen: ChosenShape) -> int:
    """Has the students inherit from their teachers and imitate them to the last step.

    Args:
        setup: what the compression consists of, with definite options.
        data: the pictures.
        directory: the run, locked.
        chosen: the shape.

    Returns:
        The exit code: 0 at the last step, 128 + the signal when a signal ended the compression.
    """
    from cyclegan_keras.compression.answer_cache import check_room
    from cyclegan_keras.runs.networks import save_snapshot

    students = build_students(setup, chosen.shape)
    options = setup.options["compression"]

    # ---- how long ----
    begun = directory.saved_facts().get("compression")
    if begun:
        steps, speed = begun["steps"], begun.get("speed")
    elif options.steps:
        steps, speed = options.steps, None
    else:
        measured = speed_here(setup, data, chosen.shape)
        speed = dataclasses.asdict(measured)
        steps = steps_in_time(setup, measured, data)
        absl.logging.info("%s", in_words(measured, steps, setup, data))
    if directory.last_step() < steps and keeps_answers(setup):
        check_room(
            directory.directory / "answers",
            shapes=answer_shapes(setup, data),
            count=schedule_of(setup, steps).count,
            cache_gb=options.cache_gb,
        )

    # ---- what the students begin with ----
    if not begun or not directory.last_step():
        began = time.perf_counter()
        inherited = inherit_weights(setup, data, students)
        begun = {
            "shape": str(chosen.shape),
            "shapes": [dataclasses.asdict(each) for each in chosen.tried],
            "steps": steps,
            "speed": speed,
            "inherited": inherited,
            "seconds": {
                "choosing a shape": chosen.seconds,
                "inheriting": time.perf_counter() - began,
            },
        }
    directory.save_options(setup.options_to_save(students, data))
    directory.note_facts({**facts_of(setup, data, begun), "compression": begun})

    # ---- distillation ----
    distiller = build_distiller(setup, students, steps)
    continue_run(distiller, directory)
    if distiller.step < steps:
        batches = open_batches(setup, data, steps, directory)
        interruption = Interruption(
            "Stopping after this step; press Ctrl-C again to stop without saving."
        )
        with open_trackers(setup.options["trackers"].names, directory) as tracker:
            tracker.options(public(directory.saved_options()))
            tracker.facts(public(directory.saved_facts()))
            while distiller.step < steps and not interruption.requested():
                if distiller.step == distiller.adversarial_from:  # they may become worse from here
                    save_snapshot(distiller, directory)
                distill(setup, distiller, batches, data, directory, steps, interruption, tracker)
            if interruption.requested():
                tracker.interrupted()
        if data.patches.left_out():
            print(data.patches.left_out())
        if interruption.requested():
            print(
                f"Stopped by {interruption.signal_name} after step {distiller.step} of "
                f"{steps}; saved in {directory.checkpoints}.\nThe same command continues from "
                "there."
            )
            return interruption.exit_code
    print(f"Finished: step {distiller.step} of {steps}.")
    if distiller.adversarial_from is not None:
        keep_better_students(setup, data, directory, distiller)
    print_generators(distiller, directory)
    print(f"Sample grids: {max(directory.samples.glob('*.png'), default=directory.samples)}")
    return 0


def distill(
    setup: Setup,
    distiller,
    batches,
    data,
    directory: Run,
    steps: int,
    interruption: Interruption,
    tracker: Tracker,
) -> None:
    """Trains the students to `Distiller.next_stop`, or until a signal asks to stop.

    Args:
        setup: what the compression consists of, with definite options.
        distiller: trains the students.
        batches: see `open_batches`.
        data: the pictures.
        directory: the run, locked.
        steps: of the whole distillation.
        interruption: catches the signals.
        tracker: shows curves and sample grids.

    Raises:
        LostPicturesError: pictures cannot be read any more; the state after the last step is saved.
        WriteError: something cannot be written; the state is saved where it still can be.
        MemoryTooSmallError: the memory does not suffice; the message says what takes less.
    """
    from cyclegan_keras.compression.samples import StudentSamples
    from cyclegan_keras.distribution.team import Team
    from cyclegan_keras.models.any_size import translate_any_size
    from cyclegan_keras.training import callbacks, progress
    from cyclegan_keras.training.stage import Stage
    from cyclegan_keras.training.trainer import SOURCES

    options, batch_size = setup.options["compression"], setup.data_options.batch_size
    teachers = teachers_of(setup)
    pictures = data.whole.samples(options.sample_count)
    bar = progress.Progress(
        batch_size,
        steps,
        shown=SHOWN,
        seconds_of=seconds_of_steps(setup, directory, data, distiller.step),
    )
    checkpoints = callbacks.Checkpoints(directory, options.checkpoint_minutes)
    callbacks_of_fit = [
        callbacks.StopOnNonFinite(directory),
        callbacks.Metrics(
            directory,
            tracker,
            every=options.log_every,
            batch_size=batch_size,
            steps_per_epoch=math.ceil(steps / options.repeats),
            last_step=steps,
        ),
        StudentSamples(
            directory,
            tracker,
            every=options.sample_every,
            pictures=pictures,
            forms=forms_of(setup),
            answers={
                direction: translate_any_size(
                    translate,
                    pictures[SOURCES[direction]],
                    multiple=teachers[direction].size_multiple,
                    smallest=teachers[direction].smallest_size,
                )
                for direction, translate in translate_of(setup).items()
            },
        ),
        progress.FirstStep(),
        bar,
        callbacks.StopOnInterruption(interruption),
        # Last, because what the others write of a step must exist when its state does.
        checkpoints,
    ]
    began = time.perf_counter()
    with (
        interruption,
        contextlib.closing(bar),
        saving_after_failure(
            checkpoints,
            distiller,
            what_takes_less=lambda: what_takes_less(setup, data),
        ),
    ):
        try:
            fit_while_readable(
                distiller,
                batches.train,
                distiller.next_stop(steps),
                run=directory,
                team=Team(batch_size),
                patience=data.patches.patience,
                interruption=interruption,
                callbacks_of_fit=callbacks_of_fit,
            )
        except Exception as error:
            # TensorFlow passes on only the text of what failed while batches were made.
            is_of_answers = batches.failure is not None and distiller.stage is Stage.READING
            if not is_of_answers or isinstance(error, LostPicturesError):
                raise
            raise batches.failure from error
    note_seconds(directory, "learning", time.perf_counter() - began)


def what_takes_less(setup: Setup, data) -> str:
    """Returns what to say where the memory does not suffice."""
    batch_size, side = setup.data_options.batch_size, data.patches.options.crop_size
    smaller = [f"--batch_size={batch_size // 2}"] if batch_size > 1 else []
    if fitting_patch(setup, side // 2) < side:
        smaller.append(f"--patch_size={fitting_patch(setup, side // 2)}")
    sentence = f"The memory does not suffice for batches of {batch_size} with {side}x{side} px"
    if not smaller:
        return f"{sentence}, and the networks take no smaller ones: free some memory."
    return (
        f"{sentence}. Another compression, in a new --run_dir, takes less with "
        f"{' or '.join(smaller)}."
    )


def note_seconds(directory: Run, name: str, seconds: float) -> None:
    """Adds the time that something took to that of earlier calls in facts.json."""
    facts = directory.saved_facts()
    begun = facts["compression"]
    spent = {**begun["seconds"], name: begun["seconds"].get(name, 0.0) + seconds}
    directory.save_facts({**facts, "compression": {**begun, "seconds": spent}})
