"""The options of translating."""

import dataclasses

from cyclegan_keras.files.direction import Direction
from cyclegan_keras.files.option import option

PRECISIONS = ("float32", "bfloat16", "int8")
USUAL_PRECISION = "float32"


@dataclasses.dataclass(frozen=True, kw_only=True)
class TranslateOptions:
    """What to translate, by what, and where to."""

    model: str | None = option(
        None,
        "What to translate with: a run of train.py (<run>@<step> for an earlier step that it "
        "keeps), a generator (.keras, .tflite, .pth, .ckpt or .safetensors of another program), a "
        "folder that export.py wrote, or a model on the Hugging Face Hub (hf://user/name, "
        "hf://user/name@revision, hf://user/name/file).",
        required=True,
        several=True,
    )
    direction: str | None = option(
        None,
        "Direction; by default AtoB, or the only one that the model has.",
        choices=tuple(direction.value for direction in Direction),
    )
    input: str | None = option(
        None,
        "A picture, a folder with its subfolders, a quoted pattern ('photos/**/*.jpg') or a video.",
        required=True,
    )
    output: str | None = option(
        None, "The file to write, or a folder; it may be inside the input folder.", required=True
    )
    precision: str | None = option(
        None,
        "Arithmetic of the network; by default float32. int8 is for CPUs: three times as fast and "
        "close to float32 (about 44 dB, an average difference of one of 255 levels). It takes a "
        "few seconds to prepare a model once, and keeps the result beside it. Pictures too large "
        "for the memory are translated in tiles, each by its own contrast; float32 and bfloat16 "
        "do that exactly. bfloat16 is for GPUs and for CPUs that compute it (AVX-512 BF16, AMX): "
        "up to twice as fast, about 60 dB.",
        choices=PRECISIONS,
    )
    format: str | None = option(
        None,
        "Format of the written pictures. By default each keeps its own, and one that cannot be "
        "written becomes png, as in a.gif.png, or tif where png cannot hold what the model makes.",
        choices=("png", "jpg", "webp", "tif", "tiff", "bmp", "npy"),
    )
    bit_depth: int | None = option(
        None,
        "Bits a channel of the written pictures, 8, 16 or 32 (floating-point numbers); 8 scales "
        "all that is no ordinary picture to 0..255, to look at it. By default what the picture "
        "has, where that holds the numbers of the translation.",
        low=8,
        high=32,
    )
    quality: int = option(95, "Quality of JPEG and WebP.", low=1, high=100)
    crf: int = option(
        18,
        "Constant rate factor of videos: lower values look better and take more space.",
        low=1,
        high=51,
    )
    strength: float = option(
        1.0,
        "Blend the translation with the input: 0 gives the input, 1 the translation.",
        low=0.0,
        high=1.0,
    )
    cycle: bool = option(
        False, "Also translate back, into <name>_cycle.<ending>; needs a model of both directions."
    )
    side_by_side: bool = option(
        False,
        "Write the input and the translation into one picture, with --cycle also what was "
        "translated back.",
    )
    batch_size: int | None = option(
        None,
        "Pictures of one size to translate together; by default chosen by their size.",
        low=1,
    )
    max_memory_mb: int | None = option(
        None,
        "Translate large pictures tile by tile, to stay below about so many megabytes of memory.",
        low=1,
    )
    tile_size: int | None = option(
        None, "Side of these tiles in pixels; by default chosen by --max_memory_mb.", low=1
    )
    max_image_pixels: int = option(
        300_000_000, "Refuse pictures with more pixels than this.", low=1
    )
    overwrite: bool = option(False, "Translate pictures again whose translations exist already.")
    dry_run: bool = option(False, "List what would be done, and stop.")

    @property
    def in_precision(self) -> str:
        """What to add to "translates": " in int8", for example, and nothing for float32."""
        if self.precision in (None, USUAL_PRECISION):
            return ""
        return f" in {self.precision}"
