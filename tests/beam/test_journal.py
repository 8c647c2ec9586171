import json
import os

import pytest

from cyclegan_keras.beam.journal import Journal, Worker
from cyclegan_keras.files.errors import WriteError


def test_what_workers_note_is_read_once(tmp_path):
    journal = Journal(tmp_path)
    first, second = Worker(journal.folder), Worker(journal.folder)
    assert journal.news() == (0, [])
    first.written()
    second.written()
    second.failed("b.png is no picture.")
    assert journal.news() == (2, ["b.png is no picture."])
    first.written()
    first.failed("b.png is no picture.")  # retried by a runner
    first.failed("caf\udce9.png is empty.")  # a name that is no text
    assert journal.news() == (1, ["caf\udce9.png is empty."])
    assert journal.news() == (0, [])


def test_a_line_counts_when_it_is_whole(tmp_path):
    journal = Journal(tmp_path)
    path = journal.folder / "host-1.worker"
    line = json.dumps({"failed": "torn"})
    path.write_text('{"written": 1}\n' + line[:5])
    assert journal.news() == (1, [])
    with open(path, "a") as file:
        file.write(line[5:] + "\n")
    assert journal.news() == (0, ["torn"])


def test_workers_go_on_until_they_are_asked_to_end(tmp_path):
    journal = Journal(tmp_path)
    worker = Worker(journal.folder)
    assert not worker.is_over()
    journal.end()
    journal.end()
    assert worker.is_over()


def test_the_next_job_ends_the_workers_of_one_that_was_killed(tmp_path):
    orphan = Worker(Journal(tmp_path).folder)
    journal = Journal(tmp_path)
    assert orphan.is_over()
    assert not Worker(journal.folder).is_over()
    journal.remove()
    assert os.listdir(tmp_path) == []


def test_a_worker_that_gives_up_ends_all(tmp_path):
    journal = Journal(tmp_path)
    worker, other = Worker(journal.folder), Worker(journal.folder)
    worker.give_up("Cannot write: the disk is full.")
    assert other.is_over()
    with pytest.raises(WriteError, match="the disk is full"):
        journal.news()


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(WriteError, match="Cannot write to"):
        Journal(tmp_path / "file")
