"""Measures how good a model is, says what every number means, and makes a page to look at.

python evaluate.py --model=runs/cycle_gan-horse2zebra-cyclegan --report=report.html
"""

import dataclasses
import datetime
import json
import pathlib
from collections.abc import Mapping
from typing import Any

import absl.logging

from cyclegan_keras.cli import backends, flags, reference_flags
from cyclegan_keras.cli.console import run_command
from cyclegan_keras.evaluation.options import EvaluationOptions
from cyclegan_keras.files.atomic import atomic_write
from cyclegan_keras.files.direction import Direction
from cyclegan_keras.files.errors import DataError, EvaluationError, OptionError, PictureError
from cyclegan_keras.hub import fetching
from cyclegan_keras.runs.run import Run, versions
from cyclegan_keras.runs.sources import RunSource, find_source
from cyclegan_keras.tracking.opening import open_for_evaluation
from cyclegan_keras.tracking.options import NONE, tracker_names
from cyclegan_keras.translation.options import USUAL_PRECISION
from pipelines.options import DataOptions
from pipelines.sources import datasets
from pipelines.sources.base import Source
from pipelines.sources.files import FilePictures, ListedPictures

GROUPS = {"evaluation": EvaluationOptions}
WRITTEN_VERSIONS = ("cyclegan-keras", "keras", "tensorflow")


def run(**options) -> int:
    """Evaluates, as `evaluate.py` does with the same options.

    Args:
        **options: by name, as `evaluate.py --help` lists them; what is left out has its default.

    Returns:
        The exit code of the command, 0.

    Raises:
        UserError: what was given cannot be used; the message says why.

    Example:
        from cyclegan_keras.commands import evaluate
        evaluate.run(model="runs/photos-cyclegan", report="report.html")
    """
    return evaluate(flags.as_typed(options, GROUPS))


def main(argv: list[str]) -> int:
    """Runs the command; expected errors print one line and exit with code 2."""
    return run_command(argv, evaluate, GROUPS, __doc__, reference_flags.EVALUATE)


def evaluate(typed: Mapping[str, Any]) -> int:
    """Evaluates what the options typed name; returns the exit code."""
    backends.check_environment(only_with_tensorflow="Evaluating")
    from cyclegan_keras.evaluation import pages, protocol, segmentation, tables

    # ---- the model ----
    options = flags.resolve_one(EvaluationOptions, typed)
    metrics = chosen_metrics(options)
    segmented = segmentation.open_segmentation(options, metrics)
    translators, trained_with = open_model(options)
    directions = chosen_directions(options, list(translators))
    translator = translators[directions[0]]
    description = translator.description
    part = options.part
    if part == "auto":
        chose_weights = trained_with.get("eval_every") or trained_with.get("gan")
        part = "held_out" if chose_weights else "all"
    facts = facts_of(options, translator, part)
    run_source = None if options.model == "copy" else find_source(options.model)
    output = output_folder(options, run_source, description)
    if options.dry_run:
        outline = {**facts, "directions": directions, "metrics": metrics, "output": str(output)}
        print(json.dumps(outline, indent=2))
        return 0
    report = pathlib.Path(options.report).expanduser() if options.report else None
    sections = sections_of(run_source) if report else []

    # ---- the pictures ----
    domains, pictures = load_pictures(options, trained_with, description, directions, part)
    if options.model == "copy":
        refuse_different_channels(pictures)
    network = open_features(options, metrics)
    has_palette = options.segmentation_classes == segmentation.PALETTE
    if has_palette:
        segmented = segmentation.palette_of(pictures[direction] for direction in directions)
    if segmented and segmented.classes.are_numbers and not options.input:
        warn_of_mixed_numbers(trained_with)

    # ---- the measures ----
    make_folders(output, report)
    if has_palette:
        with atomic_write(output / segmentation.CLASSES_FILE) as temporary:
            temporary.write_text(segmented.classes.to_text())
    evaluations = []
    for direction in directions:
        source, target = domain_names(translators[direction].description, domains)
        evaluation = protocol.evaluate(
            translators[direction],
            translators.get(direction.opposite),
            pictures[direction],
            source=source,
            target=target,
            network=network,
            metrics=metrics,
            segmentation=segmented,
            seed=options.seed,
        )
        evaluations.append(evaluation)
        print(tables.plain(evaluation))
    print(tables.legend(evaluations))
    tables.write(output, evaluations, facts)
    print(f"Wrote {output}: evaluation.json, evaluation.md")
    if has_palette:
        print(f"Wrote the colors of the label maps: {output / segmentation.CLASSES_FILE}")
    if run_source:
        by_direction = dict(zip(directions, evaluations, strict=True))
        x_to_y = Direction(trained_with.get("direction") or Direction.A_TO_B)
        names = None if options.tracker is None else tracker_names(options.tracker)
        with open_for_evaluation(Run(run_source.directory), names) as tracker:
            curves = curves_of(by_direction, x_to_y, options.precision or USUAL_PRECISION)
            tracker.scalars(description.step, curves)
    elif options.tracker not in (None, NONE):
        absl.logging.warning(
            "The evaluation is not logged to %s: --model=%s is no run of train.py.",
            options.tracker,
            options.model,
        )

    # ---- the page ----
    if report:
        pages.write_page(
            report,
            [
                (evaluation, pictures[direction])
                for evaluation, direction in zip(evaluations, directions, strict=True)
            ],
            facts=facts,
            curves=pages.curves_of(run_source.directory / "metrics.jsonl") if run_source else {},
            network=network,
            count=options.report_pictures,
            sections=sections,
        )
        print(f"Wrote {report}")
    return 0


def curves_of(
    evaluations: Mapping, x_to_y: Direction, precision: str = USUAL_PRECISION
) -> dict[str, float]:
    """Returns the measures by the names that trackers show, with directions as in the training.

    Args:
        evaluations: direction -> its evaluation.
        x_to_y: the direction from x to y.
        precision: of the generators; others than the usual one have curves of their own.
    """
    group = "test" if precision == USUAL_PRECISION else f"test_{precision}"
    curves = {}
    for direction, evaluation in evaluations.items():
        words = "x_to_y" if direction is x_to_y else "y_to_x"
        for measure in evaluation.measures:
            curves[f"{group}/{words}/{measure.name}"] = measure.value
    return curves


def sections_of(run_source: RunSource | None) -> list:
    """Returns the sections that the page of a run has beside its measures.

    Raises:
        RunError: the run is a compression whose receipt is damaged.
    """
    from cyclegan_keras.compression.receipt_page import compression_section

    section = compression_section(run_source.directory) if run_source else None
    return [] if section is None else [section]


def chosen_metrics(options: EvaluationOptions) -> list[str]:
    """Returns the names of the metrics to compute."""
    from cyclegan_keras.metrics.table import DEFAULT_METRICS, METRICS

    if options.metrics is None:
        return list(DEFAULT_METRICS)
    names = [name.strip() for name in options.metrics.split(",") if name.strip()]
    unknown = [name for name in names if name not in METRICS]
    if unknown or not names:
        unknown_names = f" Unknown: {', '.join(unknown)}." if unknown else ""
        raise OptionError(
            f"--metrics={options.metrics}: expected some of {', '.join(METRICS)}.{unknown_names}"
        )
    return names


def open_model(options: EvaluationOptions) -> tuple[dict, dict]:
    """Returns translators by direction, and the options of the run behind them, if there is one."""
    from cyclegan_keras.images import reading
    from cyclegan_keras.models.description import Description
    from cyclegan_keras.translation.opening import open_translators
    from cyclegan_keras.translation.translator import Translator

    if not options.model:
        raise OptionError("--model is missing: name a run, a model file or copy. See --help.")
    if options.model == "copy":
        if options.precision is not None:
            raise OptionError(
                f"--precision={options.precision} belongs to a network: --model=copy has none."
            )
        translators = {}
        for direction in Direction:
            description = Description(
                direction=direction,
                source=direction.source,
                target=direction.target,
                reader_version=reading.CURRENT,
            )
            translators[direction] = Translator(lambda images: images, description)
        return translators, {}
    translators = open_translators(options.model, precision=options.precision)
    training = next(iter(translators.values())).description.training
    return translators, dict(training.get("options", {}))


def chosen_directions(options: EvaluationOptions, offered: list[Direction]) -> list[Direction]:
    """Returns the directions to evaluate, of those that the model offers.

    Folders hold pictures of one direction: that in which translate.py translates by default.
    """
    from cyclegan_keras.translation.opening import usual_direction

    if options.direction == "both":
        return [usual_direction(offered)] if options.input else offered
    if options.direction not in offered:
        raise OptionError(
            f"--direction={options.direction}: {options.model} translates only "
            f"{', '.join(offered)}."
        )
    return [Direction(options.direction)]


def facts_of(options: EvaluationOptions, translator, part: str) -> dict[str, str]:
    """Returns what the result says about itself."""
    description = translator.description
    words = [fetching.pinned(word) or word.rstrip("/") for word in options.model.split(",")]
    facts = {"model": ",".join(words)}
    if description.step is not None:
        facts["step"] = f"{description.step:,}"
    trained_on = description.training.get("options", {}).get("dataset")
    if trained_on:
        facts["trained on"] = trained_on
    if translator.precision is not None:
        facts["precision"] = translator.precision
    facts["evaluated on"] = options.input or options.dataset or trained_on
    facts["test pictures"] = part.replace("_", " ")
    facts["date"] = datetime.date.today().isoformat()
    facts["versions"] = ", ".join(
        f"{package} {version}"
        for package, version in versions().items()
        if package in WRITTEN_VERSIONS
    )
    return facts


def output_folder(
    options: EvaluationOptions, run_source: RunSource | None, description
) -> pathlib.Path:
    """Returns where the result is written.

    Args:
        options: of the command.
        run_source: the run that the model is of, or None.
        description: of the model.
    """
    if options.output:
        return pathlib.Path(options.output).expanduser()
    of_hub = fetching.name_of(options.model)
    if run_source:
        output = Run(run_source.directory).evaluation(description.step)
    elif of_hub is not None:
        output = pathlib.Path("evaluations") / of_hub
    else:
        model = pathlib.Path(options.model).expanduser()
        name = model.stem if model.suffix else model.resolve().name
        output = pathlib.Path("evaluations") / name
    if options.precision in (None, USUAL_PRECISION):
        return output
    return output.with_name(f"{output.name}_{options.precision}")


def make_folders(output: pathlib.Path, report: pathlib.Path | None) -> None:
    """Makes the folders of what will be written, so that an error comes before the measuring."""
    if report and report.is_dir():
        raise OptionError(f"--report={report} is a folder: name a file, such as report.html.")
    try:
        for folder in (output, report.parent if report else output):
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OptionError(f"Cannot write to {folder}: {error.strerror}.") from error


def load_pictures(
    options: EvaluationOptions,
    trained_with: Mapping,
    description,
    directions: list[Direction],
    part: str,
) -> tuple[tuple[str, str], dict]:
    """Returns what A and B show, and the pictures by direction.

    Args:
        options: what to evaluate.
        trained_with: options of the run behind the model; empty where there is none.
        description: of the model in the first of `directions`.
        directions: to evaluate.
        part: of the test pictures.
    """
    from cyclegan_keras.evaluation import held_out
    from cyclegan_keras.training.table import TRAINERS
    from pipelines.data import Data

    if options.input or options.real:
        return ("A", "B"), {directions[0]: pictures_of_folders(options, description)}
    # Pictures of one name are counterparts if the model was trained on them as pairs.
    method = TRAINERS.get(trained_with.get("method"))
    forms = {} if options.model == "copy" else forms_of_domains(description)
    options_of_data = data_options(options, trained_with, description)
    source = None
    trained_on_pairs = method is not None and method.needs_pairs
    paired = trained_on_pairs or options.pairs_by_name
    if trained_on_pairs and options.dataset and not options.pairs_by_name:
        source = pairs_of_training(options_of_data, description)
        paired = source is not None
    data = Data(
        options_of_data,
        seed=options.seed,
        paired=paired,
        known_values={domain: form.values for domain, form in forms.items()} or None,
        source=source,
    )
    if not data.has_test:
        absl.logging.warning(
            "%s has no test pictures: the model is evaluated on those of its training.", data.name
        )
    pictures = held_out.pictures_of(data, part, options.max_pictures)
    return data.source.domains, {
        Direction.A_TO_B: pictures["x_to_y"],
        Direction.B_TO_A: pictures["y_to_x"],
    }


def pairs_of_training(options: DataOptions, description) -> Source | None:
    """Returns the pairs of a data set if a model was trained on them, wherever they lay then."""
    from cyclegan_keras.runs.pictures import TRAINING, differing, knows_pictures
    from pipelines.data import open_source

    if not knows_pictures(description.training):
        return None
    try:
        source = open_source(options, paired=True)
    except DataError:  # they have no counterparts
        return None
    before = description.training["data"]
    return None if differing(before, source.training_facts, TRAINING) else source


def forms_of_domains(description) -> dict:
    """Returns the forms of the pictures of A and of B that a model was trained on."""
    return {
        description.direction.source: description.source_form,
        description.direction.target: description.target_form,
    }


def refuse_different_channels(pictures: Mapping) -> None:
    """Raises OptionError where the domains differ in channels, so that nothing can be copied."""
    for each in pictures.values():
        source_channels, target_channels = each.source_form.channels, each.target_form.channels
        if source_channels != target_channels:
            raise OptionError(
                "--model=copy returns every picture unchanged, but inputs have "
                f"{source_channels} channels and pictures of the target {target_channels}: there "
                "is no such model for this data set."
            )


def data_options(options: EvaluationOptions, trained_with: Mapping, description) -> DataOptions:
    """Returns how pictures are read: as in the training of the run, or else as they are.

    Channels and reader are those of the model. x is A here, whatever it was in the training.
    """
    names = {field.name for field in dataclasses.fields(DataOptions)}
    known = {name: value for name, value in trained_with.items() if name in names}
    if not known:
        known = {"preprocess": "none"}
    if options.dataset:
        known["dataset"] = options.dataset
    if options.data_dir:
        known["data_dir"] = options.data_dir
    if not known.get("dataset") and trained_with.get("pictures"):
        raise OptionError(
            f"{options.model} learned on --pictures={trained_with['pictures']}, which have neither "
            "counterparts nor pictures of the other domain: give --dataset, or two folders by "
            "--input and --real."
        )
    if not known.get("dataset"):
        raise OptionError(
            f"{options.model} does not say what it was trained on: give --dataset, or two folders "
            "by --input and --real."
        )
    if not options.dataset and not datasets.exists(known["dataset"]):
        raise OptionError(
            f"{options.model} was trained on --dataset={known['dataset']}, which is not there: add "
            "--dataset=<where it lies now>, or give two folders by --input and --real."
        )
    not_for_training = {
        "direction": Direction.A_TO_B,
        "batch_size": 1,
        "max_dataset_size": None,
        "pairs": None,
    }
    known["reader_version"] = description.reader_version
    if options.model != "copy":
        forms = forms_of_domains(description)
        known["input_nc"], known["output_nc"] = forms["A"].channels, forms["B"].channels
    return flags.resolve_one(DataOptions, known, not_for_training)


def pictures_of_folders(options: EvaluationOptions, description):
    """Returns the pictures of two folders or patterns, as `evaluation.protocol.Pictures`.

    Args:
        options: name them.
        description: of the model; its forms are those of the pictures.
    """
    from cyclegan_keras.evaluation import held_out
    from cyclegan_keras.evaluation.protocol import Pictures

    if not (options.input and options.real):
        raise OptionError("--input and --real belong together: give both folders.")
    reader = description.reader_version
    inputs = pictures_at(options.input, "--input", reader)
    real = pictures_at(options.real, "--real", reader)
    for name, pictures in ((options.input, inputs), (options.real, real)):
        if len(pictures) < held_out.LEAST:
            holds = "1 picture" if len(pictures) == 1 else f"{len(pictures)} pictures"
            raise DataError(f"{name} holds {holds}, but at least {held_out.LEAST} are needed.")
    chosen_inputs = held_out.indices(len(inputs), "all", options.max_pictures)
    chosen_real = held_out.indices(len(real), "all", options.max_pictures)
    source_form, target_form = description.source_form, description.target_form
    return Pictures(
        inputs=[array_of(inputs, i, source_form) for i in chosen_inputs],
        real=[array_of(real, i, target_form) for i in chosen_real],
        names=[inputs.names[i] for i in chosen_inputs],
        source_form=source_form,
        target_form=target_form,
    )


def pictures_at(name: str, flag: str, reader_version: int) -> ListedPictures:
    """Returns the pictures of a folder, or those that a pattern matches.

    Args:
        name: the folder or the pattern.
        flag: by which it was given.
        reader_version: of the model.
    """
    from cyclegan_keras.evaluation.held_out import LEAST
    from cyclegan_keras.translation.listing import find_files

    folder = pathlib.Path(name).expanduser()
    if folder.is_dir():
        return FilePictures(folder, reader_version)
    if folder.is_file():
        raise DataError(
            f"{flag}={name} is a file: give a folder of at least {LEAST} pictures, or a quoted "
            "pattern such as 'photos/*.jpg'."
        )
    found = find_files(name, flag=flag)
    if found.passed_over:
        absl.logging.info("%s", found.passed_over)
    return ListedPictures([str(path) for path in found.files], found.files, reader_version)


def array_of(pictures: ListedPictures, index: int, form):
    """Returns a picture of a folder as an array of a form.

    Raises:
        DataError: it cannot be read, or does not have that form.
    """
    name = pictures.paths[index]
    try:
        picture = pictures.picture(index, form.channels)
        dtype = str(picture.pixels.dtype)
        if form.values.is_eight_bit and dtype not in ("uint8", "uint16"):
            raise DataError(
                f"{name} holds numbers of type {dtype}, expected levels from black to white: the "
                "model knows no other range."
            )
        return form.array(picture)
    except PictureError as error:
        raise DataError(f"{name} {error}.") from error


def open_features(options: EvaluationOptions, metrics: list[str]):
    """Returns the feature network; None, with a warning, if it is missing and was not asked for."""
    from cyclegan_keras.evaluation import features
    from cyclegan_keras.metrics.table import METRICS

    try:
        return features.open_features(options.features, options.features_weights)
    except EvaluationError as error:
        needs_features = any(METRICS[name].needs_features for name in metrics)
        is_asked_for = options.metrics and needs_features
        if is_asked_for or options.features_weights or options.features == "inception":
            raise
        if needs_features:
            absl.logging.warning("%s Measures that need it are left out.", error)
        return None


def warn_of_mixed_numbers(trained_with: Mapping) -> None:
    """Says what resizing does to label maps of numbers, where they may be resized."""
    resize_filter = trained_with.get("resize_filter") or "nearest"
    if "nearest" in resize_filter or trained_with.get("preprocess") == "none":
        return
    absl.logging.warning(
        "Where label maps are resized, --resize_filter=%s of the training mixes the numbers of "
        "neighboring classes into those of others. Train on label maps of numbers with "
        "--resize_filter=nearest for their domain.",
        resize_filter,
    )


def domain_names(description, domains: tuple[str, str]) -> tuple[str, str]:
    """Returns what source and target show, according to the model or else to the data set."""
    direction = Direction(description.direction)
    if (description.source, description.target) != (direction.source, direction.target):
        return description.source, description.target
    shown_by_a, shown_by_b = domains
    if direction is Direction.A_TO_B:
        return shown_by_a, shown_by_b
    return shown_by_b, shown_by_a
