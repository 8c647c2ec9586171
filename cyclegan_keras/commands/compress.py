"""Makes generators smaller: options -> teachers -> shape -> inherit -> distill -> receipt.

python compress.py --model=runs/demo --target_macs=2e7
"""

import contextlib
import dataclasses
import functools
import json
import math
import time
from collections.abc import Mapping
from typing import Any

import absl.logging
import numpy as np

from cyclegan_keras.cli import backends, flags
from cyclegan_keras.cli.console import Interruption, run_command
from cyclegan_keras.commands.compress_results import keep_better_students, write_results
from cyclegan_keras.commands.compress_setup import (
    GROUPS,
    Setup,
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
    import keras

    from cyclegan_keras.training.global_state import global_state

    # ---- what is asked for, and the teachers ----
    setup = resolve_options(typed)
    directory = Run(setup.run_dir, setup.options["compression"].keep_checkpoints)
    if setup.options["compression"].dry_run:
        print(json.dumps(outline(setup, directory), indent=2))
        return 0

    # ---- pictures and shape ----
    with global_state(seed=0):
        data = open_data(setup)
        absl.logging.info("%s", data.patches.describe())
        warn_of_few(data, FEW_PICTURES)
        setup = with_definite_options(setup, directory)
        chosen = shape_of(setup, directory)
    options = setup.options["compression"]
    state_of_training = global_state(
        seed=options.seed,
        deterministic=options.deterministic,
        mixed_precision=options.mixed_precision,
    )
    if options.plan:
        with state_of_training:
            print(plan(setup, data, chosen))
        return 0

    # ---- learning ----
    directory.create()
    with directory.locked():
        with state_of_training:
            exit_code = learn(setup, data, directory, chosen)
        if exit_code:
            return exit_code

        # ---- receipt ----
        if keras.backend.backend() != "tensorflow":
            print(
                "The receipt is measured with TensorFlow: KERAS_BACKEND=tensorflow before the "
                "same command writes it."
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
    from cyclegan_keras.export.static_graph import check_size
    from cyclegan_keras.export.tflite import parse_size

    options, teachers = setup.options["compression"], setup.teachers.networks
    begun = directory.saved_facts().get("compression")
    if begun:
        return ChosenShape(
            shape=Shape.parse(begun["shape"]),
            tried=tuple(TriedShape(**each) for each in begun["shapes"]),
            seconds=begun["seconds"]["choosing a shape"],
        )
    height, width = parse_size(options.size)
    if options.shape:
        shape = Shape.parse(options.shape)
        for teacher in teachers.values():
            check_shape(teacher, shape)
            check_size(teacher, height, width)
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


def with_definite_options(setup: Setup, directory: Run) -> Setup:
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
    if not setup.saved and changes.get("cache_gb", options.cache_gb) == 0:
        changes["repeats"] = 1  # nothing is saved by seeing a crop twice
    if options.lambda_perceptual and perceptual_loss(setup) is None:
        if setup.chosen.get("lambda_perceptual"):
            raise OptionError(
                f"--lambda_perceptual={options.lambda_perceptual:g} cannot be had here, see above: "
                'pip install "cyclegan-keras[eval]", or use --lambda_perceptual=0 in a new '
                "--run_dir."
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
    from cyclegan_keras.runs.networks import save_snapshot

    students = build_students(setup, chosen.shape)
    options = setup.options["compression"]

    # ---- how long ----
    begun = directory.saved_facts().get("compression")
    if begun:
        steps = begun["steps"]
    elif options.steps:
        steps = options.steps
    else:
        speed = speed_here(setup, data, chosen.shape)
        steps = speed.steps_in(
            options.minutes,
            batch_size=data.patches.options.batch_size,
            repeats=options.repeats,
        )
        absl.logging.info("%s", in_words(speed, steps, setup, data))

    # ---- what the students begin with ----
    if not directory.last_step():
        began = time.perf_counter()
        inherited = inherit_weights(setup, data, students)
        begun = {
            "shape": str(chosen.shape),
            "shapes": [dataclasses.asdict(each) for each in chosen.tried],
            "steps": steps,
            "inherited": inherited,
            "seconds": {
                "choosing a shape": chosen.seconds,
                "inheriting": time.perf_counter() - began,
            },
        }
        directory.save_options(setup.options_to_save(students, data))
        directory.note_facts({**facts_of(setup, data, begun), "compression": begun})

    # ---- distillation ----
    batches = open_batches(setup, data, steps, directory)
    distiller = build_distiller(setup, students, steps)
    continue_run(distiller, directory)
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
    """Returns the first crops of a side, float32 (count, height, width, channels)."""
    return np.stack(
        [crop["picture"] for crop in data.patches.crops(side, range(count)).as_numpy_iterator()]
    )


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
            direction: crops_of(data, SOURCES[direction], data.patches.options.batch_size)
            for direction in translators_of(setup)
        },
    )


def in_words(speed, steps: int, setup: Setup, data) -> str:
    """Returns a line that says how long the students learn, and why."""
    options, batch_size = setup.options["compression"], data.patches.options.batch_size
    seconds = speed.of_step(batch_size=batch_size, repeats=options.repeats)
    return (
        f"An answer takes {speed.answer:.3g} s and a step {speed.step:.3g} s, {seconds:.3g} s with "
        f"its answers (batches of {batch_size}, each answer used {options.repeats} times): "
        f"{steps} steps take {seconds * steps / 60:.3g} minutes."
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
    from cyclegan_keras.compression.schedule import CropSchedule
    from cyclegan_keras.compression.teachers import digest_of_weights
    from cyclegan_keras.training.gradient_steps import engine
    from cyclegan_keras.training.trainer import SOURCES

    options = setup.options["compression"]
    teachers = teachers_of(setup)
    schedule = CropSchedule(
        steps=steps,
        batch_size=data.patches.options.batch_size,
        repeats=options.repeats,
        seed=options.seed,
    )
    shapes = {}
    for direction, teacher in teachers.items():
        height, width, _ = data.patches.shapes[SOURCES[direction]]
        shapes[direction] = (height, width, teacher.output_shape[-1])
    caches: dict[str, Any] = {}
    is_of_one_size = all(None not in shape for shape in shapes.values())
    if options.cache_gb and options.repeats > 1 and is_of_one_size:
        caches = open_caches(
            directory.directory / "answers",
            shapes=shapes,
            count=schedule.count,
            cache_gb=options.cache_gb,
            fingerprints={
                direction: {
                    "teacher": digest_of_weights(teacher),
                    "seed": options.seed,
                    **what_crops_show(data),
                }
                for direction, teacher in teachers.items()
            },
        )
    return AnsweredBatches(
        schedule,
        crops={side: functools.partial(data.patches.crops, side) for side in sides_of(setup)},
        answers={
            direction: Answers(
                translate,
                shapes[direction],
                at_once=data.patches.options.batch_size if engine.has_accelerator() else 1,
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


def what_crops_show(data) -> dict[str, Any]:
    """Returns what crops depend on: the pictures, wherever they lie, and how they are read."""
    options = data.patches.options
    pictures = {
        name: found for name, found in data.whole.source.training_facts.items() if name != "name"
    }
    names = (
        "reader_version",
        "direction",
        "value_range",
        "resize_filter",
        "preprocess",
        "load_size",
        "crop_size",
        "flip",
        "max_dataset_size",
        "input_nc",
        "output_nc",
    )
    return {"pictures": pictures, "read": {name: vars(options)[name] for name in names}}


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
    from cyclegan_keras.training import callbacks, progress
    from cyclegan_keras.training.stage import Stage
    from cyclegan_keras.training.tensorboard import TensorBoard
    from cyclegan_keras.training.trainer import SOURCES

    options, batch_size = setup.options["compression"], data.patches.options.batch_size
    pictures = data.whole.samples(options.sample_count)
    board = TensorBoard(directory.tensorboard)
    bar = progress.Progress(batch_size, steps, shown=SHOWN)
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
                direction: translate(pictures[SOURCES[direction]])
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
            what_takes_less=lambda: what_takes_less(data),
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


def what_takes_less(data) -> str:
    """Returns what to say where the memory does not suffice."""
    batch_size, crop_size = data.patches.options.batch_size, data.patches.options.crop_size
    smaller = [f"--batch_size={batch_size // 2}"] if batch_size > 1 else []
    smaller.append(f"--patch_size={max(crop_size // 2 // 4 * 4, 32)}")
    return (
        f"The memory does not suffice for batches of {batch_size} with {crop_size}x{crop_size} px. "
        f"Another compression, in a new --run_dir, takes less with {' or '.join(smaller)}."
    )


def note_seconds(directory: Run, name: str, seconds: float) -> None:
    """Adds the time that something took to that of earlier calls in facts.json."""
    facts = directory.saved_facts()
    begun = facts["compression"]
    spent = {**begun["seconds"], name: begun["seconds"].get(name, 0.0) + seconds}
    directory.save_facts({**facts, "compression": {**begun, "seconds": spent}})


def plan(setup: Setup, data, chosen: ChosenShape) -> str:
    """Measures what a compression would take; returns it as text. Nothing is written."""
    from cyclegan_keras.compression.answer_cache import GIGABYTE, slot_bytes
    from cyclegan_keras.compression.schedule import CropSchedule
    from cyclegan_keras.compression.shapes import Shape, macs, parameters
    from cyclegan_keras.export.tflite import parse_size
    from cyclegan_keras.training.memory import peak_memory
    from cyclegan_keras.training.trainer import SOURCES

    options, teachers = setup.options["compression"], setup.teachers.networks
    batch_size = data.patches.options.batch_size

    # ---- the shape ----
    height, width = parse_size(options.size)
    lines = [f"{data.patches.describe()}."]
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
    steps = options.steps or speed.steps_in(
        options.minutes, batch_size=batch_size, repeats=options.repeats
    )
    lines.append(in_words(speed, steps, setup, data))

    # ---- disk and memory ----
    count = CropSchedule(
        steps=steps, batch_size=batch_size, repeats=options.repeats, seed=options.seed
    ).count
    if options.cache_gb and options.repeats > 1 and data.patches.shapes["x"][0] is not None:
        needed = 0
        for direction, teacher in teachers_of(setup).items():
            height, width, _ = data.patches.shapes[SOURCES[direction]]
            needed += count * slot_bytes((height, width, teacher.output_shape[-1]))
        lines.append(
            f"The answers to {count} crops take {needed / GIGABYTE:.3g} GB in {setup.run_dir}, of "
            f"--cache_gb={options.cache_gb:g}."
        )
    peak, owner = peak_memory()
    lines.append(f"Peak memory of {owner} so far: {peak:.2f} GB.")
    return "\n".join(lines)
