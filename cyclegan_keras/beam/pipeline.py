"""Translating many files on Apache Beam: what each worker does."""

import dataclasses
import json
import pathlib
import threading
from collections.abc import Callable, Iterator, Sequence

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.utils.shared import Shared

from cyclegan_keras.beam.journal import Worker
from cyclegan_keras.files.errors import TranslationError
from cyclegan_keras.translation.job import Settings, run_job
from cyclegan_keras.translation.listing import Task
from cyclegan_keras.translation.plan import left_over
from cyclegan_keras.translation.recipe import Recipe
from cyclegan_keras.translation.record import Record

MOST_IN_CHUNK = 64  # a few batches, so that reading and writing run beside the network
FEWEST_CHUNKS = 32  # so that all workers get about the same

# Where a chunk begins in the file of tasks, in bytes, and how many it holds.
Chunk = tuple[int, int]


def write_tasks(tasks: Sequence[Task], path: pathlib.Path) -> list[Chunk]:
    """Writes tasks, a line each, and returns the chunks that workers take.

    A pipeline holds only where its chunks begin: what holds millions of names is too large for most
    runners.
    """
    size = min(max(len(tasks) // FEWEST_CHUNKS, 1), MOST_IN_CHUNK)
    chunks = []
    with open(path, "wb") as file:
        for first in range(0, len(tasks), size):
            part = tasks[first : first + size]
            chunks.append((file.tell(), len(part)))
            for task in part:
                file.write(json.dumps([str(task.source), str(task.target)]).encode() + b"\n")
    return chunks


def read_chunk(path: pathlib.Path, chunk: Chunk) -> Iterator[Task]:
    """Yields the tasks of one chunk."""
    start, count = chunk
    with open(path, "rb") as file:
        file.seek(start)
        for _ in range(count):
            yield Task(*map(pathlib.Path, json.loads(file.readline())))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Work:
    """What workers need to know.

    Attributes:
        find_recipe: gives a direction and what is made of each picture; loads the model.
        settings: batches and bounds.
        record: tells which translations are done.
        tasks: the file that `write_tasks` wrote.
        journal: where workers tell what they did, `Journal.folder`.
    """

    find_recipe: Callable[[], tuple[str, Recipe]]
    settings: Settings
    record: Record
    tasks: pathlib.Path
    journal: pathlib.Path


class _Process:
    """What a process has once, however many threads of it work."""

    def __init__(self, journal: pathlib.Path):
        self.journal = Worker(journal)
        self.recipe: Recipe | None = None
        self.lock = threading.Lock()  # one chunk at a time, so that memory stays bounded


class TranslateChunk(beam.DoFn):
    """Translates what of a chunk is not done yet.

    A picture that cannot be translated is counted, told and passed over; a full disk ends the whole
    job; a bundle fails only where its process does. Doing it twice changes nothing: files appear
    whole, and what is there is not made again.

    Args:
        work: what to do.
    """

    def __init__(self, work: Work):
        self.work = work
        self._shared = Shared()
        self._written, self._failed = (
            Metrics.counter("translate", name) for name in ("written", "failed")
        )

    def setup(self):
        folder = self.work.journal
        self._process = self._shared.acquire(lambda: _Process(folder), str(folder))

    def process(self, chunk: Chunk):
        own, work = self._process, self.work
        with own.lock:
            try:
                if own.journal.is_over():
                    return
                if own.recipe is None:
                    _, own.recipe = work.find_recipe()
                tasks = left_over(read_chunk(work.tasks, chunk), own.recipe.parts, work.record)
                run_job(tasks, own.recipe, work.settings, own.journal.is_over, self._tell)
            except TranslationError as error:
                own.journal.give_up(str(error))

    def _tell(self, sentence: str | None) -> None:
        if sentence is None:
            self._written.inc()
            self._process.journal.written()
        else:
            self._failed.inc()
            self._process.journal.failed(sentence)


def build(pipeline: beam.Pipeline, work: Work, chunks: Sequence[Chunk]) -> None:
    """Adds the translation of all chunks to a pipeline."""
    _ = (
        pipeline
        | "Chunks" >> beam.Create(chunks)
        | "Share out" >> beam.Reshuffle()
        | "Translate" >> beam.ParDo(TranslateChunk(work))
    )
