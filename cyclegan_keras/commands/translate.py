"""Translates pictures and videos: model -> pictures in, pictures of the same size out.

python translate.py --model=runs/cycle_gan-horse2zebra-cyclegan --input=photos --output=translated
"""

import dataclasses
import pathlib
import time
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

from cyclegan_keras.cli import backends, flags, reference_flags
from cyclegan_keras.cli.console import Interruption, run_command
from cyclegan_keras.files.errors import OptionError, PictureError
from cyclegan_keras.translation.listing import (
    Listing,
    Task,
    find_input,
    kept_line,
    name_outputs,
    outline,
)
from cyclegan_keras.translation.options import TranslateOptions

GROUPS = {"translate": TranslateOptions}


def run(**options) -> int:
    """Translates, as `translate.py` does with the same options.

    Args:
        **options: by name, as `translate.py --help` lists them; what is left out has its default.

    Returns:
        The exit code of the command: 0 where everything was translated, 1 where some pictures could
        not be, 128 + the signal where one ended it early.

    Raises:
        UserError: what was given cannot be used; the message says why.

    Example:
        from cyclegan_keras.commands import translate
        translate.run(model="generator_g.keras", input="photos", output="translated")
    """
    return translate(flags.as_typed(options, GROUPS))


def main(argv: list[str]) -> int:
    """Runs the command; expected errors print one line and exit with code 2."""
    return run_command(argv, translate, GROUPS, __doc__, reference_flags.TRANSLATE)


def translate(typed: Mapping[str, Any]) -> int:
    """Translates what the options typed name; returns the exit code."""
    backends.check_environment(only_with_tensorflow="Translating")
    from cyclegan_keras.translation.record import record_of

    warnings.filterwarnings("ignore", module=r"PIL\.")  # what matters becomes a sentence
    options = flags.resolve_one(TranslateOptions, typed)
    inputs = find_input(options)
    if inputs.passed_over:
        print(inputs.passed_over)

    from cyclegan_keras.translation.endings import endings_of, reason_of_endings
    from cyclegan_keras.translation.opening import open_recipe

    recipe = open_recipe(options)
    endings = endings_of(recipe, options)
    listing = name_outputs(
        inputs,
        options.output,
        endings=endings,
        parts=recipe.parts,
        because=reason_of_endings(recipe, options),
    )
    if listing.is_video or listing.is_animation:
        recipe = recipe_of_frames(recipe)
    record = None
    tasks = listing.tasks
    if listing.folder:
        record = record_of(options, listing.folder, recipe.direction)
        if not options.overwrite:
            record.check(task.part(part) for task in tasks for part in recipe.parts)
            tasks = record.remaining(tasks, recipe.parts)
    else:
        refuse_to_replace(options, [tasks[0].part(part) for part in recipe.parts])
    if options.dry_run:
        print("\n".join(outline(tasks, recipe.parts)))
        return 0

    words = recipe.translator.description.words
    print(f"Translating {words} ({recipe.direction}){options.in_precision}.", flush=True)
    with Interruption("Stopping after the pictures in progress are written ...") as interruption:
        if record:
            return translate_folder(options, listing, recipe, record, interruption)
        if listing.is_video:
            return translate_video(options, tasks[0], recipe, interruption)
        if listing.is_animation:
            return translate_animation(options, tasks[0], recipe, interruption)
        return translate_picture(options, tasks[0], recipe, interruption)


def recipe_of_frames(recipe):
    """Returns the recipe for frames of a video or an animation: levels of gray or RGB.

    Numbers of any other kind are shown with their range from black to white.

    Raises:
        OptionError: the model makes something else than gray or RGB.
    """
    from cyclegan_keras.translation.numbers import LEVELS

    for translator in recipe.translators:
        made = translator.description.target_form
        if made.channels not in (1, 3):
            raise OptionError(
                "Videos and animations have 1 or 3 channels, but the model makes "
                f"{made.channels}: translate the frames as pictures."
            )
        if made.values.dtype not in LEVELS:
            recipe = dataclasses.replace(recipe, bit_depth=8)
    return recipe


def refuse_to_replace(options: TranslateOptions, paths: Iterable[pathlib.Path]) -> None:
    """Raises OptionError where a single output exists already."""
    for path in paths:
        if path.exists() and not options.overwrite:
            raise OptionError(f"{path} exists already: --overwrite replaces it.")


def translate_picture(
    options: TranslateOptions, task: Task, recipe, interruption: Interruption
) -> int:
    """Translates one picture; returns the exit code."""
    from cyclegan_keras.translation.job import run_job

    outcome = run_job([task], recipe, options, stopped=interruption.requested)
    if outcome.failed:
        raise PictureError(outcome.failed[0])
    if not outcome.written:
        print(f"Stopped by {interruption.signal_name}. Nothing is written.")
        return interruption.exit_code
    paths = ", ".join(str(task.part(part)) for part in recipe.parts)
    print(f"Wrote {paths} in {outcome.seconds:.1f} s.")
    return 0


def translate_video(
    options: TranslateOptions, task: Task, recipe, interruption: Interruption
) -> int:
    """Translates one video; returns the exit code."""
    from cyclegan_keras.translation import video

    began = time.monotonic()
    frames = video.translate_video(
        task.source,
        task.target,
        recipe,
        crf=options.crf,
        batch_size=options.batch_size,
        stopped=interruption.requested,
    )
    return say_frames(task, frames, time.monotonic() - began, interruption)


def translate_animation(
    options: TranslateOptions, task: Task, recipe, interruption: Interruption
) -> int:
    """Translates one animated picture; returns the exit code."""
    from cyclegan_keras.translation import animation

    began = time.monotonic()
    frames = animation.translate_animation(
        task.source,
        task.target,
        recipe,
        quality=options.quality,
        crf=options.crf,
        batch_size=options.batch_size,
        most_pixels=options.max_image_pixels,
        stopped=interruption.requested,
    )
    return say_frames(task, frames, time.monotonic() - began, interruption)


def say_frames(task: Task, frames: int | None, seconds: float, interruption: Interruption) -> int:
    """Says what became of a video or an animation; returns the exit code."""
    if frames is None:
        print(
            f"Stopped by {interruption.signal_name}. {task.target} is not written; the same "
            "command begins anew."
        )
        return interruption.exit_code
    print(f"Wrote {task.target}: {frames} frames, {frames / seconds:.2f} frames/s.")
    return 0


def translate_folder(
    options: TranslateOptions, listing: Listing, recipe, record, interruption: Interruption
) -> int:
    """Translates what is not done yet; returns the exit code."""
    from cyclegan_keras.translation.job import run_job

    with record.locked():
        record.begin(overwrite=options.overwrite)
        tasks = record.remaining(listing.tasks, recipe.parts)
        if len(tasks) < len(listing.tasks):
            print(kept_line(len(listing.tasks) - len(tasks), len(listing.tasks)))
        outcome = run_job(tasks, recipe, options, stopped=interruption.requested)
    print("\n".join(outcome.summary(listing.folder, len(tasks))))
    if interruption.requested():
        print(f"Stopped by {interruption.signal_name}. The same command continues from there.")
        return interruption.exit_code
    return 1 if outcome.failed else 0
