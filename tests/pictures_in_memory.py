"""Sets of pictures in memory, as the data doctor takes them."""

import numpy as np

from cyclegan_keras.data_doctor.findings import Training
from cyclegan_keras.data_doctor.sets import PictureSet
from cyclegan_keras.files.errors import PictureError
from cyclegan_keras.images.header import Header
from cyclegan_keras.images.picture import Picture

TRAINING = Training(
    enlargement=lambda size: 1.0,
    squashes=True,
    size_flags="--crop_size=64",
    channels={"A": None, "B": None},
    channel_flags={"A": "--input_nc", "B": "--output_nc"},
    value_range={"A": "auto", "B": "auto"},
)


class InMemory:
    """Pictures that are arrays; text stands for a reason for which there is none."""

    def __init__(self, arrays, names=None):
        self.names = names or [f"{number}.png" for number in range(len(arrays))]
        self._arrays = arrays

    def picture(self, index):
        array = self._arrays[index]
        if isinstance(array, str):
            raise PictureError(array)
        return Picture(pixels=array)

    def header(self, index):
        pixels = self.picture(index).pixels
        height, width, channels = pixels.shape
        return Header(width=width, height=height, channels=channels, dtype=pixels.dtype.name)


def picture_set(name, arrays, names=None, **fields) -> PictureSet:
    """Returns a set whose name ends with its domain."""
    return PictureSet(
        split=name[:-1],
        domain=name[-1],
        pictures=InMemory(arrays, names),
        count=len(arrays),
        **fields,
    )


def colored(seed: int, side: int = 24, **changes) -> np.ndarray:
    """Returns noise in colors."""
    numbers = np.random.default_rng(seed).integers(
        changes.get("low", 0), changes.get("high", 256), (side, side, 3)
    )
    return numbers.astype(changes.get("dtype", "uint8"))


def gray(seed: int, side: int = 24, channels: int = 1) -> np.ndarray:
    """Returns noise without color."""
    return np.repeat(colored(seed, side)[..., :1], channels, axis=-1)
