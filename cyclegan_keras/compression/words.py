"""Numbers as people read them: with three digits."""

UNKNOWN = "-"


def number(value: float | None) -> str:
    """Returns three significant digits, or all before the point; "-" where there is no number.

    Example:
        >>> number(0.34215), number(11.04), number(11596.1), number(None)
        ('0.342', '11', '11,596', '-')
    """
    if value is None:
        return UNKNOWN
    return f"{value:,.0f}" if abs(value) >= 999.5 else f"{value:.3g}"


def in_thousands(value: float) -> str:
    """Returns a number of many digits in thousands, millions or thousands of millions.

    Example:
        >>> in_thousands(496_212), in_thousands(11_388_675), in_thousands(312)
        ('496 k', '11.4 M', '312')
    """
    for factor, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= factor:
            return f"{number(value / factor)} {prefix}"
    return number(value)


def multiplications(macs: float) -> str:
    """Returns how many multiplications of convolutions these are, with the unit.

    Example:
        >>> multiplications(49_740_251_136), multiplications(9_540_000), multiplications(312)
        ('49.7 GMAC', '9.54 MMAC', '312 MAC')
    """
    words = in_thousands(macs)
    return f"{words}{'MAC' if words[-1].isalpha() else ' MAC'}"
