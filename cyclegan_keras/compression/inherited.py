"""What a student has inherited."""

import dataclasses
from collections.abc import Mapping


@dataclasses.dataclass(frozen=True, kw_only=True)
class Inherited:
    """What of a teacher went into a student before any training.

    Attributes:
        blocks: the teacher's residual blocks that stay, numbered from 1, in order; empty for
            networks without blocks.
        channels: stage -> which of the teacher's channels stay there, in ascending order.
        ridges: convolution -> the ridge by which its inputs were merged, relative to their mean
            square.
        unexplained: convolution -> which share of the mean square of all the teacher's inputs, from
            0 to 1, the student's inputs leave unexplained; of their variance where the offsets of
            the student are free.
    """

    blocks: tuple[int, ...]
    channels: Mapping[str, tuple[int, ...]]
    ridges: Mapping[str, float]
    unexplained: Mapping[str, float]
