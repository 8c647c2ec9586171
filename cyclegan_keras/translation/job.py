"""Translates many files: reading and writing run beside the network's work."""

import collections
import concurrent.futures
import contextlib
import dataclasses
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

import tensorflow as tf
from absl import logging

from cyclegan_keras.files.errors import PictureError, WriteError
from cyclegan_keras.images.batching import batches_by_shape
from cyclegan_keras.images.picture import Picture
from cyclegan_keras.images.reading import MOST_PIXELS, pixel_count, read_picture
from cyclegan_keras.images.writing import QUALITY, write_picture
from cyclegan_keras.translation.listing import Task
from cyclegan_keras.translation.progress import progress_bar
from cyclegan_keras.translation.recipe import Recipe

WORKERS = 4  # that read, and as many that write
AHEAD_PIXELS = 2**26  # read but not translated yet, or translated but not written
BATCH_PIXELS = 2**18  # height x width x pictures; larger batches win nothing, on a CPU at least
LARGEST_BATCH = 16
HEADERS_AHEAD = 64
MOST_SIZES = 8  # that wait for others of their size


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """How a job goes about it; but for `quality` it shows in last bits at most.

    Attributes:
        batch_size: pictures of one size to translate together; None chooses so that none shows it.
        quality: 1 to 100, of JPEG and WebP.
        most_pixels: larger pictures are refused.
        ahead_pixels: how much is held in memory before and after the network, 8 bytes a pixel.
    """

    batch_size: int | None = None
    quality: int = QUALITY
    most_pixels: int = MOST_PIXELS
    ahead_pixels: int = AHEAD_PIXELS


@dataclasses.dataclass
class Outcome:
    """What came of a job.

    Attributes:
        written: pictures that were translated.
        failed: sentences about those that could not be.
        seconds: how long it took.
    """

    written: int = 0
    failed: list[str] = dataclasses.field(default_factory=list)
    seconds: float = 0.0


def run_job(
    tasks: Sequence[Task],
    recipe: Recipe,
    settings: Settings,
    stopped: Callable[[], bool] = lambda: False,
    each: Callable[[str | None], object] | None = None,
) -> Outcome:
    """Translates all tasks; of several, one that cannot be is a warning and stops no other.

    Args:
        tasks: what to read and where to write; folders are made.
        recipe: what to make of each picture.
        settings: batches and bounds.
        stopped: asked before each batch; True ends the job when what was translated is written.
        each: told after each picture what is wrong with it, or None; a progress bar unless given.

    Raises:
        WriteError: the disk is full, for example; every file that is there is whole.
    """
    job = _Job(recipe, settings, len(tasks), each)
    began = time.monotonic()
    try:
        with job:
            read = job.read(tasks)
            for batch in batches_by_shape(
                read,
                shape=lambda item: item[1].pixels.shape[:2],
                limit=lambda item: job.batch_limit(item[1]),
                most_shapes=MOST_SIZES,
            ):
                if stopped():
                    break
                job.translate(batch)
            job.finish_writing()
    except WriteError as error:
        raise WriteError(
            f"{error} What is written is whole: make room, and the same command goes on from there."
        ) from error
    job.outcome.seconds = time.monotonic() - began
    return job.outcome


def automatic_batch(height: int, width: int) -> int:
    """Returns how many pictures of a size go through the network together."""
    return min(max(BATCH_PIXELS // (height * width), 1), LARGEST_BATCH)


class _Job(contextlib.ExitStack):
    def __init__(self, recipe: Recipe, settings: Settings, count: int, each):
        super().__init__()
        self.recipe, self.settings = recipe, settings
        self.outcome = Outcome()
        self.told: set[str] = set()
        self.writing: collections.deque = collections.deque()
        self.readers, self.writers = (
            concurrent.futures.ThreadPoolExecutor(WORKERS) for _ in range(2)
        )
        self.scout = concurrent.futures.ThreadPoolExecutor(1)  # reads headers, never in the way
        for pool in (self.scout, self.readers, self.writers):
            self.callback(pool.shutdown, cancel_futures=True)
        self.is_one = count == 1
        bar = None if each else self.enter_context(progress_bar(count, "img"))
        self.each = each or (lambda _: bar.update())

    def read(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, Picture]]:
        """Yields what can be read, in order, reading ahead as far as memory allows."""
        waiting, ahead = collections.deque(), 0
        for task, pixels in _looked_up(self.scout, tasks):
            while waiting and (
                len(waiting) >= self.most_waiting or ahead + pixels > self.settings.ahead_pixels
            ):
                first = waiting.popleft()
                ahead -= first[1]
                yield from self._received(first)
            waiting.append((task, pixels, self.readers.submit(self._read, task)))
            ahead += pixels
        while waiting:
            yield from self._received(waiting.popleft())

    @property
    def most_waiting(self) -> int:
        """Pictures that are read ahead."""
        return 2 * (WORKERS + (self.settings.batch_size or LARGEST_BATCH))

    def batch_limit(self, picture: Picture) -> int:
        """How many pictures of that size are translated together."""
        height, width, _ = picture.pixels.shape
        limit = self.settings.batch_size
        if limit is None:
            limit = automatic_batch(height, width)
            limit = 1 if limit > 1 and not self.recipe.is_batch_proof else limit
        if (most := self.recipe.translator.most_pixels) is not None:
            limit = min(limit, max(most // (height * width), 1))
        return limit

    def translate(self, batch: list[tuple[Task, Picture]]) -> None:
        """Translates pictures of one size and hands them to be written."""
        tasks, pictures = zip(*batch, strict=True)
        try:
            made = self.recipe(pictures)
        except (PictureError, MemoryError, tf.errors.ResourceExhaustedError) as error:
            if len(batch) > 1:
                for each in batch:
                    self.translate([each])
            else:
                self._fail(f"{tasks[0].source}: {_translation_failed(error)}")
            return
        for task, parts in zip(tasks, made, strict=True):
            pixels = sum(part.pixels.shape[0] * part.pixels.shape[1] for part in parts.values())
            self.writing.append((task, pixels, self.writers.submit(self._write, task, parts)))
        while sum(pixels for _, pixels, _ in self.writing) > self.settings.ahead_pixels:
            self._written()
        while self.writing and self.writing[0][2].done():
            self._written()

    def finish_writing(self) -> None:
        """Waits until everything translated is on the disk."""
        while self.writing:
            self._written()

    def _received(self, waited) -> Iterator[tuple[Task, Picture]]:
        task, _, future = waited
        try:
            yield task, future.result()
        except PictureError as error:
            self._fail(str(error))

    def _written(self) -> None:
        task, _, future = self.writing.popleft()
        try:
            notes = future.result()
        except PictureError as error:
            self._fail(f"{task.source}: {error}")
            return
        for note in notes - self.told:
            logging.info("%s", _as_text(f"{task.source}: {note} (Told once.)"))
        self.told |= notes
        self.outcome.written += 1
        self.each(None)

    def _fail(self, sentence: str) -> None:
        sentence = _as_text(sentence)
        if not self.is_one:  # else it is for the caller to tell
            logging.warning("%s", sentence)
        self.outcome.failed.append(sentence)
        self.each(sentence)

    def _read(self, task: Task) -> Picture:
        depth = self.recipe.translator.description.bit_depth
        return read_picture(task.source, bit_depth=depth, most_pixels=self.settings.most_pixels)

    def _write(self, task: Task, parts: dict[str, Picture]) -> set[str]:
        try:
            task.target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise WriteError(f"Cannot make {task.target.parent}: {error.strerror}.") from error
        notes = set()
        for part in reversed(parts):  # the translation last: where it is, the others are
            notes |= set(write_picture(parts[part], task.part(part), quality=self.settings.quality))
        return notes


def _looked_up(pool, tasks: Iterable[Task]) -> Iterator[tuple[Task, int]]:
    """Yields tasks and how many pixels they claim, looking some headers ahead."""
    waiting = collections.deque()
    for task in tasks:
        waiting.append((task, pool.submit(pixel_count, task.source)))
        if len(waiting) > HEADERS_AHEAD:
            task, pixels = waiting.popleft()
            yield task, pixels.result()
    for task, pixels in waiting:
        yield task, pixels.result()


def _translation_failed(error: Exception) -> str:
    if isinstance(error, PictureError):
        return str(error)
    return "it is too large for the memory: try --max_memory_mb."


def _as_text(sentence: str) -> str:
    """Names of files may be no text, but logs hold nothing else."""
    return sentence.encode("utf-8", "backslashreplace").decode()
