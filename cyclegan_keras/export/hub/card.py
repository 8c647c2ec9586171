"""The model card: README.md of a repository on the Hub, with metadata by which it is found.

Reference: https://huggingface.co/docs/hub/model-cards
"""

import re
from collections.abc import Mapping
from typing import Any

from cyclegan_keras.export.job import ExportJob
from cyclegan_keras.export.web.card import (
    MEASURES_LEFT_OUT,
    arrow,
    data_of,
    evaluation_of,
    generator_words,
    interval_of,
    method_of,
    number_or_nothing,
    rows_of_compression,
    steps_of,
)
from cyclegan_keras.files.direction import Direction
from cyclegan_keras.files.markdown import table
from cyclegan_keras.files.names import printable
from cyclegan_keras.files.paths import without_folders
from cyclegan_keras.models.description import Description

TASK = "image-to-image"
LIBRARY = "keras"
# Identifiers of licenses that the Hub knows, of those that weights and pictures have most often;
# any other is "other", with its name. Reference: https://huggingface.co/docs/hub/repositories-licenses
LICENSES = (
    "apache-2.0",
    "mit",
    "bsd-2-clause",
    "bsd-3-clause",
    "cc0-1.0",
    "cc-by-3.0",
    "cc-by-4.0",
    "cc-by-sa-3.0",
    "cc-by-sa-4.0",
    "cc-by-nc-2.0",
    "cc-by-nc-3.0",
    "cc-by-nc-4.0",
    "cc-by-nd-4.0",
    "cc-by-nc-sa-3.0",
    "cc-by-nc-sa-4.0",
    "cc-by-nc-nd-4.0",
    "gpl-2.0",
    "gpl-3.0",
    "agpl-3.0",
    "lgpl-3.0",
    "mpl-2.0",
    "openrail",
    "unlicense",
)
# Options of a training that say what it was; the others are in the files of the generators.
SHOWN_OPTIONS = (
    "method",
    "generator",
    "ngf",
    "norm",
    "discriminator",
    "gan_mode",
    "load_size",
    "crop_size",
    "preprocess",
    "batch_size",
    "n_epochs",
    "n_epochs_decay",
    "learning_rate",
    "lambda_cycle",
    "lambda_identity",
    "lambda_l1",
    "lambda_nce",
    "diff_augment",
    "d_regularization",
    "lambda_r1",
    "ema_decay",
    "seed",
)
# These are shown where they are on: most trainings do without them.
OFF_BY_DEFAULT = {"diff_augment": "none", "d_regularization": "none", "ema_decay": 0.0}


def text_of(
    job: ExportJob,
    receipt: Mapping[str, Any],
    *,
    repository: str,
    roles: Mapping[Direction, str],
    sheets: Mapping[Direction, str],
) -> str:
    """Returns the content of README.md.

    Args:
        job: what is exported.
        receipt: of the files that are uploaded, without places of this machine.
        repository: "user/name".
        roles: of the generators; their files are called so.
        sheets: the picture of samples of each direction that has one.
    """
    from huggingface_hub import ModelCard

    descriptions = {each: generator.description for each, generator in job.generators.items()}
    first = next(iter(descriptions.values()))
    evaluation = evaluation_of(job.description["source"])
    data = metadata_of(job, descriptions, evaluation, repository=repository)
    parts = [
        _introduction(job, descriptions, repository),
        _samples(descriptions, sheets),
        _use(descriptions, roles, repository),
        _training(job, first),
        _measures(descriptions, evaluation),
        _compression(job, descriptions),
        _files(receipt, roles),
        _limits(first),
        _license(job.description.get("licence")),
    ]
    body = "\n\n".join(part for part in parts if part)
    return str(ModelCard(printable(f"---\n{data.to_yaml()}\n---\n\n{body}\n")))


# ---- what the Hub reads ----


def metadata_of(
    job: ExportJob,
    descriptions: Mapping[Direction, Description],
    evaluation: Mapping[str, Any],
    *,
    repository: str,
):
    """Returns the metadata, a `huggingface_hub.ModelCardData`.

    Names of data sets are not among them: there the Hub takes its own alone, and the pictures of a
    training come from elsewhere. They are named in the text and in the results.

    Args:
        job: what is exported.
        descriptions: of the generators.
        evaluation: what evaluation.json holds; empty for none.
        repository: "user/name".
    """
    from huggingface_hub import ModelCardData

    first = next(iter(descriptions.values()))
    method = first.training.get("options", {}).get("method")
    tags = [TASK, "cyclegan-keras", "gan", "image-translation"]
    if method and method not in tags:
        tags.append(method)
    identifier, name = license_of(job.description.get("licence"))
    return ModelCardData(
        library_name=LIBRARY,
        pipeline_tag=TASK,
        license=identifier,
        license_name=name,
        tags=tags,
        base_model=base_models(first) or None,
        model_name=repository.partition("/")[2],
        eval_results=_results(descriptions, evaluation) or None,
    )


def license_of(words: str | None) -> tuple[str | None, str | None]:
    """Returns the Hub's identifier of a license, and the name of one that it does not know.

    Args:
        words: what `--licence` says.

    Example:
        >>> license_of("CC BY-NC 4.0"), license_of("Apache-2.0"), license_of("Ours, 2.1")
        (('cc-by-nc-4.0', None), ('apache-2.0', None), ('other', 'ours-2.1'))
        >>> license_of(None)
        (None, None)
    """
    if not words:
        return None, None
    word = re.sub(r"[^a-z0-9.]+", "-", words.lower()).strip("-.")
    word = {"cc0": "cc0-1.0", "apache": "apache-2.0"}.get(word, word)
    if word in LICENSES:
        return word, None
    return "other", word or None


def base_models(description: Description) -> list[str]:
    """Returns the repositories of the Hub that a training or a compression began with."""
    training = description.training
    addresses = (
        training.get("initialized_from"),
        training.get("compressed_from", {}).get("hub"),
    )
    names = re.findall(r"hf://([^/@,\s]+/[^/@,\s]+)", " ".join(filter(None, addresses)))
    return sorted(set(names))


def _results(descriptions: Mapping[Direction, Description], evaluation: Mapping[str, Any]) -> list:
    """Returns what was measured as `huggingface_hub.EvalResult`s."""
    from huggingface_hub import EvalResult

    dataset = str(without_folders(evaluation.get("evaluated on") or "pictures"))
    results = []
    for description, measure in _measured(descriptions, evaluation):
        is_left_out = any(words in measure["name"] for words in MEASURES_LEFT_OUT)
        if measure.get("value") is None or is_left_out:
            continue
        results.append(
            EvalResult(
                task_type=TASK,
                task_name=arrow(description),
                dataset_type=re.sub(r"[^A-Za-z0-9._/-]+", "-", dataset),
                dataset_name=dataset,
                dataset_split="test",
                metric_type=re.sub(r"[^a-z0-9]+", "_", measure["name"].lower()).strip("_"),
                metric_name=f"{measure['name']}, {arrow(description)}",
                metric_value=measure["value"],
            )
        )
    return results


def _measured(
    descriptions: Mapping[Direction, Description], evaluation: Mapping[str, Any]
) -> list[tuple[Description, Mapping[str, Any]]]:
    """Returns the measures of each direction that is exported."""
    return [
        (description, measure)
        for description in descriptions.values()
        for result in evaluation.get("directions", [])
        if result["direction"] == description.words
        for measure in result["measures"]
    ]


# ---- what people read ----


def _introduction(
    job: ExportJob, descriptions: Mapping[Direction, Description], repository: str
) -> str:
    first = next(iter(descriptions.values()))
    ways = " and ".join(f"{each.source} to {each.target}" for each in descriptions.values())
    method = method_of(first)
    how = f", {method}" if method else ""
    lines = [
        f"# {repository.partition('/')[2]}",
        "",
        f"Translates pictures, {ways}{how}, in their own size. Made with cyclegan-keras.",
    ]
    if job.description.get("description"):
        lines += ["", str(job.description["description"])]
    return "\n".join(lines)


def _samples(descriptions: Mapping[Direction, Description], sheets: Mapping[Direction, str]) -> str:
    parts = []
    for direction, name in sheets.items():
        words = f"{arrow(descriptions[direction])}: pictures, and their translations"
        parts.append(f"![{words}]({name})\n\n*{words}.*")
    return "\n\n".join(parts)


def _use(
    descriptions: Mapping[Direction, Description], roles: Mapping[Direction, str], repository: str
) -> str:
    direction = min(descriptions)
    first = descriptions[direction]
    lines = [
        "## Use",
        "",
        "The program cyclegan-keras is needed. Clone its repository, and install it from there:",
        "",
        "```",
        'pip install "<path of its clone>[hub]"',
        f"cyclegan-translate --model=hf://{repository} --input=photos --output=translated",
        "```",
        "",
    ]
    if len(descriptions) > 1:
        lines += [
            f"This translates {first.words}; `--direction={direction.opposite}` the other way.",
            "",
        ]
    role_of_keras = min(roles, key=lambda each: roles[each] != "generator_g")
    taken = descriptions[role_of_keras]
    channels = f"{taken.input_channels} channel{'' if taken.input_channels == 1 else 's'}"
    lines += [
        "From Python, by the program, for pictures of any size:",
        "",
        "```python",
        "from cyclegan_keras.commands import translate",
        "",
        f'translate.run(model="hf://{repository}", input="photos", output="translated")',
        "```",
        "",
        f"Or as a Keras model, {arrow(taken)}:",
        "",
        "```python",
        "import cyclegan_keras  # registers the layers",
        "import keras",
        "",
        f'generator = keras.saving.load_model("hf://{repository}")',
        "translated = generator(pictures)",
        "```",
        "",
        f"`pictures` are float32 (batch, height, width, {channels}) in [-1, 1], whose height and "
        f"width are multiples of {taken.size_multiple}, and at least {taken.smallest_size}.",
    ]
    return "\n".join(lines)


def _training(job: ExportJob, first: Description) -> str:
    training = without_folders(dict(first.training))
    options = training.get("options", {})
    rows = []
    data = data_of(first)
    if data:
        rows.append(["pictures", data])
    steps = steps_of(first)
    if steps:
        rows.append(["steps", steps])
    words = {generator_words(generator) for generator in job.generators.values()}
    rows.append(["generator", "; ".join(sorted(words))])
    parameters = {generator.count_params() for generator in job.generators.values()}
    rows.append(["parameters", "; ".join(f"{count:,}" for count in sorted(parameters))])
    for name in SHOWN_OPTIONS:
        if _is_shown(name, options):
            rows.append([f"`--{name}`", f"{options[name]}"])
    began = training.get("initialized_from")
    if began:
        rows.append(["began with", began])
    teacher = training.get("compressed_from", {})
    if teacher:
        rows.append(["compressed from", str(teacher.get("hub") or teacher.get("name"))])
    for name, version in training.get("versions", {}).items():
        if name in ("cyclegan-keras", "keras", "tensorflow", "jax"):
            rows.append([name, version])
    note = "Every option of the training is in `description.json` within the `.keras` files."
    heading = ["## Training", "", table(["what", "value"], rows)]
    return "\n".join([*heading, "", note] if options else heading)


def _is_shown(name: str, options: Mapping[str, Any]) -> bool:
    """Whether an option had an effect on the training."""
    if options.get(name) is None:
        return False
    if name == "lambda_r1":  # the weight of a penalty that may be off
        return options.get("d_regularization") == "r1"
    return name not in OFF_BY_DEFAULT or options[name] != OFF_BY_DEFAULT[name]


def _measures(descriptions: Mapping[Direction, Description], evaluation: Mapping[str, Any]) -> str:
    measured = _measured(descriptions, evaluation)
    if not measured:
        return "## Measures\n\n`evaluate.py` has not measured this step."
    rows = [
        [
            arrow(description),
            measure["name"],
            interval_of(measure),
            measure.get("better") or "",
            number_or_nothing(measure.get("floor")),
            number_or_nothing(measure.get("ceiling")),
        ]
        for description, measure in measured
    ]
    protocols = {
        measure["name"]: (measure.get("features"), measure["protocol"], measure.get("note"))
        for _, measure in measured
    }
    on = without_folders(evaluation.get("evaluated on") or "")
    lines = [
        "## Measures",
        "",
        f"On {on or 'test pictures'} ({evaluation.get('test pictures', 'all')} of the test "
        f"pictures), step {evaluation.get('step', 'not known')}. Values have their 95 % intervals, "
        "and beside them is what real pictures get, and what unchanged inputs get. Compare them "
        "only with values of the same protocol.",
        "",
        table(["direction", "measure", "value", "better", "real pictures", "unchanged"], rows),
        "",
    ]
    for name, (features, protocol, note) in protocols.items():
        of = f" on {features}" if features else ""
        lines.append(f"- **{name}**{of}: {protocol}. {note}".rstrip())
    return "\n".join(lines)


def _compression(job: ExportJob, descriptions: Mapping[Direction, Description]) -> str:
    """Returns how near the generators of a compression are to those that were compressed."""
    source = job.description["source"]
    rows = []
    for direction, description in descriptions.items():
        found = rows_of_compression(source, direction, description, len(descriptions))
        for row in found:
            name = "PSNR to the teacher" if row["key"] == "teacher" else row["key"]
            rows.append([name, row["value"], row.get("details", "")])
    if not rows:
        return ""
    heading = "## Compared with the larger model\n\n"
    words = "These generators were made of larger ones, which they imitate. On held-out pictures:"
    return f"{heading}{words}\n\n{table(['measure', 'value', 'protocol'], rows)}"


def _files(receipt: Mapping[str, Any], roles: Mapping[Direction, str]) -> str:
    rows = [
        [f"`{role}.keras`", f"Keras 3, {direction}", "", ""] for direction, role in roles.items()
    ]
    rows += [
        [
            f"`{file['path']}`",
            f"{file['kind']}, {file['direction']}",
            f"{file['bytes'] / 1e6:.1f}",
            f"{file['psnr_db']:.1f}",
        ]
        for file in receipt["files"]
    ]
    rows.append(["`config.json`, `model.weights.h5`", "`generator_g.keras`, unpacked", "", ""])
    header = ["file", "what", "MB", "PSNR to Keras (dB)"]
    lines = ["## Files", ""]
    if not receipt["files"]:
        return "\n".join([*lines, table(header[:2], [row[:2] for row in rows])])
    lines += [
        table(header, rows),
        "",
        "`receipt.md` and `receipt.json` say how each exported file was compared.",
    ]
    return "\n".join(lines)


def _limits(first: Description) -> str:
    known = first.training.get("options", {}).get("dataset")
    of_what = f"pictures of {without_folders(str(known))}" if known else "its training pictures"
    return "\n".join(
        [
            "## Limits",
            "",
            f"- It has learned from {of_what}. On pictures of another kind the result is "
            "arbitrary.",
            "- A translation shows what pictures of the target look like, and not what was there. "
            "It may add or remove things: do not take it for a measurement, in medicine above all.",
            "- It repeats what is unbalanced in its training pictures, such as who and what is "
            "shown.",
        ]
    )


def _license(words: str | None) -> str:
    if words:
        return f"## License\n\nThe weights: {words}."
    return "## License\n\nNo license was given for these weights. Ask who published them."
