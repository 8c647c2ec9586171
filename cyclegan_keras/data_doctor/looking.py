"""Looks at the pictures: at all of them, or at as many as a few seconds allow."""

import collections
import concurrent.futures
import dataclasses
import functools
import hashlib
import os
import time
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import TypeVar

import numpy as np
from tqdm import tqdm

from cyclegan_keras.data_doctor.measures import Measures, measure
from cyclegan_keras.data_doctor.sets import PictureSet, Place
from cyclegan_keras.files.errors import PictureError
from cyclegan_keras.images.header import Header

PROGRESS_AFTER_SECONDS = 1.0
END_BYTES = 4096  # of a file that are read to tell files of one size apart
# What a file that was written to its end has there; other bytes may follow, as those of cameras do.
JPEG_END = b"\xff\xd9"
PNG_END = b"IEND"
SHARE_OF_FILES = 0.5  # of the seconds, for looking at files without decoding them
SHARE_OF_DIGESTS = 0.65  # and until then for comparing files whose sizes and ends are equal
SHARE_OF_PIXELS = 0.8  # and until then for decoding, so that time is left for the conclusions

Task = TypeVar("Task")
Result = TypeVar("Result")


class Budget:
    """When looking has to end.

    Args:
        seconds: from now on; None for as long as it takes.
        stop: is asked between pictures; where it returns True, looking ends.
    """

    def __init__(self, seconds: float | None, stop: Callable[[], bool] = lambda: False):
        self.seconds = seconds
        self.was_stopped = False
        self._begin = time.monotonic()
        self._stop = stop

    def elapsed(self) -> float:
        """Returns the seconds since the beginning."""
        return time.monotonic() - self._begin

    def is_over(self, share: float = 1.0) -> bool:
        """Whether so much of the time has passed, or looking was stopped."""
        if self._stop():
            self.was_stopped = True
        if self.was_stopped:
            return True
        return self.seconds is not None and self.elapsed() > share * self.seconds


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class FileFacts:
    """What a file says without being decoded.

    Attributes:
        header: None where it could not be read.
        size: in bytes; 0 where there is no file.
        end: a digest of its last bytes.
        is_whole: False where its end is missing, as far as its format says.
    """

    header: Header | None
    size: int = 0
    end: bytes = b""
    is_whole: bool = True


@dataclasses.dataclass(frozen=True, kw_only=True)
class Seen:
    """What was seen of all sets.

    Attributes:
        sets: by name.
        headers: of the pictures whose headers were read, or which were decoded.
        measures: of those that were decoded.
        errors: why others cannot be read.
        equal: groups of pictures that are equal, each with its places in order.
    """

    sets: Mapping[str, PictureSet]
    headers: Mapping[Place, Header]
    measures: Mapping[Place, Measures]
    errors: Mapping[Place, str]
    equal: Sequence[tuple[Place, ...]]

    @functools.cached_property
    def _opened(self) -> collections.Counter[str]:
        return collections.Counter(place.set_name for place in {*self.headers, *self.errors})

    @functools.cached_property
    def _tried(self) -> collections.Counter[str]:
        return collections.Counter(place.set_name for place in {*self.measures, *self.errors})

    @functools.cached_property
    def _unreadable(self) -> collections.Counter[str]:
        return collections.Counter(place.set_name for place in self.errors)

    def opened(self, name: str) -> int:
        """Returns how many pictures of a set were opened."""
        return self._opened[name]

    def tried(self, name: str) -> int:
        """Returns how many pictures of a set were decoded, or could not be."""
        return self._tried[name]

    def decoded(self, name: str) -> int:
        """Returns how many pictures of a set were decoded."""
        return self._tried[name] - self._unreadable[name]

    def readable(self, name: str) -> int:
        """Returns how many pictures of a set can be read, as far as is known."""
        return len(self.sets[name]) - self._unreadable[name]


def look_at_all(sets: Sequence[PictureSet], budget: Budget, *, threads: int | None = None) -> Seen:
    """Decodes every picture.

    Args:
        sets: what to look at.
        budget: of which only interruptions count.
        threads: to read in; as many as the machine has processors unless given.
    """
    by_name = {each.name: each for each in sets}
    places = [Place(each.name, index) for each in sets for index in range(len(each))]
    measures, errors = _decode(by_name, places, budget, threads)
    return _seen(by_name, {}, measures, errors, {}, budget)


def look_at_some(
    sets: Sequence[PictureSet], budget: Budget, *, seed: int, threads: int | None = None
) -> Seen:
    """Looks at headers and files of as many pictures as possible, and decodes some.

    Pictures are taken in an order that follows from the seed, the same share of every set at any
    time. Files that end too early are decoded first.

    Args:
        sets: what to look at.
        budget: how many seconds it may take.
        seed: of the order.
        threads: as of `look_at_all`.
    """
    by_name = {each.name: each for each in sets}
    places = _in_random_order(sets, seed)

    # ---- headers, sizes and ends ----
    def facts_of(place: Place) -> FileFacts | PictureError:
        return _file_facts(by_name[place.set_name], place.number)

    found = _in_threads(
        facts_of, places, budget, title="Looking", share=SHARE_OF_FILES, threads=threads
    )
    facts: dict[Place, FileFacts] = {}
    errors: dict[Place, str] = {}
    for place, result in found:
        if isinstance(result, PictureError):
            errors[place] = str(result)
        else:
            facts[place] = result

    # ---- files that may be equal ----
    alike: dict[Hashable, list[Place]] = collections.defaultdict(list)
    for place, fact in facts.items():
        if fact.size:
            alike[fact.size, fact.end].append(place)
    candidates = [place for group in alike.values() if len(group) > 1 for place in group]

    def digest_of(place: Place) -> bytes:
        each = by_name[place.set_name]
        try:
            data = each.all_bytes(place.number)
        except OSError:  # it could be read a moment ago
            return f"{place}".encode()
        return hashlib.blake2b(data + each.half.encode(), digest_size=16).digest()

    digests = dict(
        _in_threads(
            digest_of,
            candidates,
            budget,
            title="Comparing",
            share=SHARE_OF_DIGESTS,
            threads=threads,
        )
    )

    # ---- pixels ----
    rest = [place for place in places if place in facts]
    rest.sort(key=lambda place: facts[place].is_whole)  # a stable sort: the others keep their order
    measures, errors_of_pixels = _decode(by_name, rest, budget, threads)
    headers = {place: fact.header for place, fact in facts.items() if fact.header is not None}
    return _seen(by_name, headers, measures, {**errors, **errors_of_pixels}, digests, budget)


def _decode(
    by_name: Mapping[str, PictureSet],
    places: Sequence[Place],
    budget: Budget,
    threads: int | None,
) -> tuple[dict[Place, Measures], dict[Place, str]]:
    def measures_of(place: Place) -> Measures | PictureError:
        try:
            return measure(by_name[place.set_name].pictures.picture(place.number))
        except PictureError as error:
            return error

    measures: dict[Place, Measures] = {}
    errors: dict[Place, str] = {}
    for place, result in _in_threads(
        measures_of, places, budget, title="Decoding", share=SHARE_OF_PIXELS, threads=threads
    ):
        if isinstance(result, PictureError):
            errors[place] = str(result)
        else:
            measures[place] = result
    return measures, errors


def _seen(
    by_name: Mapping[str, PictureSet],
    headers: Mapping[Place, Header],
    measures: Mapping[Place, Measures],
    errors: Mapping[Place, str],
    digests: Mapping[Place, bytes],
    budget: Budget,
) -> Seen:
    all_headers = dict(headers)
    for place, measured in measures.items():
        all_headers[place] = Header(
            width=measured.width,
            height=measured.height,
            channels=measured.channels,
            dtype=measured.dtype,
        )
    pixels = {place: measured.digest for place, measured in measures.items()}
    return Seen(
        sets=by_name,
        headers=all_headers,
        measures=measures,
        errors=errors,
        equal=_groups(pixels, digests),
    )


def _in_random_order(sets: Sequence[PictureSet], seed: int) -> list[Place]:
    keyed = []
    for number, each in enumerate(sets):
        order = np.random.default_rng((seed, number)).permutation(len(each))
        for position, index in enumerate(order):
            keyed.append((position / len(each), number, Place(each.name, int(index))))
    return [place for _, _, place in sorted(keyed)]


def _file_facts(each: PictureSet, index: int) -> FileFacts | PictureError:
    try:
        header = each.pictures.header(index)
    except PictureError as error:
        return error
    if not each.is_in_files():
        return FileFacts(header=header)
    try:
        size, end = each.size_and_end(index, END_BYTES)
    except OSError:  # decoding it will say why
        return FileFacts(header=header)
    return FileFacts(
        header=header,
        size=size,
        end=hashlib.blake2b(end + each.half.encode(), digest_size=16).digest(),
        is_whole=_is_whole(each, index, end),
    )


def _is_whole(each: PictureSet, index: int, end: bytes) -> bool:
    name = str(each.paths[index] if each.paths is not None else each.pictures.names[index]).lower()
    if name.endswith((".jpg", ".jpeg")):
        return JPEG_END in end
    if name.endswith(".png"):
        return PNG_END in end
    return True


def _groups(*keys: Mapping[Place, bytes]) -> list[tuple[Place, ...]]:
    """Returns groups of places that share a key, directly or through others."""
    parent: dict[Place, Place] = {}

    def root(place: Place) -> Place:
        while parent.setdefault(place, place) != place:
            place = parent[place]
        return place

    for of_place in keys:
        first: dict[bytes, Place] = {}
        for place, key in of_place.items():
            if key in first:
                parent[root(place)] = root(first[key])
            else:
                first[key] = place
    groups = collections.defaultdict(list)
    for place in list(parent):
        groups[root(place)].append(place)
    return sorted(tuple(sorted(group)) for group in groups.values() if len(group) > 1)


def _in_threads(
    work: Callable[[Task], Result],
    tasks: Sequence[Task],
    budget: Budget,
    *,
    title: str,
    share: float,
    threads: int | None,
) -> Iterator[tuple[Task, Result]]:
    """Yields tasks and their results in order, until the tasks or the time end."""
    threads = threads or os.cpu_count() or 1
    at_once = 16 * threads
    bar = tqdm(
        total=len(tasks),
        desc=title,
        delay=PROGRESS_AFTER_SECONDS,
        leave=False,
        disable=None,  # a bar is for terminals
    )
    pool = concurrent.futures.ThreadPoolExecutor(threads)

    def work_in_time(task: Task) -> tuple[bool, Result | None]:
        if budget.is_over(share):
            return False, None
        return True, work(task)

    try:
        waiting: collections.deque = collections.deque()
        left = iter(tasks)
        while True:
            while len(waiting) < at_once and (task := next(left, None)) is not None:
                waiting.append((task, pool.submit(work_in_time, task)))
            if not waiting:
                return
            task, future = waiting.popleft()
            is_done, result = future.result()
            if is_done:
                bar.update()
                yield task, result
            elif budget.is_over(share):
                return
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        bar.close()
