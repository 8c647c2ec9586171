"""Pictures larger than memory, tile by tile, with the result of the whole picture.

Instance norm takes mean and variance over the whole picture, so a network that is run on one tile
after the other gives tiles of different colour and contrast, with seams between them. Here the
network is run stage by stage instead: all tiles of one convolution, then all of the next. A tile is
given as many pixels around it as its convolution looks at, and the statistics are gathered over all
tiles before the next stage begins. What comes out is what the whole picture gives, but for the
rounding of the last digits. Maps between stages lie in temporary files.
"""

import shutil
import tempfile
from collections.abc import Iterator, Sequence

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from cyclegan_keras.files.errors import TranslationError
from cyclegan_keras.translation.tiling.regions import Region, WholePicture
from cyclegan_keras.translation.tiling.scratch import ScratchMap
from cyclegan_keras.translation.tiling.steps import Step, steps_of

Sizes = dict[Step, tuple[int, int]]

# How often the widest map lies in memory while a network is run at once: as it is, padded, without
# its mean, squared. Measured by benchmarks/tiling.py.
COPIES = 4


class TiledNetwork:
    """Runs a generator on one picture in tiles, with the result of running it at once.

    Args:
        network: a generator of this package.
        tile_size: side of a tile in pixels of the picture; smaller maps have smaller tiles.

    Raises:
        TranslationError: a network with a layer whose tiles would not equal the whole.
    """

    def __init__(self, network: keras.Model, tile_size: int = 512):
        if tile_size < 1:
            raise ValueError(f"`tile_size` must be at least 1. Received: tile_size={tile_size}")
        self.tile_size = tile_size
        self._network = network
        steps_of(network)

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Translates float32 (1, height, width, channels) in [-1, 1], sides that fit the network.

        Raises:
            TranslationError: the disk has no room for the maps between stages.
        """
        return _Run(steps_of(self._network), images[0], self.tile_size).result()[None]


def bytes_per_pixel(network: keras.Model) -> float:
    """Returns about how much memory a pixel takes while `network` is run at once.

    Raises:
        TranslationError: a network that cannot be run in tiles either.
    """
    side = 16 * network.size_multiple
    steps = steps_of(network)
    sizes = _sizes(steps, (side, side))
    widest = max(sizes[s][0] * sizes[s][1] * s.channels for s in steps if s.is_stage) / side**2
    return 4.0 * COPIES * widest


def _sizes(steps: Sequence[Step], size: tuple[int, int]) -> Sizes:
    sizes: Sizes = {}
    for step in steps:
        sizes[step] = size
        if step.rule:
            height, width = sizes[step.inputs[0]]
            sizes[step] = step.rule.length(height, 0), step.rule.length(width, 1)
    return sizes


class _Run:
    """One picture's way through a network.

    Attributes:
        stages: the steps whose results are kept until no later one needs them.
        maps: their results.
    """

    def __init__(self, steps: list[Step], image: np.ndarray, tile_size: int):
        self.image, self.tile_size = image, tile_size
        self.steps, self.last = steps, steps[-1]
        self.sizes = _sizes(steps, image.shape[:2])
        self.stages = [step for step in steps if step.is_stage and step is not self.last]
        self.maps: dict[Step, ScratchMap] = {}

    def result(self) -> np.ndarray:
        """Returns the translation, float32 (height, width, channels)."""
        self.check_space()
        output = np.empty((*self.sizes[self.last], self.last.channels), np.float32)
        count = sum(len(list(self.tiles(step))) for step in [*self.stages, self.last])
        try:
            with tqdm(total=count, desc="Tiles", leave=False, disable=None) as bar:
                for number, step in enumerate(self.stages):
                    self.run_stage(step, bar)
                    self.forget(self.maps.keys() - self.still_needed(number + 1))
                for rows, columns in self.tiles(self.last):
                    tile = self.compute(self.last, (rows, columns))
                    output[slice(*rows), slice(*columns)] = tile[0]
                    bar.update()
        finally:
            self.forget(set(self.maps))
        return output

    def run_stage(self, step: Step, bar: tqdm) -> None:
        """Keeps all of the result of `step`, and tells the norms behind it its statistics."""
        self.maps[step] = ScratchMap(*self.sizes[step], step.channels)
        norms = [
            s.rule for s in self.steps if isinstance(s.rule, WholePicture) and step in s.inputs
        ]
        moments = _Moments()
        for region in self.tiles(step):
            tile = tf.cast(self.compute(step, region), tf.float32)
            if norms:
                moments.add(tile)
            self.maps[step].write(region, tile[0].numpy())
            bar.update()
        for norm in norms:
            norm.mean, norm.variance = moments.result()

    def compute(self, step: Step, region: Region) -> tf.Tensor:
        """Returns a region of the result of `step`, (1, rows, columns, channels)."""
        size = self.sizes[step.inputs[0]]
        given = tuple(step.rule.needed(region[axis], size[axis], axis) for axis in (0, 1))
        inputs = [self.read(source, given) for source in step.inputs]
        return step.rule.apply(inputs, given, region, size)

    def read(self, step: Step, region: Region) -> tf.Tensor:
        """Returns the same from where it is kept, or computes it."""
        if step in self.maps:
            return tf.convert_to_tensor(self.maps[step].read(region)[None])
        if step.rule is None:
            rows, columns = region
            return tf.convert_to_tensor(self.image[None, slice(*rows), slice(*columns)])
        return self.compute(step, region)

    def tiles(self, step: Step) -> Iterator[Region]:
        """Yields regions that cover the result of `step`."""
        spans = []
        for length, whole in zip(self.sizes[step], self.image.shape[:2], strict=True):
            side = max(round(self.tile_size * length / whole), 1)
            spans.append([(at, min(at + side, length)) for at in range(0, length, side)])
        return ((rows, columns) for rows in spans[0] for columns in spans[1])

    def still_needed(self, number: int) -> set[Step]:
        """Returns the stages that those from `number` on, or the last step, look at."""
        found: set[Step] = set()
        wanted = [*self.stages[number:], self.last]
        while wanted:
            for source in wanted.pop().inputs:
                if source.is_stage:
                    found.add(source)
                else:
                    wanted.append(source)
        return found

    def forget(self, steps: set[Step]) -> None:
        """Frees the disk of what no later step needs."""
        for step in steps:
            self.maps.pop(step).close()

    def check_space(self) -> None:
        """Raises TranslationError where the temporary folder is too small for the maps."""
        needed = 0
        for number, step in enumerate(self.stages):
            kept = self.still_needed(number) & set(self.stages[:number]) | {step}
            needed = max(needed, sum(4 * s.channels * np.prod(self.sizes[s]) for s in kept))
        folder = tempfile.gettempdir()
        free = shutil.disk_usage(folder).free
        if needed > free:
            raise TranslationError(
                f"Tiles of this picture need {needed / 1e9:.1f} GB in {folder}, where "
                f"{free / 1e9:.1f} GB are free. Free some space or name another folder by TMPDIR."
            )


class _Moments:
    """Mean and variance per channel over many tiles, merged in float64 (Chan et al., 1979)."""

    def __init__(self):
        self.count, self.mean, self.squares = 0, 0.0, 0.0

    def add(self, tile: tf.Tensor) -> None:
        """Takes in float32 (1, rows, columns, channels)."""
        count = int(tile.shape[1]) * int(tile.shape[2])
        mean = _mean(tile)
        variance = _mean(tf.square(tile - mean)).numpy().astype(np.float64)
        mean = mean.numpy().astype(np.float64)
        total = self.count + count
        apart = mean - self.mean
        self.mean = self.mean + apart * (count / total)
        self.squares = self.squares + count * (variance + apart**2 * (self.count / total))
        self.count = total

    def result(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns float32 mean and variance, (channels,)."""
        return np.float32(self.mean), np.float32(self.squares / self.count)


def _mean(tile: tf.Tensor) -> tf.Tensor:
    """Mean per channel; rows first, as float32 loses digits in long sums."""
    return tf.reduce_mean(tf.reduce_mean(tile[0], axis=1), axis=0)
