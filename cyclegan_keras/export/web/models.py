"""The .tflite files of the web page: which there are, the best one for a device, and their check.

A browser's graphics card may compute anything, so the page translates a picture made by a formula
and compares the mean colors of its blocks with those that LiteRT gave in Python.
"""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from cyclegan_keras.export import tflite
from cyclegan_keras.export.job import ExportedFile, ExportJob
from cyclegan_keras.export.options import ExportOptions
from cyclegan_keras.files.digest import sha256
from cyclegan_keras.files.direction import Direction
from cyclegan_keras.files.errors import ExportError
from cyclegan_keras.images.channels import with_channels

# Variants by how good they are for a device, the best first. On processors a small generator is
# quick in any variant, and a large one is downloaded in half the time.
BEST_FOR_SMALL = ("fp16", "fp32", "uint8", "dynamic", "int8")
BEST_FOR_LARGE = ("uint8", "dynamic", "int8", "fp16", "fp32")
BEST_FOR_GPU = ("fp16", "fp32", "uint8", "dynamic", "int8")
LARGE_BYTES = 4_000_000  # of a generator's weights as fp16
BLOCKS = 8  # of the check along each side
CHANNELS = (1, 3)  # of pictures that the page can show


def check_models(options: ExportOptions, generators: Mapping[Direction, keras.Model]) -> None:
    """Refuses generators, variants and sizes that the page cannot run, before anything is computed.

    Args:
        options: with a `tflite_size`.
        generators: to be exported.

    Raises:
        ExportError: what the page cannot run.
    """
    for direction, generator in generators.items():
        description = generator.description
        channels = generator.input_shape[-1], generator.output_shape[-1]
        if not set(channels) <= set(CHANNELS):
            raise ExportError(
                "--format=web: the page shows gray and color pictures, and the generator "
                f"{direction.signature} goes from {channels[0]} to {channels[1]} channels; "
                "expected 1 or 3 on either side: leave web out of --format."
            )
        for values in (description.source_values, description.target_values):
            if not values.is_eight_bit:
                raise ExportError(
                    f"--format=web: the page shows 8-bit pictures of the levels 0 to 255, and the "
                    f"generator {direction.signature} was trained on numbers of {values.dtype}, "
                    f"{values.words}: leave web out of --format."
                )
    variants = web_variants(options)
    for variant in variants:
        if variant in tflite.VARIANTS and variant not in BEST_FOR_SMALL:
            raise ExportError(
                f"--web_variants={options.web_variants}: {variant} holds 16-bit integers, which no "
                f"browser runs; expected some of {', '.join(BEST_FOR_SMALL)}."
            )
    sizes = tflite.chosen_sizes(options)
    for height, width in sizes:
        if min(height, width) < BLOCKS:
            raise ExportError(
                f"--tflite_size={options.tflite_size}: the page checks a device by {BLOCKS} x "
                f"{BLOCKS} blocks of a picture; expected sides of at least {BLOCKS} pixels."
            )
    tflite.check_files(variants, sizes=sizes, generators=generators.values())


def web_variants(options: ExportOptions) -> list[str]:
    """Returns the names of --web_variants, each once."""
    names = [name.strip() for name in options.web_variants.split(",")]
    return list(dict.fromkeys(names))


def write_models(job: ExportJob, folder: pathlib.Path) -> list[ExportedFile]:
    """Writes the page's files of all generators.

    A file below its threshold is left out of the folder, unless the user allows it: it is moved to
    the job's own folder, where the export rejects it.

    Args:
        job: what is exported.
        folder: where to write, an existing folder.

    Returns:
        All files, also those that were moved.

    Raises:
        ExportError: no file of a direction is good enough.
    """
    exported = []
    for direction in job.generators:
        files = tflite.write_measured(
            job, direction, folder, variants=web_variants(job.options), batch=1
        )
        bad = [file for file in files if not file.is_good and not job.options.allow_quality_loss]
        if len(bad) == len(files):
            quality = ", ".join(f"{file.kind} {file.facts['psnr_db']:.1f} dB" for file in bad)
            raise ExportError(
                f"--format=web: no file of {direction.signature} is near enough to Keras "
                f"({quality}): name others by --web_variants, such as fp32, or keep these by "
                "--allow_quality_loss."
            )
        for file in bad:
            file.path = file.path.rename(job.folder / file.path.name)
        exported += files
    return exported


def variant_of(file: ExportedFile) -> str:
    """Returns the variant of a .tflite file, such as "fp16"."""
    return file.kind.removeprefix("tflite ")


def facts_of_file(file: ExportedFile, site: pathlib.Path) -> dict[str, Any]:
    """Returns what the page is told of one of its files.

    Args:
        file: of `write_models`.
        site: the page's folder; paths are relative to it.
    """
    variant = variant_of(file)
    return {
        "path": file.path.relative_to(site).as_posix(),
        "variant": variant,
        "dtype": "uint8" if variant == "uint8" else "float32",
        "height": file.facts["height"],
        "width": file.facts["width"],
        "bytes": file.path.stat().st_size,
        "sha256": sha256(file.path),
        "psnr_db": round(file.facts["psnr_db"], 1),
        "check": check_figures(file.path),
    }


def default_on(files: Sequence[Mapping[str, Any]], *, parameters: int) -> dict[str, int]:
    """Returns which file each kind of device begins with, as indices.

    Args:
        files: of `facts_of_file`, of one direction; those of the size named first come first.
        parameters: of the generator.

    Returns:
        An index for "wasm", which computes on the processor, and one for "webgpu".

    Example:
        >>> both = [{"variant": v, "height": 64, "width": 64} for v in ("uint8", "fp16")]
        >>> default_on(both, parameters=100_000), default_on(both, parameters=11_000_000)
        ({'wasm': 1, 'webgpu': 1}, {'wasm': 0, 'webgpu': 1})
    """
    first_size = files[0]["height"], files[0]["width"]
    of_size = {
        file["variant"]: index
        for index, file in enumerate(files)
        if (file["height"], file["width"]) == first_size
    }
    is_large = 2 * parameters > LARGE_BYTES
    on_processor = BEST_FOR_LARGE if is_large else BEST_FOR_SMALL
    return {
        "wasm": next(of_size[variant] for variant in on_processor if variant in of_size),
        "webgpu": next(of_size[variant] for variant in BEST_FOR_GPU if variant in of_size),
    }


# ---- the check of a device ----


def made_picture(height: int, width: int, channels: int) -> np.ndarray:
    """Makes the picture that every device translates first.

    Args:
        height: in px.
        width: in px.
        channels: 3, or 1 for the gray picture of the same brightness.

    Returns:
        uint8 (height, width, channels): red rises to the right, green downwards, and blue holds a
        pattern as fine as a pixel.
    """
    y, x = np.mgrid[:height, :width]
    picture = np.stack([x * 255 // width, y * 255 // height, (x ^ y) & 255], axis=-1)
    return with_channels(picture.astype(np.uint8), channels)


def check_figures(path: pathlib.Path) -> list[float]:
    """Translates `made_picture` by LiteRT, and returns the mean levels of 8 x 8 blocks of it.

    Args:
        path: the .tflite file, of sides of at least 8 px.

    Returns:
        8 x 8 x channels numbers in 0..255, rounded to two decimals: block by block, row by row.
    """
    from cyclegan_keras.export import tflite_run

    interpreter = tflite_run.open_model(path)
    _, height, width, channels = (int(n) for n in interpreter.get_input_details()[0]["shape"])
    picture = made_picture(height, width, channels)
    x = picture[None].astype(np.float32) / np.float32(127.5) - 1
    y = tflite_run.run(interpreter, x)[0].astype(np.float64)
    levels = np.clip((y + 1) * 127.5, 0, 255)
    block_height, block_width = height // BLOCKS, width // BLOCKS
    blocks = levels[: BLOCKS * block_height, : BLOCKS * block_width].reshape(
        BLOCKS, block_height, BLOCKS, block_width, -1
    )
    return [round(float(mean), 2) for mean in blocks.mean(axis=(1, 3)).ravel()]
