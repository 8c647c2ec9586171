"""What a report is made of, and how it writes words and numbers."""

import dataclasses
import html
import math
from collections.abc import Mapping, Sequence
from typing import TypedDict

import numpy as np

NOT_KNOWN = "n/a"


class Measure(TypedDict, total=False):
    """A number about a model, and what it would be at best and for nothing.

    Keys:
        name: such as "KID"; needed, as are `value` and `better`.
        value: of the model.
        low, high: the ends of the 95 % interval of `value`.
        floor: what real pictures score against real pictures.
        ceiling: what copying the input scores.
        better: "lower" or "higher".
        n: pictures measured; several counts, as the protocol tells, are shown in their order.
        features: the feature network; None where the measure has none.
        protocol: the name of the protocol.
        stderr: standard error of `value`.

    A number that is missing, None or not finite is shown as n/a.
    """

    name: str
    value: float | None
    low: float | None
    high: float | None
    floor: float | None
    ceiling: float | None
    better: str
    n: int | Sequence[int] | None
    features: str | None
    protocol: str | None
    stderr: float | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Example:
    """One picture and its translation.

    Attributes:
        name: of the picture, such as its file name; any text.
        direction: such as "horse to zebra".
        before: x, uint8 (height, width, 3); the other pictures are as large.
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


def escape(text: object) -> str:
    """Returns text that HTML shows as it is, inside elements and quoted attributes."""
    return html.escape(str(text), quote=True)


def finite(number: float | None) -> float | None:
    """Returns the number as a float, None where there is none, NaN or infinity."""
    if number is None or not math.isfinite(number):
        return None
    return float(number)


def number_text(number: float | None) -> str:
    """Returns three significant digits, "n/a" where `finite` gives None.

    Example:
        >>> [number_text(x) for x in (0.012345, 12.0, 98765.4, -0.5, float("nan"))]
        ['0.0123', '12.0', '98,765', '\u22120.500', 'n/a']
    """
    number = finite(number)
    if number is None:
        return NOT_KNOWN
    if number == 0:
        return "0"
    text = f"{number:,.0f}" if abs(number) >= 999.5 else f"{number:#.3g}".rstrip(".")
    return text.replace("-", "\N{MINUS SIGN}")
