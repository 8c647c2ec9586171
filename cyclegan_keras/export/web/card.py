"""The model card: what visitors of the page are told of its model."""

import datetime
import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import keras

from cyclegan_keras.export.job import ExportedFile, ExportJob
from cyclegan_keras.export.web import runtime
from cyclegan_keras.export.web.models import variant_of
from cyclegan_keras.files.digest import sha256
from cyclegan_keras.files.direction import Direction
from cyclegan_keras.files.paths import without_folders
from cyclegan_keras.models.description import Description
from cyclegan_keras.runs.run import Run, versions

METHODS = {"cyclegan": "CycleGAN", "pix2pix": "pix2pix", "cut": "CUT", "fastcut": "FastCUT"}
NO_LICENSE = "no_license"  # the key of a word that the page has in its languages
# Measures of the way there and back, which say little of one translation.
MEASURES_LEFT_OUT = ("of the cycle", "Cycle error ratio")


def card(job: ExportJob, files: Sequence[ExportedFile]) -> list[dict[str, str]]:
    """Returns the rows of the card.

    Args:
        job: what is exported.
        files: those of the page.

    Returns:
        Rows of "key" and "value". The page knows the keys as `card.<key>` in its languages; other
        keys, such as names of measures, stand as they are. Measures also have "details", how they
        were taken. A row of "word" instead of "value" has the text `card.<word>`.
    """
    rows: list[dict[str, str]] = []

    def add(key: str, value: str | None) -> None:
        if value:
            rows.append({"key": key, "value": value})

    descriptions = {each: generator.description for each, generator in job.generators.items()}
    first = next(iter(descriptions.values()))
    source = job.description.get("source", {})
    add("translates", "; ".join(arrow(each) for each in descriptions.values()))
    add("method", method_of(first))
    add("data", data_of(first))
    add("steps", steps_of(first))
    generators = {each: generator_words(generator) for each, generator in job.generators.items()}
    add("generator", _by_direction(generators, descriptions))
    parameters = {
        each: f"{generator.count_params():,}" for each, generator in job.generators.items()
    }
    add("parameters", _by_direction(parameters, descriptions))
    sizes = [f"{file.facts['bytes'] / 1e6:.1f} MB" for file in files]
    add("size", _by_file(files, sizes, descriptions))
    qualities = [f"{file.facts['psnr_db']:.1f} dB" for file in files]
    add("quality", _by_file(files, qualities, descriptions))
    rows += _measures(source, descriptions)
    if job.description.get("licence"):
        add("license", job.description["licence"])
    else:
        rows.append({"key": "license", "word": NO_LICENSE})
    add("made", datetime.datetime.now(datetime.timezone.utc).date().isoformat())
    installed = versions()
    packages = ("cyclegan-keras", "keras", "tensorflow")
    add(
        "versions", ", ".join(f"{name} {installed[name]}" for name in packages if name in installed)
    )
    add("runtime", f"{runtime.NAME} {runtime.VERSION}, {runtime.LICENSE}")
    add("sha256", "; ".join(f"{file.path.name} {sha256(file.path)}" for file in files))
    return rows


def title(job: ExportJob) -> str:
    """Returns the page's title: --web_title, the domains, or the model's name."""
    if job.options.web_title:
        return job.options.web_title
    first = next(iter(job.generators.values())).description
    if (first.source, first.target) in (("A", "B"), ("B", "A")):  # names of nothing
        return str(job.description.get("name") or arrow(first))
    if len(job.generators) > 1:
        return f"{first.source} \N{LEFT RIGHT ARROW} {first.target}"
    return arrow(first)


def arrow(description: Description) -> str:
    """Returns a direction such as "horse → zebra"."""
    return f"{description.source} \N{RIGHTWARDS ARROW} {description.target}"


def keeps_detail(generator: keras.Model) -> bool:
    """Says whether a translation is a change of the picture, rather than a picture of its own.

    Unpaired methods change what they are shown, so that detail finer than the network's pixels can
    be taken from the picture. Of pix2pix it cannot: label maps have no detail to keep. Where the
    method is not known, the generator tells: pix2pix has a U-Net.
    """
    method = generator.description.training.get("options", {}).get("method")
    if method in METHODS:
        return method != "pix2pix"
    return "UNet" not in type(generator).__name__


def steps_of(description: Description) -> str | None:
    """Returns how many steps a generator was trained for, and of how many; None where not known."""
    if not description.step:
        return None
    asked = steps_asked_for(description.training.get("options", {}))
    if asked is not None and description.step < asked:
        return f"{description.step:,} of {asked:,}"
    return f"{description.step:,}"


def steps_asked_for(options: Mapping[str, Any]) -> int | None:
    """Returns how many steps a training is to have, by its options; None where they do not say.

    Example:
        >>> steps_asked_for({"n_epochs": 3, "n_epochs_decay": 1, "steps_per_epoch": 400})
        1600
        >>> steps_asked_for({"ngf": 64}) is None
        True
    """
    epochs = (options.get("n_epochs"), options.get("n_epochs_decay"))
    steps = options.get("steps_per_epoch")
    if steps is None or None in epochs:
        return None
    return sum(epochs) * steps


def generator_words(generator: keras.Model) -> str:
    """Returns a generator such as "ResNet, 9 blocks, ngf 64"."""
    config = generator.get_config()
    name = type(generator).__name__.removesuffix("Generator").replace("UNet", "U-Net")
    words = [name]
    if "n_blocks" in config:
        count = config["n_blocks"]
        words.append("1 block" if count == 1 else f"{count} blocks")
    if "n_downs" in config:
        words.append(f"{config['n_downs']} steps down")
    if "ngf" in config:
        words.append(f"ngf {config['ngf']}")
    return ", ".join(words)


def method_of(description: Description) -> str | None:
    """Returns the method of training, such as "CycleGAN", None where it is not known."""
    training = description.training
    method = METHODS.get(training.get("options", {}).get("method"))
    teacher = training.get("compressed_from", {}).get("name")
    if teacher:
        return f"compressed from {teacher}" + (f" ({method})" if method else "")
    return method


def data_of(description: Description) -> str | None:
    """Returns the name of the training data; of a folder's path the last word alone."""
    data = description.training.get("data", {})
    name = data.get("name") or description.training.get("options", {}).get("dataset")
    if not name:
        return None
    name = without_folders(str(name))
    counts = [
        str(data[part]["count"])
        for part in ("trainA", "trainB")
        if isinstance(data.get(part), Mapping) and data[part].get("count")
    ]
    return f"{name} ({' + '.join(counts)} pictures)" if counts else name


def _by_direction(
    values: Mapping[Direction, str], descriptions: Mapping[Direction, Description]
) -> str:
    """Returns one text of the values of all directions, once where they are the same."""
    if len(set(values.values())) == 1:
        return next(iter(values.values()))
    return "; ".join(f"{arrow(descriptions[each])}: {value}" for each, value in values.items())


def _by_file(
    files: Sequence[ExportedFile],
    values: Sequence[str],
    descriptions: Mapping[Direction, Description],
) -> str:
    """Returns one text of a value of each file, such as "fp16 at 256 px: 1.4 MB"."""
    texts = {
        each: ", ".join(
            f"{_file_words(file)}: {value}"
            for file, value in zip(files, values, strict=True)
            if file.direction == each
        )
        for each in descriptions
    }
    return _by_direction(texts, descriptions)


def _file_words(file: ExportedFile) -> str:
    """Returns what tells a file from others of its direction, such as "fp16 at 256 px"."""
    height, width = file.facts["height"], file.facts["width"]
    side = f"{height}" if height == width else f"{height} x {width}"
    return f"{variant_of(file)} at {side} px"


# ---- measures ----


def evaluation_of(source: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the evaluation of what is exported, as evaluation.json holds it; empty without one.

    Args:
        source: what is exported, as the receipt tells it. Only runs are evaluated by step.
    """
    if "run" not in source:
        return {}
    return _read_json(Run(source["run"]).evaluation(source["step"]) / "evaluation.json")


def _measures(
    source: Mapping[str, Any], descriptions: Mapping[Direction, Description]
) -> list[dict[str, str]]:
    """Returns rows of what was measured of this step of a run."""
    rows: list[dict[str, str]] = []
    evaluation = evaluation_of(source)
    for direction, description in descriptions.items():
        for result in evaluation.get("directions", []):
            if result["direction"] == description.words:
                for measure in result["measures"]:
                    if not any(words in measure["name"] for words in MEASURES_LEFT_OUT):
                        rows.append(_row(measure, description, len(descriptions)))
        rows += rows_of_compression(source, direction, description, len(descriptions))
    return rows


def _row(measure: Mapping[str, Any], description: Description, n_directions: int) -> dict[str, str]:
    name = measure["name"]
    if n_directions > 1:
        name = f"{name}, {arrow(description)}"
    return {"key": name, "value": interval_of(measure), "details": measure["protocol"]}


def rows_of_compression(
    source: Mapping[str, Any],
    direction: Direction,
    description: Description,
    n_directions: int,
) -> list[dict[str, str]]:
    """Returns what the receipt of a compression tells of its student in one direction.

    Args:
        source: what is exported, as the receipt of the export tells it; no rows unless it is the
            last step of a compression.
        direction: of the student.
        description: of the student.
        n_directions: how many are exported; names tell theirs where there are several.
    """
    if "run" not in source:
        return []
    receipt = _read_json(Run(source["run"]).directory / "receipt.json")
    if receipt.get("steps") != source["step"]:  # it speaks of the last step alone
        return []
    rows = []
    for result in receipt.get("directions", []):
        quality = result.get("quality") or {}
        if result.get("signature") != direction.signature:
            continue
        for likeness in quality.get("likeness", []):
            if likeness.get("of") == "student":
                number = f"{interval_of(likeness['psnr_db'])} dB"
                if n_directions > 1:
                    number = f"{arrow(description)}: {number}"
                rows.append({"key": "teacher", "value": number})
        for comparison in quality.get("comparisons", []):
            measure = {**comparison, **comparison["student"]}
            rows.append(_row(measure, description, n_directions))
    return rows


def interval_of(measure: Mapping[str, Any]) -> str:
    """Returns a measure with its interval, such as "5.1 (4.8 to 5.4)"."""
    if measure.get("value") is None:
        return "not known"
    if measure.get("low") is None or measure.get("high") is None:
        return number_or_nothing(measure["value"])
    names = ("value", "low", "high")
    value, low, high = (number_or_nothing(measure[name]) for name in names)
    return f"{value} ({low} to {high})"


def number_or_nothing(value: float | None) -> str:
    """Returns three significant digits; "" where there is no number."""
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _read_json(path: pathlib.Path) -> dict[str, Any]:
    """Returns what a file of a run holds; nothing where it is missing or damaged."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
