"""From the number of a training sample to its pictures, decoded and scaled, not yet augmented."""

import dataclasses
from collections.abc import Callable

import numpy as np

from pipelines.augmentation import Augmentation, Draw
from pipelines.loading import PairLoader
from pipelines.order import Order

# index -> an array of a `Form`, (height, width, channels), scaled, not augmented
Load = Callable[[int], np.ndarray]
LoadPair = Callable[[int], tuple[np.ndarray, np.ndarray]]  # index -> both sides, of one size


@dataclasses.dataclass(frozen=True)
class Sample:
    """The pictures of a sample and what is drawn for each.

    Attributes:
        x: (height, width, channels), of its form.
        y: the same of the other side.
        draw_x: how x is augmented.
        draw_y: how y is augmented.
        is_pair: whether x and y show the same scene.
    """

    x: np.ndarray
    y: np.ndarray
    draw_x: Draw
    draw_y: Draw
    is_pair: bool


@dataclasses.dataclass(frozen=True, kw_only=True)
class Samples:
    """All samples of a training, by their numbers.

    Attributes:
        read: number -> `Sample`; safe to call from several threads.
        augmentation: of the pictures.
        tells_pairs: whether batches say which of their samples are pairs.
    """

    read: Callable[[int], Sample]
    augmentation: Augmentation
    tells_pairs: bool = False


def unpaired(load_x: Load, load_y: Load, order: Order, augmentation: Augmentation) -> Samples:
    """Samples of pictures that need not correspond, each augmented on its own.

    Args:
        load_x: reads one picture of x; safe to call from threads, as all that reads is here.
        load_y: reads one picture of y.
        order: what `order.unpaired` returns.
        augmentation: crop and mirroring.
    """

    def read(number: int) -> Sample:
        index_x, index_y = order(number)
        draw_x, draw_y = augmentation.draws(number)
        return Sample(load_x(index_x), load_y(index_y), draw_x, draw_y, is_pair=False)

    return Samples(read=read, augmentation=augmentation)


def paired(load_pair: LoadPair, order: Order, augmentation: Augmentation) -> Samples:
    """Samples of pairs, both sides of which are cropped and mirrored alike.

    Args:
        load_pair: reads both sides of a pair.
        order: what `order.paired` returns.
        augmentation: crop and mirroring.
    """

    def read(number: int) -> Sample:
        (index,) = order(number)
        draw, _ = augmentation.draws(number)
        x, y = load_pair(index)
        return Sample(x, y, draw, draw, is_pair=True)

    return Samples(read=read, augmentation=augmentation)


def mixed(
    load_x: Load,
    load_y: Load,
    load_pair: PairLoader,
    order: Order,
    augmentation: Augmentation,
    *,
    pairs_every: int,
) -> Samples:
    """Unpaired samples of which every so many are replaced by a pair.

    Args:
        load_x: reads one picture of x.
        load_y: reads one picture of y.
        load_pair: reads both sides of a pair, and has a length. Pairs take turns.
        order: what `order.unpaired` returns.
        augmentation: crop and mirroring, the same on both sides of a pair.
        pairs_every: samples 0, `pairs_every`, twice `pairs_every` and so on are pairs.
    """

    def read(number: int) -> Sample:
        draw_x, draw_y = augmentation.draws(number)
        if number % pairs_every == 0:
            x, y = load_pair(number // pairs_every % len(load_pair))
            return Sample(x, y, draw_x, draw_x, is_pair=True)
        index_x, index_y = order(number)
        return Sample(load_x(index_x), load_y(index_y), draw_x, draw_y, is_pair=False)

    return Samples(read=read, augmentation=augmentation, tells_pairs=True)
