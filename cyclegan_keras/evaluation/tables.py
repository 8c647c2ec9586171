"""How an evaluation is written down: a table to read, JSON to compute with."""

import json
import math
import pathlib
from collections.abc import Mapping, Sequence

from cyclegan_keras.evaluation.protocol import Evaluation
from cyclegan_keras.files.atomic import atomic_write
from cyclegan_keras.metrics.base import Measure

HEADERS = ("measure", "value", "95 % interval", "floor (real)", "ceiling (copying)", "n")


def rows(measures: Sequence[Measure]) -> list[tuple[str, ...]]:
    """Returns the cells of a table, one row a measure."""
    return [
        (
            f"{measure.name} ({measure.better} is better)",
            number(measure.value),
            f"{number(measure.low)} .. {number(measure.high)}",
            number(measure.floor),
            number(measure.ceiling),
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
    """Returns a table for the terminal; `legend` tells how its numbers came about."""
    cells = [HEADERS, *rows(evaluation.measures)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(HEADERS))]
    lines = [evaluation.words]
    for row in cells:
        padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        lines.append("  " + "  ".join(padded).rstrip())
    lines += [f"  not measured: {name}: {why}" for name, why in evaluation.left_out.items()]
    return "\n".join(lines)


def legend(evaluations: Sequence[Evaluation]) -> str:
    """Returns how the numbers of several directions came about, each protocol once."""
    measures = [measure for evaluation in evaluations for measure in evaluation.measures]
    found: dict[str, list[str]] = {}
    for measure in measures:
        names = found.setdefault(f"{measure.protocol}; features: {measure.features}.", [])
        if measure.name not in names:
            names.append(measure.name)
    lines = [f"- {', '.join(names)}: {told}" for told, names in found.items()]
    notes = dict.fromkeys(measure.note for measure in measures if measure.note)
    return "\n".join([*lines, *(f"- {note}" for note in notes)])


def markdown(evaluations: Sequence[Evaluation], facts: Mapping[str, str]) -> str:
    """Returns the same as Markdown, of all directions."""
    lines = ["# Evaluation", "", *(f"- {key}: {value}" for key, value in facts.items())]
    for evaluation in evaluations:
        lines += ["", f"## {evaluation.words}", "", _line(HEADERS), _line(["---"] * len(HEADERS))]
        lines += [_line(row) for row in rows(evaluation.measures)]
        lines.append("")
        lines += [f"- not measured: {name}: {why}" for name, why in evaluation.left_out.items()]
    return "\n".join([*lines, "", "## Protocols and notes", "", legend(evaluations), ""])


def write(
    folder: pathlib.Path, evaluations: Sequence[Evaluation], facts: Mapping[str, object]
) -> None:
    """Writes evaluation.json and evaluation.md into `folder`, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    told = {**facts, "directions": [evaluation.to_dict() for evaluation in evaluations]}
    with atomic_write(folder / "evaluation.json") as temporary:
        temporary.write_text(json.dumps(told, indent=2) + "\n")
    words = {key: str(value) for key, value in facts.items() if isinstance(value, str | int)}
    with atomic_write(folder / "evaluation.md") as temporary:
        temporary.write_text(markdown(evaluations, words), encoding="utf-8")


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
