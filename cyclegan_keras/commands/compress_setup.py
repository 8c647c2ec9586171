"""What a compression consists of before it computes anything, and whether it fits its run."""

import dataclasses
import os
from collections.abc import Mapping
from typing import Any

import absl.logging

from cyclegan_keras.cli import backends, flags
from cyclegan_keras.commands.train_setup import refuse_contradiction, with_saved_spelling
from cyclegan_keras.compression.options import CompressionOptions
from cyclegan_keras.files.direction import Direction
from cyclegan_keras.files.errors import DataError, OptionError, RunError, UserError
from cyclegan_keras.files.option import option, option_of
from cyclegan_keras.models.any_size import fitting_side
from cyclegan_keras.models.options import NetworkOptions
from cyclegan_keras.runs import moved
from cyclegan_keras.runs.pictures import TRAINING, knows_pictures
from cyclegan_keras.runs.run import Run, is_compression
from cyclegan_keras.tracking.options import TrackingOptions
from pipelines.options import DEFAULT_CROP_SIZE, DataOptions, check_options
from pipelines.preprocess import MULTIPLE
from pipelines.sources import datasets, one_folder
from pipelines.sources.base import Source


@dataclasses.dataclass(frozen=True, kw_only=True)
class PictureOptions:
    """On which pictures the teacher is imitated, and how they are prepared.

    What is not typed is as in the training of the model, where that is known.
    """

    dataset: str | None = option_of(
        DataOptions,
        "dataset",
        help="Data set to learn on: cycle_gan/<name>, demo/<name> or a folder with trainA and "
        "trainB, or train. By default, that of the model's training.",
    )
    pictures: str | None = option(
        None,
        "Folder of pictures to translate, instead of a data set: without counterparts or pictures "
        "of the other domain. Every tenth is held out. One direction is compressed.",
    )
    direction: str | None = option(
        None,
        "Which generators to compress. By default both where the model has both.",
        choices=("both", "AtoB", "BtoA"),
        saved=False,
    )
    batch_size: int = option_of(DataOptions, "batch_size", default=4)
    data_dir: str | None = option_of(DataOptions, "data_dir")
    reader_version: int = option_of(DataOptions, "reader_version")
    resize_filter: str = option_of(DataOptions, "resize_filter")
    preprocess: str = option_of(DataOptions, "preprocess")
    load_size: int | None = option_of(DataOptions, "load_size")
    crop_size: int | None = option_of(DataOptions, "crop_size")
    flip: bool = option_of(DataOptions, "flip")
    max_dataset_size: int | None = option_of(DataOptions, "max_dataset_size")
    on_bad_image: str = option_of(DataOptions, "on_bad_image")
    cache: str = option_of(DataOptions, "cache")
    cache_mb: int = option_of(DataOptions, "cache_mb")
    cache_dir: str | None = option_of(DataOptions, "cache_dir")


GROUPS = {
    "compression": CompressionOptions,
    "trackers": TrackingOptions,
    "pictures": PictureOptions,
}

# Options of the model's training that say nothing about what its pictures are.
NOT_OF_TRAINING = ("batch_size", "cache", "cache_mb", "cache_dir", "on_bad_image")
# --preprocess without a crop -> the same with one.
WITH_CROP = {
    "scale_width": "scale_width_and_crop",
    "scale_shortside": "scale_shortside_and_crop",
    "none": "crop",
}
# Options that name a place of pictures -> the entries of a run's facts that say which they were.
PICTURE_PLACES = {"dataset": TRAINING, "pictures": TRAINING}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Setup:
    """What a compression consists of before its pictures are read.

    Attributes:
        options: title of a group -> its options.
        data_options: how pictures are read; x is the domain that `generator_g` translates.
        teachers: the generators to compress, see `compression.teachers.Teachers`.
        run_dir: where the compression is kept.
        saved: the options of the compression that is continued, by name; empty for a new one.
        moved: options that name another place of pictures than the compression began with.
        chosen: the options that were saved or typed, by name.
    """

    options: dict[str, Any]
    data_options: DataOptions
    teachers: Any
    run_dir: str
    saved: dict[str, Any]
    moved: tuple[str, ...]
    chosen: dict[str, Any]

    @property
    def x_to_y(self) -> Direction:
        """The direction that `generator_g` translates."""
        return Direction(self.data_options.direction)

    def role_of(self, direction: Direction) -> str:
        """Returns the role of the student of a direction."""
        return "generator_g" if direction is self.x_to_y else "generator_f"

    @property
    def names_dataset(self) -> bool:
        """Whether --dataset was typed, and does not follow from a run."""
        return self.chosen.get("dataset") not in (None, self.saved.get("dataset"))

    @property
    def discriminators(self) -> dict[str, Any]:
        """The discriminators of the model's run, by their roles beside the students."""
        trained = Direction(self.teachers.trained_with.get("direction") or Direction.A_TO_B)
        judges = {
            trained.target: self.teachers.discriminators.get("discriminator_y"),
            trained.source: self.teachers.discriminators.get("discriminator_x"),
        }
        found = {}
        for direction in self.teachers.networks:
            letter = "y" if self.role_of(direction) == "generator_g" else "x"
            found[f"discriminator_{letter}"] = judges[direction.target]
        return found

    def options_to_save(self, students: Mapping[str, Any], data) -> dict[str, Any]:
        """Returns what options.json holds.

        Args:
            students: by role.
            data: the pictures, see `LearningPictures`.
        """
        # What of the pictures depends on them is filled in by `data`.
        of_pictures = vars(self.options["pictures"])
        known = {
            name: value for name, value in vars(data.whole.options).items() if name in of_pictures
        }
        known["batch_size"] = self.data_options.batch_size
        channels = channels_of(self.teachers.networks, self.x_to_y)
        return {
            "method": self.teachers.trained_with.get("method"),
            **flags.flatten(self.options, saved_only=True),
            **known,
            **channels,
            "direction": str(self.x_to_y),
            **network_options(next(iter(students.values()))),
            **discriminator_options(self.teachers.trained_with),
        }


def resolve_options(typed: Mapping[str, Any]) -> Setup:
    """Merges the typed options with all that comes before them, and opens the teachers.

    An option comes from the last of these that has it: its own default, the training of the model,
    the compression that is continued, the command line.

    Raises:
        UserError: the options do not go together, or there is no such model.
    """
    # ---- the run ----
    flags.refuse_unknown(typed, GROUPS)
    typed = dict(typed)
    for name in ("dataset", "pictures"):
        if typed.get(name):  # photos/ and photos are one folder
            typed[name] = os.path.normpath(os.path.expanduser(typed[name]))
    refuse_two_places(typed)
    run_dir = os.path.expanduser(typed.get("run_dir") or usual_directory(typed))
    run = Run(run_dir)
    saved = run.saved_options()
    if saved and not is_compression(saved):
        raise RunError(
            f"{run_dir} holds a training: choose another --run_dir for its compression, such as "
            f"{run_dir}-small with --model={run_dir}."
        )
    typed = with_saved_spelling(typed, saved, PICTURE_PLACES)
    moved_options = places_to_compare(typed, saved, run)
    compared = {
        name: value
        for name, value in typed.items()
        if name not in moved_options and name != "direction"
    }
    refuse_contradiction(compared, saved, flags.fields(GROUPS), run_dir)
    chosen = {**saved, **typed}
    chosen["direction"] = typed.get("direction")  # that of a run says which domain is x
    if not chosen.get("model"):
        raise OptionError(
            "--model is missing: name the run or the file whose generators are to become smaller. "
            "See --help."
        )
    refuse_no_target(chosen)
    known = flags.fields(GROUPS)
    kept = {name: value for name, value in saved.items() if name in known and name != "direction"}
    flags.resolve(GROUPS, kept, typed)  # a wrong value is told before the teachers are read

    # ---- the teachers ----
    from cyclegan_keras.compression import teachers as opening
    from cyclegan_keras.export import tflite
    from cyclegan_keras.export.static_graph import check_size
    from cyclegan_keras.training.global_state import global_state

    try:
        with global_state(seed=0):  # their weights are read: the seed is without effect
            teachers = opening.open_teachers(
                chosen["model"], with_discriminators=bool(chosen.get("gan"))
            )
    except UserError as error:
        if typed.get("model"):
            raise
        raise RunError(
            f"{error} {run_dir} was begun with it: say by --model where it lies now."
        ) from error
    directions = chosen_directions(chosen, teachers.networks, run)
    teachers = dataclasses.replace(
        teachers, networks={direction: teachers.networks[direction] for direction in directions}
    )
    opening.refuse_different_kinds(teachers)
    refuse_other_teachers(teachers, run)

    # ---- the options ----
    x_to_y = direction_of_x(chosen, teachers, directions)
    options = flags.resolve(GROUPS, options_of_training(teachers, chosen), kept, typed)
    options["compression"] = with_size(options["compression"], teachers)
    height, width = tflite.parse_size(options["compression"].size, option="size")
    for network in teachers.networks.values():
        check_size(network, height, width)
    data_options = data_options_of(options["pictures"], teachers, x_to_y)
    setup = Setup(
        options=options,
        data_options=data_options,
        teachers=teachers,
        run_dir=run_dir,
        saved=saved,
        moved=moved_options,
        chosen=chosen,
    )
    refuse_gan_without_discriminators(setup)
    return setup


def refuse_two_places(typed: Mapping[str, Any]) -> None:
    """Raises OptionError where both a data set and a folder of pictures are typed."""
    if typed.get("dataset") and typed.get("pictures"):
        raise OptionError(
            f"--dataset={typed['dataset']} and --pictures={typed['pictures']} both say what to "
            "learn on: give one of them."
        )


def refuse_no_target(chosen: Mapping[str, Any]) -> None:
    """Raises OptionError where nothing says how small the students are to be."""
    targets = [chosen.get(name) for name in ("target_kb", "target_ms", "target_macs")]
    if not chosen.get("shape") and targets == [None, None, None]:
        raise OptionError(
            "Nothing says how small: give --target_kb=1000, --target_ms=30 or --target_macs=2.6e9, "
            "or the shape itself by --shape=16x6. See --help."
        )


def usual_directory(typed: Mapping[str, Any]) -> str:
    """Returns the directory of a compression where --run_dir is not typed."""
    if not typed.get("model"):
        raise OptionError(
            "--model is missing: name the run or the file whose generators are to become smaller, "
            "or by --run_dir a compression to continue. See --help."
        )
    from cyclegan_keras.compression.teachers import name_of

    return f"runs/{name_of(typed['model'])}-small"


def places_to_compare(
    typed: Mapping[str, Any], saved: Mapping[str, Any], run: Run
) -> tuple[str, ...]:
    """Returns the options that name another place of pictures than a compression began with."""
    if not saved or not knows_pictures(run.saved_facts()):
        return ()
    return tuple(
        name
        for name in PICTURE_PLACES
        if saved.get(name) and typed.get(name, saved[name]) != saved[name]
    )


def chosen_directions(
    chosen: Mapping[str, Any], offered: Mapping[Direction, Any], run: Run
) -> list[Direction]:
    """Returns the directions to compress.

    Args:
        chosen: options by name.
        offered: the generators of the model.
        run: may exist already; then its directions are those.

    Raises:
        OptionError: the model lacks a direction that is asked for.
        RunError: the run has others.
    """
    from cyclegan_keras.translation.opening import usual_direction

    model, pictures = chosen["model"], chosen.get("pictures")
    word = chosen.get("direction")
    compressed = run.saved_facts().get("compressed_from", {}).get("directions")
    if word is None and compressed:
        directions = [Direction(each) for each in compressed]
    elif word is None:
        directions = [usual_direction(offered)] if pictures else sorted(offered)
    elif word == "both":
        directions = list(Direction)
    else:
        directions = [Direction(word)]
    if compressed and directions != compressed:
        raise RunError(
            f"{run.directory} compresses {', '.join(compressed)}, and not --direction={word}: "
            "leave it out to continue, or choose another --run_dir for a new compression."
        )
    missing = [direction for direction in directions if direction not in offered]
    if missing:
        raise OptionError(
            f"--model={model} translates {', '.join(offered)} only, and not {missing[0]}: leave "
            "--direction out, or name a model of that direction."
        )
    if pictures and len(directions) > 1:
        raise OptionError(
            f"--pictures={pictures} are of one domain, and --direction=both needs pictures of "
            "both: give --dataset, or one direction."
        )
    return directions


def refuse_gan_without_discriminators(setup: Setup) -> None:
    """Raises OptionError where --gan lacks discriminators, or real pictures for them."""
    if not setup.options["compression"].gan:
        return
    backends.need_tensorflow("--gan")
    if setup.options["pictures"].pictures:
        raise OptionError(
            "--gan needs real pictures of the domain that is translated to, and --pictures has "
            "none: give --dataset, or leave --gan out."
        )
    if None in setup.discriminators.values():
        raise OptionError(
            f"--gan needs the discriminators of a run, and --model={setup.teachers.model} has none "
            "for these generators: give the run itself, or leave --gan out."
        )


def direction_of_x(chosen: Mapping[str, Any], teachers, directions: list[Direction]) -> Direction:
    """Returns which way generator_g translates: as in the training of the model.

    A single generator is always generator_g.

    Args:
        chosen: options by name.
        teachers: see `compression.teachers.Teachers`.
        directions: to compress.
    """
    if len(directions) == 1:
        return directions[0]
    return Direction(teachers.trained_with.get("direction") or Direction.A_TO_B)


def refuse_other_teachers(teachers, run: Run) -> None:
    """Raises RunError where a compression was begun with other teachers than those at hand."""
    before = run.saved_facts().get("compressed_from")
    if not before or before["sha256"] == teachers.digests:
        return
    then = f"{before['model']}"
    if before["step"] is not None:
        then += f" at step {before['step']}"
    now = teachers.model
    if teachers.step is not None:
        now += f" at step {teachers.step}"
    raise RunError(
        f"{run.directory} was begun with the weights of {then}, and {now} has others: name those "
        "by --model, or choose another --run_dir for a new compression."
    )


def options_of_training(teachers, chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the options of the model's training that its students share."""
    names = {field.name for field in dataclasses.fields(PictureOptions)}
    known = {
        name: value
        for name, value in teachers.trained_with.items()
        if name in names and name not in NOT_OF_TRAINING and name != "direction"
    }
    if chosen.get("pictures"):
        known.pop("dataset", None)
    if chosen.get("dataset"):
        known.pop("pictures", None)
    if "preprocess" not in known:  # pictures of all sizes, with their proportions
        known["preprocess"] = "scale_shortside_and_crop"
    known["reader_version"] = teachers.any_network.description.reader_version
    if teachers.step is None and "reader_version" not in teachers.trained_with:
        known.pop("reader_version")  # a file of another program: the rules of today
    return known


def with_size(options: CompressionOptions, teachers) -> CompressionOptions:
    """Returns the options with a size of the pictures that the targets are for."""
    if options.size is not None:
        return options
    trained_size = teachers.trained_with.get("crop_size") or DEFAULT_CROP_SIZE
    return dataclasses.replace(options, size=str(min(trained_size, DEFAULT_CROP_SIZE)))


def channels_of(networks: Mapping[Direction, Any], x_to_y: Direction) -> dict[str, Any]:
    """Returns `input_nc` and `output_nc`, the channels of x and of y."""
    direction, network = next(iter(networks.items()))
    first, second = network.input_shape[-1], network.output_shape[-1]
    if direction is not x_to_y:
        first, second = second, first
    return {"input_nc": first, "output_nc": second}


def data_options_of(pictures: PictureOptions, teachers, x_to_y: Direction) -> DataOptions:
    """Returns how pictures are read.

    Args:
        pictures: what the user chose.
        teachers: see `compression.teachers.Teachers`.
        x_to_y: which way generator_g translates.
    """
    names = {field.name for field in dataclasses.fields(DataOptions)} - {"direction"}
    fields = {name: value for name, value in vars(pictures).items() if name in names}
    channels = channels_of(teachers.networks, x_to_y)
    if pictures.pictures:  # they stand for both domains
        channels["output_nc"] = channels["input_nc"]
    return DataOptions(direction=str(x_to_y), **fields, **channels)


def open_pictures(setup: Setup) -> Source:
    """Opens the pictures to learn on; none is read yet.

    Raises:
        DataError, OptionError, RunError: they cannot be used, or are not those of the run.
    """
    from pipelines.data import open_source

    options, folder = setup.data_options, setup.options["pictures"].pictures
    check_options(options, paired=is_paired(setup))
    if folder:
        source = one_folder.load(folder, options.reader_version)
    elif not options.dataset:
        raise OptionError(
            f"--model={setup.teachers.model} does not say what it was trained on: give --dataset, "
            "or a folder of pictures to translate by --pictures."
        )
    elif not setup.names_dataset and not datasets.exists(options.dataset):
        begun = setup.run_dir if setup.saved else f"--model={setup.teachers.model}"
        raise OptionError(
            f"{begun} was trained on --dataset={options.dataset}, which is not there: add "
            "--dataset=<where it lies now>."
        )
    else:
        source = open_source(options, paired=is_paired(setup))
    for name in setup.moved:
        moved.check_moved(
            Run(setup.run_dir),
            name,
            before=setup.saved[name],
            now=vars(setup.options["pictures"])[name],
            found=source.training_facts,
        )
    return source


@dataclasses.dataclass(frozen=True, kw_only=True)
class LearningPictures:
    """The pictures of a compression, seen in two ways.

    Attributes:
        whole: as the training of the teachers showed them, to look at and to measure on.
        patches: smaller squares of them, to learn on. Both are a `pipelines.data.Data`.
    """

    whole: Any
    patches: Any


def open_data(setup: Setup) -> LearningPictures:
    """Opens the pictures to learn on, in the forms of the teachers.

    Raises:
        DataError: they cannot be used, or are not of the kind that the teachers translate.
    """
    from pipelines.data import Data

    source = open_pictures(setup)
    values = values_of(setup.teachers.networks)
    if setup.options["pictures"].pictures:  # they stand for both domains
        values = dict.fromkeys(("A", "B"), values[setup.x_to_y.source])
    data_options = setup.data_options
    if data_options.load_size is None and not setup.teachers.trained_with.get("preprocess"):
        # Nothing says at which scale they were trained: at that of the pictures they are seen at.
        side = data_options.crop_size or source.crop_size or DEFAULT_CROP_SIZE
        data_options = dataclasses.replace(data_options, load_size=side)

    def read_by(options: DataOptions):
        return Data(
            options,
            seed=setup.options["compression"].seed,
            paired=is_paired(setup),
            known_values=values,
            source=source,
        )

    whole = read_by(dataclasses.replace(data_options, batch_size=1))
    return LearningPictures(whole=whole, patches=read_by(patch_options(setup, whole)))


def patch_options(setup: Setup, whole) -> DataOptions:
    """Returns how patches are cut out of pictures: as large as asked for, where they fit.

    Args:
        setup: what the compression consists of.
        whole: the pictures as the training of the teachers showed them (`pipelines.data.Data`).

    Raises:
        DataError: the networks take no pictures as small as these.
    """
    largest = min(min(size) for size in whole.sizes)
    side = fitting_patch(setup, min(setup.options["compression"].patch_size, largest))
    if side > largest:
        raise DataError(
            f"{whole.name} has pictures with a side of {largest} px, as they are scaled, and "
            f"--model={setup.teachers.model} takes no side below {side} px: give larger pictures, "
            f"or --preprocess=resize_and_crop with --crop_size={side} or more."
        )
    return dataclasses.replace(
        whole.options,
        preprocess=WITH_CROP.get(whole.options.preprocess, whole.options.preprocess),
        crop_size=side,
    )


def fitting_patch(setup: Setup, side: int) -> int:
    """Returns the largest side of patches, in pixels, up to `side`; at least what networks take."""
    network = setup.teachers.any_network
    multiple = max(network.size_multiple, MULTIPLE)
    return max(side // multiple * multiple, fitting_side(1, multiple, network.smallest_size))


def is_paired(setup: Setup) -> bool:
    """Whether the pictures are pairs, as in the training of the teachers."""
    from cyclegan_keras.training.table import TRAINERS

    trainer = TRAINERS.get(setup.teachers.trained_with.get("method"))
    return trainer is not None and trainer.needs_pairs and not setup.options["pictures"].pictures


def values_of(networks: Mapping[Direction, Any]) -> dict[str, Any]:
    """Returns what the numbers in pictures of A and of B mean to generators."""
    values = {}
    for direction, network in networks.items():
        values[direction.source] = network.description.source_values
        values[direction.target] = network.description.target_values
    return values


def forms_of(setup: Setup) -> dict[str, Any]:
    """Returns the forms of the pictures of each side, {"x", "y"}."""
    forms = {}
    for direction, network in setup.teachers.networks.items():
        source, target = ("x", "y") if direction is setup.x_to_y else ("y", "x")
        forms[source] = network.description.source_form
        forms[target] = network.description.target_form
    return forms


def translators_of(setup: Setup) -> dict[str, str]:
    """Returns the role of the student of each direction, "x_to_y" or "y_to_x"."""
    from cyclegan_keras.compression.distiller import DIRECTIONS

    roles = [setup.role_of(direction) for direction in setup.teachers.networks]
    return {DIRECTIONS[role]: role for role in sorted(roles, reverse=True)}


def warn_of_few(setup: Setup, data, least: int) -> None:
    """Warns where so few pictures are translated that colors of others will be off."""
    from cyclegan_keras.training.trainer import SOURCES

    for side in [SOURCES[direction] for direction in translators_of(setup)]:
        count = len(data.whole.unaugmented("train", side))
        if count < least:
            absl.logging.warning(
                "%s has %d training pictures. With fewer than %d, the student's colors are off on "
                "others: more pictures of the same kind help, and need no counterparts.",
                data.whole.name,
                count,
                least,
            )
            return


def network_options(student) -> dict[str, Any]:
    """Returns the options that build a student again, by name."""
    options = {"generator": student.option_name}
    for name, value in student.get_config().items():
        if name in vars(NetworkOptions()):
            options[name] = value
    return options


def discriminator_options(trained_with: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the options that build the discriminators of the model's training again."""
    names = ("discriminator", "ndf", "n_layers")
    return {name: trained_with[name] for name in names if name in trained_with}


def pictures_in_words(setup: Setup, data) -> str:
    """Returns a line that says which pictures there are, and how large the crops are."""
    is_one_folder = setup.options["pictures"].pictures is not None
    return data.patches.describe(is_one_folder=is_one_folder)
