"""What every program that translates decides before it begins."""

import pathlib
from collections.abc import Callable, Iterable, Mapping, Sequence

from cyclegan_keras.files.errors import TranslationError
from cyclegan_keras.images.writing import FORMATS
from cyclegan_keras.translation.fingerprint import fingerprint
from cyclegan_keras.translation.job import Outcome, Settings
from cyclegan_keras.translation.listing import Listing, Task, list_tasks
from cyclegan_keras.translation.options import TranslateOptions
from cyclegan_keras.translation.recipe import Recipe
from cyclegan_keras.translation.record import Record
from cyclegan_keras.translation.translator import Translator

BYTES_AHEAD = 8  # a pixel of a picture that waits, read or translated
SHOWN = 20  # failed pictures in a summary


def find_recipe(
    options: TranslateOptions, open_translators: Callable[..., Mapping[str, Translator]]
) -> tuple[str, Recipe]:
    """Returns the direction and what is made of each picture.

    Args:
        options: what the user asks for.
        open_translators: `cyclegan_keras.translation.opening.open_translators`.

    Raises:
        TranslationError: the model does not translate that way.
    """
    found = open_translators(
        options.model, max_memory_mb=options.max_memory_mb, tile_size=options.tile_size
    )
    direction = options.direction or next(iter(sorted(found)))
    if direction not in found:
        raise TranslationError(f"{options.model} translates {', '.join(found)} only.")
    back = None
    if options.cycle:
        back = found.get("BtoA" if direction == "AtoB" else "AtoB")
        if back is None:
            raise TranslationError(
                f"--cycle needs a model of both directions, such as a run: {options.model} "
                f"translates {direction} only."
            )
    recipe = Recipe(
        translator=found[direction],
        back=back,
        strength=options.strength,
        side_by_side=options.side_by_side,
    )
    return direction, recipe


def list_input(options: TranslateOptions) -> Listing:
    """Returns what there is to do.

    Raises:
        TranslationError: an option is missing, or there is nothing to translate or no place for it.
    """
    for name in ("model", "input", "output"):
        if not vars(options)[name]:
            raise TranslationError(f"--{name} is missing. See --help.")
    parts = ("", "_cycle") if options.cycle and not options.side_by_side else ("",)
    listing = list_tasks(options.input, options.output, endings=_endings(options), parts=parts)
    if listing.is_video and len(parts) > 1:
        raise TranslationError("--cycle of a video goes only with --side_by_side.")
    return listing


def record_of(options: TranslateOptions, folder: pathlib.Path, direction: str) -> Record:
    """Returns the record of the output folder: what shows in its translations."""
    made_by = {
        "model": fingerprint(options.model),
        "direction": direction,
        "strength": options.strength,
        "side_by_side": options.side_by_side,
        "cycle": options.cycle and options.side_by_side,  # otherwise it has files of its own
        "quality": options.quality,
    }
    return Record(folder, made_by)


def settings_of(options: TranslateOptions) -> Settings:
    """Returns how the job goes about it."""
    ahead = Settings.ahead_pixels
    if options.max_memory_mb:  # an eighth of it for what waits
        ahead = min(ahead, options.max_memory_mb * 2**20 // 8 // BYTES_AHEAD)
    return Settings(
        batch_size=options.batch_size,
        quality=options.quality,
        most_pixels=options.max_image_pixels,
        ahead_pixels=ahead,
    )


def left_over(tasks: Iterable[Task], parts: Iterable[str], record: Record) -> list[Task]:
    """Returns the tasks of which some part is not done."""
    parts = tuple(parts)
    return [t for t in tasks if not all(record.is_done(t.part(part)) for part in parts)]


def outline(tasks: Sequence[Task], parts: Iterable[str]) -> list[str]:
    """Returns lines that tell what would be done."""
    parts = tuple(parts)
    lines = [
        f"{task.source} -> {', '.join(str(task.part(part)) for part in parts)}" for task in tasks
    ]
    return [*lines, f"{len(tasks)} to translate."]


def summary(outcome: Outcome, folder: pathlib.Path, count: int) -> list[str]:
    """Returns lines that tell what came of a folder in which `count` pictures were to be made."""
    rate = outcome.written / max(outcome.seconds, 1e-9)
    lines = [f"Wrote {outcome.written} pictures to {folder}, {rate:.2f} pictures/s."]
    if outcome.failed:
        lines.append(f"{len(outcome.failed)} of {count} could not be translated:")
        lines += [f"  {sentence}" for sentence in outcome.failed[:SHOWN]]
        if len(outcome.failed) > SHOWN:
            lines.append(f"  and {len(outcome.failed) - SHOWN} more")
    return lines


def _endings(options: TranslateOptions) -> tuple[str, ...]:
    """The endings that pictures may keep; the others get the first."""
    if options.format is None:
        return tuple(FORMATS)
    first = f".{options.format}"
    return (first, *(e for e in FORMATS if FORMATS[e] is FORMATS[first] and e != first))
