"""Measures as rows of a table."""

import dataclasses
from collections.abc import Mapping, Sequence

from cyclegan_keras.report.base import NOT_KNOWN, Measure, escape, finite, number_text
from cyclegan_keras.report.ruler import ruler, verdict


def measures_html(measures: Mapping[str, Sequence[Measure]]) -> str:
    """Returns a table for each direction.

    Args:
        measures: direction -> measures, each a mapping with the keys of `Measure` or an instance
            of a dataclass with such fields.

    Raises:
        ValueError: a measure has no name, or does not say which way is better.
    """
    return "".join(
        f'<table class="measures"><caption>{escape(direction)}</caption>{_HEAD}<tbody>'
        f"{''.join(_row(_checked(measure)) for measure in rows)}</tbody></table>"
        for direction, rows in measures.items()
    )


_HEAD = (
    '<thead><tr><th scope="col">Measure</th><th scope="col" class="number">Value</th>'
    '<th scope="col"><span class="ends"><span>worse</span><span>better</span></span></th>'
    '<th scope="col" class="number count">Pictures</th></tr></thead>'
)


def _checked(measure: Measure | object) -> Measure:
    facts = measure if isinstance(measure, Mapping) else dataclasses.asdict(measure)
    if not facts.get("name") or facts.get("better") not in ("lower", "higher"):
        raise ValueError(
            'A measure needs a `name`, and `better` must be "lower" or "higher". '
            f"Received: {facts!r}"
        )
    return facts


def _row(measure: Measure) -> str:
    how = [measure.get("features"), measure.get("protocol")]
    details = " · ".join(escape(each) for each in how if each)
    if details:
        details = f"<details><summary>how it is measured</summary>{details}</details>"
    said, tone = verdict(measure)
    said = f'<p class="verdict {tone}">{said}</p>' if said else ""
    return (
        f'<tr><th scope="row">{escape(measure["name"])} '
        f'<span class="better">{measure["better"]} is better</span>'
        f"{details}</th>"
        f'<td class="number"><strong>{number_text(measure.get("value"))}</strong>'
        f"{_spread(measure)}</td>"
        f'<td class="drawn">{ruler(measure)}{said}</td>'
        f'<td class="number count">{_counts(measure.get("n"))}</td></tr>'
    )


def _counts(n: int | Sequence[int] | None) -> str:
    if n is None:
        return NOT_KNOWN
    return " / ".join(f"{count:,}" for count in ([n] if isinstance(n, int) else n))


def _spread(measure: Measure) -> str:
    low, high = number_text(measure.get("low")), number_text(measure.get("high"))
    known = (low, high) != (NOT_KNOWN, NOT_KNOWN)
    lines = ["95\N{NO-BREAK SPACE}%: " + (f"{low} to {high}" if known else NOT_KNOWN)]
    if finite(measure.get("stderr")) is not None:
        lines.append(f"standard error {number_text(measure['stderr'])}")
    return "".join(f'<span class="details">{line}</span>' for line in lines)
