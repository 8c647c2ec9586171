"""Puts the page together and writes it."""

import base64
import hashlib
import os
import pathlib
import string
from collections.abc import Mapping, Sequence

from cyclegan_keras.files.atomic import atomic_write
from cyclegan_keras.report.base import Example, Measure, escape
from cyclegan_keras.report.curves import curves_json
from cyclegan_keras.report.examples import controls_html, examples_html, sorting_score, view_choices
from cyclegan_keras.report.measures import measures_html
from cyclegan_keras.report.pictures import JPEG_QUALITY, MOST_PIXELS

_ROOM = pathlib.Path(__file__).parent


def write_report(
    path: str | os.PathLike,
    *,
    title: str,
    summary: Mapping[str, str],
    measures: Mapping[str, Sequence[Measure]],
    examples: Sequence[Example],
    curves: Mapping[str, Sequence[tuple[int, float]]],
    notes: Sequence[str] = (),
    worst_by: str = "faithfulness",
) -> None:
    """Writes one HTML page that holds all it shows: it opens from a file and fetches nothing.

    What is empty gets no section. Whoever opens `path` sees the old page or the whole new one.

    Args:
        path: the HTML file; its folder exists.
        title: the headline.
        summary: facts below it, such as {"model": ..., "step": ..., "data": ...}.
        measures: direction -> measures (see `Measure`; instances of dataclasses serve too).
        examples: pictures; 40 of 256 px make 4.5 MB with three views each, 6 MB with four.
        curves: name -> (step, value) in rising order of steps.
        notes: what a reader must know to read the numbers right, a sentence each.
        worst_by: the score that sorts the examples; where no example has it, the first score.

    Raises:
        ValueError: a measure has no name, or does not say which way is better.
        OSError: the file cannot be written.
    """
    page = _page(title, summary, measures, examples, curves, notes, worst_by)
    with atomic_write(pathlib.Path(path)) as temporary:
        # names of files may hold bytes that are no text
        temporary.write_text(page, encoding="utf-8", errors="replace", newline="\n")


def _page(title, summary, measures, examples, curves, notes, worst_by) -> str:
    curves = {name: points for name, points in curves.items() if len(points)}
    style, script = _read("report.css"), _read("report.js")
    sections = (
        _measures_section({name: rows for name, rows in measures.items() if rows}),
        _examples_section(examples, worst_by),
        _section("curves", "Losses", _CURVES) if curves else "",
        _section("notes", "Notes", _list(notes)) if notes else "",
    )
    return string.Template(_read("template.html")).substitute(
        policy=_policy(style, script),
        title=escape(title),
        style=style,
        summary="".join(
            f'<div><dt>{escape(key)}</dt><dd dir="auto">{escape(value)}</dd></div>'
            for key, value in summary.items()
        ),
        sections="\n".join(sections),
        footer=_FOOTER if examples else "",
        large_views="".join(
            f'<button type="button" data-view="{view}">{label}</button>'
            for view, label in view_choices(examples).items()
        ),
        curves=curves_json(curves),
        script=script,
    )


_FOOTER = (
    f"Pictures on this page are copies for the eye: larger ones as JPEG (quality {JPEG_QUALITY}, "
    f"full colour) and at most {MOST_PIXELS} px long. All numbers were measured on the originals."
)
_CURVES = (
    '<div class="controls"><div class="choice" role="group" aria-label="Scale"><span>Scale</span>'
    '<button type="button" data-scale="linear">Linear</button>'
    '<button type="button" data-scale="log">Logarithmic</button></div></div>'
    '<div class="chart"><svg aria-hidden="true"></svg>'
    '<input type="range" min="0" step="1" aria-label="Step whose values are told"></div>'
    '<p class="details at" aria-live="polite"></p><div class="legend"></div>'
)


def _read(name: str) -> str:
    return (_ROOM / name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """Forbids the page to fetch anything and to run any script but its own."""
    hashes = [
        base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
        for text in (style, script)
    ]
    return (
        f"default-src 'none'; img-src data:; style-src 'sha256-{hashes[0]}'; "
        f"script-src 'sha256-{hashes[1]}'; base-uri 'none'; form-action 'none'"
    )


def _section(name: str, heading: str, body: str) -> str:
    return f'<section id="{name}"><h2>{heading}</h2>{body}</section>'


def _list(lines: Sequence[str]) -> str:
    return f'<ul class="notes">{"".join(f"<li>{escape(line)}</li>" for line in lines)}</ul>'


def _measures_section(measures: Mapping[str, Sequence[Measure]]) -> str:
    if not measures:
        return ""
    lead = (
        "Each ruler runs from worse on the left to better on the right. The grey bar joins copying "
        "the input with real pictures measured against real pictures; the dot is the model, the "
        "band around it its 95\N{NO-BREAK SPACE}% interval."
    )
    return _section("measures", "Measures", f'<p class="lead">{lead}</p>{measures_html(measures)}')


def _examples_section(examples: Sequence[Example], worst_by: str) -> str:
    if not examples:
        return ""
    score = sorting_score(examples, worst_by)
    return _section(
        "examples",
        "Examples",
        f'<div class="controls">{controls_html(examples, score)}</div>'
        f'<p class="count-line" aria-live="polite" data-score="{escape(score or "")}"></p>'
        f'<ul class="cards">{examples_html(examples, score)}</ul>',
    )
