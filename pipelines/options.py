"""The data options, and what can be said of them before any picture is looked at."""

import dataclasses

from cyclegan_keras.files.direction import Direction
from cyclegan_keras.files.errors import DataError
from cyclegan_keras.files.option import option
from cyclegan_keras.images.resizing import FILTERS
from pipelines import value_range
from pipelines.preprocess import PREPROCESSING

DEFAULT_CROP_SIZE = 256  # px
DEFAULT_LOAD_SIZE = 286  # px, for a crop of 256


@dataclasses.dataclass(frozen=True, kw_only=True)
class DataOptions:
    """Which pictures to train on, and how they are prepared."""

    dataset: str | None = option(
        None,
        "Data to train on: cycle_gan/<name> (downloaded by TFDS), demo/<name> (drawn), or a "
        "folder: for unpaired training with trainA, trainB and, optionally, testA and testB; for "
        "pairs with train and, optionally, test or val, whose pictures show A and B side by "
        "side.",
        aliases=("dataroot",),
    )
    data_dir: str | None = option(
        None,
        "Where TFDS keeps its data sets (default ~/tensorflow_datasets). An archive such as "
        "horse2zebra.zip that you place there is used instead of a download.",
        may_change=True,
    )
    reader_version: int = option(
        2,
        "Version of the rules by which picture files are found and read, see docs/pictures.md. "
        "Runs of earlier versions of this program keep 1.",
        low=1,
        high=2,
    )
    direction: str = option(
        "AtoB",
        "AtoB: x is A and y is B; BtoA: x is B and y is A.",
        choices=tuple(direction.value for direction in Direction),
    )
    pairs: str | None = option(
        None,
        "A CSV file with the header A,B and one pair of picture files in each row, relative to "
        "its folder: pairs to mix into unpaired training.",
    )
    pairs_every: int = option(10, "With --pairs: one of every so many samples is a pair.", low=1)
    input_nc: int | None = option(
        None,
        "Channels of x: 1 for gray, 3 for RGB, or the number of bands. By default 3 for ordinary "
        "pictures of 8 bits, and as many as the pictures have for all others.",
        low=1,
    )
    output_nc: int | None = option(None, "Channels of y, likewise.", low=1)
    value_range: str = option(
        "auto",
        "Numbers that become the darkest and the brightest that networks see. dtype: all of the "
        "pictures' type; data: from the least to the greatest in the training pictures; two "
        "numbers, such as -1024,3071; or two percentiles, such as p0.5,p99.5. auto: dtype for 8 "
        "bits, data for all others. One for both domains, or that of A and that of B with a slash "
        "between.",
        several=True,
    )
    resize_filter: str = option(
        "bicubic",
        "How pictures are resized: bicubic, bilinear, lanczos, box, or nearest for maps of labels, "
        "whose values must not be mixed. One for both domains, or that of A and that of B with a "
        "slash between, such as nearest/bicubic.",
    )
    preprocess: str = option(
        "resize_and_crop",
        "How pictures get their training size. resize_and_crop: scaled to load_size x load_size, "
        "then cropped at random; crop: cropped at random at their own scale; scale_width, "
        "scale_shortside: that side scaled to load_size, with the proportions kept, and with "
        "_and_crop also cropped at random; none: unchanged. Without a crop, sides are rounded to "
        "multiples of 4.",
        choices=tuple(PREPROCESSING),
    )
    load_size: int | None = option(
        None,
        "Size in pixels that pictures are scaled to; crop and none do not scale. By default "
        "286/256 of crop_size before a crop, else crop_size.",
        low=4,
    )
    crop_size: int | None = option(
        None,
        "Side in pixels of the square that is cropped. By default 256, or the size of the demo "
        "set.",
        low=4,
    )
    flip: bool = option(True, "Mirror half of the training pictures horizontally.")
    batch_size: int = option(1, "Pictures of each domain in a step.", low=1)
    max_dataset_size: int | None = option(
        None,
        "Use at most this many training pictures of each domain, from the start of the set.",
        low=1,
    )
    on_bad_image: str = option(
        "skip",
        "What to do with damaged pictures. skip: leave them out and name them; error: decode all "
        "pictures before the training and refuse bad ones, and stop where damage shows later.",
        choices=("skip", "error"),
        may_change=True,
    )
    cache: str = option(
        "memory",
        "Where decoded pictures are kept before augmentation: in memory, on disk (also for later "
        "runs) or nowhere (none).",
        choices=("memory", "disk", "none"),
        may_change=True,
    )
    cache_mb: int = option(
        2048,
        "Megabytes that the cache may hold; pictures beyond that are decoded in every epoch.",
        low=0,
        may_change=True,
    )
    cache_dir: str | None = option(
        None, "Folder of the disk cache (default ~/.cache/cyclegan-keras).", may_change=True
    )


def of_domains(name: str, text: str) -> dict[str, str]:
    """Returns what an option says of each domain, {"A", "B"}.

    Args:
        name: of the option.
        text: one value for both domains, or two with a slash between.

    Raises:
        DataError: there are more than two values.

    Example:
        >>> of_domains("resize_filter", "nearest/bicubic")
        {'A': 'nearest', 'B': 'bicubic'}
    """
    parts = text.split("/")
    if len(parts) > 2:
        raise DataError(
            f"--{name}={text}: expected one value for both domains, or that of A and that of B "
            "with a slash between."
        )
    return {"A": parts[0], "B": parts[-1]}


def check_options(options: DataOptions, *, paired: bool) -> None:
    """Refuses values that cannot work, whatever the pictures are.

    Args:
        options: what the user chose.
        paired: whether the method trains on pairs alone.

    Raises:
        DataError: a value is outside its field's choices or bounds, or `--pairs` is given to a
            method that trains on pairs anyway.
    """
    for field in dataclasses.fields(options):
        value = getattr(options, field.name)
        choices = field.metadata.get("choices")
        low = field.metadata.get("low")
        if choices and value not in choices:
            raise DataError(f"--{field.name}={value}: expected one of {', '.join(choices)}.")
        if low is not None and value is not None and value < low:
            raise DataError(f"--{field.name}={value}: expected at least {low}.")
    for name in of_domains("resize_filter", options.resize_filter).values():
        if name not in FILTERS:
            raise DataError(
                f"--resize_filter={options.resize_filter}: expected one of {', '.join(FILTERS)}; "
                "for the two domains with a slash between, such as nearest/bicubic."
            )
    for text in of_domains("value_range", options.value_range).values():
        value_range.parse(text)
    if options.pairs and paired:
        raise DataError(
            f"--pairs={options.pairs} is for unpaired training, but this method trains on pairs "
            "alone: leave it out and put these pairs among the others of --dataset."
        )


def with_sizes(options: DataOptions, own_crop_size: int | None) -> DataOptions:
    """Returns the options with `crop_size` and `load_size` filled in.

    Args:
        options: what the user chose.
        own_crop_size: the crop in px that suits the data set, or None for the usual one.

    Raises:
        DataError: pictures would be scaled to less than the crop.
    """
    crops = PREPROCESSING[options.preprocess].crops
    crop_size = options.crop_size or own_crop_size or DEFAULT_CROP_SIZE
    load_size = options.load_size
    if load_size is None and crops:
        load_size = round(crop_size * DEFAULT_LOAD_SIZE / DEFAULT_CROP_SIZE)
    elif load_size is None:
        load_size = crop_size
    if crops and options.preprocess != "crop" and load_size < crop_size:
        raise DataError(
            f"--load_size={load_size} is smaller than --crop_size={crop_size}: pictures are scaled "
            "to load_size and then cropped to crop_size, so make load_size the larger one."
        )
    return dataclasses.replace(options, load_size=load_size, crop_size=crop_size)
