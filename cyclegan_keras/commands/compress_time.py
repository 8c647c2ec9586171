"""How long a compression takes: measured speed, steps in --minutes, and the plan."""

import functools
import math
import sys

import absl.logging

from cyclegan_keras.commands.compress_learning import (
    answer_shapes,
    build_distiller,
    build_students,
    crops_of,
    keeps_answers,
    schedule_of,
    translate_of,
)
from cyclegan_keras.commands.compress_setup import Setup, pictures_in_words, translators_of
from cyclegan_keras.commands.compress_shape import ChosenShape
from cyclegan_keras.compression.options import LEAST_STEPS_OF_GAN
from cyclegan_keras.runs.run import Run


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
