"""What a student has inherited."""

import dataclasses
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True, kw_only=True)
class Inherited:
    """What of a teacher went into a student before any training.

    Attributes:
        blocks: the teacher's residual blocks that stay, counted from 1, in order; empty for
            networks without blocks.
        channels: stage -> which of the teacher's channels stay there, counted from 0, in ascending
            order.
        unexplained: convolution -> which share of the mean square of all the teacher's inputs, from
            0 to 1, the student's inputs leave unexplained; of their variance where the offsets of
            the student are free.
    """

    blocks: tuple[int, ...]
    channels: Mapping[str, tuple[int, ...]]
    unexplained: Mapping[str, float]

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> "Inherited":
        """Reads what `dataclasses.asdict` made of it."""
        return cls(
            blocks=tuple(fields["blocks"]),
            channels={stage: tuple(each) for stage, each in fields["channels"].items()},
            unexplained=dict(fields["unexplained"]),
        )
