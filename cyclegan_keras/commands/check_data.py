"""Looks at the pictures of a data set before anything is trained on them.

python check_data.py --dataset=photos --report=data.html
"""

import dataclasses
import json
import pathlib
import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import absl.logging

from cyclegan_keras.cli import backends, flags
from cyclegan_keras.cli.console import Interruption, run_command
from cyclegan_keras.files.direction import Direction
from cyclegan_keras.files.errors import OptionError
from cyclegan_keras.files.names import printable
from cyclegan_keras.files.option import option, option_of
from pipelines.options import DataOptions

if TYPE_CHECKING:
    from cyclegan_keras.data_doctor.findings import Training
    from cyclegan_keras.data_doctor.sets import PictureSet

QUICK_SECONDS = 10.0
MOST_LOGGED = 12  # findings that a training logs


@dataclasses.dataclass(frozen=True, kw_only=True)
class CheckDataOptions:
    """What to look at, what it is for, and where to say what was found."""

    dataset: str | None = option_of(
        DataOptions,
        "dataset",
        help="Data to look at: a folder with trainA, trainB and, optionally, testA and testB, or "
        "with train and, optionally, test or val, whose pictures show A and B side by side; "
        "cycle_gan/<name> (downloaded by TFDS) or demo/<name> (drawn).",
        required=True,
    )
    report: str | None = option(
        None,
        "HTML page of the findings, with pictures. The same as JSON and lists of files that can "
        "be removed, one path a line, are written beside it.",
    )
    mode: str = option(
        "full",
        "full: look at every picture; quick: at as many as --seconds allow, and say what was left "
        "out, as train.py does before a run.",
        choices=("full", "quick"),
    )
    seconds: float = option(QUICK_SECONDS, "With --mode=quick: how long it may take.", low=0.1)
    near_duplicates: bool = option(
        True,
        "Also look for pictures that show nearly the same, which needs "
        'pip install "cyclegan-keras[data]".',
    )
    strict: bool = option(
        False,
        "Exit with code 1 where a finding is serious: what cannot be read, what is in training and "
        "test or in both domains, and pairs that are none. Otherwise the code is 0.",
    )
    paired: bool = option(
        False,
        "The training needs pairs: trainA and trainB hold pictures of equal names. Pictures of A "
        "and B side by side are pairs without it.",
    )
    examples: int = option(12, "Examples of each finding on the page.", low=1, high=200)
    seed: int = option(0, "Seed of what a quick look takes first.", low=0)
    dry_run: bool = option(False, "Print the sets and how many pictures they have, and stop.")
    data_dir: str | None = option_of(DataOptions, "data_dir")
    direction: str = option_of(DataOptions, "direction")
    pairs: str | None = option_of(DataOptions, "pairs")
    preprocess: str = option_of(DataOptions, "preprocess")
    load_size: int | None = option_of(DataOptions, "load_size")
    crop_size: int | None = option_of(DataOptions, "crop_size")
    input_nc: int | None = option_of(DataOptions, "input_nc")
    output_nc: int | None = option_of(DataOptions, "output_nc")
    value_range: str = option_of(DataOptions, "value_range")
    max_dataset_size: int | None = option_of(DataOptions, "max_dataset_size")


GROUPS = {"check": CheckDataOptions}


def run(**options) -> int:
    """Looks at pictures, as `check_data.py` does with the same options.

    Args:
        **options: by name, as `check_data.py --help` lists them; what is left out has its default.

    Returns:
        The exit code of the command: 0, 1 with `strict` where a finding is serious, 128 + the
        signal when a signal ended it.

    Raises:
        UserError: what was given cannot be used; the message says why.

    Example:
        from cyclegan_keras.commands import check_data
        check_data.run(dataset="photos", report="data.html")
    """
    return check_data(flags.as_typed(options, GROUPS))


def main(argv: list[str]) -> int:
    """Runs the command; expected errors print one line and exit with code 2."""
    return run_command(argv, check_data, GROUPS, __doc__)


def check_data(typed: Mapping[str, Any]) -> int:
    """Looks at the pictures that the options typed name; returns the exit code."""
    backends.check_environment()
    options = flags.resolve_one(CheckDataOptions, typed)
    report = report_file(options)
    own = {field.name for field in dataclasses.fields(DataOptions)}
    shared = {name: value for name, value in vars(options).items() if name in own}
    data_options = flags.resolve_one(DataOptions, shared)

    from cyclegan_keras.data_doctor import page
    from cyclegan_keras.data_doctor.checking import check
    from pipelines.options import check_options
    from pipelines.sources import datasets

    # ---- the pictures; TensorFlow is not needed to look at them ----
    check_options(data_options, paired=options.paired)
    source = datasets.find(options.dataset, options.data_dir, paired=options.paired)
    sets = sets_of(source, data_options)
    if options.dry_run:
        counted = {each.name: len(each) for each in sets}
        shown = {"dataset": source.name, "mode": options.mode, "sets": counted}
        print(json.dumps(shown, indent=2))
        return 0

    # ---- what is wrong with them ----
    interruption = Interruption(
        "Stopping; what was found so far is shown. Press Ctrl-C again to stop without it."
    )
    with interruption:
        found = check(
            sets,
            training_of(source, data_options),
            dataset=source.name,
            mode=options.mode,
            seconds=options.seconds,
            compare=options.near_duplicates,
            seed=options.seed,
            stop=interruption.requested,
        )
        print(text_of(found))
        if report:
            lists = page.write_page(report, found, examples=options.examples)
            names = [file.name for file in lists.values()]
            print(f"Wrote {', '.join([str(report), report.with_suffix('.json').name, *names])}")
        elif found.findings:
            print("--report=data.html shows the pictures, and lists files that can be removed.")
    if interruption.requested():
        return interruption.exit_code
    return 1 if options.strict and found.is_serious else 0


def report_file(options: CheckDataOptions) -> pathlib.Path | None:
    """Returns where the page is written, with its folder made; None where none is wanted."""
    if not options.report:
        return None
    report = pathlib.Path(options.report).expanduser()
    if report.is_dir():
        raise OptionError(f"--report={options.report} is a folder: name a file, such as data.html.")
    if report.suffix.lower() not in (".html", ".htm"):
        raise OptionError(
            f"--report={options.report}: expected the name of an HTML page, such as data.html."
        )
    try:
        report.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OptionError(f"Cannot write to {report.parent}: {error.strerror}.") from error

    from cyclegan_keras.data_doctor.page import refuse_other_files

    refuse_other_files(report)
    return report


def sets_of(source, options: DataOptions) -> list["PictureSet"]:
    """Returns what the doctor looks at: the training and test pictures of a source, and pairs.

    Args:
        source: the data set, just opened.
        options: how many of its pictures are trained on, and which pairs are listed.
    """
    from pipelines.sources import pair_list

    most = options.max_dataset_size
    sets = [
        picture_set("train", "A", source.train_a, most=most, paired=source.paired_train),
        picture_set("train", "B", source.train_b, most=most, paired=source.paired_train),
    ]
    if source.test_a and source.test_b:
        sets.append(picture_set("test", "A", source.test_a, paired=source.paired_test))
        sets.append(picture_set("test", "B", source.test_b, paired=source.paired_test))
    if options.pairs:
        pictures_a, pictures_b = pair_list.load(options.pairs, options.reader_version)
        sets.append(picture_set("pairs", "A", pictures_a, paired=True))
        sets.append(picture_set("pairs", "B", pictures_b, paired=True))
    return sets


def picture_set(
    split: str, domain: str, pictures, *, most: int | None = None, paired: bool
) -> "PictureSet":
    """Returns pictures of a source as the doctor takes them.

    Args:
        split: "train", "test" or "pairs".
        domain: "A" or "B".
        pictures: those of a source.
        most: how many of them are used; None for all.
        paired: whether the pictures of the other domain show the same scenes in the same order.
    """
    from cyclegan_keras.data_doctor.sets import PictureSet
    from pipelines.sources.files import HalfPictures, ListedPictures
    from pipelines.sources.tfds import EncodedPictures

    other_domain = "B" if domain == "A" else "A"
    return PictureSet(
        split=split,
        domain=domain,
        pictures=pictures,
        count=len(pictures) if most is None else min(most, len(pictures)),
        paths=pictures.paths if isinstance(pictures, ListedPictures) else None,
        encoded=pictures.files if isinstance(pictures, EncodedPictures) else None,
        half=pictures.side if isinstance(pictures, HalfPictures) else "",
        partners=f"{split}{other_domain}" if paired else "",
    )


def training_of(source, options: DataOptions) -> "Training":
    """Returns what the doctor is to know of the training that the pictures are for."""
    from cyclegan_keras.data_doctor.findings import Training
    from pipelines.options import of_domains, with_sizes
    from pipelines.preprocess import PREPROCESSING, scaled_size

    sized = with_sizes(options, source.crop_size)
    crops = PREPROCESSING[sized.preprocess].crops

    def enlargement(size: tuple[int, int]) -> float:
        width, height = size
        new_width, new_height = scaled_size(sized.preprocess, size, sized.load_size)
        times = max(new_width / width, new_height / height)
        if crops:  # what is smaller than the crop is enlarged to it
            times = max(times, sized.crop_size / min(width, height))
        return times

    is_scaled = sized.preprocess not in ("crop", "none")
    size_flags = [f"--preprocess={sized.preprocess}"]
    if is_scaled:
        size_flags.append(f"--load_size={sized.load_size}")
    if crops:
        size_flags.append(f"--crop_size={sized.crop_size}")
    of_x, of_y = options.input_nc, options.output_nc
    flag_x, flag_y = "--input_nc", "--output_nc"
    if options.direction == Direction.B_TO_A:
        of_x, of_y = of_y, of_x
        flag_x, flag_y = flag_y, flag_x
    return Training(
        enlargement=enlargement,
        squashes=sized.preprocess == "resize_and_crop",
        size_flags=" ".join(size_flags),
        channels={"A": of_x, "B": of_y},
        channel_flags={"A": flag_x, "B": flag_y},
        value_range=of_domains("value_range", options.value_range),
    )


def text_of(found) -> str:
    """Returns what the command prints of a check."""
    counted = ", ".join(f"{len(each):,} in {name}" for name, each in found.seen.sets.items())
    lines = [f"{found.dataset}: {counted}; looked at in {found.seconds:.1f} s."]
    lines += found.left_out
    for finding in found.findings:
        lines += [f"{mark(finding)}{finding.sentence}", f"    {finding.advice}"]
    lines.append(f"{found.headline}.")
    return printable("\n".join(lines))


def mark(finding) -> str:
    """Returns what a line about a finding begins with."""
    return "Serious: " if finding.is_serious else ""


def check_before_training(
    source, options: DataOptions, mode: str, *, paired: bool = False
) -> dict[str, Any] | None:
    """Looks at the pictures of a run that is about to begin, and logs what was found.

    A finding is a line. What helps is told by the command that the last line names.
    Pictures that this program draws are known to be sound: they are looked at only by "full".

    Args:
        source: the data set, just opened.
        options: how its pictures are prepared, as they were chosen.
        mode: "off", "quick" or "full".
        paired: whether the training needs pairs.

    Returns:
        What data_check.json of the run holds; None where nothing was looked at.
    """
    from cyclegan_keras.data_doctor.checking import check
    from pipelines.sources.drawn import DrawnPictures

    is_drawn = isinstance(source.train_a, DrawnPictures)
    if mode == "off" or (mode == "quick" and is_drawn):
        return None
    found = check(
        sets_of(source, options),
        training_of(source, options),
        dataset=source.name,
        mode=mode,
        seconds=QUICK_SECONDS,
    )
    if found.findings or found.left_out:
        begin = f"Looked at the pictures in {found.seconds:.1f} s: {found.headline.lower()}."
        absl.logging.info("%s", " ".join([begin, *found.left_out]))
        for finding in found.findings[:MOST_LOGGED]:
            log = absl.logging.warning if finding.is_serious else absl.logging.info
            log("  %s", printable(f"{mark(finding)}{finding.summary}"))
        if len(found.findings) > MOST_LOGGED:
            absl.logging.info("  and %d more", len(found.findings) - MOST_LOGGED)
        absl.logging.info(
            "What helps, with pictures: %s", printable(command_for(options, paired=paired))
        )
    return found.to_dict()


def command_for(options: DataOptions, *, paired: bool) -> str:
    """Returns the command line that looks at all pictures of a training.

    Args:
        options: those of the training; what differs from its default is part of the command.
        paired: whether the training needs pairs.
    """
    own = {field.name for field in dataclasses.fields(CheckDataOptions)}
    words = ["python", "check_data.py"]
    for field in dataclasses.fields(DataOptions):
        value = getattr(options, field.name)
        if field.name in own and value != field.default:
            words.append(f"--{field.name}={value}")
    if paired:
        words.append("--paired")
    return shlex.join([*words, "--report=data.html"])
