"""What the pictures of a domain are turned into before a network sees them."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from cyclegan_keras.images.channels import with_channels
from cyclegan_keras.images.picture import Picture
from cyclegan_keras.images.pixels import to_float, to_uint8
from cyclegan_keras.images.values import EIGHT_BIT, Values


@dataclasses.dataclass(frozen=True, kw_only=True)
class Form:
    """Channels and numbers of a domain.

    Pictures of such a form travel through the program as arrays: of ordinary levels 0 to 255 as
    uint8, so that they take a quarter of the memory, and of all other numbers as float32 in
    [-1, 1]. `pixels.to_float` makes of both what a network sees.

    Attributes:
        channels: of every picture; 1 for gray, 3 for RGB.
        values: what their numbers mean.
    """

    channels: int = 3
    values: Values = EIGHT_BIT

    @property
    def dtype(self) -> str:
        """Type of the arrays: "uint8" or "float32"."""
        return "uint8" if self.values.is_eight_bit else "float32"

    def array(self, picture: Picture) -> np.ndarray:
        """Returns a picture in this form: (height, width, channels) of `dtype`.

        Transparency is laid over white, unless it is the last of the channels asked for.

        Raises:
            PictureError: it has channels that cannot be converted; the message is the reason alone.
        """
        numbers = self.numbers(picture)
        if self.values.is_eight_bit and numbers.dtype == np.uint8:
            return np.ascontiguousarray(numbers)
        array = self.values.to_network(numbers)
        return to_uint8(array) if self.values.is_eight_bit else array

    def numbers(self, picture: Picture) -> np.ndarray:
        """Returns the numbers of a picture on the scale of the values, with these channels.

        Raises:
            PictureError: it has channels that cannot be converted.
        """
        pixels = picture.pixels
        if picture.alpha is not None:
            if self.channels == pixels.shape[-1] + 1 and self.channels in (2, 4):
                pixels = np.concatenate([pixels, picture.alpha[..., None]], axis=-1)
            else:
                pixels = picture.over_white().pixels
        return with_channels(self.values.of_type(pixels), self.channels)

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as JSON can hold them."""
        return {"channels": self.channels, "values": self.values.to_dict()}

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> "Form":
        """Reads what `to_dict` returned."""
        return cls(channels=fields["channels"], values=Values.from_dict(fields["values"]))


def to_rgb(array: np.ndarray) -> np.ndarray:
    """Returns uint8 (..., 3) of uint8 levels or floats in [-1, 1] with any number of channels.

    Of more than three channels the first three are taken, of two the first one.
    """
    pixels = array if array.dtype == np.uint8 else to_uint8(to_float(array))
    if pixels.shape[-1] >= 3:
        return pixels[..., :3]
    return np.repeat(pixels[..., :1], 3, axis=-1)
