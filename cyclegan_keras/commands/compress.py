"""Makes generators smaller: options -> teachers -> shape -> inherit -> distill -> receipt.

python compress.py --model=runs/demo --target_macs=2e7
"""

import contextlib
import dataclasses
import functools
import json
import math
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any

import absl.logging
import numpy as np

from cyclegan_keras.cli import backends, flags
from cyclegan_keras.cli.console import Interruption, run_command
from cyclegan_keras.commands.compress_results import (
    keep_better_students,
    tried_shapes,
    write_results,
)
from cyclegan_keras.commands.compress_setup import (
    GROUPS,
    Setup,
    fitting_patch,
    forms_of,
    is_paired,
    open_data,
    resolve_options,
    translators_of,
    values_of,
    warn_of_few,
)
from cyclegan_keras.commands.fitting import (
    continue_run,
    fit_while_readable,
    print_generators,
    saving_after_failure,
)
from cyclegan_keras.compression.options import LEAST_STEPS_OF_GAN
from cyclegan_keras.files.errors import LostPicturesError, OptionError
from cyclegan_keras.runs.run import Run

FEW_PICTURES = 100
CPU_CACHE_GB = 4.0
SHOWN = ("generator_loss", "l1_g", "l1_f", "d_x", "d_y")  # beside the progress bar
INHERITED_FROM = 24  # crops by which a student's first weights are chosen


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
    return compress(options)


def main(argv: list[str]) -> int:
    """Runs the command; expected errors print one line and exit with code 2."""
    return run_command(argv, compress, GROUPS, __doc__)


def compress(typed: Mapping[str, Any]) -> int:
    """Compresses with the typed options, given by name; returns the exit code."""
    backends.check_environment()

    # ---- what is asked for, and the teachers ----
    setup = resolve_options(typed)
    directory = Run(setup.run_dir, setup.options["compression"].keep_checkpoints)
    if setup.options["compression"].dry_run:
        print(json.dumps(outline(setup, directory), indent=2))
        return 0

    directory.check_free()
    if setup.options["compression"].plan:
        return compress_here(setup, directory)
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


@dataclasses.dataclass(frozen=True, kw_only=True)
class ChosenShape:
    """The shape of the students, and how it was found.

    Attributes:
        shape: a `compression.shapes.Shape`.
        tried: all shapes that were tried, as `compression.receipt.TriedShape`; empty for one that
            was typed.
        seconds: spent on the search.
    """

    shape: Any
    tried: tuple
    seconds: float


def shape_of(setup: Setup, directory: Run) -> ChosenShape:
    """Returns the shape of the students: that of the run, the one typed, or the largest that fits.

    Raises:
        CompressionError: no shape fits, or the one typed does not.
    """
    from cyclegan_keras.compression.receipt import TriedShape
    from cyclegan_keras.compression.search import Targets, choose_shape
    from cyclegan_keras.compression.shapes import Shape, check_shape
    from cyclegan_keras.export.tflite import parse_size

    options, teachers = setup.options["compression"], setup.teachers.networks
    begun = directory.saved_facts().get("compression")
    if begun:
        return ChosenShape(
            shape=Shape.parse(begun["shape"]),
            tried=tried_shapes(begun),
            seconds=begun["seconds"]["choosing a shape"],
        )
    height, width = parse_size(options.size)
    if options.shape:
        shape = Shape.parse(options.shape)
        for teacher in teachers.values():
            check_shape(teacher, shape)
        return ChosenShape(shape=shape, tried=(), seconds=0.0)
    began = time.perf_counter()
    choice = choose_shape(
        teachers,
        Targets(kb=options.target_kb, ms=options.target_ms, macs=options.target_macs),
        variant=options.variant,
        height=height,
        width=width,
        threads=options.threads,
    )
    return ChosenShape(
        shape=choice.shape,
        tried=tuple(TriedShape.of(candidate) for candidate in choice.candidates),
        seconds=time.perf_counter() - began,
    )


def with_definite_options(setup: Setup) -> Setup:
    """Returns the setup with values for options that depend on this machine.

    A compression that is continued has them already.

    Raises:
        OptionError: the perceptual loss is asked for, and its weights are missing.
    """
    from cyclegan_keras.training.gradient_steps import engine

    options = setup.options["compression"]
    changes: dict[str, Any] = {}
    if options.cache_gb is None:
        changes["cache_gb"] = 0.0 if engine.has_accelerator() else CPU_CACHE_GB
    is_kept = changes.get("cache_gb", options.cache_gb) > 0
    if not is_kept and "repeats" not in setup.chosen:
        changes["repeats"] = 1  # nothing is saved by seeing a crop twice
    if options.lambda_perceptual and perceptual_loss(setup) is None:
        if setup.chosen.get("lambda_perceptual"):
            elsewhere = " in a new --run_dir" if setup.saved else ""
            raise OptionError(
                f"--lambda_perceptual={options.lambda_perceptual:g} cannot be had here, for the "
                f"reason above: see to it, or use --lambda_perceptual=0{elsewhere}."
            )
        changes["lambda_perceptual"] = 0.0
    changed = dataclasses.replace(options, **changes)
    return dataclasses.replace(setup, options={**setup.options, "compression": changed})


def perceptual_loss(setup: Setup):
    """Returns the loss that compares translations with answers; None where there is none."""
    from cyclegan_keras.evaluation.features import open_perceptual_loss

    channels = {network.output_shape[-1] for network in setup.teachers.networks.values()}
    losses = [open_perceptual_loss(each) for each in sorted(channels)]
    return None if None in losses else losses[0]


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
    while distiller.step < steps:
        if distiller.step == distiller.adversarial_from:  # from here on they may become worse
            save_snapshot(distiller, directory)
        interruption = distill(setup, distiller, batches, data, directory, steps)
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


def build_students(setup: Setup, shape) -> dict[str, Any]:
    """Returns new students by role, with random weights."""
    from cyclegan_keras.compression.shapes import build_student

    return {
        setup.role_of(direction): build_student(teacher, shape, name=setup.role_of(direction))
        for direction, teacher in setup.teachers.networks.items()
    }


def build_distiller(setup: Setup, students: Mapping[str, Any], steps: int):
    """Returns the `compression.distiller.Distiller` of students, ready for `fit`.

    Args:
        setup: what the compression consists of.
        students: by role.
        steps: of the whole compression.
    """
    from cyclegan_keras.compression.distiller import Distiller

    options = setup.options["compression"]
    distiller = Distiller(
        students,
        distance=perceptual_loss(setup) if options.lambda_perceptual else None,
        lambda_perceptual=options.lambda_perceptual,
        lambda_offset=options.lambda_offset,
        discriminators=setup.discriminators if options.gan else None,
        adversarial_from=steps - max(steps // 3, 1) if options.gan else None,
        gan_mode=setup.teachers.trained_with.get("gan_mode") or "lsgan",
        conditional=is_paired(setup),
        seed=options.seed,
    )
    distiller.compile_for(
        steps=steps,
        learning_rate=options.learning_rate,
        jit_compile=options.jit_compile,
    )
    return distiller


def teachers_of(setup: Setup) -> dict[str, Any]:
    """Returns the teacher of each direction, "x_to_y" or "y_to_x"."""
    networks = {
        setup.role_of(direction): network for direction, network in setup.teachers.networks.items()
    }
    return {direction: networks[role] for direction, role in translators_of(setup).items()}


def translate_of(setup: Setup) -> dict[str, Any]:
    """Returns what translates by the teacher of each direction, "x_to_y" or "y_to_x"."""
    compiled = {
        setup.role_of(direction): translate
        for direction, translate in setup.teachers.translate.items()
    }
    return {direction: compiled[role] for direction, role in translators_of(setup).items()}


def crops_of(data, side: str, count: int) -> np.ndarray:
    """Returns the first crops of a side, float32 (count, height, width, channels).

    Raises:
        UserError: pictures cannot be read any more.
    """
    import tensorflow as tf

    crops = data.patches.crops(side, range(count))
    try:
        return np.stack([crop["picture"] for crop in crops.as_numpy_iterator()])
    except tf.errors.OpError as error:  # of what has failed, it holds only the text
        failure = data.patches.patience.failure
        if failure is None:
            raise
        raise failure from error


def speed_here(setup: Setup, data, shape):
    """Returns the `compression.speed.Speed` of answers and steps, measured on other students."""
    from cyclegan_keras.compression.speed import measure_speed
    from cyclegan_keras.training.trainer import SOURCES

    absl.logging.info("Measuring how long an answer and a step take.")
    distiller = build_distiller(setup, build_students(setup, shape), steps=1000)
    return measure_speed(
        distiller,
        translate_of(setup),
        {
            direction: crops_of(data, SOURCES[direction], setup.data_options.batch_size)
            for direction in translators_of(setup)
        },
    )


def uses_of_answers(options) -> int:
    """Returns how often an answer is used before the teacher is asked once more."""
    return options.repeats if options.cache_gb else 1


def steps_in_time(setup: Setup, speed, data) -> int:
    """Returns how many steps are made in --minutes, by a `compression.speed.Speed`."""
    options = setup.options["compression"]
    steps = speed.steps_in(
        options.minutes,
        batch_size=setup.data_options.batch_size,
        repeats=uses_of_answers(options),
        kept=answers_with_room(setup, data),
    )
    return max(steps, LEAST_STEPS_OF_GAN) if options.gan else steps


def answers_with_room(setup: Setup, data) -> int | None:
    """Returns how many answers of a direction --cache_gb has room for; None where none are kept."""
    from cyclegan_keras.compression.answer_cache import slots_of

    if not keeps_answers(setup):
        return None
    shapes = answer_shapes(setup, data)
    return min(slots_of(shapes, sys.maxsize, setup.options["compression"].cache_gb).values())


def pictures_in_words(setup: Setup, data) -> str:
    """Returns a line that says which pictures there are, and how large the crops are."""
    is_one_folder = setup.options["pictures"].pictures is not None
    return data.patches.describe(is_one_folder=is_one_folder)


def in_words(speed, steps: int, setup: Setup, data) -> str:
    """Returns a line that says how long the students learn, and why."""
    options, batch_size = setup.options["compression"], setup.data_options.batch_size
    uses = uses_of_answers(options)
    seconds = speed.of_steps(
        steps,
        batch_size=batch_size,
        count=schedule_of(setup, steps).count,
        kept=answers_with_room(setup, data),
    )
    times = "once" if uses == 1 else f"{uses} times"
    return (
        f"An answer takes {speed.answer:.3g} s and a step {speed.step:.3g} s (batches of "
        f"{batch_size}, each answer used {times}): {steps} steps take {seconds / 60:.3g} minutes."
    )


def inherit_weights(setup: Setup, data, students: Mapping) -> dict[str, Any]:
    """Fills the students with what their teachers know; returns what that was, by role."""
    from cyclegan_keras.compression.inheritance import inherit
    from cyclegan_keras.compression.kernel_scale import scale_kernels
    from cyclegan_keras.training.trainer import SOURCES

    inherited = {}
    for direction, teacher in teachers_of(setup).items():
        role = translators_of(setup)[direction]
        found = inherit(
            teacher,
            students[role],
            crops_of(data, SOURCES[direction], INHERITED_FROM),
            seed=setup.options["compression"].seed,
        )
        scale_kernels(students[role])
        inherited[role] = dataclasses.asdict(found)
    return inherited


def facts_of(setup: Setup, data, begun: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what facts.json holds of the pictures and of what was compressed."""
    facts = data.whole.facts()
    teachers = setup.teachers
    x_to_y = teachers.networks.get(setup.x_to_y)
    if x_to_y is not None:
        description = x_to_y.description
        names = (description.source, description.target)
        if names != (setup.x_to_y.source, setup.x_to_y.target):
            facts["domains"] = list(names)
    facts["values"] = {
        domain: values.to_dict() for domain, values in values_of(teachers.networks).items()
    }
    facts["compressed_from"] = {
        "model": teachers.model,
        "name": teachers.name,
        "step": teachers.step,
        "directions": [str(direction) for direction in teachers.networks],
        "sha256": teachers.digests,
        "shape": begun["shape"],
        "steps": begun["steps"],
    }
    return facts


def keeps_answers(setup: Setup) -> bool:
    """Whether answers are kept on the disk."""
    options = setup.options["compression"]
    return bool(options.cache_gb) and options.repeats > 1


def answer_shapes(setup: Setup, data) -> dict[str, tuple[int, int, int]]:
    """Returns (height, width, channels) of the answers in each direction."""
    from cyclegan_keras.training.trainer import SOURCES

    shapes = {}
    for direction, teacher in teachers_of(setup).items():
        height, width, _ = data.patches.shapes[SOURCES[direction]]
        shapes[direction] = (height, width, teacher.output_shape[-1])
    return shapes


def schedule_of(setup: Setup, steps: int):
    """Returns the `compression.schedule.CropSchedule` of a compression of so many steps."""
    from cyclegan_keras.compression.schedule import CropSchedule

    options = setup.options["compression"]
    return CropSchedule(
        steps=steps,
        batch_size=setup.data_options.batch_size,
        repeats=options.repeats,
        seed=options.seed,
    )


def open_batches(setup: Setup, data, steps: int, directory: Run):
    """Returns the `compression.answered_batches.AnsweredBatches` of a compression.

    Args:
        setup: what the compression consists of.
        data: the pictures.
        steps: of the whole compression.
        directory: keeps the answers.
    """
    from cyclegan_keras.compression.answer_cache import open_caches
    from cyclegan_keras.compression.answered_batches import AnsweredBatches
    from cyclegan_keras.compression.answers import Answers
    from cyclegan_keras.compression.teachers import digest_of_weights
    from cyclegan_keras.training.gradient_steps import engine

    schedule, shapes = schedule_of(setup, steps), answer_shapes(setup, data)
    caches: dict[str, Any] = {}
    if keeps_answers(setup):
        caches = open_caches(
            directory.directory / "answers",
            shapes=shapes,
            count=schedule.count,
            cache_gb=setup.options["compression"].cache_gb,
            fingerprints={
                direction: {"teacher": digest_of_weights(teacher)}
                for direction, teacher in teachers_of(setup).items()
            },
        )
    return AnsweredBatches(
        schedule,
        crops={side: functools.partial(data.patches.crops, side) for side in sides_of(setup)},
        answers={
            direction: Answers(
                translate,
                shapes[direction],
                at_once=setup.data_options.batch_size if engine.has_accelerator() else 1,
                cache=caches.get(direction),
            )
            for direction, translate in translate_of(setup).items()
        },
    )


def sides_of(setup: Setup) -> list[str]:
    """Returns the sides of which pictures are needed: discriminators see real ones of the other."""
    from cyclegan_keras.training.trainer import SOURCES

    if setup.options["compression"].gan:
        return ["x", "y"]
    return [SOURCES[direction] for direction in teachers_of(setup)]


def distill(setup: Setup, distiller, batches, data, directory: Run, steps: int) -> Interruption:
    """Trains the students to the last step, or until a signal asks to stop.

    Returns:
        The signal, if any.

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
    from cyclegan_keras.training.tensorboard import TensorBoard
    from cyclegan_keras.training.trainer import SOURCES

    options, batch_size = setup.options["compression"], setup.data_options.batch_size
    teachers = teachers_of(setup)
    pictures = data.whole.samples(options.sample_count)
    board = TensorBoard(directory.tensorboard)
    bar = progress.Progress(
        batch_size,
        steps,
        shown=SHOWN,
        seconds_of=seconds_of_steps(setup, directory, data, distiller.step),
    )
    checkpoints = callbacks.Checkpoints(directory, options.checkpoint_minutes)
    interruption = Interruption(
        "Stopping after this step; press Ctrl-C again to stop without saving."
    )
    callbacks_of_fit = [
        callbacks.StopOnNonFinite(directory),
        callbacks.Metrics(
            directory,
            board,
            every=options.log_every,
            batch_size=batch_size,
            steps_per_epoch=math.ceil(steps / options.repeats),
            last_step=steps,
        ),
        StudentSamples(
            directory,
            board,
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
        board,
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
    return interruption


def seconds_of_steps(setup: Setup, directory: Run, data, step: int):
    """Returns what estimates how long the first steps take; None where all take as long.

    So they do where no answers are kept. Where no speed was measured, because --steps was typed, it
    is not known how much longer than the others those take in which the teachers answer: a line
    says which these are.

    Args:
        setup: what the compression consists of.
        directory: the run.
        data: its pictures.
        step: that is finished already.
    """
    from cyclegan_keras.compression.speed import Speed

    batch_size = setup.data_options.batch_size
    begun = directory.saved_facts()["compression"]
    if not keeps_answers(setup):
        return None
    count = schedule_of(setup, begun["steps"]).count
    if begun.get("speed"):
        speed = Speed(**begun["speed"])
        return functools.partial(
            speed.of_steps,
            batch_size=batch_size,
            count=count,
            kept=answers_with_room(setup, data),
        )
    first_pass = math.ceil(count / batch_size)
    if step < first_pass < begun["steps"]:
        absl.logging.info(
            "Up to step %d the teacher answers to every crop, which takes longer.", first_pass
        )
    return None


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


def plan(setup: Setup, data, directory: Run, chosen: ChosenShape) -> str:
    """Measures what a compression would take; returns it as text. Nothing is written."""
    from cyclegan_keras.compression.answer_cache import GIGABYTE, bytes_of, slots_of
    from cyclegan_keras.compression.shapes import Shape, macs, parameters
    from cyclegan_keras.export.tflite import parse_size
    from cyclegan_keras.training.memory import peak_memory

    options, teachers = setup.options["compression"], setup.teachers.networks

    # ---- the shape ----
    height, width = parse_size(options.size)
    lines = [f"{pictures_in_words(setup, data)}."]
    for direction, teacher in teachers.items():
        before = macs(teacher, Shape.of(teacher), height, width)
        after = macs(teacher, chosen.shape, height, width)
        lines.append(
            f"{direction}: {Shape.of(teacher)} becomes {chosen.shape}, {after / 1e9:.3g} instead "
            f"of {before / 1e9:.3g} GMAC for {height} x {width} px ({before / after:.1f} times "
            f"less), {parameters(teacher, chosen.shape):,} instead of {teacher.count_params():,} "
            "parameters."
        )
    for each in chosen.tried:
        if each.shape == str(chosen.shape) and each.kb is not None:
            timed = "" if each.ms is None else f" and takes {each.ms:.3g} ms"
            lines.append(f"Its .tflite file ({options.variant}) has {each.kb:,.0f} kB{timed}.")

    # ---- time ----
    speed = speed_here(setup, data, chosen.shape)
    begun = directory.saved_facts().get("compression", {})
    steps = begun.get("steps") or options.steps or steps_in_time(setup, speed, data)
    lines.append(in_words(speed, steps, setup, data))

    # ---- disk and memory ----
    if keeps_answers(setup):
        count, shapes = schedule_of(setup, steps).count, answer_shapes(setup, data)
        kept = slots_of(shapes, count, options.cache_gb)
        line = (
            f"The answers to {count} crops take {bytes_of(shapes, kept) / GIGABYTE:.3g} GB in "
            f"{setup.run_dir}, of --cache_gb={options.cache_gb:g}"
        )
        if min(kept.values()) < count:
            needed = bytes_of(shapes, dict.fromkeys(shapes, count)) / GIGABYTE
            line += f"; all would take {needed:.3g} GB, and the rest is asked for anew each time"
        lines.append(f"{line}.")
    peak, owner = peak_memory()
    lines.append(f"Peak memory of {owner} so far: {peak:.2f} GB.")
    return "\n".join(lines)
