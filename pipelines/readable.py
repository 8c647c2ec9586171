"""Which pictures can be used, found out before training starts.

Every picture of a source is looked at: its header is read, or all of it is decoded. Those that
cannot be read are left out, named in one warning, and take their partners with them where they are
half of a pair.
"""

import itertools
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from absl import logging
from tqdm import tqdm

from cyclegan_keras.files.direction import Direction
from cyclegan_keras.files.errors import (
    DataError,
    LostPicturesError,
    OutageError,
    PictureError,
    first_few,
)
from cyclegan_keras.images.header import Header
from cyclegan_keras.images.picture import Picture
from pipelines.options import DataOptions
from pipelines.outage import Patience, has_folder
from pipelines.preprocess import Size
from pipelines.sources import pair_list
from pipelines.sources.base import Pictures, Source

PROGRESS_AFTER_SECONDS = 1.0
Result = TypeVar("Result")


class ReadablePictures(Pictures):
    """Those of some pictures that can be read, as far as is known.

    Attributes:
        indices: where each picture is in the whole set.
        headers: what is known of each before it is decoded.
        sizes: (width, height) of each in px.
        skipped: names of those that cannot be read; grows where only decoding shows the damage.
        replaced: names of those among them that gave their places to other pictures.

    Args:
        pictures: the whole set.
        indices: of those that can be read.
        headers: of those that can be read.
        skipped: names of the others.
        replaced: a list to share with other selections of the whole set; a new one unless given.
    """

    def __init__(
        self,
        pictures: Pictures,
        indices: Sequence[int],
        headers: Sequence[Header],
        skipped: list[str],
        replaced: list[str] | None = None,
    ):
        self.indices = tuple(indices)
        self.names = tuple(pictures.names[index] for index in indices)
        self.headers = tuple(headers)
        self.sizes = tuple((header.width, header.height) for header in headers)
        self.skipped = skipped
        self.replaced = [] if replaced is None else replaced
        self._pictures = pictures
        self._lock = threading.Lock()

    def picture(self, index: int, channels: int | None = None) -> Picture:
        return self._pictures.picture(self.indices[index], channels)

    def header(self, index: int, channels: int | None = None) -> Header:
        return self.headers[index]

    def key(self, index: int) -> str:
        return self._pictures.key(self.indices[index])

    def content(self, index: int) -> str:
        return self._pictures.content(self.indices[index])

    def bytes_of(self, index: int) -> bytes | None:
        return self._pictures.bytes_of(self.indices[index])

    def header_with(self, index: int, channels: int) -> Header | None:
        """Reads a header anew for so many channels; None where it cannot be read."""
        try:
            return self._pictures.header(self.indices[index], channels)
        except PictureError:
            return None

    def with_headers(self, headers: Mapping[int, Header]) -> "ReadablePictures":
        """Returns those pictures whose index here is among `headers`, with these headers."""
        return ReadablePictures(
            self._pictures,
            indices=[self.indices[index] for index in headers],
            headers=list(headers.values()),
            skipped=self.skipped,
            replaced=self.replaced,
        )

    def only(self, indices: set[int]) -> "ReadablePictures":
        """Returns those pictures whose index in the whole set is among `indices`."""
        kept = [i for i, index in enumerate(self.indices) if index in indices]
        return self.with_headers({i: self.headers[i] for i in kept})

    def substitute(
        self, index: int, read: Callable[[int], Result], *, refuse: bool = False
    ) -> Result:
        """Returns `read(index)`, or that of the next index that can be read.

        Some damage shows only when a picture is decoded. The next picture then takes its place,
        always the same one, and the damaged one is named in one warning.

        Args:
            index: of the picture.
            read: reads the picture of an index; where it is damaged, it raises PictureError.
            refuse: whether damage is an error.

        Raises:
            LostPicturesError: `refuse` is set and the picture is damaged.
            DataError: none can be read.
        """
        reason = None
        for candidate in itertools.chain(range(index, len(self)), range(index)):
            try:
                return read(candidate)
            except PictureError as error:
                reason = error
                if refuse:
                    raise LostPicturesError(
                        f"{self.names[candidate]} could be used before, but {error}: replace it."
                    ) from error
                self._report(candidate, error)
        raise DataError(
            f"None of the {len(self)} pictures such as {self.names[0]} can be used ({reason}): "
            "replace them."
        )

    def _report(self, index: int, error: PictureError) -> None:
        name = self.names[index]
        with self._lock:
            if name in self.skipped:
                return
            self.skipped.append(name)
            self.replaced.append(name)
        logging.warning("%s cannot be used (%s); another picture takes its place.", name, error)


class Domains(NamedTuple):
    """Readable pictures of domain A and of domain B."""

    a: ReadablePictures
    b: ReadablePictures


def training_pictures(source: Source, options: DataOptions, *, paired: bool) -> Domains:
    """Returns the training pictures that can be read.

    Args:
        source: where they come from.
        options: how many to use, and what to do with unreadable ones.
        paired: whether only pairs are kept, both sides of which can be read.

    Raises:
        DataError: they cannot be used.
    """
    refuse = options.on_bad_image == "error"
    channels_a, channels_b = typed_channels(options)
    found = Domains(
        a=find_readable(
            source.train_a,
            "trainA",
            refuse=refuse,
            decode=refuse,
            most=options.max_dataset_size,
            channels=channels_a,
        ),
        b=find_readable(
            source.train_b,
            "trainB",
            refuse=refuse,
            decode=refuse,
            most=options.max_dataset_size,
            channels=channels_b,
        ),
    )
    if not source.paired_train:
        return found
    pairs = whole_pairs(found)
    check_pair_sizes(pairs, "training pairs")
    return pairs if paired else found


def test_pictures(source: Source, options: DataOptions) -> Domains:
    """Returns the test pictures that can be read; of pairs, those with both sides readable.

    Raises:
        DataError: they cannot be used.
    """
    refuse = options.on_bad_image == "error"
    decode = refuse or source.paired_test  # a header does not show whether both sides are whole
    channels_a, channels_b = typed_channels(options)
    found = Domains(
        a=find_readable(source.test_a, "testA", refuse=refuse, decode=decode, channels=channels_a),
        b=find_readable(source.test_b, "testB", refuse=refuse, decode=decode, channels=channels_b),
    )
    if not source.paired_test:
        return found
    pairs = whole_pairs(found)
    check_pair_sizes(pairs, "test pairs")
    return pairs


def listed_pairs(options: DataOptions) -> Domains:
    """Returns the pairs that `--pairs` lists and that can be read.

    Raises:
        DataError: they cannot be used.
    """
    refuse = options.on_bad_image == "error"
    pictures_a, pictures_b = pair_list.load(options.pairs, options.reader_version)
    channels_a, channels_b = typed_channels(options)
    pairs = whole_pairs(
        Domains(
            a=find_readable(
                pictures_a,
                f"A in {options.pairs}",
                refuse=refuse,
                decode=True,
                channels=channels_a,
            ),
            b=find_readable(
                pictures_b,
                f"B in {options.pairs}",
                refuse=refuse,
                decode=True,
                channels=channels_b,
            ),
        )
    )
    check_pair_sizes(pairs, f"pairs of {options.pairs}")
    return pairs


def typed_channels(options: DataOptions) -> tuple[int | None, int | None]:
    """Returns the channels of A and of B that the options name; None where they do not."""
    channels = (options.input_nc, options.output_nc)
    return channels if options.direction == Direction.A_TO_B else channels[::-1]


def find_readable(
    pictures: Pictures,
    title: str,
    *,
    refuse: bool,
    decode: bool = False,
    most: int | None = None,
    channels: int | None = None,
) -> ReadablePictures:
    """Looks at pictures and leaves out the unreadable ones, with one warning that names them.

    Args:
        pictures: what to look at.
        title: what they are called in messages.
        refuse: whether an unreadable picture is an error.
        decode: whether to decode each picture, instead of reading its header alone.
        most: look at the first so many only; None means all.
        channels: how many are asked for; None where that follows from the pictures.

    Raises:
        DataError: `refuse` is set and a picture is unreadable, or none is readable.
        LostPicturesError: the folder of a picture has gone meanwhile.
    """
    count = len(pictures)
    if most is not None:
        count = min(most, count)

    patience = Patience()

    def header_of(index: int) -> Header:
        if not decode:
            return pictures.header(index, channels)
        pixels = pictures.picture(index, channels).pixels
        height, width, own_channels = pixels.shape
        return Header(width=width, height=height, channels=own_channels, dtype=pixels.dtype.name)

    def header_or_error(index: int) -> Header | PictureError:
        try:
            return header_of(index)
        except OutageError as error:
            if has_folder(error.filename):
                return error
        except PictureError as error:
            return error
        # Not this file, but all of its drive has gone.
        try:
            return patience.read(pictures.names[index], lambda: header_of(index))
        except PictureError as error:
            return error
        except LostPicturesError as error:
            patience.end(error)
            raise

    with patience.threads() as pool:
        looking = pool.map(header_or_error, range(count))
        found = list(
            tqdm(
                looking,
                f"Checking {title}",
                count,
                delay=PROGRESS_AFTER_SECONDS,
                leave=False,
                disable=None,  # a bar is for terminals
            )
        )

    headers = {}
    errors = {}
    for index, header in enumerate(found):
        if isinstance(header, PictureError):
            errors[pictures.names[index]] = header
        else:
            headers[index] = header
    if errors:
        named = [f"{name} ({error})" for name, error in errors.items()]
        message = f"{len(errors)} of {count} pictures of {title} cannot be read: "
        message += f"{first_few(named)}."
        if not headers:
            raise DataError(f"{message} None is left: replace them.")
        if refuse:
            raise DataError(f"{message} Replace them, or leave them out by --on_bad_image=skip.")
        logging.warning("%s They are skipped.", message)
    return ReadablePictures(
        pictures, indices=list(headers), headers=list(headers.values()), skipped=list(errors)
    )


def fitting_channels(
    domains: Domains, channels: Mapping[str, int], split: str, *, refuse: bool, paired: bool
) -> Domains:
    """Leaves out pictures whose channels cannot become those of their domain, with a warning.

    Args:
        domains: what to look at.
        channels: {"A", "B"}: how many each domain has.
        split: what both are called in messages, such as "train".
        refuse: whether such a picture is an error.
        paired: whether its partner is left out too.

    Raises:
        DataError: `refuse` is set and there is such a picture, or none is left.
    """
    fitting = Domains(
        a=_with_channels(domains.a, channels["A"], f"{split}A", refuse=refuse),
        b=_with_channels(domains.b, channels["B"], f"{split}B", refuse=refuse),
    )
    return whole_pairs(fitting) if paired else fitting


def _with_channels(
    pictures: ReadablePictures, channels: int, title: str, *, refuse: bool
) -> ReadablePictures:
    other = []
    fitting = {}
    for index, header in enumerate(pictures.headers):
        if not _fits(header, channels):
            header = pictures.header_with(index, channels)  # pages may be read in two ways
        if header is not None and _fits(header, channels):
            fitting[index] = header
        else:
            other.append(f"{pictures.names[index]} ({pictures.headers[index].channels})")
    chosen = pictures.with_headers(fitting)
    if not other:
        return chosen
    message = (
        f"{len(other)} of {len(pictures)} pictures of {title} have other channels than the "
        f"{channels} that are trained: {first_few(other)}."
    )
    if refuse or not fitting:
        raise DataError(
            f"{message} Give their number by --input_nc (of x) or --output_nc (of y), or leave "
            "these pictures out."
        )
    logging.warning("%s They are skipped.", message)
    pictures.skipped.extend(name.rpartition(" (")[0] for name in other)
    return chosen


def _fits(header: Header, channels: int) -> bool:
    """Whether a picture with this header can have so many channels."""
    if header.channels == channels or {header.channels, channels} == {1, 3}:
        return True
    # Transparency, which a header does not count, may be the last channel.
    may_have_alpha = channels in (2, 4) and header.dtype in ("uint8", "uint16")
    return may_have_alpha and header.channels == channels - 1


def whole_pairs(pairs: Domains) -> Domains:
    """Returns the pairs of which both sides can be read.

    Raises:
        DataError: no pair is left.
    """
    readable_in_both = set(pairs.a.indices) & set(pairs.b.indices)
    if not readable_in_both:
        raise DataError(
            f"In every pair, such as {pairs.a.names[0]} and its partner, at least one side cannot "
            "be read: replace them."
        )
    return Domains(a=pairs.a.only(readable_in_both), b=pairs.b.only(readable_in_both))


def check_pair_sizes(pairs: Domains, title: str) -> None:
    """Raises DataError where the two sides of a pair differ in size, naming the first ones.

    Args:
        pairs: both sides, in one order.
        title: what they are called in the message.
    """
    unequal = unequal_sizes(pairs.a.names, pairs.a.sizes, pairs.b.sizes)
    if unequal:
        raise DataError(
            f"{len(unequal)} of {len(pairs.a)} {title} have sides of different sizes: "
            f"{first_few(unequal)}. A pixel must show the same place on both sides: "
            "cut or scale both to one size (a picture with A and B side by side needs an even "
            "width)."
        )


def unequal_sizes(
    names: Sequence[str], sizes_a: Sequence[Size], sizes_b: Sequence[Size]
) -> list[str]:
    """Returns name and sizes of every pair whose sides differ in size.

    Example:
        >>> unequal_sizes(["1.png", "2.png"], [(6, 4), (6, 4)], [(6, 4), (6, 5)])
        ['2.png (6x4 and 6x5)']
    """
    unequal = []
    for name, a, b in zip(names, sizes_a, sizes_b, strict=True):
        if a != b:
            unequal.append(f"{name} ({a[0]}x{a[1]} and {b[0]}x{b[1]})")
    return unequal
