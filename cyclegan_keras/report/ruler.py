"""Where a measure stands between copying the input and real pictures."""

import dataclasses

from cyclegan_keras.metrics.base import Measure
from cyclegan_keras.report.numbers import finite, number_text


@dataclasses.dataclass(frozen=True)
class Span:
    """A part of the ruler's line, in percent of its width from the left."""

    left: float
    right: float

    @property
    def width(self) -> float:
        """Percent of the ruler's width."""
        return round(self.right - self.left, 2)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Mark:
    """A labeled tick on the ruler.

    Attributes:
        number: its number as text; None where it is not known, and then there is no tick.
        position: in percent of the ruler's width from the left.
        anchor: SVG's `text-anchor` of the label, so that it stays on the ruler.
    """

    number: str | None
    position: float
    anchor: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ruler:
    """A measure as positions on a line on which better is further to the right.

    Attributes:
        known: the part of the line between the numbers that are known.
        unknown: the parts that stay empty, since a number is missing there.
        real: the mark of real pictures.
        copy: the mark of copies of the input.
        gap: from copies to real pictures; None where one of them is missing.
        interval: the 95 % interval; None where it is missing.
        value: the position of the value; None where it is missing.
        description: the same in words, for those who cannot see the ruler.
    """

    known: Span
    unknown: list[Span]
    real: Mark
    copy: Mark
    gap: Span | None
    interval: Span | None
    value: float | None
    description: str


def ruler(measure: Measure) -> Ruler:
    """Returns the positions of a measure's numbers, whichever way the measure counts."""
    numbers = {
        "value": finite(measure.value),
        "low": finite(measure.low),
        "high": finite(measure.high),
        "real": finite(measure.real_score),
        "copy": finite(measure.copy_score),
    }
    # Where the score of copies or of real pictures is missing, its third of the line stays empty.
    left = 33 if numbers["copy"] is None else 0
    right = 67 if numbers["real"] is None else 100
    unknown = []
    if left > 0:
        unknown.append(Span(0, left))
    if right < 100:
        unknown.append(Span(right, 100))
    positions = _positions(numbers, left, right, is_mirrored=measure.better == "lower")
    return Ruler(
        known=Span(left, right),
        unknown=unknown,
        real=_mark(numbers["real"], positions.get("real"), end=100, end_anchor="end"),
        copy=_mark(numbers["copy"], positions.get("copy"), end=0, end_anchor="start"),
        gap=_span_between(positions, "real", "copy"),
        interval=_span_between(positions, "low", "high", least_width=0.3),
        value=positions.get("value"),
        description=(
            f"{measure.name}: value {number_text(measure.value)}, "
            f"real pictures {number_text(measure.real_score)}, "
            f"copying the input {number_text(measure.copy_score)}; {measure.better} is better"
        ),
    )


def _positions(
    numbers: dict[str, float | None], left: float, right: float, *, is_mirrored: bool
) -> dict[str, float]:
    """Returns the position of each known number; the outermost leave a margin for their marks."""
    margin = 4
    known = {name: number for name, number in numbers.items() if number is not None}
    least, most = min(known.values(), default=0.0), max(known.values(), default=0.0)
    positions = {}
    for name, number in known.items():
        share = (number - least) / (most - least) if most > least else 0.5
        if is_mirrored:
            share = 1 - share
        positions[name] = round(left + margin + (right - left - 2 * margin) * share, 2)
    return positions


def _mark(number: float | None, position: float | None, *, end: int, end_anchor: str) -> Mark:
    """Returns the mark at `position`, or a label at the `end` of the line where it is not known."""
    if number is None:
        return Mark(number=None, position=end, anchor=end_anchor)
    anchor = "middle"
    if position < 33:
        anchor = "start"
    elif position > 67:
        anchor = "end"
    return Mark(number=number_text(number), position=position, anchor=anchor)


def _span_between(
    positions: dict[str, float], one: str, other: str, least_width: float = 0.0
) -> Span | None:
    if one not in positions or other not in positions:
        return None
    left, right = sorted((positions[one], positions[other]))
    return Span(left, max(right, left + least_width))


@dataclasses.dataclass(frozen=True)
class Verdict:
    """How a value compares with real pictures and with copies.

    Attributes:
        words: "worse than copying the input", for example; empty where nothing can be said.
        tone: "good", "bad" or "".
    """

    words: str
    tone: str = ""


def verdict(measure: Measure) -> Verdict:
    """Returns how the value compares with the scores of real pictures and of copies.

    Its words are empty where a number is missing, or where copying the input is the best that can
    be, as for measures of faithfulness.
    """
    value = finite(measure.value)
    real, copy = finite(measure.real_score), finite(measure.copy_score)
    sign = 1 if measure.better == "higher" else -1
    if value is None or real is None or copy is None or sign * real <= sign * copy:
        return Verdict("")
    ends = [value]
    for end in (finite(measure.low), finite(measure.high)):
        if end is not None:
            ends.append(end)
    worst, best = min(sign * end for end in ends), max(sign * end for end in ends)
    if best < sign * copy:
        return Verdict("worse than copying the input", "bad")
    if worst <= sign * copy:
        return Verdict("no clear difference from copying the input", "bad")
    if best >= sign * real:
        return Verdict("as near to real pictures as they are to each other", "good")
    percent = 100 * (value - copy) / (real - copy)
    return Verdict(
        f"{percent:.0f}\N{NO-BREAK SPACE}% of the way from copying the input to real pictures"
    )
