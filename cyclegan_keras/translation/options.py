"""The options of translating."""

import dataclasses

from cyclegan_keras.files.option import option
from cyclegan_keras.models.direction import Direction


@dataclasses.dataclass(frozen=True, kw_only=True)
class TranslateOptions:
    """What to translate, by what, and where to."""

    model: str | None = option(
        None,
        "What translates: a run of train.py, a generator (.keras, .tflite, other programs' .pth) "
        "or an export's folder.",
    )
    direction: str | None = option(
        None,
        "Which way; AtoB unless given, or the model's only one.",
        choices=tuple(direction.value for direction in Direction),
    )
    input: str | None = option(
        None,
        "A picture, a folder (with its sub-folders), a pattern in quotes ('photos/**/*.jpg') or a "
        "video.",
    )
    output: str | None = option(
        None, "The file to write, or a folder; it may lie in the input folder."
    )
    format: str | None = option(
        None,
        "Write every picture as this. Unless given, endings stay, and one that cannot be written "
        "becomes png: a.gif.png.",
        choices=("png", "jpg", "webp", "tiff", "bmp"),
    )
    quality: int = option(95, "Quality of JPEG and WebP.", low=1, high=100)
    crf: int = option(
        18, "Constant rate factor of videos: less is better and larger.", low=1, high=51
    )
    strength: float = option(
        1.0,
        "Blend the translation with the input: 0 is the input, 1 the translation.",
        low=0.0,
        high=1.0,
    )
    cycle: bool = option(
        False, "Also translate back, into <name>_cycle.<ending>; needs a model of both directions."
    )
    side_by_side: bool = option(
        False, "Write one picture: input | translation, and with --cycle | translated back."
    )
    batch_size: int | None = option(
        None,
        "Pictures of one size to translate together; chosen by their size unless given.",
        low=1,
    )
    max_memory_mb: int | None = option(
        None, "Translate larger pictures tile by tile to stay below about so much memory.", low=1
    )
    tile_size: int | None = option(
        None, "Side of those tiles in pixels; chosen by --max_memory_mb unless given.", low=1
    )
    max_image_pixels: int = option(300_000_000, "Refuse pictures that claim more pixels.", low=1)
    overwrite: bool = option(False, "Translate again what is there already.")
    dry_run: bool = option(False, "List what would be done and stop.")
