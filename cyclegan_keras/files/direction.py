"""The two directions of a translation, and how each is spelled where it crosses a border."""

import enum


class Direction(str, enum.Enum):
    """Which domain is translated to which.

    A member is its spelling on the command line and in JSON files, so that it can be compared with
    them, written and formatted as they are. The other spellings are properties.

    Example:
        >>> Direction("AtoB").opposite
        <Direction.B_TO_A: 'BtoA'>
        >>> Direction.B_TO_A.signature
        'b_to_a'
    """

    A_TO_B = "AtoB"
    B_TO_A = "BtoA"

    __str__ = str.__str__

    @property
    def opposite(self) -> "Direction":
        """The other direction."""
        return Direction.B_TO_A if self is Direction.A_TO_B else Direction.A_TO_B

    @property
    def source(self) -> str:
        """The domain that is translated: "A" or "B"."""
        return "A" if self is Direction.A_TO_B else "B"

    @property
    def target(self) -> str:
        """The domain that it is translated to: "B" or "A"."""
        return self.opposite.source

    @property
    def signature(self) -> str:
        """The name in exports: of a SavedModel's signature and in receipts."""
        return "a_to_b" if self is Direction.A_TO_B else "b_to_a"

    @property
    def file_name(self) -> str:
        """The name of the files of an export, without their ending."""
        return "generator_g" if self is Direction.A_TO_B else "generator_f"

    @classmethod
    def of_signature(cls, name: str) -> "Direction":
        """Returns the direction that an export calls `name`.

        Raises:
            ValueError: `name` is neither "a_to_b" nor "b_to_a".
        """
        for direction in cls:
            if direction.signature == name:
                return direction
        raise ValueError(f"`name` must be 'a_to_b' or 'b_to_a'. Received: {name!r}")

    def of_generator(self, name: str) -> "Direction":
        """Returns which way a generator of a run translates, whose x to y is this direction.

        Args:
            name: "generator_g", from x to y, or "generator_f", from y to x.
        """
        return self if name == "generator_g" else self.opposite
