import pytest

from cyclegan_keras.files.errors import TranslationError
from cyclegan_keras.images.values import EIGHT_BIT, Values, whole_range
from cyclegan_keras.images.writing import FORMATS
from cyclegan_keras.models.description import Description
from cyclegan_keras.translation.endings import endings_of
from cyclegan_keras.translation.options import TranslateOptions
from cyclegan_keras.translation.recipe import Recipe
from cyclegan_keras.translation.translator import Translator

HOUNSFIELD = Values(dtype="int16", low=-1024, high=3071)
DEEP_ENDINGS = [".tif", ".tiff", ".npy"]


def endings(channels, values, *, format=None, **more):
    description = Description(
        input_channels=channels,
        output_channels=channels,
        source_values=values,
        target_values=values,
    )
    recipe = Recipe(translator=Translator(None, description), **more)
    return endings_of(recipe, TranslateOptions(format=format))


@pytest.mark.parametrize(
    ("channels", "values", "more", "expected"),
    [
        (3, EIGHT_BIT, {}, list(FORMATS)),
        (4, EIGHT_BIT, {}, list(FORMATS)),
        (3, whole_range("uint16"), {}, list(FORMATS)),
        (1, HOUNSFIELD, {}, DEEP_ENDINGS),
        (5, EIGHT_BIT, {}, DEEP_ENDINGS),
        (1, HOUNSFIELD, {"bit_depth": 8}, list(FORMATS)),
        (1, HOUNSFIELD, {"bit_depth": 16}, DEEP_ENDINGS),
        (1, HOUNSFIELD, {"bit_depth": 8, "side_by_side": True}, list(FORMATS)),
        (3, EIGHT_BIT, {"bit_depth": 32}, DEEP_ENDINGS),
        (3, EIGHT_BIT, {"format": "jpg"}, [".jpg", ".jpeg", ".jpe", ".jfif"]),
        (3, EIGHT_BIT, {"format": "tif"}, [".tif", ".tiff"]),
        (1, HOUNSFIELD, {"format": "tiff"}, [".tiff", ".tif"]),
        (1, HOUNSFIELD, {"format": "npy"}, [".npy"]),
    ],
)
def test_endings(channels, values, more, expected):
    assert endings(channels, values, **more) == expected


@pytest.mark.parametrize(
    ("channels", "values", "words"),
    [
        (
            1,
            HOUNSFIELD,
            "--format=png cannot hold what the model makes, 1 channel of -1024 to 3071 (int16), "
            "unless --bit_depth=8 scales it to look at: use --format=tif or --format=npy.",
        ),
        (
            5,
            EIGHT_BIT,
            "--format=png cannot hold what the model makes, 5 channels of 0 to 255 (uint8): use "
            "--format=tif or --format=npy.",
        ),
    ],
)
def test_a_format_that_cannot_hold_it_is_a_sentence(channels, values, words):
    with pytest.raises(TranslationError) as caught:
        endings(channels, values, format="png")
    assert str(caught.value) == words
