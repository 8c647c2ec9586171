"""Everything a command asks of the data: batches, samples, counts and one line to log."""

import dataclasses
import functools
import pathlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from absl import logging

from cyclegan_keras.files.direction import Direction
from cyclegan_keras.files.errors import DataError, first_few
from cyclegan_keras.images.channels import counted
from cyclegan_keras.images.form import Form
from cyclegan_keras.images.pixels import to_float
from cyclegan_keras.images.values import EIGHT_BIT, Values
from pipelines import images, order, readable, training_samples, values
from pipelines.augmentation import Augmentation
from pipelines.cache import CACHES, MEGABYTE, NoCache
from pipelines.loading import Loader, PairLoader
from pipelines.options import DataOptions, check_options, of_domains, with_sizes
from pipelines.outage import Patience
from pipelines.preprocess import MULTIPLE, PREPROCESSING, Size, scaled_size, viewing_size
from pipelines.sources import datasets
from pipelines.sources.base import Source

if TYPE_CHECKING:
    import tensorflow as tf

Part = tuple[int, int]
Batches = Iterable[Mapping[str, Any]]


def open_source(options: DataOptions, *, paired: bool) -> Source:
    """Opens the data set that the options name; no picture is read yet.

    Args:
        options: what the user chose.
        paired: whether training needs pairs.

    Raises:
        DataError: the options or the data set cannot be used.
    """
    check_options(options, paired=paired)
    return datasets.find(
        options.dataset,
        options.data_dir,
        paired=paired,
        reader_version=options.reader_version,
    )


class Data:
    """Two domains of pictures, checked and ready to train on.

    Attributes:
        name: the data set, as in `--dataset`.
        source: the `Source` behind it; its A and B are as on disk, whatever the direction.
        options: the options, with `load_size`, `crop_size`, `input_nc` and `output_nc` filled in.
        paired: whether x and y of a training sample show the same scene.
        forms: {"x", "y"}: the form of the pictures of each side.
        shapes: {"x", "y"}: (height, width, channels) of every training picture; height and width
            are None where they vary.
        sizes: every (width, height) in px that a picture is trained or viewed at.
        steps_per_epoch: batches in an epoch, whole ones.
        has_test: whether there are test pictures of both domains.
        paired_test: whether test x and test y of one index show the same scene.
        patience: what happens where files cannot be read any more.

    Args:
        options: what the user chose; sizes and channels may still be None.
        seed: any whole number; together with a step it fixes order and augmentation.
        paired: whether training needs pairs; without, a set of pairs is two sets of pictures.
        known_values: {"A", "B"}: what the numbers in pictures mean, where a run or a model knows it
            already; otherwise `value_range` says how it is found.
        source: what `open_source` returned for these options, where it has been called.
        backend: of Keras. "tensorflow" gets its batches from tf.data, "jax" from Grain, without
            TensorFlow; they are the same to the bit.

    Raises:
        DataError: the options or the pictures cannot be used.
    """

    def __init__(
        self,
        options: DataOptions,
        *,
        seed: int,
        paired: bool = False,
        known_values: Mapping[str, Values] | None = None,
        source: Source | None = None,
        backend: str = "tensorflow",
    ):
        self.patience = Patience()
        self.source = source or open_source(options, paired=paired)
        self.name = self.source.name
        self.options = with_sizes(options, self.source.crop_size)
        self.paired = paired
        self.has_test = bool(self.source.test_a and self.source.test_b)
        self.paired_test = self.source.paired_test and self.has_test
        self._seed = seed
        self._backend = backend
        crops = PREPROCESSING[options.preprocess].crops
        self._crop_size = self.options.crop_size if crops else None

        # ---- which pictures can be read ----
        train = readable.training_pictures(self.source, options, paired=paired)
        test = readable.test_pictures(self.source, options) if self.has_test else train
        pairs = readable.listed_pairs(options) if options.pairs else None

        # ---- which of them have the channels of their domain ----
        channels = self._channels(train)
        refuse = options.on_bad_image == "error"
        train = readable.fitting_channels(train, channels, "train", refuse=refuse, paired=paired)
        if self.has_test:
            test = readable.fitting_channels(
                test, channels, "test", refuse=refuse, paired=self.paired_test
            )
        else:
            test = train
        if pairs is not None:
            pairs = readable.fitting_channels(pairs, channels, "pairs", refuse=refuse, paired=True)

        # ---- what their numbers mean ----
        self.values = self._find_values(train, channels, known_values)
        self.forms = {}
        for side in ("x", "y"):
            domain = self._domain_of(side)
            self.forms[side] = Form(channels=channels[domain], values=self.values[domain])
        self.options = dataclasses.replace(
            self.options,
            input_nc=self.forms["x"].channels,
            output_nc=self.forms["y"].channels,
        )

        # ---- how they are read, by side: {"x": Loader, "y": Loader} ----
        cache = CACHES[options.cache](self.options)
        self._train = self._loaders(train, cache, self._scaled_size)
        self._test = self._loaders(test, cache, self._viewing_size, self._crop_size)
        self._pairs = self._loaders(pairs, cache, self._scaled_size)

        # ---- the sizes they come in ----
        self._check_sizes()
        sizes_x = self._training_sizes("x")
        sizes_y = self._training_sizes("y")
        self._check_batch_size(most_sizes=max(len(sizes_x), len(sizes_y)))
        training_sizes = sizes_x | sizes_y
        self.sizes = frozenset(training_sizes | self._test_sizes())
        self._picture_size = None
        if len(training_sizes) == 1:
            ((width, height),) = training_sizes
            self._picture_size = (height, width)
        height_and_width = self._picture_size or (None, None)
        self.shapes = {
            side: (*height_and_width, form.channels) for side, form in self.forms.items()
        }
        self.steps_per_epoch = order.steps_per_epoch(
            len(self._train["x"]), len(self._train["y"]), options.batch_size
        )

    @property
    def skipped(self) -> tuple[str, ...]:
        """Names of the pictures that could not be read, as far as known by now."""
        names = [name for loader in self._all_loaders() for name in loader.pictures.skipped]
        return tuple(dict.fromkeys(names))

    def left_out(self) -> str:
        """Returns a line that sums up which pictures could not be used; "" where all could."""
        if not self.skipped:
            return ""
        line = f"Left out, since they cannot be used: {len(self.skipped)} pictures"
        line += f" ({first_few(self.skipped)})"
        replaced = [name for loader in self._all_loaders() for name in loader.pictures.replaced]
        replaced = list(dict.fromkeys(replaced))
        if replaced:
            line += f"; in the places of {len(replaced)} of them ({first_few(replaced)}) stood "
            line += "their neighbors"
        return f"{line}."

    def train(
        self, start_step: int, stop_step: int, part: Part = (0, 1), size: int | None = None
    ) -> Batches:
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
            Finite, a `tf.data.Dataset` or a `grain.IterDataset`; {"x", "y"} of float32 (size,
            height, width, channels) in [-1, 1]; with `--pairs` also "paired", float32 (size,): 1
            where x and y are a pair, 0 where not.
        """
        batch_size = self.options.batch_size
        number, parts = part
        numbers = order.Numbers(
            batch_size=batch_size,
            start_step=start_step,
            stop_step=stop_step,
            part=number,
            parts=parts,
        )
        return self._feeder().training(self._samples, numbers, size or batch_size // parts)

    def crops(self, side: str, numbers: Sequence[int]) -> "tf.data.Dataset":
        """Returns training pictures of one side by number, cropped and mirrored at random.

        A crop follows from the seed, the side and its number alone, whichever others are asked for
        and in whatever order. Where x and y are pairs, crops of one number show the same part of
        one scene. Without a crop, these are whole pictures.

        Args:
            side: "x" or "y".
            numbers: from 0, in the order in which crops are wanted. The first as many as there are
                pictures show each of them once, and so do the next.

        Returns:
            Finite; {"number", "picture"}: int64 and float32 (height, width, channels) in [-1, 1],
            read in parallel while it is iterated. Always of TensorFlow's.
        """
        from pipelines import batches_tensorflow

        all_numbers = np.asarray(numbers, np.int64)
        side_of_numbers = "x" if self.paired else side
        load: Callable[[int], np.ndarray] = self._train[side]
        if self.paired:
            load_pair = PairLoader(self._train["x"], self._train["y"])
            load = load_pair.side(side)
        indices = order.of_crops(
            len(self._train[side]), all_numbers, seed=self._seed, side=side_of_numbers
        )
        return batches_tensorflow.crops(
            load,
            all_numbers,
            indices,
            self._augmentation,
            form=self.forms[side],
            stream=order.CROP_STREAMS[side_of_numbers],
        )

    def test(self) -> Batches:
        """Returns the test pictures in order, without random crop or flip.

        As many as the larger domain has; the other starts over when it ends. Where there are no
        test pictures, these are the training pictures.

        Returns:
            Finite; {"x", "y"} of float32 (1, height, width, channels) in [-1, 1].
        """
        return self._feeder().in_order(self._test["x"], self._test["y"])

    def samples(self, count: int) -> dict[str, np.ndarray]:
        """Returns fixed test pictures to look at, spread evenly through the set.

        Args:
            count: how many of each domain; fewer where the set is smaller.

        Returns:
            {"x", "y"} of float32 (count, height, width, channels) in [-1, 1]. Pictures of several
            sizes are cut to the smallest height and width among them.
        """
        count = min(count, len(self._test["x"]), len(self._test["y"]))
        chosen = {}
        for side, loader in self._test.items():
            spread = np.linspace(0, len(loader) - 1, count).round().astype(int)
            chosen[side] = [loader(index) for index in spread]
        both_sides = chosen["x"] + chosen["y"]
        height = min(image.shape[0] for image in both_sides)
        width = min(image.shape[1] for image in both_sides)
        samples = {}
        for side, pictures in chosen.items():
            cropped = [images.center_crop(image, height, width) for image in pictures]
            samples[side] = to_float(np.stack(cropped))
        return samples

    def unaugmented(self, split: str, side: str) -> Loader:
        """Returns pictures as they are looked at and measured, without random crop or flip.

        Args:
            split: "train" or "test"; without test pictures, those are the training pictures.
            side: "x" or "y".

        Returns:
            A function of an index to an array of the side's form, with a length; its
            `pictures.names` says what each picture is called.
        """
        if split == "test":
            return self._test[side]
        pictures = self._train[side].pictures
        return self._loader(side, pictures, NoCache(), self._viewing_size, self._crop_size)

    def facts(self, pairs_file: str | None = None) -> dict[str, Any]:
        """Returns what a model should record of the pictures it was trained on, ready for JSON.

        "domains": what x and y show. "values": what the numbers of A and of B mean. "data": see
        `Source.training_facts`; with `--pairs`, also "pairsA" and "pairsB" of the pairs in use.

        Args:
            pairs_file: what the file of `--pairs` was called, to compare with fingerprints of
                that time, since the name of each pair begins with it.
        """
        x_shows, y_shows = self.source.domains
        if self.options.direction == Direction.B_TO_A:
            x_shows, y_shows = y_shows, x_shows
        data = dict(self.source.training_facts)
        if self._pairs:
            name_now = pathlib.PurePath(self.options.pairs or "").name
            name_then = pathlib.PurePath(pairs_file or name_now).name

            def rename(name: str) -> str:
                return name_then + name.removeprefix(name_now)

            for side, loader in self._pairs.items():
                data[f"pairs{self._domain_of(side)}"] = loader.pictures.facts(rename)
        meanings = {domain: found.to_dict() for domain, found in self.values.items()}
        return {"domains": [x_shows, y_shows], "values": meanings, "data": data}

    def cached_bytes(self) -> int:
        """Returns how much main memory the decoded training pictures will take."""
        if self.options.cache != "memory":
            return 0
        needed = 0
        for side, loader in self._train.items():
            form = self.forms[side]
            bytes_per_pixel = form.channels * np.dtype(form.dtype).itemsize
            for width, height in loader.scaled_sizes():
                needed += bytes_per_pixel * width * height
        return min(self.options.cache_mb * MEGABYTE, needed)

    def describe(self, *, is_one_folder: bool = False) -> str:
        """Returns one line for the log.

        Args:
            is_one_folder: whether x and y are the same pictures, which are then counted once.
        """
        options = self.options
        x_to_y = Direction(options.direction)
        x, y = x_to_y.source, x_to_y.target
        count_x, count_y = len(self._train["x"]), len(self._train["y"])
        if is_one_folder:
            train = f"{count_x} training pictures"
        elif self.paired:
            train = f"x = {x}, y = {y}, {count_x} training pairs"
        else:
            train = f"x = {x} with {count_x}, y = {y} with {count_y} training pictures"
        if self._pairs:
            train += f", 1 of {options.pairs_every} samples one of {len(self._pairs['x'])} pairs"

        if not self.has_test:
            test = "no test pictures (samples are taken from training)"
        elif is_one_folder:
            test = f"{len(self._test['x'])} held out"
        elif self.paired_test:
            test = f"{len(self._test['x'])} test pairs"
        else:
            test = f"{len(self._test['x'])} + {len(self._test['y'])} test pictures"

        sizes = options.preprocess
        if options.preprocess not in ("crop", "none"):
            sizes += f" {options.load_size} px"
        if self._crop_size:
            sizes += f", crop {self._crop_size} px"
        line = f"{self.name}: {train}, {test}; {sizes}"
        for side, form in self.forms.items():
            if form != Form():
                line += f"; {side} of {counted(form.channels)}"
                if not form.values.is_eight_bit:
                    line += f", {form.values.dtype} {form.values.words}"
        if self.skipped:
            line += f"; {len(self.skipped)} unreadable skipped"
        return line

    def _feeder(self):
        """Returns the module that makes batches for the backend."""
        if self._backend == "jax":
            try:
                from pipelines import batches_jax
            except ModuleNotFoundError as error:
                if error.name != "grain":
                    raise
                raise DataError(
                    "KERAS_BACKEND=jax needs Grain, which reads the pictures: "
                    'pip install "cyclegan-keras[jax]".'
                ) from error
            return batches_jax
        from pipelines import batches_tensorflow

        return batches_tensorflow

    @functools.cached_property
    def _augmentation(self) -> Augmentation:
        return Augmentation(
            seed=self._seed,
            crop_size=self._crop_size,
            flip=self.options.flip,
            picture_size=self._picture_size,
            forms=self.forms,
        )

    @functools.cached_property
    def _samples(self) -> training_samples.Samples:
        """The training samples by their numbers."""
        x = self._train["x"]
        y = self._train["y"]
        batch_size = self.options.batch_size
        if self.paired:
            order_of_pairs = order.paired(len(x), seed=self._seed, batch_size=batch_size)
            return training_samples.paired(PairLoader(x, y), order_of_pairs, self._augmentation)
        order_of_both = order.unpaired(len(x), len(y), seed=self._seed, batch_size=batch_size)
        if not self._pairs:
            return training_samples.unpaired(x, y, order_of_both, self._augmentation)
        return training_samples.mixed(
            x,
            y,
            PairLoader(self._pairs["x"], self._pairs["y"]),
            order_of_both,
            self._augmentation,
            pairs_every=self.options.pairs_every,
        )

    def _channels(self, train: readable.Domains) -> dict[str, int]:
        """Returns the channels of A and of B: those asked for, or what follows from pictures."""
        typed_a, typed_b = readable.typed_channels(self.options)
        if self.options.reader_version == 1:  # which reads everything as RGB
            return {"A": typed_a or 3, "B": typed_b or 3}
        return {
            "A": typed_a or values.common_channels(train.a.headers),
            "B": typed_b or values.common_channels(train.b.headers),
        }

    def _find_values(
        self,
        train: readable.Domains,
        channels: Mapping[str, int],
        known: Mapping[str, Values] | None,
    ) -> dict[str, Values]:
        """Returns what the numbers of A and of B mean."""
        if known is not None:
            return dict(known)
        if self.options.reader_version == 1:  # which reads everything as 8 bits
            return {"A": EIGHT_BIT, "B": EIGHT_BIT}
        texts = of_domains("value_range", self.options.value_range)
        return {
            domain: values.find_values(
                pictures,
                texts[domain],
                channels=channels[domain],
                title=f"train{domain}",
                patience=self.patience,
            )
            for domain, pictures in (("A", train.a), ("B", train.b))
        }

    def _domain_of(self, side: str) -> str:
        x_to_y = Direction(self.options.direction)
        return x_to_y.source if side == "x" else x_to_y.target

    def _loaders(
        self,
        domains: readable.Domains | None,
        cache,
        scaled_size: Callable[[Size], Size],
        crop_size: int | None = None,
    ) -> dict[str, Loader]:
        return {
            side: self._loader(side, pictures, cache, scaled_size, crop_size)
            for side, pictures in self._by_side(domains).items()
        }

    def _loader(
        self,
        side: str,
        pictures: readable.ReadablePictures,
        cache,
        scaled_size: Callable[[Size], Size],
        crop_size: int | None,
    ) -> Loader:
        filters = of_domains("resize_filter", self.options.resize_filter)
        return Loader(
            pictures,
            cache,
            scaled_size,
            form=self.forms[side],
            resize_filter=filters[self._domain_of(side)],
            reader_version=self.options.reader_version,
            crop_size=crop_size,
            patience=self.patience,
            refuse=self.options.on_bad_image == "error",
        )

    def _by_side(self, domains: readable.Domains | None) -> dict[str, readable.ReadablePictures]:
        if domains is None:
            return {}
        if self.options.direction == Direction.A_TO_B:
            return {"x": domains.a, "y": domains.b}
        return {"x": domains.b, "y": domains.a}

    def _all_loaders(self) -> list[Loader]:
        return [*self._train.values(), *self._test.values(), *self._pairs.values()]

    def _scaled_size(self, size: Size) -> Size:
        return scaled_size(self.options.preprocess, size, self.options.load_size)

    def _viewing_size(self, size: Size) -> Size:
        options = self.options
        return viewing_size(options.preprocess, size, options.load_size, options.crop_size)

    def _training_sizes(self, side: str) -> set[Size]:
        if self._crop_size:
            return {(self._crop_size, self._crop_size)}
        sizes = set(self._train[side].scaled_sizes())
        if self._pairs:
            sizes |= set(self._pairs[side].scaled_sizes())
        return sizes

    def _test_sizes(self) -> set[Size]:
        if self._crop_size:
            return {(self._crop_size, self._crop_size)}
        return set(self._test["x"].scaled_sizes()) | set(self._test["y"].scaled_sizes())

    def _check_sizes(self) -> None:
        """Warns of pictures that must be resized, and refuses those smaller than the crop."""
        for loader in self._all_loaders():
            if self.options.preprocess == "none":
                self._warn_of_rounding(loader)
            if self._crop_size:
                self._refuse_smaller_than_crop(loader)

    def _warn_of_rounding(self, loader: Loader) -> None:
        resized = 0
        for width, height in loader.pictures.sizes:
            if width % MULTIPLE or height % MULTIPLE:
                resized += 1
        if resized:
            logging.warning(
                "%d of %d pictures have sides that are no multiple of %d px, which the networks "
                "need; they are resized to the nearest.",
                resized,
                len(loader),
                MULTIPLE,
            )

    def _refuse_smaller_than_crop(self, loader: Loader) -> None:
        small = []
        scaled_sizes = loader.scaled_sizes()
        for name, size, scaled in zip(
            loader.pictures.names, loader.pictures.sizes, scaled_sizes, strict=True
        ):
            if min(scaled) < self._crop_size:
                small.append(f"{name} ({size[0]}x{size[1]})")
        if small:
            preprocess = self.options.preprocess
            scaling = "" if preprocess == "crop" else f", scaled by {preprocess},"
            raise DataError(
                f"{len(small)} of {len(loader)} pictures{scaling} are smaller than "
                f"--crop_size={self._crop_size}: {first_few(small)}. Use a smaller --crop_size or "
                "--preprocess=resize_and_crop, or leave them out."
            )

    def _check_batch_size(self, most_sizes: int) -> None:
        """Refuses a batch size of which no batch can be made.

        Args:
            most_sizes: how many sizes of training pictures occur within one domain.
        """
        batch_size = self.options.batch_size
        longer = max(len(self._train["x"]), len(self._train["y"]))
        if batch_size > longer:
            raise DataError(
                f"--batch_size={batch_size} is more than the {longer} pictures of the longer "
                "domain: use a smaller one."
            )
        if batch_size > 1 and most_sizes > 1:
            raise DataError(
                f"--batch_size={batch_size} needs pictures of one size, but {most_sizes} sizes "
                "occur: use --batch_size=1 or a --preprocess that crops."
            )
