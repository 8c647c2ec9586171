"""What a job and its workers, on this machine or on others, tell each other.

They share nothing but the output folder. A folder in it holds the call to go on working, and a file
for each worker with a line for each picture. Every line is written to a file opened for it alone:
network file systems show other machines nothing before it is closed.
"""

import json
import os
import pathlib
import secrets
import shutil
import socket

from cyclegan_keras.files.errors import WriteError

PREFIX, GO = ".translation.job.", "go"


class Journal:
    """The job's side: begins, ends and reads.

    Args:
        output: the output folder. Journals of earlier jobs in it are removed: whoever still works
            for one of them ends.

    Attributes:
        folder: the folder of this job, for `Worker`.

    Raises:
        WriteError: the output folder cannot be written to.
    """

    def __init__(self, output: pathlib.Path):
        self.folder = output / f"{PREFIX}{secrets.token_hex(4)}"
        self._read: dict[pathlib.Path, int] = {}
        self._told: set[str] = set()
        try:
            for earlier in output.glob(f"{PREFIX}*"):
                shutil.rmtree(earlier)
            self.folder.mkdir()
            (self.folder / GO).touch()
        except OSError as error:
            raise WriteError(f"Cannot write to {output}: {error.strerror}.") from error

    def end(self) -> None:
        """Asks the workers to end when what they began is written."""
        (self.folder / GO).unlink(missing_ok=True)

    def remove(self) -> None:
        """Removes it, which also ends whoever still works."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def news(self) -> tuple[int, list[str]]:
        """Returns how many pictures were written since it was asked last, and why others failed.

        Raises:
            WriteError: a worker gave up, and with it all.
        """
        written, failed = 0, {}
        for path in sorted(self.folder.glob("*.worker")):
            with open(path, "rb") as file:
                file.seek(self._read.get(path, 0))
                *lines, torn = file.read().split(b"\n")
                self._read[path] = file.tell() - len(torn)
            for told in map(json.loads, lines):
                written += "written" in told
                if "failed" in told:
                    failed[told["failed"]] = None
                if "error" in told:
                    raise WriteError(told["error"])
        failed = [sentence for sentence in failed if sentence not in self._told]
        self._told.update(failed)  # a runner may try a picture twice
        return written, failed


class Worker:
    """A worker's side: asks whether to go on, and tells what it did.

    Args:
        folder: `Journal.folder`.
    """

    def __init__(self, folder: pathlib.Path):
        self._go = folder / GO
        self._file = folder / f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}.worker"

    def is_over(self) -> bool:
        """Whether the job was asked to end, or is gone."""
        return not self._go.exists()

    def written(self) -> None:
        """Tells that a picture is written."""
        self._tell({"written": 1})

    def failed(self, sentence: str) -> None:
        """Tells what is wrong with a picture."""
        self._tell({"failed": sentence})

    def give_up(self, sentence: str) -> None:
        """Ends the job for all: no picture can be translated any more."""
        self._tell({"error": sentence})
        self._go.unlink(missing_ok=True)

    def _tell(self, what: dict) -> None:
        with open(self._file, "a") as file:
            file.write(json.dumps(what) + "\n")
