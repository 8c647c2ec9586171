"""What was passed over, and why, in one line."""

import collections
from typing import NamedTuple


class Reason(NamedTuple):
    """Why something was passed over.

    Attributes:
        noun: what it is, such as "localizer".
        remark: what follows in the message, such as " (pip install nibabel)".
    """

    noun: str
    remark: str = ""


def counted(count: int, noun: str) -> str:
    """Returns a count with its noun.

    Example:
        >>> counted(1, "slice"), counted(2, "slice"), counted(1, "series"), counted(0, "copy")
        ('1 slice', '2 slices', '1 series', '0 copies')
    """
    if count == 1 or noun == "series":
        return f"{count} {noun}"
    plural = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{count} {plural}"


def describe(reasons: collections.Counter[Reason]) -> str:
    """Returns counts and reasons, the most frequent first.

    Example:
        >>> describe(collections.Counter({Reason("report"): 1, Reason("localizer"): 3}))
        '3 localizers, 1 report'
    """
    parts = [counted(count, reason.noun) + reason.remark for reason, count in reasons.most_common()]
    return ", ".join(parts)
