"""What the user can put right."""

from collections.abc import Sequence

NAMED = 5  # offenders in one message


class DataError(ValueError):
    """Data or data options that cannot be used.

    The message is a sentence or two for the user: what was given, what was expected, what to do.
    """


class PictureError(ValueError):
    """One picture that cannot be read; the message is the reason."""


def first_few(offenders: Sequence[str]) -> str:
    """Names the first offenders of many.

    Example:
        >>> first_few(["a.png", "b.png"])
        'a.png, b.png'
        >>> first_few("abcdefg")
        'a, b, c, d, e and 2 more'
    """
    more = f" and {len(offenders) - NAMED} more" if len(offenders) > NAMED else ""
    return ", ".join(offenders[:NAMED]) + more
