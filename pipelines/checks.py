"""Fills in sizes and refuses what cannot work, each with a sentence that says what to do."""

import dataclasses

from absl import logging

from cyclegan_keras.files.errors import DataError, first_few
from pipelines.loading import Loader
from pipelines.options import DataOptions
from pipelines.presets import MULTIPLE, PRESETS, Size
from pipelines.scan import ReadablePictures

USUAL_CROP_SIZE = 256  # px
USUAL_LOAD_SIZE = 286  # px, for a crop of 256


def check_options(options: DataOptions) -> None:
    """Raises DataError for a value outside its field's choices or bounds."""
    for field in dataclasses.fields(options):
        value, about = vars(options)[field.name], field.metadata
        if "choices" in about and value not in about["choices"]:
            raise DataError(f"--{field.name}={value}: expected {' or '.join(about['choices'])}.")
        if "low" in about and value is not None and value < about["low"]:
            raise DataError(f"--{field.name}={value}: expected at least {about['low']}.")


def check_pair_list(options: DataOptions, paired: bool) -> None:
    """Raises DataError for `--pairs` in a run that is made of pairs anyway."""
    if options.pairs and paired:
        raise DataError(
            f"--pairs={options.pairs} is for unpaired training, but this method trains on pairs "
            "alone: leave it out and put these pairs among the others of --dataset."
        )


def with_sizes(options: DataOptions, own_crop_size: int | None) -> DataOptions:
    """Returns the options with `crop_size` and `load_size` filled in.

    Raises:
        DataError: pictures would be scaled to less than the crop.
    """
    crops = PRESETS[options.preprocess].crops
    crop_size = options.crop_size or own_crop_size or USUAL_CROP_SIZE
    usual = round(crop_size * USUAL_LOAD_SIZE / USUAL_CROP_SIZE) if crops else crop_size
    load_size = options.load_size or usual
    if crops and options.preprocess != "crop" and load_size < crop_size:
        raise DataError(
            f"--load_size={load_size} is smaller than --crop_size={crop_size}: pictures are scaled "
            "to load_size and then cropped to crop_size, so make load_size the larger one."
        )
    return dataclasses.replace(options, load_size=load_size, crop_size=crop_size)


def check_crop(loader: Loader, options: DataOptions) -> None:
    """Raises DataError where pictures are smaller than the crop, naming the first ones."""
    small = [
        f"{name} ({width}x{height})"
        for name, (width, height), scaled in zip(
            loader.pictures.names, loader.pictures.sizes, loader.scaled_sizes(), strict=True
        )
        if min(scaled) < options.crop_size
    ]
    if small:
        scaling = "" if options.preprocess == "crop" else f", scaled by {options.preprocess},"
        raise DataError(
            f"{len(small)} of {len(loader)} pictures{scaling} are smaller than "
            f"--crop_size={options.crop_size}: {first_few(small)}. Use a smaller "
            "--crop_size or --preprocess=resize_and_crop, or leave them out."
        )


def check_pairs(first: ReadablePictures, second: ReadablePictures, title: str) -> None:
    """Raises DataError where the two sides of a pair differ in size, naming the first ones.

    Args:
        first: one side.
        second: the other, in the same order.
        title: what they are called in the message.
    """
    unequal = [
        f"{name} ({_by(size)} and {_by(other)})"
        for name, size, other in zip(first.names, first.sizes, second.sizes, strict=True)
        if size != other
    ]
    if unequal:
        raise DataError(
            f"{len(unequal)} of {len(first)} {title} have sides of different sizes: "
            f"{first_few(unequal)}. A pixel must show the same place on both sides: "
            "cut or scale both to one size (a picture with A and B side by side needs an even "
            "width)."
        )


def check_batch(batch_size: int, counts: tuple[int, int], shapes: int) -> None:
    """Raises DataError where no batch of `batch_size` can be made.

    Args:
        batch_size: pictures of each domain in a step.
        counts: training pictures of each domain.
        shapes: how many shapes occur within one domain.
    """
    if batch_size > max(counts):
        raise DataError(
            f"--batch_size={batch_size} is more than the {max(counts)} pictures of the longer "
            "domain: use a smaller one."
        )
    if batch_size > 1 and shapes > 1:
        raise DataError(
            f"--batch_size={batch_size} needs pictures of one size, but {shapes} sizes occur: use "
            "--batch_size=1 or a --preprocess that crops."
        )


def _by(size: Size) -> str:
    return f"{size[0]}x{size[1]}"


def warn_of_rounding(loader: Loader, options: DataOptions) -> None:
    """Says so where `--preprocess=none` must resize after all."""
    changed = sum(any(side % MULTIPLE for side in size) for size in loader.pictures.sizes)
    if options.preprocess == "none" and changed:
        logging.warning(
            "%d of %d pictures have sides that are no multiple of %d px, which the networks need; "
            "they are resized to the nearest.",
            changed,
            len(loader),
            MULTIPLE,
        )
