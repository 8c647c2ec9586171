"""Translates many files: threads read and write while the network works.

    read ahead (4 threads) -> batches of one size -> the network (main thread) -> write (4 threads)

How much waits before and behind the network is bounded in pixels, so that memory is too.
"""

import collections
import concurrent.futures
import contextlib
import dataclasses
import math
import pathlib
import re
import sys
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

import tensorflow as tf
from absl import logging
from tqdm.auto import tqdm

from cyclegan_keras.files.errors import PictureError, WriteError
from cyclegan_keras.files.names import printable
from cyclegan_keras.files.writing import make_folder
from cyclegan_keras.images.batching import batches_by_shape
from cyclegan_keras.images.picture import Picture
from cyclegan_keras.images.writing import write_picture
from cyclegan_keras.models.description import Description
from cyclegan_keras.translation.listing import Task
from cyclegan_keras.translation.loading import BYTES_PER_PIXEL, load_picture, memory_in_pixels
from cyclegan_keras.translation.options import TranslateOptions
from cyclegan_keras.translation.recipe import Recipe

WORKERS = 4  # threads that read, and as many that write
AHEAD_PIXELS = 2**26  # read but not translated yet, or translated but not written
BATCH_PIXELS = 2**18  # height x width x pictures; larger batches gain nothing, on a CPU at least
LARGEST_BATCH = 16
HEADERS_AHEAD = 64
MOST_SIZES = 8  # that wait for further pictures of their size
MOST_FAILURES_SHOWN = 20  # in a summary
NUMBER = re.compile(r"-?\d[\d.e+-]*")
LOG_SECONDS = 30.0  # between two lines of progress where there is no terminal


@dataclasses.dataclass
class Outcome:
    """The result of a job.

    Attributes:
        written: how many pictures were translated.
        failed: sentences about those that could not be.
        seconds: how long it took.
    """

    written: int = 0
    failed: list[str] = dataclasses.field(default_factory=list)
    seconds: float = 0.0

    def summary(self, folder: pathlib.Path, count: int) -> list[str]:
        """Returns lines about a folder into which `count` pictures were to be written."""
        rate = self.written / max(self.seconds, 1e-9)
        lines = [f"Wrote {self.written} pictures to {folder}, {rate:.2f} pictures/s."]
        if self.failed:
            lines.append(f"{len(self.failed)} of {count} could not be translated:")
            lines += [f"  {sentence}" for sentence in self.failed[:MOST_FAILURES_SHOWN]]
        if len(self.failed) > MOST_FAILURES_SHOWN:
            lines.append(f"  and {len(self.failed) - MOST_FAILURES_SHOWN} more")
        return lines


def run_job(
    tasks: Sequence[Task],
    recipe: Recipe,
    options: TranslateOptions,
    *,
    stopped: Callable[[], bool] = lambda: False,
    report: Callable[[str | None], object] | None = None,
) -> Outcome:
    """Translates all tasks; a picture that cannot be translated is a warning and stops no other.

    Args:
        tasks: what to read and where to write; folders are made.
        recipe: what to make of each picture.
        options: of which `batch_size`, `quality`, `max_image_pixels` and `max_memory_mb` count.
        stopped: asked before each batch; True ends the job once what was translated is written.
        report: called after each picture with what is wrong with it, or None; a progress bar unless
            given.

    Raises:
        WriteError: the disk is full, for example; every file that was written is whole.
    """
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        if report is None:
            bar = stack.enter_context(progress_bar(len(tasks), "img"))
            report = lambda failure: bar.update()  # noqa: E731
        tally = _Tally(report, warns=len(tasks) > 1)
        writer = stack.enter_context(_Writer(options, tally))
        read = stack.enter_context(contextlib.closing(_read_ahead(tasks, recipe, options, tally)))
        batches = batches_by_shape(
            read,
            shape=lambda item: item.picture.pixels.shape[:2],
            limit=lambda item: _batch_limit(item.picture, recipe, options),
            most_shapes=MOST_SIZES,
        )
        try:
            for batch in batches:
                if stopped():
                    break
                _translate(batch, recipe, writer, tally)
            writer.finish()
        except WriteError as error:
            raise WriteError(
                f"{error} What is written is whole: the same command goes on from there.",
                errno=error.errno,
            ) from error
    tally.outcome.seconds = time.monotonic() - began
    return tally.outcome


def automatic_batch_size(height: int, width: int) -> int:
    """Returns how many pictures of a size go through the network together."""
    return min(max(BATCH_PIXELS // (height * width), 1), LARGEST_BATCH)


def progress_bar(total: int | None, unit: str) -> tqdm:
    """Returns a bar for a terminal, or a line now and then for a log."""
    is_terminal = sys.stderr.isatty()
    interval = 0.5 if is_terminal else LOG_SECONDS
    return tqdm(
        total=total,
        unit=unit,
        dynamic_ncols=is_terminal,
        mininterval=interval,
        maxinterval=interval,
        desc="Translating",
        disable=total == 1,
    )


@dataclasses.dataclass(frozen=True)
class _Loaded:
    """A picture that was read."""

    task: Task
    picture: Picture


@dataclasses.dataclass(frozen=True)
class _Pending:
    """A picture that a thread reads or writes; `pixels` of it are in memory meanwhile."""

    task: Task
    pixels: int
    future: concurrent.futures.Future


class _Tally:
    """Counts, reports and logs what becomes of each picture."""

    def __init__(self, report: Callable[[str | None], object], *, warns: bool):
        self.outcome = Outcome()
        self._report = report
        self._warns = warns  # the failure of a single picture is an error of the caller
        self._known_notes: set[str] = set()  # without the numbers in them

    def written(self, task: Task, notes: set[str]) -> None:
        for note in sorted(notes):
            kind = NUMBER.sub("", note)
            if kind not in self._known_notes:
                logging.info("%s", printable(f"{task.source}: {note} (Shown once.)"))
            self._known_notes.add(kind)
        self.outcome.written += 1
        self._report(None)

    def failed(self, sentence: str) -> None:
        sentence = printable(sentence)
        if self._warns:
            logging.warning("%s", sentence)
        self.outcome.failed.append(sentence)
        self._report(sentence)


def _read_ahead(
    tasks: Iterable[Task], recipe: Recipe, options: TranslateOptions, tally: _Tally
) -> Generator[_Loaded, None, None]:
    """Yields what can be read, in order, reading ahead as far as memory allows."""
    most_pixels = _pixels_ahead(options)
    most_waiting = 2 * (WORKERS + (options.batch_size or LARGEST_BATCH))
    description = recipe.translator.description
    headers = concurrent.futures.ThreadPoolExecutor(1)  # of its own, so that it never waits
    readers = concurrent.futures.ThreadPoolExecutor(WORKERS)
    waiting: collections.deque[_Pending] = collections.deque()
    pixels_waiting = 0
    try:
        for task, pixels in _with_sizes(tasks, description, headers):
            while waiting and (
                len(waiting) >= most_waiting or pixels_waiting + pixels > most_pixels
            ):
                first = waiting.popleft()
                pixels_waiting -= first.pixels
                yield from _result_of(first, tally)
            future = readers.submit(
                load_picture,
                task.source,
                description,
                bit_depth=recipe.bit_depth,
                most_pixels=options.max_image_pixels,
            )
            waiting.append(_Pending(task, pixels, future))
            pixels_waiting += pixels
        while waiting:
            yield from _result_of(waiting.popleft(), tally)
    finally:
        headers.shutdown(cancel_futures=True)
        readers.shutdown(cancel_futures=True)


def _with_sizes(
    tasks: Iterable[Task], description: Description, pool: concurrent.futures.Executor
) -> Iterator[tuple[Task, int]]:
    """Yields tasks and how much memory they take, in pixels, reading some headers ahead."""
    waiting: collections.deque[tuple[Task, concurrent.futures.Future]] = collections.deque()
    for task in tasks:
        waiting.append((task, pool.submit(memory_in_pixels, task.source, description)))
        if len(waiting) > HEADERS_AHEAD:
            first, future = waiting.popleft()
            yield first, future.result()
    for task, future in waiting:
        yield task, future.result()


def _result_of(pending: _Pending, tally: _Tally) -> Iterator[_Loaded]:
    """Yields the picture, or nothing where it could not be read."""
    try:
        picture = pending.future.result()
    except PictureError as error:
        tally.failed(str(error))
    else:
        yield _Loaded(pending.task, picture)


def _pixels_ahead(options: TranslateOptions) -> int:
    """How many pixels may wait before the network, and as many behind it."""
    if options.max_memory_mb is None:
        return AHEAD_PIXELS
    eighth = options.max_memory_mb * 2**20 // 8
    return min(AHEAD_PIXELS, eighth // BYTES_PER_PIXEL)


def _batch_limit(picture: Picture, recipe: Recipe, options: TranslateOptions) -> int:
    """How many pictures of that size are translated together."""
    height, width, _ = picture.pixels.shape
    limit = options.batch_size
    if limit is None:
        limit = automatic_batch_size(height, width)
        if limit > 1 and not recipe.is_batch_invariant:
            limit = 1
    most_pixels = recipe.translator.most_pixels
    if most_pixels is not None:
        limit = min(limit, max(most_pixels // (height * width), 1))
    return limit


def _translate(batch: list[_Loaded], recipe: Recipe, writer: "_Writer", tally: _Tally) -> None:
    """Translates pictures of one size and hands them to be written."""
    try:
        results = recipe([loaded.picture for loaded in batch])
    except PictureError as error:
        reason = str(error)
    except (MemoryError, tf.errors.ResourceExhaustedError):
        reason = "it is too large for the memory: try --max_memory_mb."
    else:
        for loaded, parts in zip(batch, results, strict=True):
            writer.write(loaded.task, parts)
        return
    if len(batch) == 1:
        tally.failed(f"{batch[0].task.source}: {reason}")
        return
    for loaded in batch:  # one of them may be the cause
        _translate([loaded], recipe, writer, tally)


class _Writer:
    """Writes translations in threads.

    As a context it waits at its end for the files that threads have begun, and for no others.
    """

    def __init__(self, options: TranslateOptions, tally: _Tally):
        self._quality = options.quality
        self._most_pixels = _pixels_ahead(options)
        self._tally = tally
        self._pool = concurrent.futures.ThreadPoolExecutor(WORKERS)
        self._waiting: collections.deque[_Pending] = collections.deque()

    def __enter__(self) -> "_Writer":
        return self

    def __exit__(self, *exception) -> None:
        self._pool.shutdown(cancel_futures=True)

    def write(self, task: Task, parts: dict[str, Picture]) -> None:
        """Has all parts of a translation written; waits while too many others are."""
        pixels = sum(
            max(math.prod(picture.pixels.shape[:2]), picture.pixels.nbytes // BYTES_PER_PIXEL)
            for picture in parts.values()
        )
        future = self._pool.submit(_write_parts, task, parts, self._quality)
        self._waiting.append(_Pending(task, pixels, future))
        while sum(pending.pixels for pending in self._waiting) > self._most_pixels:
            self._settle_first()
        while self._waiting and self._waiting[0].future.done():
            self._settle_first()

    def finish(self) -> None:
        """Waits until everything is on the disk."""
        while self._waiting:
            self._settle_first()

    def _settle_first(self) -> None:
        first = self._waiting.popleft()
        try:
            notes = first.future.result()
        except PictureError as error:
            self._tally.failed(f"{first.task.source}: {error}")
        else:
            self._tally.written(first.task, notes)


def _write_parts(task: Task, parts: dict[str, Picture], quality: int) -> set[str]:
    """Writes the files of one translation; returns sentences about what they could not hold."""
    make_folder(task.target.parent)
    notes: set[str] = set()
    for suffix in reversed(parts):  # the translation last: where it is, the others are
        notes.update(write_picture(parts[suffix], task.part(suffix), quality=quality))
    return notes
