"""Loss curves as data that a page can draw."""

import json
from collections.abc import Mapping, Sequence

from cyclegan_keras.report.numbers import finite

MOST_POINTS = 800  # of a curve: as many as a wide screen can tell apart


def curves_json(curves: Mapping[str, Sequence[tuple[int, float]]]) -> str:
    """Returns curves as JSON that may stand inside a script element.

    Args:
        curves: name -> (step, value) in rising order of steps. NaN and infinity become gaps; long
            curves keep the smallest and the largest value of each stretch.
    """
    rows = []
    for name, points in curves.items():
        kept = [[int(step), finite(value)] for step, value in thinned(points)]
        rows.append({"name": name, "points": kept})
    # `<` would let a name such as "</script>" end the element
    return json.dumps(rows, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def thinned(points: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """Returns at most MOST_POINTS points that reach as high and as low as all of them."""
    points = list(points)
    if len(points) <= MOST_POINTS:
        return points
    stretches = MOST_POINTS // 2
    kept = []
    for k in range(stretches):
        stretch = points[k * len(points) // stretches : (k + 1) * len(points) // stretches]
        known = [point for point in stretch if finite(point[1]) is not None]
        if not known:
            kept.append(stretch[0])
            continue
        lowest = min(known, key=lambda point: point[1])
        highest = max(known, key=lambda point: point[1])
        kept.extend(sorted({lowest, highest}, key=lambda point: point[0]))
    return kept
