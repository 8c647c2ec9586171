"""The report: one HTML page of measures, pictures and loss curves, made from a template."""

import dataclasses
import os
import pathlib
from collections.abc import Mapping, Sequence

import numpy as np

from cyclegan_keras.files.atomic import atomic_write
from cyclegan_keras.metrics.base import Measure
from cyclegan_keras.pages.bundle import bundle
from cyclegan_keras.pages.pictures import JPEG_QUALITY, MOST_PIXELS, to_data_uri
from cyclegan_keras.pages.template import policy_source, template
from cyclegan_keras.report.curves import curves_json
from cyclegan_keras.report.numbers import NOT_KNOWN, finite, number_text
from cyclegan_keras.report.ruler import Ruler, Verdict, ruler, verdict
from cyclegan_keras.report.section import Section

FOLDER = pathlib.Path(__file__).parent
PAGES = FOLDER.parent / "pages"
STYLES = [PAGES / "base.css", PAGES / "compare.css", FOLDER / "report.css"]
VIEWS = {"before": "Before", "after": "After", "cycled": "Cycle", "truth": "Counterpart"}
CRISP_SIDE = 128  # px; pictures up to it are enlarged without smoothing
MOST_SECTION_PIXELS = 2048  # of the longer side of a section's picture, which may be a grid


@dataclasses.dataclass(frozen=True, kw_only=True)
class Example:
    """One picture and its translation.

    Attributes:
        name: of the picture, such as its file name; any text.
        direction: such as "horse to zebra".
        before: x, uint8 (height, width, 3), as `images.form.to_rgb` shows pictures of any form;
            the other pictures are as large.
        after: G(x).
        cycled: F(G(x)).
        truth: the known counterpart of x.
        scores: what was measured on this picture alone; higher is worse for the score that sorts.

    Raises:
        ValueError: a picture is not uint8 (height, width, 3) or not as large as `before`.
    """

    name: str
    direction: str
    before: np.ndarray
    after: np.ndarray
    cycled: np.ndarray | None = None
    truth: np.ndarray | None = None
    scores: Mapping[str, float] = dataclasses.field(default_factory=dict)

    def __post_init__(self):
        for view, picture in self.pictures().items():
            is_picture = picture.dtype == np.uint8 and picture.ndim == 3 and picture.shape[2] == 3
            if not (is_picture and picture.size and picture.shape == self.before.shape):
                raise ValueError(
                    f"`{view}` of the example {self.name!r} must be a uint8 picture "
                    f"(height, width, 3) as large as `before`. "
                    f"Received: {picture.dtype} {picture.shape}"
                )

    def pictures(self) -> dict[str, np.ndarray]:
        """Returns the pictures there are, by the name of the attribute."""
        views = {
            "before": self.before,
            "after": self.after,
            "cycled": self.cycled,
            "truth": self.truth,
        }
        return {view: picture for view, picture in views.items() if picture is not None}


def write_report(path: str | os.PathLike, **contents) -> None:
    """Writes one HTML page that holds all it shows: it opens from a file and fetches nothing.

    What is empty gets no section. Whoever opens `path` sees the old page or the whole new one.

    Args:
        path: the HTML file; its folder exists.
        **contents: those of `render`.

    Raises:
        WriteError: the file cannot be written.
    """
    page = render(**contents)
    with atomic_write(pathlib.Path(path)) as temporary:
        # names of files may hold bytes that are no text
        temporary.write_text(page, encoding="utf-8", errors="replace", newline="\n")


def render(
    *,
    title: str,
    summary: Mapping[str, str],
    measures: Mapping[str, Sequence[Measure]],
    examples: Sequence[Example],
    curves: Mapping[str, Sequence[tuple[int, float]]],
    notes: Sequence[str] = (),
    worst_by: str = "faithfulness",
    sections: Sequence[Section] = (),
) -> str:
    """Returns the page as HTML.

    Args:
        title: the headline.
        summary: facts below it, such as {"model": ..., "step": ..., "data": ...}.
        measures: direction -> measures.
        examples: pictures; 40 of 256 px make 4.5 MB with three views each, 6 MB with four.
        curves: name -> (step, value) in rising order of steps.
        notes: what a reader must know to read the numbers right, a sentence each.
        worst_by: the score that sorts the examples; where no example has it, the first score.
        sections: further ones, which stand below the measures.
    """
    style = "\n".join(path.read_text(encoding="utf-8") for path in STYLES)
    script = bundle(FOLDER / "report.js")
    tables = {
        direction: [_row(measure) for measure in rows]
        for direction, rows in measures.items()
        if rows
    }
    curves = {name: points for name, points in curves.items() if len(points)}
    score = _sorting_score(examples, worst_by)
    return template(FOLDER / "report.html.jinja").render(
        policy=_policy(style, script),
        style=style,
        script=script,
        title=title,
        summary=summary,
        tables=tables,
        sections=[(section, _section_picture(section)) for section in sections],
        cards=[_card(example, score) for example in _worst_first(examples, score)],
        score=score,
        direction_choices=_direction_choices(examples),
        order_choices=_order_choices(score),
        view_choices=_view_choices(examples),
        curves_json=curves_json(curves),
        has_curves=bool(curves),
        notes=notes,
        jpeg_quality=JPEG_QUALITY,
        most_pixels=MOST_PIXELS,
    )


def _policy(style: str, script: str) -> str:
    """Returns a policy by which the page fetches nothing and runs no script but its own."""
    return (
        "default-src 'none'; img-src data:; "
        f"style-src {policy_source(style)}; "
        f"script-src {policy_source(script)}; "
        "base-uri 'none'; form-action 'none'"
    )


# ---- measures ----


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """A measure as a row of the table, all numbers as text."""

    name: str
    better: str
    how: str
    value: str
    interval: str
    stderr: str | None
    ruler: Ruler
    verdict: Verdict
    counts: str


def _row(measure: Measure) -> Row:
    interval = NOT_KNOWN
    if finite(measure.low) is not None or finite(measure.high) is not None:
        interval = f"{number_text(measure.low)} to {number_text(measure.high)}"
    return Row(
        name=measure.name,
        better=measure.better,
        how=f"{measure.features} · {measure.protocol}",
        value=number_text(measure.value),
        interval=interval,
        stderr=None if finite(measure.stderr) is None else number_text(measure.stderr),
        ruler=ruler(measure),
        verdict=verdict(measure),
        counts=" / ".join(f"{count:,}" for count in measure.n),
    )


# ---- sections ----


@dataclasses.dataclass(frozen=True, kw_only=True)
class SectionPicture:
    """The picture of a section.

    Attributes:
        uri: the picture itself, as a data: address.
        width: in px.
        height: in px.
    """

    uri: str
    width: int
    height: int


def _section_picture(section: Section) -> SectionPicture | None:
    if section.picture is None:
        return None
    height, width = section.picture.shape[:2]
    uri = to_data_uri(section.picture, MOST_SECTION_PIXELS)
    return SectionPicture(uri=uri, width=width, height=height)


# ---- examples ----


@dataclasses.dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture of a card.

    Attributes:
        view: "before", "after", "cycled" or "truth".
        label: the view in words.
        uri: the picture itself, as a data: address.
    """

    view: str
    label: str
    uri: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Card:
    """An example with its pictures lying on each other.

    Attributes:
        name: of the picture.
        direction: such as "horse to zebra".
        score: what sorts it; None where it has none.
        scores: all its scores as text.
        width: of its pictures, in px.
        height: of its pictures, in px.
        is_crisp: whether pixels are shown as squares.
        pictures: one for each view there is.
    """

    name: str
    direction: str
    score: float | None
    scores: Mapping[str, str]
    width: int
    height: int
    is_crisp: bool
    pictures: Sequence[Picture]


def _card(example: Example, score: str | None) -> Card:
    height, width = example.before.shape[:2]
    return Card(
        name=example.name,
        direction=example.direction,
        score=finite(example.scores.get(score)),
        scores={name: number_text(number) for name, number in example.scores.items()},
        width=width,
        height=height,
        is_crisp=max(height, width) <= CRISP_SIDE,
        pictures=[
            Picture(view=view, label=VIEWS[view], uri=to_data_uri(picture))
            for view, picture in example.pictures().items()
        ],
    )


def _sorting_score(examples: Sequence[Example], worst_by: str) -> str | None:
    """Returns `worst_by`, or the first score there is where no example has that one."""
    names = [name for example in examples for name in example.scores]
    if worst_by in names or not names:
        return worst_by if names else None
    return names[0]


def _worst_first(examples: Sequence[Example], score: str | None) -> list[Example]:
    """Returns the examples from the largest score down; those without one come last."""

    def rank(example: Example) -> tuple[bool, float]:
        number = finite(example.scores.get(score))
        return number is None, 0.0 if number is None else -number

    return sorted(examples, key=rank)


def _direction_choices(examples: Sequence[Example]) -> dict[str, str]:
    """Returns what can be shown, with how many examples; empty where there is no choice."""
    counts: dict[str, int] = {}
    for example in examples:
        counts[example.direction] = counts.get(example.direction, 0) + 1
    if len(counts) < 2:
        return {}
    choices = {"": f"All ({len(examples)})"}
    choices.update({direction: f"{direction} ({n})" for direction, n in counts.items()})
    return choices


def _order_choices(score: str | None) -> dict[str, str]:
    choices = {"worst": "Worst first", "best": "Best first"} if score else {}
    choices["name"] = "By name"
    return choices


def _view_choices(examples: Sequence[Example]) -> dict[str, str]:
    """Returns the slider and the views that at least one example has."""
    present = {view for example in examples for view in example.pictures()}
    choices = {"slider": "Slider"}
    choices.update({view: label for view, label in VIEWS.items() if view in present})
    return choices
