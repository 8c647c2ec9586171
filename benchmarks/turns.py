"""Worker processes that take turns, so that what disturbs one disturbs all.

Each has its own peak of memory. A worker writes one line of JSON when it is ready, and one for
every action that it is asked for by name on its standard input.
"""

import dataclasses
import functools
import json
import pathlib
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence


def serve(
    facts: Mapping, actions: Mapping[str, Callable], peak_mb: Callable[[], float] | None = None
) -> None:
    """Writes facts, then performs the action that each incoming line names, until there is none.

    Args:
        facts: what is known of this process, ready for JSON.
        actions: what can be asked for, by name; each returns when all its work is done.
        peak_mb: returns the most memory in MB that was taken so far; unless given, what the process
            takes beyond what it has now.
    """
    if peak_mb is None:
        peak_mb = functools.partial(process_growth_mb, process_peak_mb())
    _answer(facts)
    for line in sys.stdin:
        began = time.perf_counter()
        actions[line.strip()]()
        _answer({"seconds": time.perf_counter() - began, "peak_mb": peak_mb()})


def missing(reason: Exception) -> None:
    """Writes that this process cannot perform anything, and why."""
    _answer({"missing": str(reason)})


class Worker:
    """A process that serves.

    Args:
        name: of what it does; this program is started with `--worker=<name>`.
        python: the interpreter that runs it.
        environment: its environment variables; those of this process unless given.
        program: a script and its arguments; this program and its own unless given.

    Attributes:
        facts: what it wrote first.
    """

    def __init__(
        self,
        name: str,
        python: str = sys.executable,
        environment: Mapping | None = None,
        program: Sequence[str] | None = None,
    ):
        self.process = subprocess.Popen(
            [python, *(program or sys.argv), f"--worker={name}"],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.facts = self._next_answer()

    def ask(self, action: str) -> dict:
        """Has it perform an action; returns `seconds` and `peak_mb`."""
        self.process.stdin.write(f"{action}\n")
        self.process.stdin.flush()
        return self._next_answer()

    def end(self) -> None:
        """Closes its standard input, after which it exits, and waits for it."""
        self.process.stdin.close()
        self.process.wait()

    def _next_answer(self) -> dict:
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{' '.join(self.process.args[1:])} ended with {self.process.wait()}.")
        return json.loads(line)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Turn:
    """What one turn took, in seconds a picture.

    Attributes:
        wall: by a clock on the wall.
        cpu: of all processors together.
    """

    wall: float
    cpu: float


def cpu_seconds(processes: Sequence) -> float:
    """Returns the processor time that processes of psutil have taken so far, all cores together."""
    times = [process.cpu_times() for process in processes]
    return sum(time.user + time.system for time in times)


def process_peak_mb() -> float:
    """Returns the most memory this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def own_peak_mb() -> float:
    """Returns the same without the memory of the process that began this one, on Linux alone."""
    status = pathlib.Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s*(\d+)", status)[1]) * 1024 / 1e6


def process_growth_mb(before: float) -> float:
    """Returns by how much the most memory exceeds `before`, in MB."""
    return process_peak_mb() - before


def _answer(answer: Mapping) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
