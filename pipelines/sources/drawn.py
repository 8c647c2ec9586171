"""Pictures of the demo sets, which are drawn anew each time that they are asked for."""

from collections.abc import Callable, Sequence

import numpy as np

from cyclegan_keras.images.header import Header
from cyclegan_keras.images.picture import Picture
from pipelines.sources.base import Pictures


class DrawnPictures(Pictures):
    """One domain of a set whose pictures are pure functions of their numbers.

    Args:
        draw: `f(index)` returns the pixels of a picture, (height, width, channels).
        names: what each picture is called.
        header: of every picture.
        drawing: which drawing this is, such as "house 1"; another number where it is changed, so
            that runs notice.
        domain: which of its domains.
    """

    def __init__(
        self,
        draw: Callable[[int], np.ndarray],
        *,
        names: Sequence[str],
        header: Header,
        drawing: str,
        domain: object,
    ):
        self.names = tuple(names)
        self._draw = draw
        self._header = header
        self._drawing = drawing
        self._domain = domain

    def picture(self, index: int, channels: int | None = None) -> Picture:
        return Picture(pixels=self._draw(index))

    def header(self, index: int, channels: int | None = None) -> Header:
        return self._header

    def key(self, index: int) -> str:
        return f"{self._drawing} {self.names[index]} {self._domain}"
