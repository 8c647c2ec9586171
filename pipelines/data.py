"""Everything a door asks of the data: batches, samples, counts and one line to log."""

import functools

import numpy as np
import tensorflow as tf

from pipelines import batches, checks, images, mixed, paired, readable, sources, unpaired
from pipelines.cache import CACHES, NoCache
from pipelines.loading import Loader, PairLoader
from pipelines.options import DataOptions
from pipelines.presets import PRESETS, Size, scaled_size, viewing_size

Part = tuple[int, int]


class Data:
    """Two domains of pictures, checked and ready to train on.

    Attributes:
        name: the data set, as in `--dataset`.
        source: the `Source` behind it; its A and B are as on disk, whatever the direction.
        options: the options, with `load_size` and `crop_size` filled in.
        paired: whether x and y of a training sample show the same scene.
        picture_shape: (height, width, 3) of every training picture; None where it varies.
        sizes: every (width, height) in px that a picture is trained or viewed at.
        steps_per_epoch: batches in an epoch, whole ones.
        has_test: whether there are test pictures of both domains.
        paired_test: whether test x and test y of one index show the same scene.

    Args:
        options: what the user chose.
        seed: any whole number; together with a step it fixes order and augmentation.
        paired: whether training needs pairs; without, a set of pairs is two sets of pictures.

    Raises:
        DataError: the options or the pictures cannot be used.
    """

    def __init__(self, options: DataOptions, *, seed: int, paired: bool = False):
        checks.check_options(options)
        checks.check_pair_list(options, paired)
        self.source = sources.find(options.dataset, options.data_dir, paired=paired)
        self.paired = paired
        self.name = self.source.name
        self.options = checks.with_sizes(options, self.source.crop_size)
        self.has_test = bool(self.source.test_a and self.source.test_b)
        self.paired_test = self.source.paired_test and self.has_test
        self._seed = seed
        self._crop_size = self.options.crop_size if PRESETS[options.preprocess].crops else None
        self._train, self._test, self._pairs = self._loaders()
        self.picture_shape, self.sizes = self._checked_sizes()
        self.steps_per_epoch = batches.steps_per_epoch(*self._counts, options.batch_size)

    @property
    def skipped(self) -> tuple[str, ...]:
        """Names of the pictures that could not be read, as far as known by now."""
        names = [name for loader in self._all_loaders() for name in loader.pictures.skipped]
        return tuple(dict.fromkeys(names))

    def train(
        self, start_step: int, stop_step: int, part: Part = (0, 1), size: int | None = None
    ) -> tf.data.Dataset:
        """Returns the batches of the steps from `start_step` up to, not including, `stop_step`.

        Steps count from the beginning of the run, over all epochs. Starting late costs nothing and
        gives, bit for bit, what starting at 0 and passing over gives. Of a part's batches only its
        own pictures are read.

        Args:
            start_step: of the first batch.
            stop_step: of the batch after the last.
            part: which part of every batch to make, from 0, and of how many equal ones.
            size: samples that come together, which divides the part; all of it unless given.

        Returns:
            Finite; {"x", "y"} of float32 (size, height, width, 3) in [-1, 1]. With `--pairs` also
            "paired", float32 (size,): 1 where x and y are a pair, 0 where not.
        """
        x, y = self._train["x"], self._train["y"]
        batch_size = self.options.batch_size
        size = size or batch_size // part[1]
        window = {"start_step": start_step, "stop_step": stop_step, "batch_size": batch_size}
        change = batches.Augmentation(
            seed=self._seed,
            crop_size=self._crop_size,
            flip=self.options.flip,
            picture_shape=self.picture_shape,
        )
        if self.paired:
            indices = paired.order(len(x), seed=self._seed, **window)
            indices = batches.share(indices, batch_size, *part)
            return paired.train(PairLoader(x, y), indices, change, size)
        indices = unpaired.order(*self._counts, seed=self._seed, **window)
        indices = batches.share(indices, batch_size, *part)
        if self._pairs:
            every, load = self.options.pairs_every, PairLoader(**self._pairs)
            return mixed.train(x, y, load, indices, change, size, every)
        return unpaired.train(x, y, indices, change, size)

    def test(self) -> tf.data.Dataset:
        """Returns the test pictures in order, without random crop or flip.

        As many as the longer domain has; the other starts over when it ends. Where there are no
        test pictures, these are the training pictures.

        Returns:
            Finite; {"x", "y"} of float32 (1, height, width, 3) in [-1, 1].
        """
        return unpaired.test(self._test["x"], self._test["y"])

    def samples(self, count: int) -> dict[str, np.ndarray]:
        """Returns fixed test pictures to look at, spread evenly through the set.

        Args:
            count: how many of each domain; fewer where the set is smaller.

        Returns:
            {"x", "y"} of float32 (count, height, width, 3) in [-1, 1]. Pictures of several sizes
            are cut to the smallest height and width among them.
        """
        count = min(count, *map(len, self._test.values()))
        chosen = {
            name: [loader(i) for i in np.linspace(0, len(loader) - 1, count).round().astype(int)]
            for name, loader in self._test.items()
        }
        every = [*chosen["x"], *chosen["y"]]
        height, width = (min(image.shape[axis] for image in every) for axis in (0, 1))
        crop = functools.partial(images.center_crop, height=height, width=width)
        return {k: images.to_float(np.stack([*map(crop, v)])).numpy() for k, v in chosen.items()}

    def look_at(self, split: str, name: str) -> Loader:
        """Returns pictures as they are looked at, without random crop or flip.

        Args:
            split: "train" or "test"; without test pictures, those are the training pictures.
            name: "x" or "y".

        Returns:
            A function of an index to uint8 (height, width, 3), with a length; its
            `pictures.names` tells what each is called.
        """
        if split == "test":
            return self._test[name]
        viewed = functools.partial(_viewed, self.options)
        return Loader(self._train[name].pictures, NoCache(), viewed, self._crop_size)

    def facts(self) -> dict[str, object]:
        """Returns what a model should tell of the pictures it was trained on, ready for JSON.

        "domains": what x and y show; "data": name, counts and fingerprints of the training sets,
        which change with any picture's name or size, but not with the folder they lie in. With
        `--pairs`, "pairsA" and "pairsB" of those in use.
        """
        source = self.source
        x_to_y = 1 if self.options.direction == "AtoB" else -1
        told = {"trainA": source.train_a, "trainB": source.train_b}
        if self._pairs:
            sides = [loader.pictures for loader in self._pairs.values()]
            told |= zip(("pairsA", "pairsB"), sides[::x_to_y], strict=True)
        counts = {k: {"count": len(p), "sha256": p.fingerprint()} for k, p in told.items()}
        return {
            "domains": list(source.domains[::x_to_y]),
            "data": {"name": self.name, **counts},
        }

    def cached_bytes(self) -> int:
        """Returns how much main memory the decoded training pictures will take."""
        sizes = [size for each in self._train.values() for size in each.scaled_sizes()]
        most = self.options.cache_mb * 10**6 if self.options.cache == "memory" else 0
        return min(most, sum(3 * width * height for width, height in sizes))

    def describe(self) -> str:
        """Returns one line for the log."""
        options, (count_x, count_y) = self.options, self._counts
        first, second = ("A", "B") if options.direction == "AtoB" else ("B", "A")
        train = f"x = {first} with {count_x}, y = {second} with {count_y} training pictures"
        if self.paired:
            train = f"x = {first}, y = {second}, {count_x} training pairs"
        if self._pairs:
            count, every = len(self._pairs["x"]), options.pairs_every
            train += f", 1 of {every} samples one of {count} pairs"
        test = f"{len(self._test['x'])} + {len(self._test['y'])} test pictures"
        if self.paired_test:
            test = f"{len(self._test['x'])} test pairs"
        if not self.has_test:
            test = "no test pictures (samples are taken from training)"
        scales = options.preprocess not in ("crop", "none")
        sizes = options.preprocess + (f" {options.load_size} px" if scales else "")
        crop = f", crop {self._crop_size} px" if self._crop_size else ""
        skipped = f"; {len(self.skipped)} unreadable skipped" if self.skipped else ""
        return (
            f"{self.name}: {train}, {test}; {sizes}{crop}; {self.steps_per_epoch} steps an epoch"
            f"{skipped}"
        )

    @property
    def _counts(self) -> tuple[int, int]:
        return len(self._train["x"]), len(self._train["y"])

    def _all_loaders(self) -> list[Loader]:
        return [*self._train.values(), *self._test.values(), *self._pairs.values()]

    def _loaders(self) -> tuple[dict[str, Loader], dict[str, Loader], dict[str, Loader]]:
        options = self.options
        train = readable.train(self.source, options, self.paired)
        test = readable.test(self.source, options) if self.has_test else train
        pairs = readable.pairs(options) if options.pairs else ()

        cache = CACHES[options.cache](options)
        names = "xy" if options.direction == "AtoB" else "yx"
        scaled, viewed = (functools.partial(size, options) for size in (_scaled, _viewed))

        def load(pictures, *how):
            return {k: Loader(p, cache, *how) for k, p in sorted(zip(names, pictures, strict=True))}

        return (
            load(train, scaled),
            load(test, viewed, self._crop_size),
            load(pairs, scaled) if pairs else {},
        )

    def _checked_sizes(self) -> tuple[tuple[int, int, int] | None, frozenset[Size]]:
        for loader in self._all_loaders():
            checks.warn_of_rounding(loader, self.options)
            if self._crop_size:
                checks.check_crop(loader, self.options)
        if self._crop_size:
            sizes = [{(self._crop_size, self._crop_size)}] * 2
            viewed = sizes[0]
        else:
            trained = [self._train, self._pairs] if self._pairs else [self._train]
            sizes = [{s for each in trained for s in each[k].scaled_sizes()} for k in "xy"]
            viewed = {s for each in self._test.values() for s in each.scaled_sizes()}
        checks.check_batch(self.options.batch_size, self._counts, max(map(len, sizes)))
        together = sizes[0] | sizes[1]
        shape = (*next(iter(together))[::-1], 3) if len(together) == 1 else None
        return shape, frozenset(together | viewed)


def _scaled(options: DataOptions, size):
    return scaled_size(options.preprocess, size, options.load_size)


def _viewed(options: DataOptions, size):
    return viewing_size(options.preprocess, size, options.load_size, options.crop_size)
