"""Processes that measure, one for each way to train: their memory is then their own."""

import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping

from absl import logging

from cyclegan_keras.files.errors import PlanError
from cyclegan_keras.planning import devices
from cyclegan_keras.planning.costs import Cost, Probe

ROOT = pathlib.Path(__file__).resolve().parents[2]  # where a process finds this package
ROOMY = 4e9  # bytes that a process should find free beside others of its kind


class Measurement:
    """One process that measures; `cyclegan_keras.planning.__main__` is its other side.

    Args:
        spec: what to measure; see `measuring.build`.
    """

    def __init__(self, spec: Mapping):
        # A pipe that nobody reads would fill up.
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115  (closed by `close`)
        path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "cyclegan_keras.planning"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
        )
        self.probes: list[Probe] = []
        self._tell(json.dumps(spec))

    def prepared(self) -> dict:
        """Waits until the process is; returns what it tells of its memory."""
        ready = self._hear()
        if ready is None:
            raise PlanError(self._reason())
        return ready

    def go_on(self) -> bool:
        """Lets the process measure one more shape; returns whether it did."""
        self._tell("go on")
        told = self._hear()
        if told:
            self.probes.append(Probe(**{**told, "shape": tuple(told["shape"])}))
        elif not self.probes:
            raise PlanError(self._reason())
        return bool(told)

    def close(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._errors):
            with contextlib.suppress(BrokenPipeError):
                stream.close()

    def _tell(self, line: str) -> None:
        try:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            return  # its silence tells

    def _hear(self) -> dict | None:
        """Returns its next line, None at the end; what libraries print is passed over."""
        for line in iter(self._process.stdout.readline, ""):
            if line.startswith("{"):
                return json.loads(line) or None
        return None

    def _reason(self) -> str:
        code = self._process.wait()
        self._errors.seek(0)
        last = (self._errors.read().strip().splitlines() or ["it said nothing"])[-1]
        return (
            f"Not even a small step could be measured: the process ended with {code} ({last}). Try "
            "a smaller --ngf or --crop_size, or end what else takes memory."
        )


def measure(specs: Mapping[str, Mapping]) -> tuple[dict[str, Cost], float]:
    """Measures each of `specs`; all prepare themselves together, where memory allows it.

    They then take turns, one shape at a time: what else disturbs this machine disturbs all alike.

    Args:
        specs: by name. Only the first must succeed.

    Returns:
        The costs by name, and the bytes that the first process held when its trainer was built.

    Raises:
        PlanError: nothing could be measured of the first.
    """
    first, ready, running = next(iter(specs)), {}, {}

    def attempt(name: str, act: Callable):
        try:
            return act()
        except PlanError as error:
            if name == first:
                raise
            logging.warning("%s is left out. %s", name, error)
            return None

    together = devices.free_memory() > ROOMY * len(specs)
    try:
        for wave in [list(specs)] if together else [[name] for name in specs]:
            running |= {name: Measurement(specs[name]) for name in wave}
            ready |= {name: attempt(name, running[name].prepared) for name in wave}
            going = [name for name in wave if ready[name]]
            logging.info("Prepared; measuring %s.", " and ".join(going))
            while going:
                going = [name for name in going if attempt(name, running[name].go_on)]
            for name in wave:
                running[name].close()
    finally:
        for each in running.values():
            each.close()
    found = {
        name: Cost(each.probes, ready[name]["live"], ready[name]["least"])
        for name, each in running.items()
        if each.probes
    }
    return found, ready[first]["built"]
