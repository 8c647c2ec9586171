"""An evaluation as text: tables for the terminal and in Markdown, and JSON for programs."""

import json
import math
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from cyclegan_keras.evaluation.protocol import Evaluation
from cyclegan_keras.files.atomic import atomic_write
from cyclegan_keras.files.markdown import table as markdown_table
from cyclegan_keras.files.names import printable
from cyclegan_keras.files.writing import make_folder
from cyclegan_keras.metrics.base import Measure

HEADERS = ("measure", "value", "95 % interval", "real pictures", "copying", "n")


def rows(measures: Sequence[Measure]) -> list[tuple[str, ...]]:
    """Returns the cells of a table, one row a measure."""
    return [
        (
            f"{measure.name} ({measure.better} is better)",
            number(measure.value),
            f"{number(measure.low)} .. {number(measure.high)}",
            number(measure.real_score),
            number(measure.copy_score),
            "/".join(str(count) for count in measure.n),
        )
        for measure in measures
    ]


def number(value: float) -> str:
    """Returns three significant digits; "-" where there is no number."""
    if value is None or math.isnan(value):
        return "-"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def plain(evaluation: Evaluation) -> str:
    """Returns a table for the terminal; `legend` says how its numbers came about."""
    cells = [HEADERS, *rows(evaluation.measures)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(HEADERS))]
    lines = [evaluation.words]
    for row in cells:
        padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        lines.append("  " + "  ".join(padded).rstrip())
    lines += [f"  {sentence}" for sentence in evaluation.not_measured()]
    return "\n".join(lines)


def legend(evaluations: Sequence[Evaluation]) -> str:
    """Returns how the numbers of several directions came about, each protocol once."""
    measures = [measure for evaluation in evaluations for measure in evaluation.measures]
    names_by_protocol: dict[str, list[str]] = {}
    for measure in measures:
        protocol = f"{measure.protocol}; features: {measure.features}."
        names = names_by_protocol.setdefault(protocol, [])
        if measure.name not in names:
            names.append(measure.name)
    lines = [f"- {', '.join(names)}: {protocol}" for protocol, names in names_by_protocol.items()]
    notes = dict.fromkeys(measure.note for measure in measures if measure.note)
    lines += [f"- {note}" for note in notes]
    return "\n".join(lines)


def markdown(evaluations: Sequence[Evaluation], facts: Mapping[str, str | int]) -> str:
    """Returns the tables of all directions in Markdown, below facts about the evaluation."""
    lines = ["# Evaluation", ""]
    lines += [f"- {key}: {value}" for key, value in facts.items()]
    for evaluation in evaluations:
        table = markdown_table(HEADERS, rows(evaluation.measures))
        lines += ["", f"## {evaluation.words}", "", table]
        sentences = evaluation.not_measured()
        if sentences:
            lines += ["", *(f"- {sentence}" for sentence in sentences)]
        classes = class_rows(evaluation.measures)
        if classes:
            lines += ["", markdown_table(classes[0], classes[1:])]
    lines += ["", "## Protocols and notes", "", legend(evaluations), ""]
    return "\n".join(lines)


def class_rows(measures: Sequence[Measure]) -> list[tuple[str, ...]]:
    """Returns a table of the classes that measures are means over: its header and a row a class.

    It is empty where no measure is such a mean.
    """
    means = [measure for measure in measures if measure.by_class is not None]
    if not means:
        return []
    cells = [("class", *(measure.name for measure in means))]
    for name in means[0].by_class:
        cells.append((name, *(number(measure.by_class[name]) for measure in means)))
    return cells


def write(
    folder: pathlib.Path, evaluations: Sequence[Evaluation], facts: Mapping[str, str | int]
) -> None:
    """Writes evaluation.json and evaluation.md into `folder`, which is made."""
    make_folder(folder)
    contents: dict[str, Any] = dict(facts)
    contents["directions"] = [evaluation.to_dict() for evaluation in evaluations]
    with atomic_write(folder / "evaluation.json") as temporary:
        temporary.write_text(json.dumps(contents, indent=2) + "\n")
    with atomic_write(folder / "evaluation.md") as temporary:
        temporary.write_text(printable(markdown(evaluations, facts)), encoding="utf-8")
