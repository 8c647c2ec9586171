"""Translating many files on Apache Beam: what each worker does."""

import dataclasses
import json
import pathlib
import threading
from collections.abc import Iterator, Sequence

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.utils.shared import Shared

from cyclegan_keras.beam.journal import Worker
from cyclegan_keras.files.errors import UserError
from cyclegan_keras.files.writing import writing
from cyclegan_keras.translation import opening
from cyclegan_keras.translation.job import run_job
from cyclegan_keras.translation.listing import Task
from cyclegan_keras.translation.options import TranslateOptions
from cyclegan_keras.translation.recipe import Recipe
from cyclegan_keras.translation.record import Record

LARGEST_CHUNK = 64  # a few batches, so that reading and writing run beside the network
FEWEST_CHUNKS = 32  # so that all workers get about the same

# Where a chunk begins in the file of tasks, in bytes, and how many tasks it holds.
Chunk = tuple[int, int]


def write_tasks(tasks: Sequence[Task], path: pathlib.Path) -> list[Chunk]:
    """Writes tasks, a line each, and returns the chunks that workers take.

    A pipeline holds only where its chunks begin: what holds millions of names is too large for most
    runners.
    """
    size = min(max(len(tasks) // FEWEST_CHUNKS, 1), LARGEST_CHUNK)
    chunks = []
    with writing(path), open(path, "wb") as file:
        for first in range(0, len(tasks), size):
            part = tasks[first : first + size]
            chunks.append((file.tell(), len(part)))
            for task in part:
                line = json.dumps([str(task.source), str(task.target)])
                file.write(line.encode() + b"\n")
    return chunks


def read_chunk(path: pathlib.Path, chunk: Chunk) -> Iterator[Task]:
    """Yields the tasks of one chunk."""
    start, count = chunk
    with open(path, "rb") as file:
        file.seek(start)
        for _ in range(count):
            source, target = json.loads(file.readline())
            yield Task(pathlib.Path(source), pathlib.Path(target))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Work:
    """What workers need to know.

    Attributes:
        options: the model, and what to make of each picture.
        record: knows which translations are done.
        tasks: the file that `write_tasks` wrote.
        journal: where workers note what they did, `Journal.folder`.
    """

    options: TranslateOptions
    record: Record
    tasks: pathlib.Path
    journal: pathlib.Path


class _Process:
    """What all threads of a worker process share."""

    def __init__(self, journal: pathlib.Path):
        self.journal = Worker(journal)
        self.recipe: Recipe | None = None
        self.lock = threading.Lock()  # one chunk at a time, so that memory stays bounded


class TranslateChunk(beam.DoFn):
    """Translates the pictures of a chunk that are not done yet.

    A picture that cannot be translated is counted, reported and left out; a full disk ends the
    whole job; a bundle fails only where its process does. Running it twice changes nothing: files
    appear whole, and those that are there are not written again.

    Args:
        work: what to do.
    """

    def __init__(self, work: Work):
        self.work = work
        self._shared = Shared()
        self._written = Metrics.counter("translate", "written")
        self._failed = Metrics.counter("translate", "failed")

    def setup(self):
        folder = self.work.journal
        self._process = self._shared.acquire(lambda: _Process(folder), str(folder))

    def process(self, chunk: Chunk):
        work = self.work
        process = self._process
        with process.lock:
            if process.journal.is_over():
                return
            try:
                if process.recipe is None:
                    process.recipe = opening.open_recipe(work.options)
                tasks = work.record.remaining(read_chunk(work.tasks, chunk), process.recipe.parts)
                run_job(
                    tasks,
                    process.recipe,
                    work.options,
                    stopped=process.journal.is_over,
                    report=self._report,
                )
            except UserError as error:
                process.journal.give_up(str(error))

    def _report(self, failure: str | None) -> None:
        if failure is None:
            self._written.inc()
            self._process.journal.written()
        else:
            self._failed.inc()
            self._process.journal.failed(failure)


def build(pipeline: beam.Pipeline, work: Work, chunks: Sequence[Chunk]) -> None:
    """Adds the translation of all chunks to a pipeline."""
    _ = (
        pipeline
        | "Chunks" >> beam.Create(chunks)
        | "Share out" >> beam.Reshuffle()
        | "Translate" >> beam.ParDo(TranslateChunk(work))
    )
