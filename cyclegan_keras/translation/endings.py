"""Which endings the files of translations may have: those of formats that hold their numbers."""

from cyclegan_keras.files.errors import TranslationError
from cyclegan_keras.images.channels import counted
from cyclegan_keras.images.writing import FORMATS, Format
from cyclegan_keras.translation.numbers import LEVELS, written_as
from cyclegan_keras.translation.options import TranslateOptions
from cyclegan_keras.translation.recipe import Recipe


def endings_of(recipe: Recipe, options: TranslateOptions) -> list[str]:
    """Returns the endings that translations may have; the first is given to files with others.

    Args:
        recipe: what is made of each picture.
        options: of which `format` counts.

    Raises:
        TranslationError: the format that is asked for cannot hold what the model makes.
    """
    endings = [ending for ending in FORMATS if _holds(FORMATS[ending], recipe)]
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


def reason_of_endings(recipe: Recipe, options: TranslateOptions) -> str:
    """Returns why there are no other endings, in words that follow them; "" where all are.

    Args:
        recipe: what is made of each picture.
        options: of which `format` counts.
    """
    if options.format is not None:
        return f", by --format={options.format}"
    if all(_holds(file_format, recipe) for file_format in FORMATS.values()):
        return ""
    return f", for what the model makes, {_made_by(recipe)}"


def _holds(file_format: Format, recipe: Recipe) -> bool:
    """Whether files of a format hold all that is made of a picture."""
    if recipe.shows_views:
        return True
    there = recipe.translator.description
    for translator in recipe.translators:
        made = translator.description.target_form
        dtype = made.values.dtype
        if recipe.bit_depth is not None:
            _, dtype = written_as(dtype, made.values, recipe.bit_depth)
        is_scaled = dtype in LEVELS  # where the format holds 8 bits only
        if dtype not in file_format.dtypes and not is_scaled:
            return False
        # The fourth channel of pictures with colors and transparency is transparency again.
        has_alpha = made.channels in (2, 4) and made.channels == there.input_channels
        if made.channels not in (1, 3) and not has_alpha and not file_format.any_channels:
            return False
    return True


def _made_by(recipe: Recipe) -> str:
    made = recipe.translator.description.target_form
    words = f"{counted(made.channels)} of {made.values.words} ({made.values.dtype})"
    if made.channels <= 4 and recipe.bit_depth != 8:
        words += ", unless --bit_depth=8 scales it to look at"
    return words
