"""What the header of a picture file says, before anything is decoded."""

import dataclasses


@dataclasses.dataclass(frozen=True, kw_only=True)
class Header:
    """Size and kind of the pixels that reading the file will give.

    Attributes:
        width: in pixels, upright.
        height: in pixels, upright.
        channels: 1 for gray, 3 for RGB, other numbers for bands; transparency does not count.
        dtype: type of the numbers, one of `values.DTYPES`.
    """

    width: int
    height: int
    channels: int = 3
    dtype: str = "uint8"
