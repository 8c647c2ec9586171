"""What a compression learns with: students, what they inherit, answers and batches."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

import numpy as np

from cyclegan_keras.commands.compress_setup import Setup, is_paired, translators_of, values_of
from cyclegan_keras.files.direction import Direction
from cyclegan_keras.files.errors import OptionError
from cyclegan_keras.hub import fetching
from cyclegan_keras.runs.run import Run

CPU_CACHE_GB = 4.0
INHERITED_FROM = 24  # crops by which a student's first weights are chosen


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

    options, trained_with = setup.options["compression"], setup.teachers.trained_with
    distiller = Distiller(
        students,
        distance=perceptual_loss(setup) if options.lambda_perceptual else None,
        lambda_perceptual=options.lambda_perceptual,
        lambda_offset=options.lambda_offset,
        discriminators=setup.discriminators if options.gan else None,
        adversarial_from=steps - steps // 3 if options.gan else None,
        gan_mode=trained_with.get("gan_mode") or "lsgan",
        diff_augment=trained_with.get("diff_augment") or "none",
        d_regularization=trained_with.get("d_regularization") or "none",
        lambda_r1=trained_with.get("lambda_r1") or 0.0,
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
    return in_training_terms(setup, setup.teachers.networks)


def translate_of(setup: Setup) -> dict[str, Any]:
    """Returns what translates by the teacher of each direction, "x_to_y" or "y_to_x"."""
    return in_training_terms(setup, setup.teachers.translate)


def in_training_terms(setup: Setup, by_direction: Mapping[Any, Any]) -> dict[str, Any]:
    """Returns a value for each direction by "x_to_y" and "y_to_x", as a trainer calls them.

    Args:
        setup: what the compression consists of.
        by_direction: values by `Direction`, or by its spelling in JSON.
    """
    by_role = {
        setup.role_of(Direction(direction)): value for direction, value in by_direction.items()
    }
    return {name: by_role[role] for name, role in translators_of(setup).items()}


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
    of_hub = fetching.pinned(teachers.model)
    if of_hub is not None:
        facts["compressed_from"]["hub"] = of_hub
    return facts


def sides_of(setup: Setup) -> list[str]:
    """Returns the sides of which pictures are needed: discriminators see real ones of the other."""
    from cyclegan_keras.training.trainer import SOURCES

    if setup.options["compression"].gan:
        return ["x", "y"]
    return [SOURCES[direction] for direction in teachers_of(setup)]


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
                direction: {"teacher": digest}
                for direction, digest in in_training_terms(setup, setup.teachers.digests).items()
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
