"""Pictures larger than memory, tile by tile, with the result of the whole picture.

Instance norm takes mean and variance over the whole picture, so a network that is run on one tile
after the other gives tiles of different color and contrast, with seams between them. Here the
network is run stage by stage instead: all tiles of one convolution, then all of the next. A tile is
given as many pixels around it as its convolution looks at, and the statistics are gathered over all
tiles before the next stage begins. What comes out is what the whole picture gives, but for the
rounding of the last digits. Feature maps between stages are in temporary files.
"""

import math
import shutil
import tempfile
from collections.abc import Iterator, Sequence

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from cyclegan_keras.files.errors import TranslationError
from cyclegan_keras.translation.tiling.rules import PictureNorm, Region, Size
from cyclegan_keras.translation.tiling.scratch import ScratchMap
from cyclegan_keras.translation.tiling.steps import Step, steps_of

# How many copies of the largest feature map are in memory while a network is run at once: as it is,
# padded, without its mean, squared. Measured by benchmarks/tiling.py.
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
            TranslationError: the disk has no space for the maps between stages.
        """
        run = _Run(steps_of(self._network), images[0], self.tile_size)
        return run.result()[None]


def bytes_per_pixel(network: keras.Model) -> float:
    """Returns about how much memory a pixel takes while `network` is run at once.

    Raises:
        TranslationError: a network that cannot be run in tiles either.
    """
    side = 16 * network.size_multiple
    steps = steps_of(network)
    sizes = _sizes(steps, (side, side))
    numbers = [math.prod(sizes[step]) * step.channels for step in steps if step.is_stage]
    return 4.0 * COPIES * float(max(numbers)) / side**2


def _sizes(steps: Sequence[Step], size: Size) -> dict[Step, Size]:
    """Height and width of the result of each step, for a picture of `size`."""
    sizes: dict[Step, Size] = {}
    for step in steps:
        if step.rule is None:
            sizes[step] = size
            continue
        height, width = sizes[step.inputs[0]]
        sizes[step] = step.rule.output_length(height, 0), step.rule.output_length(width, 1)
    return sizes


class _Run:
    """One picture and its feature maps in a network.

    Attributes:
        stages: the steps whose results are kept until no later one needs them.
        maps: their results.
    """

    def __init__(self, steps: list[Step], image: np.ndarray, tile_size: int):
        self.image = image
        self.tile_size = tile_size
        self.steps = steps
        self.last = steps[-1]
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
                for region in self.tiles(self.last):
                    rows, columns = region
                    tile = self.compute(self.last, region)
                    output[slice(*rows), slice(*columns)] = tile[0]
                    bar.update()
        finally:
            self.forget(set(self.maps))
        return output

    def run_stage(self, step: Step, bar: tqdm) -> None:
        """Keeps the whole result of `step`, and gives its statistics to the norms after it."""
        height, width = self.sizes[step]
        self.maps[step] = ScratchMap(height, width, step.channels)
        norms = [
            later.rule
            for later in self.steps
            if isinstance(later.rule, PictureNorm) and step in later.inputs
        ]
        moments = _Moments()
        for region in self.tiles(step):
            tile = tf.cast(self.compute(step, region), tf.float32)
            if norms:
                moments.add(tile)
            self.maps[step].write(region, tile[0].numpy())
            bar.update()
        for norm in norms:
            norm.mean = moments.mean.astype(np.float32)
            norm.variance = moments.variance.astype(np.float32)

    def compute(self, step: Step, region: Region) -> tf.Tensor:
        """Returns a region of the result of `step`, (1, rows, columns, channels)."""
        height, width = self.sizes[step.inputs[0]]
        rows, columns = region
        input_region = (
            step.rule.input_span(rows, height, 0),
            step.rule.input_span(columns, width, 1),
        )
        return step.rule.apply(
            [self.read(source, input_region) for source in step.inputs],
            input_region=input_region,
            region=region,
            input_size=(height, width),
        )

    def read(self, step: Step, region: Region) -> tf.Tensor:
        """Returns the same from the map that is kept, or computes it."""
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
            spans.append([(start, min(start + side, length)) for start in range(0, length, side)])
        return ((rows, columns) for rows in spans[0] for columns in spans[1])

    def still_needed(self, number: int) -> set[Step]:
        """Returns the stages that those from `number` on, or the last step, take as inputs."""
        found: set[Step] = set()
        unvisited = [*self.stages[number:], self.last]
        while unvisited:
            for source in unvisited.pop().inputs:
                if source.is_stage:
                    found.add(source)
                else:
                    unvisited.append(source)
        return found

    def forget(self, steps: set[Step]) -> None:
        """Frees the disk of what no later step needs."""
        for step in steps:
            self.maps.pop(step).close()

    def check_space(self) -> None:
        """Raises TranslationError where the temporary folder is too small for the maps."""
        needed = 0
        for number, step in enumerate(self.stages):
            kept = self.still_needed(number) & set(self.stages[:number])
            kept.add(step)
            bytes_kept = sum(4 * each.channels * math.prod(self.sizes[each]) for each in kept)
            needed = max(needed, bytes_kept)
        folder = tempfile.gettempdir()
        free = shutil.disk_usage(folder).free
        if needed > free:
            raise TranslationError(
                f"Tiles of this picture need {needed / 1e9:.1f} GB in {folder}, where "
                f"{free / 1e9:.1f} GB are free. Free some space or name another folder by TMPDIR."
            )


class _Moments:
    """Mean and variance per channel over many tiles, merged in float64 (Chan et al., 1979).

    Attributes:
        count: pixels added so far.
        mean: float64 (channels,).
    """

    def __init__(self):
        self.count = 0
        self.mean = np.float64(0)
        self._squares = np.float64(0)  # the sum of squared differences from the mean

    @property
    def variance(self) -> np.ndarray:
        """float64 (channels,)."""
        return self._squares / self.count

    def add(self, tile: tf.Tensor) -> None:
        """Adds float32 (1, rows, columns, channels)."""
        count = int(tile.shape[1]) * int(tile.shape[2])
        tile_mean = _mean(tile)
        tile_variance = _mean(tf.square(tile - tile_mean)).numpy().astype(np.float64)
        total = self.count + count
        difference = tile_mean.numpy().astype(np.float64) - self.mean
        self.mean = self.mean + difference * (count / total)
        self._squares = self._squares + count * (
            tile_variance + difference**2 * (self.count / total)
        )
        self.count = total


def _mean(tile: tf.Tensor) -> tf.Tensor:
    """Mean per channel; rows first, as float32 loses digits in long sums."""
    return tf.reduce_mean(tf.reduce_mean(tile[0], axis=1), axis=0)
