"""How a job and its workers, on this machine or on others, talk to each other.

They share nothing but the output folder. A folder in it holds a file for as long as workers shall
continue, and one file for each worker with a line for each picture. Each line is written to a file
opened for it alone: network file systems show other machines nothing before it is closed.
"""

import json
import os
import pathlib
import secrets
import shutil
import socket

from cyclegan_keras.files.errors import WriteError
from cyclegan_keras.files.writing import writing

PREFIX = ".translation.job."  # of the folder
CONTINUE_FILE = "go"  # workers end where it is missing


class Journal:
    """The side of the job: begins, ends and reads.

    Args:
        output: the output folder. Journals of earlier jobs in it are removed, which ends the
            workers that still run for one of them.

    Attributes:
        folder: the folder of this job, for `Worker`.

    Raises:
        WriteError: the output folder cannot be written to.
    """

    def __init__(self, output: pathlib.Path):
        self.folder = output / f"{PREFIX}{secrets.token_hex(4)}"
        self._bytes_read: dict[pathlib.Path, int] = {}
        self._failures: set[str] = set()
        with writing(output):
            for earlier in output.glob(f"{PREFIX}*"):
                shutil.rmtree(earlier)
            self.folder.mkdir()
            (self.folder / CONTINUE_FILE).touch()

    def end(self) -> None:
        """Asks the workers to end once what they began is written."""
        with writing(self.folder):
            (self.folder / CONTINUE_FILE).unlink(missing_ok=True)

    def remove(self) -> None:
        """Removes the folder, which also ends the workers that still run."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def news(self) -> tuple[int, list[str]]:
        """Returns what happened since the last call: pictures written, and why others failed.

        Raises:
            WriteError: a worker gave up, and with it all of them.
        """
        written = 0
        failures = []
        for path in sorted(self.folder.glob("*.worker")):
            for event in self._new_events(path):
                if "error" in event:
                    raise WriteError(event["error"])
                if "written" in event:
                    written += 1
                elif event["failed"] not in self._failures:  # a runner may try a picture twice
                    failures.append(event["failed"])
                    self._failures.add(event["failed"])
        return written, failures

    def _new_events(self, path: pathlib.Path) -> list[dict]:
        with open(path, "rb") as file:
            file.seek(self._bytes_read.get(path, 0))
            *lines, incomplete = file.read().split(b"\n")
            self._bytes_read[path] = file.tell() - len(incomplete)
        return [json.loads(line) for line in lines]


class Worker:
    """The side of a worker: asks whether to continue, and notes what it did.

    Args:
        folder: `Journal.folder`.
    """

    def __init__(self, folder: pathlib.Path):
        self._continue_file = folder / CONTINUE_FILE
        self._file = folder / f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}.worker"

    def is_over(self) -> bool:
        """Whether the job was asked to end, or is gone."""
        return not self._continue_file.exists()

    def written(self) -> None:
        """Notes that a picture is written."""
        self._note({"written": 1})

    def failed(self, sentence: str) -> None:
        """Notes what is wrong with a picture."""
        self._note({"failed": sentence})

    def give_up(self, sentence: str) -> None:
        """Ends the job for all workers: no picture can be translated any more."""
        self._note({"error": sentence})
        with writing(self._continue_file):
            self._continue_file.unlink(missing_ok=True)

    def _note(self, event: dict) -> None:
        with writing(self._file), open(self._file, "a") as file:
            file.write(json.dumps(event) + "\n")
