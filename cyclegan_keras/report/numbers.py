"""Numbers as the report writes them."""

import math

NOT_KNOWN = "n/a"


def finite(number: float | None) -> float | None:
    """Returns the number as a float; None where there is none, or it is NaN or infinite."""
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
