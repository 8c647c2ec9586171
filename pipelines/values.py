"""Finds which numbers of a domain's pictures a network sees as -1 and 1."""

import dataclasses
from collections.abc import Iterable, Sequence

import numpy as np
from absl import logging
from tqdm import tqdm

from cyclegan_keras.files.errors import DataError, PictureError
from cyclegan_keras.images.form import Form
from cyclegan_keras.images.header import Header
from cyclegan_keras.images.values import DTYPES, EIGHT_BIT, Values, whole_range
from pipelines.outage import Patience
from pipelines.readable import PROGRESS_AFTER_SECONDS, ReadablePictures
from pipelines.value_range import parse

SAMPLED = 10_000  # numbers of each picture from which percentiles of 32 bits are taken
LEVELS = 2**16  # of a type of 16 bits, each of which is counted


def common_dtype(headers: Iterable[Header]) -> str:
    """Returns the type that holds the numbers of all pictures, one of `DTYPES`."""
    found = {header.dtype for header in headers}
    if len(found) == 1:
        return found.pop()
    if found <= {"uint8", "uint16"}:
        return "uint16"
    name = np.result_type(*found).name
    return name if name in DTYPES else "float32"


def common_channels(headers: Sequence[Header]) -> int:
    """Returns how many channels a network should see of pictures with these headers.

    Ordinary pictures of 8 bits are RGB, also where all happen to be gray. Of deeper ones as many
    channels are taken as most of them have, but RGB where some are RGB and others gray.
    """
    counts = [header.channels for header in headers]
    kinds = set(counts)
    if kinds <= {1, 3}:
        return 1 if kinds == {1} and common_dtype(headers) != "uint8" else 3
    return max(sorted(kinds), key=counts.count)


def find_values(
    pictures: ReadablePictures,
    text: str,
    *,
    channels: int,
    title: str,
    patience: Patience | None = None,
) -> Values:
    """Returns which numbers a network sees as -1 and 1, and logs what was found.

    Args:
        pictures: the training pictures of a domain; all of them are decoded once where the range
            depends on them.
        text: one side of `--value_range`; auto means data for all types but uint8.
        channels: as many as a network sees.
        title: what the domain is called in messages.
        patience: with files that cannot be read for a while.

    Raises:
        DataError: there is no such range.
    """
    patience = patience or Patience()
    dtype = common_dtype(pictures.headers)
    asked = parse(text)
    kind = asked.kind
    if kind == "auto":
        kind = "dtype" if dtype == "uint8" else "data"
    if kind == "numbers":
        return Values(dtype=dtype, low=asked.low, high=asked.high)
    if kind == "dtype" and dtype == "uint8":
        return EIGHT_BIT
    if kind == "dtype" and dtype == "float32":
        raise DataError(
            f"--value_range=dtype: the pictures of {title} hold floating-point numbers, which have "
            "no range of their own. Use data, or two numbers such as 0,1."
        )
    if kind == "dtype":
        return whole_range(dtype)

    found = _Extremes() if kind == "data" else _Percentiles(dtype)
    form = Form(channels=channels, values=Values(dtype=dtype))

    def look_at(index: int) -> _Statistics | None:
        try:
            name = pictures.names[index]
            picture = patience.read(name, lambda: pictures.picture(index, channels))
            return found.of(form.numbers(picture))
        except PictureError:
            return None  # training names it, and takes another in its place

    count = len(pictures)
    with patience.threads() as pool:
        looking = pool.map(look_at, range(count))
        for statistics in tqdm(
            looking,
            f"Values of {title}",
            count,
            delay=PROGRESS_AFTER_SECONDS,
            leave=False,
            disable=None,  # a bar is for terminals
        ):
            if statistics is not None:
                found.add(statistics)
    if not found.count:
        raise DataError(f"None of the {count} pictures of {title} can be read: replace them.")
    low, high = found.range(asked.low, asked.high)
    if not low < high:
        raise DataError(
            f"All pixels in the training pictures of {title} have the value {low:g}: give the "
            "range by --value_range=LOW,HIGH."
        )
    values = Values(dtype=dtype, low=low, high=high)
    possible = "" if dtype == "float32" else f" of {whole_range(dtype).words}"
    logging.info(
        "%s holds %s values %s%s: trained on %s (--value_range=%s).",
        title,
        dtype,
        found.words,
        possible,
        values.words,
        text if asked.kind != "auto" else "data",
    )
    return values


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Statistics:
    """What is kept of the numbers of one picture.

    Attributes:
        low: the least.
        high: the greatest.
        counts: how often each level of a type of up to 16 bits occurs; None for other types.
        sample: some of the numbers of other types; None for those of up to 16 bits.
    """

    low: float
    high: float
    counts: np.ndarray | None = None
    sample: np.ndarray | None = None


class _Extremes:
    """The least and the greatest of many numbers."""

    def __init__(self):
        self.count = 0
        self._low = np.inf
        self._high = -np.inf

    def of(self, numbers: np.ndarray) -> _Statistics:
        """Returns what is to be known of one picture; safe to call from threads."""
        return _Statistics(low=float(numbers.min()), high=float(numbers.max()))

    def add(self, statistics: _Statistics) -> None:
        self.count += 1
        self._low = min(self._low, statistics.low)
        self._high = max(self._high, statistics.high)

    def range(self, low: float, high: float) -> tuple[float, float]:
        return self._low, self._high

    @property
    def words(self) -> str:
        return f"{self._low:g} to {self._high:g}"


class _Percentiles(_Extremes):
    """Percentiles of many numbers: exact for types of up to 16 bits, of a sample for 32 bits."""

    def __init__(self, dtype: str):
        super().__init__()
        self._first = None if dtype in ("int32", "float32") else int(whole_range(dtype).low)
        self._counts = np.zeros(LEVELS, np.int64)
        self._sample: list[np.ndarray] = []

    def of(self, numbers: np.ndarray) -> _Statistics:
        low, high = float(numbers.min()), float(numbers.max())
        if self._first is not None:
            levels = numbers.ravel().astype(np.int64) - self._first
            return _Statistics(low=low, high=high, counts=np.bincount(levels, minlength=LEVELS))
        count = min(SAMPLED, numbers.size)
        chosen = np.linspace(0, numbers.size - 1, count).astype(np.int64)
        return _Statistics(low=low, high=high, sample=numbers.ravel()[chosen])

    def add(self, statistics: _Statistics) -> None:
        super().add(statistics)
        if statistics.counts is not None:
            self._counts += statistics.counts
        if statistics.sample is not None:
            self._sample.append(statistics.sample)

    def range(self, low: float, high: float) -> tuple[float, float]:
        if self._first is None:
            sample = np.concatenate(self._sample)
            return float(np.percentile(sample, low)), float(np.percentile(sample, high))
        cumulated = np.cumsum(self._counts)
        below = [np.searchsorted(cumulated, share / 100 * cumulated[-1]) for share in (low, high)]
        first, last = np.flatnonzero(self._counts)[[0, -1]]
        found = [float(np.clip(level, first, last)) + self._first for level in below]
        return found[0], found[1]
