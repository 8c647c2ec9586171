"""A measure drawn as a mark on a ruler from copying the input to real pictures."""

from cyclegan_keras.report.base import Measure, escape, finite, number_text

_HEIGHT = 58
_AXIS = 29  # of the line, in pixels from the top


def ruler(measure: Measure) -> str:
    """Returns an inline SVG: better is further to the right, whichever way the measure counts.

    It is as wide as its place on the page, so that letters keep their size: along the line
    everything is placed in percent.
    """
    known = {
        key: number
        for key in ("value", "low", "high", "floor", "ceiling")
        if (number := finite(measure.get(key))) is not None
    }
    at = _places(known, flipped=measure["better"] == "lower")
    parts = [*_axis(known), *_gap(at)]
    parts += _mark(at, known, "floor", "real pictures", above=True)
    parts += _mark(at, known, "ceiling", "copying the input", above=False)
    parts += _interval(at)
    if "value" in at:
        parts.append(f'<circle class="value" cx="{at["value"]}%" cy="{_AXIS}" r="6"/>')
    return (
        f'<svg class="ruler" role="img" width="100%" height="{_HEIGHT}" '
        f'aria-label="{escape(_spoken(measure))}">{"".join(parts)}</svg>'
    )


def verdict(measure: Measure) -> tuple[str, str]:
    """Returns a sentence that compares the value with floor and ceiling, and "good", "bad" or "".

    Both are empty where that says nothing: a number is missing, or copying the input is the best
    that can be, as for measures of faithfulness.
    """
    value, floor, ceiling = (finite(measure.get(key)) for key in ("value", "floor", "ceiling"))
    sign = 1 if measure["better"] == "higher" else -1
    if None in (value, floor, ceiling) or sign * floor <= sign * ceiling:
        return "", ""
    ends = [finite(measure.get(key)) for key in ("low", "high")]
    ends = [value if end is None else end for end in ends]
    worst, _, best = sorted(sign * end for end in (*ends, value))
    if best < sign * ceiling:
        return "worse than copying the input", "bad"
    if worst <= sign * ceiling:
        return "no clear difference from copying the input", "bad"
    if best >= sign * floor:
        return "as near to real pictures as they are to each other", "good"
    percent = 100 * (value - ceiling) / (floor - ceiling)
    way = "of the way from copying the input to real pictures"
    return f"{percent:.0f}\N{NO-BREAK SPACE}% {way}", ""


def _places(known: dict[str, float], *, flipped: bool) -> dict[str, float]:
    """Percent from the left for each number; the outermost leave room for their marks.

    Where floor or ceiling is missing, the third of the line that it would end stays empty.
    """
    left, right = _known_part(known)
    least, most = min(known.values(), default=0.0), max(known.values(), default=0.0)
    span = most - least
    places = {key: (number - least) / span if span else 0.5 for key, number in known.items()}
    return {
        key: round(left + 4 + (right - left - 8) * (1 - place if flipped else place), 2)
        for key, place in places.items()
    }


def _known_part(known: dict[str, float]) -> tuple[int, int]:
    return 0 if "ceiling" in known else 33, 100 if "floor" in known else 67


def _axis(known: dict[str, float]) -> list[str]:
    left, right = _known_part(known)
    spans = ("unknown", 0, left), ("known", left, right), ("unknown", right, 100)
    return [
        f'<line class="axis {kind}" x1="{x1}%" x2="{x2}%" y1="{_AXIS}" y2="{_AXIS}"/>'
        for kind, x1, x2 in spans
        if x1 < x2
    ]


def _gap(at: dict[str, float]) -> list[str]:
    if not {"floor", "ceiling"} <= at.keys():
        return []
    left, right = sorted((at["floor"], at["ceiling"]))
    return [
        f'<rect class="gap" x="{left}%" width="{right - left:.2f}%" y="{_AXIS - 2}" height="4"/>'
    ]


def _interval(at: dict[str, float]) -> list[str]:
    if not {"low", "high"} <= at.keys():
        return []
    left, right = sorted((at["low"], at["high"]))
    width = max(right - left, 0.3)
    return [
        f'<rect class="interval" x="{left}%" width="{width:.2f}%" y="{_AXIS - 5}" height="10" '
        'rx="3"/>'
    ]


def _mark(
    at: dict[str, float], known: dict[str, float], key: str, words: str, *, above: bool
) -> list[str]:
    """A tick with its words, each kind on a line of its own so that they never touch."""
    y = _AXIS - 17 if above else _AXIS + 26
    if key not in at:
        x = "100%" if above else "0"
        anchor = "end" if above else "start"
        return [f'<text class="missing" x="{x}" y="{y}" text-anchor="{anchor}">{words}: n/a</text>']
    place = at[key]
    anchor = "start" if place < 33 else "end" if place > 67 else "middle"
    y1, y2 = (_AXIS - 12, _AXIS + 5) if above else (_AXIS - 5, _AXIS + 12)
    return [
        f'<line class="{key}" x1="{place}%" x2="{place}%" y1="{y1}" y2="{y2}"/>',
        f'<text x="{place}%" y="{y}" text-anchor="{anchor}">{words} '
        f"<tspan>{number_text(known[key])}</tspan></text>",
    ]


def _spoken(measure: Measure) -> str:
    facts = {"value": "value", "floor": "real pictures", "ceiling": "copying the input"}
    told = ", ".join(f"{words} {number_text(measure.get(key))}" for key, words in facts.items())
    return f"{measure['name']}: {told}; {measure['better']} is better"
