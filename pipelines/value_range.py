"""`--value_range` as it is typed."""

import dataclasses
import math

from cyclegan_keras.files.errors import DataError


@dataclasses.dataclass(frozen=True)
class ValueRange:
    """One side of `--value_range`.

    Attributes:
        kind: "auto", "dtype", "data", "numbers" or "percentiles".
        low: the number or the percentile that becomes -1; 0 where the kind has none.
        high: the number or the percentile that becomes 1; 0 where the kind has none.
    """

    kind: str
    low: float = 0.0
    high: float = 0.0


def parse(text: str) -> ValueRange:
    """Reads one side of `--value_range`.

    Raises:
        DataError: it is none of auto, dtype, data, LOW,HIGH and pLOW,pHIGH.

    Example:
        >>> parse("-1024,3071")
        ValueRange(kind='numbers', low=-1024.0, high=3071.0)
        >>> parse("p0.5,p99.5")
        ValueRange(kind='percentiles', low=0.5, high=99.5)
    """
    word = text.strip()
    if word in ("auto", "dtype", "data"):
        return ValueRange(word)
    parts = [part.strip() for part in word.split(",")]
    are_percentiles = all(part.startswith("p") for part in parts)
    try:
        low, high = (float(part.removeprefix("p") if are_percentiles else part) for part in parts)
        fits = math.isfinite(low) and math.isfinite(high) and low < high
        if are_percentiles:
            fits = fits and low >= 0 and high <= 100
    except ValueError:
        fits = False
    if not fits:
        raise DataError(
            f"--value_range={text}: expected dtype (all numbers of the pictures' type), data (from "
            "the least to the greatest in the training pictures), two numbers such as -1024,3071 "
            "with the lower one first, or two percentiles such as p0.5,p99.5; for the two domains "
            "with a slash between: data/0,255."
        )
    return ValueRange("percentiles" if are_percentiles else "numbers", low, high)
