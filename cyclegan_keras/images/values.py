"""What the numbers in a domain's pictures mean, and which of them a network sees as -1 and 1."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from cyclegan_keras.images.pixels import to_8_bits, to_16_bits

DTYPES = ("uint8", "uint16", "int16", "int32", "float32")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Values:
    """The type of a domain's numbers, and the range that is mapped to [-1, 1].

    Attributes:
        dtype: type of the numbers in files, one of `DTYPES`.
        low: the number that a network sees as -1; smaller ones are clipped to it.
        high: the number that a network sees as 1; larger ones are clipped to it.

    Raises:
        ValueError: an unknown type, or a range that is empty or not finite.

    Example:
        >>> hounsfield = Values(dtype="int16", low=-1024, high=3072)
        >>> hounsfield.to_network(np.array([-1024, 1024, 9999], "int16")).tolist()
        [-1.0, 0.0, 1.0]
        >>> hounsfield.from_network(np.array([-1.0, 0.0])).tolist()
        [-1024, 1024]
    """

    dtype: str = "uint8"
    low: float = 0.0
    high: float = 255.0

    def __post_init__(self):
        if self.dtype not in DTYPES:
            raise ValueError(
                f"`dtype` must be one of {list(DTYPES)}. Received: dtype={self.dtype!r}"
            )
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ValueError(
                f"`low` and `high` must be finite, and low < high. Received: low={self.low!r}, "
                f"high={self.high!r}"
            )

    @property
    def is_eight_bit(self) -> bool:
        """Whether these are the levels 0 to 255 of ordinary pictures."""
        return self == EIGHT_BIT

    @property
    def words(self) -> str:
        """The range as text, such as "-1024 to 3071"."""
        return f"{self.low:g} to {self.high:g}"

    def of_type(self, numbers: np.ndarray) -> np.ndarray:
        """Returns numbers of a file on the scale of `dtype`.

        Levels of 8 and of 16 bits are two scales of one brightness: white is 255 or 65535. All
        other numbers mean themselves, whatever their type.

        Args:
            numbers: of any of `DTYPES`, any shape.

        Returns:
            The same numbers, or levels scaled to `dtype` and rounded.
        """
        if numbers.dtype == np.uint8 and self.dtype == "uint16":
            return to_16_bits(numbers)
        if numbers.dtype == np.uint16 and self.dtype == "uint8":
            return to_8_bits(numbers)
        return numbers

    def to_network(self, numbers: np.ndarray) -> np.ndarray:
        """Maps numbers on the scale of `dtype`, of any shape, to float32 in [-1, 1]."""
        if self.is_eight_bit and numbers.dtype == np.uint8:
            return numbers.astype(np.float32) / 127.5 - 1
        exact = "float64" if numbers.dtype.itemsize > 2 else "float32"
        low, half = np.array([self.low, (self.high - self.low) / 2], exact)
        scaled = (numbers.astype(exact) - low) / half - 1
        return np.clip(scaled, -1, 1).astype(np.float32)

    def from_network(self, values: np.ndarray, dtype: str | None = None) -> np.ndarray:
        """Maps floats in [-1, 1], of any shape, back to numbers.

        Args:
            values: what a network returned; what lies outside [-1, 1] is clipped.
            dtype: type of the result, `self.dtype` unless given. Between "uint8" and "uint16" the
                levels are scaled, white to white; numbers of other types mean themselves.

        Returns:
            Numbers of `dtype`, rounded and clipped to what it holds; of floats nothing is rounded.
        """
        dtype = dtype or self.dtype
        scale = {("uint8", "uint16"): 257.0, ("uint16", "uint8"): 1 / 257}.get(
            (self.dtype, dtype), 1.0
        )
        exact = np.float32 if dtype in ("uint8", "uint16") and self.low == 0 else np.float64
        half = exact((self.high - self.low) / 2 * scale)
        numbers = (np.clip(values, -1, 1).astype(exact) + 1) * half + exact(self.low * scale)
        if dtype == "float32":
            return numbers.astype(np.float32)
        limits = np.iinfo(dtype)
        return np.clip(np.rint(numbers), limits.min, limits.max).astype(dtype)

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as JSON can hold them."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> "Values":
        """Reads what `to_dict` returned."""
        return cls(dtype=fields["dtype"], low=float(fields["low"]), high=float(fields["high"]))


EIGHT_BIT = Values()


def whole_range(dtype: str) -> Values:
    """Returns all numbers of an integer type, such as 0 to 65535 of "uint16".

    Raises:
        ValueError: floating-point numbers have no such range.
    """
    if dtype == "float32":
        raise ValueError("`dtype` must be an integer type. Received: dtype='float32'")
    limits = np.iinfo(dtype)
    return Values(dtype=dtype, low=float(limits.min), high=float(limits.max))
