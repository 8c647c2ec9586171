"""Which endings the files of translations may have: those of formats that hold their numbers."""

from cyclegan_keras.files.errors import TranslationError
from cyclegan_keras.images.writing import FORMATS
from cyclegan_keras.translation.numbers import LEVELS, counted, written_as
from cyclegan_keras.translation.options import TranslateOptions
from cyclegan_keras.translation.recipe import Recipe

OF_ANY_NUMBERS = (".tif", ".tiff", ".npy")  # of any type and any number of channels
MOST_ORDINARY_CHANNELS = 4  # red, green, blue and transparency


def endings_of(recipe: Recipe, options: TranslateOptions) -> list[str]:
    """Returns the endings that translations may have; the first is given to files with others.

    Args:
        recipe: what is made of each picture.
        options: of which `format` counts.

    Raises:
        TranslationError: the format that is asked for cannot hold what the model makes.
    """
    endings = list(FORMATS)
    if not _is_ordinary(recipe):
        endings = [ending for ending in OF_ANY_NUMBERS if ending in FORMATS]
    if options.format is None:
        return endings
    first = f".{options.format}"
    if first not in endings:
        raise TranslationError(
            f"--format={options.format} cannot hold what the model makes, {_made_by(recipe)}: use "
            "--format=tif or --format=npy."
        )
    others = [ending for ending in FORMATS if FORMATS[ending] is FORMATS[first] and ending != first]
    return [first, *others]


def _made_by(recipe: Recipe) -> str:
    made = recipe.translator.description.target_form
    words = f"{counted(made.channels)} of {made.values.words} ({made.values.dtype})"
    if made.channels <= MOST_ORDINARY_CHANNELS and recipe.bit_depth != 8:
        words += ", unless --bit_depth=8 scales it to look at"
    return words


def _is_ordinary(recipe: Recipe) -> bool:
    """Whether all that is made are levels of up to four channels, which most formats hold."""
    descriptions = [translator.description for translator in recipe.translators]
    if recipe.shows_views:
        return True
    for description in descriptions:
        target = description.target_values
        if description.output_channels > MOST_ORDINARY_CHANNELS:
            return False
        if recipe.bit_depth is None:
            dtype = target.dtype
        else:
            _, dtype = written_as(target.dtype, target, recipe.bit_depth)
        if dtype not in LEVELS:
            return False
    return True
