"""Which numbers of deep pictures are shown black and white, so that people see what is in them."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from cyclegan_keras.images.form import Form, to_rgb

SHOWN = (1.0, 99.0)  # percentiles of real pictures that become black and white


@dataclasses.dataclass(frozen=True)
class Window:
    """A range of numbers that is shown from black to white.

    Attributes:
        low: what becomes black, on the scale of networks, -1 to 1.
        high: what becomes white, likewise.
        words: both in the unit of the pictures, such as "-1000..400"; "" for ordinary levels.
    """

    low: float = -1.0
    high: float = 1.0
    words: str = ""

    @classmethod
    def of(cls, pictures: Sequence[np.ndarray], form: Form) -> "Window":
        """Returns the window in which the pictures of a domain are shown.

        Ordinary levels are shown as they are. Of other numbers the darkest and the brightest
        hundredth are cut off: the range of a scan is far wider than that of its tissues, and in
        full it would look nearly black.

        Args:
            pictures: real pictures of the domain, arrays of its form.
            form: of the domain.
        """
        if form.values.is_eight_bit:
            return cls()
        numbers = np.concatenate([np.ravel(picture) for picture in pictures])
        low, high = np.percentile(numbers, SHOWN)
        if not low < high:
            low, high = -1.0, 1.0
        dtype = "float32" if form.values.dtype == "float32" else "int32"
        shown = form.values.from_network(np.array([low, high]), dtype=dtype)
        return cls(float(low), float(high), f"{shown[0]:.5g}..{shown[1]:.5g}")

    def view(self, array: np.ndarray) -> np.ndarray:
        """Returns uint8 (..., height, width, 3) of an array of the form, or of floats in [-1, 1].

        Of more than three channels the first three are shown, of two the first one.
        """
        if not self.words:
            return to_rgb(array)
        return to_rgb((array - self.low) / (self.high - self.low) * 2 - 1)
