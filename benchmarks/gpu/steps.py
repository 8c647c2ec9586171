"""The first part of gpu.sh: training steps of several contestants, in turns on one card."""

import contextlib
import dataclasses
import json
import pathlib
import queue
import statistics
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Mapping

from gpu import worker
from gpu.arithmetic import published_tflops, step_work, utilization
from gpu.clock import Clock
from gpu.settings import Settings

HERE, TORCH, TORCH_LAST, COMPILED = "here", "torch", "torch, channels last", "torch.compile"
NUMBER_TYPES = ("bfloat16", "float32")
START_SECONDS = 90  # for imports and a first look at the card
TURN_SECONDS = 90  # at most, with the search for the fastest convolutions
CASE_SECONDS = 25  # after which no further turn of a case begins


class LostError(Exception):
    """A process has ended, or does not answer; the message says how."""


class Process:
    """A contestant's process, which answers one request at a time.

    Args:
        name: of what it does, for messages and its log.
        command: starts it.
        environment: its environment variables.
        log: the file for its standard error.
    """

    def __init__(self, name: str, command: list[str], environment: Mapping, log: pathlib.Path):
        self.name, self.log = name, log
        with log.open("wb") as errors:
            self.process = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        self.answers: queue.Queue = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.answers.put(json.loads(line))
        self.answers.put(None)

    def send(self, **request) -> None:
        """Sends a request; `receive` returns its answer, or says that the process has ended."""
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()

    def receive(self, seconds: float):
        """Returns the next answer.

        Raises:
            LostError: the process ended, or did not answer in so many seconds and was ended.
        """
        try:
            answer = self.answers.get(timeout=max(seconds, 0.1))
        except queue.Empty:
            self.end()
            raise LostError(f"no answer in {seconds:.0f} s") from None
        if answer is None:
            raise LostError(self._end_of_log())
        return answer

    def ask(self, within: float, **request):
        """Sends a request and returns its answer within so many seconds; see `receive`."""
        self.send(**request)
        return self.receive(within)

    def end(self) -> None:
        """Ends the process."""
        self.process.kill()
        self.process.wait()

    def _end_of_log(self):
        code = self.process.wait()
        lines = self.log.read_text(errors="replace").strip().splitlines()
        last = next((line for line in reversed(lines) if line.strip()), "no message")
        return f"ended with {code}: {last.strip()[:300]}"


@dataclasses.dataclass
class Case:
    """What was measured of one contestant with numbers of one type and batches of one size."""

    contestant: str
    number_type: str
    batch_size: int
    compile_seconds: float | None = None
    turns: list[float] = dataclasses.field(default_factory=list)  # seconds a step
    steps: int = 0
    peak_mb: float | None = None
    error: str | None = None
    went_along: bool = False  # lost with its process, through no fault of its own

    @property
    def request(self) -> dict:
        """How a worker is told of this case."""
        return {
            "contestant": self.contestant,
            "number_type": self.number_type,
            "batch_size": self.batch_size,
        }

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return f"{self.contestant}, {self.number_type}, batch {self.batch_size}"


def measure(
    settings: Settings,
    clock: Clock,
    *,
    reserved: float,
    environment: Mapping[str, str],
    logs: pathlib.Path,
) -> dict:
    """Measures all cases for which there is time; returns what is known of each, for JSON.

    Args:
        settings: which steps, and for how long.
        clock: says how much time there is.
        reserved: seconds that belong to what comes afterwards.
        environment: of the processes.
        logs: folder for what they write.
    """
    cases = [
        Case(contestant, number_type, batch_size)
        for batch_size in settings.batch_sizes
        for number_type in NUMBER_TYPES
        for contestant in (HERE, TORCH, TORCH_LAST, COMPILED)
    ]
    runs = Runs(settings, clock, environment=environment, logs=logs)
    try:
        runs.measure(cases, reserved)
        # A process that ended has taken its other cases along: each gets one of its own, if there
        # is time.
        again = [case for case in cases if case.went_along]
        if again and clock.allows("Another try, each step alone", 60, reserved=reserved):
            for case in again:
                case.error = None
            runs.are_alone = True
            runs.measure(again, reserved)
    except Exception as error:  # what is measured already is not lost
        traceback.print_exc()
        clock.leave_out(f"Further steps: {type(error).__name__}: {error}")
    for case in cases:
        if not case.turns and case.error is None:
            case.error = "there was no time left"
    return runs.results(cases)


class Runs:
    """Runs of the contestants, and what was found; see `measure`."""

    def __init__(self, settings, clock, *, environment, logs):
        self.settings, self.clock = settings, clock
        self.environment, self.logs = environment, logs
        self.facts: dict[str, dict] = {}
        self.ceilings: dict[str, dict[str, list[float]]] = {kind: {} for kind in NUMBER_TYPES}
        self.started = 0
        self.are_alone = False  # whether each case has a process of its own

    def measure(self, cases: list[Case], reserved: float) -> None:
        """Prepares cases, then measures each."""
        processes = {}
        try:
            self._start(processes, cases)
            self._prepare(processes, cases, reserved)
            for batch_size, number_type in dict.fromkeys(
                (case.batch_size, case.number_type) for case in cases
            ):
                group = [
                    case
                    for case in cases
                    if (case.batch_size, case.number_type) == (batch_size, number_type)
                    and case.error is None
                    and processes[self._process_name(case)] is not None
                ]
                part = f"Steps in {number_type} with batches of {batch_size}"
                if group and self.clock.allows(part, CASE_SECONDS, reserved=reserved):
                    self._take_turns(processes, group, cases)
        finally:
            for process in processes.values():
                if process is not None:
                    process.end()

    def _start(self, processes, cases):
        """Starts processes at the same time; adds them by name, None for what is missing."""
        for name in dict.fromkeys(self._process_name(case) for case in cases):
            kind = name.split(" ")[0]
            self.started += 1
            processes[name] = Process(
                name,
                [
                    sys.executable,
                    "-m",
                    "gpu.worker",
                    kind,
                    json.dumps(dataclasses.asdict(self.settings)),
                ],
                self.environment,
                self.logs / f"{self.started}-{name.replace(' ', '-')}.log",
            )
        for name, process in processes.items():
            try:
                facts = process.receive(START_SECONDS)
            except LostError as error:
                facts = {"missing": str(error)}
            if "missing" in facts:
                self.clock.leave_out(f"{name}: {facts['missing']}")
                for case in cases:
                    if self._process_name(case) == name:
                        case.error = facts["missing"]
                process.end()
                processes[name] = None
            else:
                self.facts[name] = facts

    def _prepare(self, processes, cases, reserved):
        seconds = min(self.settings.compile_seconds, self.clock.left - reserved - 60)
        until = time.time() + seconds
        print(f"Compiling for up to {max(seconds, 0):.0f} s, several steps at a time.", flush=True)
        for name, process in processes.items():
            if process is not None:
                own = [case.request for case in cases if self._process_name(case) == name]
                process.send(do="prepare", cases=own, until=until)
        for name, process in processes.items():
            if process is None:
                continue
            own = [case for case in cases if self._process_name(case) == name]
            try:
                answer = process.receive(until + 2 * worker.GRACE - time.time())
            except LostError as error:
                self._lose(processes, name, own, f"while it was prepared, {error}")
                continue
            if isinstance(answer, dict):
                answer = [answer for _ in own]  # the same error for all
            for case, found in zip(own, answer, strict=True):
                case.error = found.get("error")
                case.compile_seconds = found.get("compile_seconds")

    def _take_turns(self, processes, group, cases):
        number_type = group[0].number_type
        began = time.monotonic()
        for turn in range(self.settings.turns):
            if turn and time.monotonic() - began > CASE_SECONDS:  # slow steps need fewer turns
                break
            for case in [case for case in group if case.error is None]:
                name = self._process_name(case)
                process = processes[name]
                if process is None:
                    continue
                try:
                    if case.contestant in (HERE, TORCH) and turn % 2 == 0:
                        answer = process.ask(
                            TURN_SECONDS,
                            do="ceiling",
                            number_type=number_type,
                            seconds=self.settings.turn_seconds,
                        )
                        if "tflops" in answer:
                            self.ceilings[number_type].setdefault(case.contestant, []).append(
                                answer["tflops"]
                            )
                    answer = process.ask(
                        TURN_SECONDS,
                        do="turn",
                        case=case.request,
                        seconds=self.settings.turn_seconds,
                    )
                except LostError as error:
                    open_cases = [each for each in cases if not each.turns and not each.error]
                    own = [each for each in open_cases if self._process_name(each) == name]
                    self._lose(processes, name, own, str(error), at_fault=case)
                    continue
                if "error" in answer:
                    case.error = answer["error"]
                else:
                    case.turns.append(answer["seconds"])
                    case.steps += answer["steps"]
                    case.peak_mb = answer["peak_mb"]
            if turn == 0:
                taken = ", ".join(
                    f"{case.contestant} {1000 * case.turns[0]:.1f} ms"
                    for case in group
                    if case.turns
                )
                print(f"{number_type}, batch {group[0].batch_size}: {taken}", flush=True)
        for case in group:
            process = processes[self._process_name(case)]
            if process is not None:
                try:
                    process.ask(TURN_SECONDS, do="release", case=case.request)
                except LostError as error:
                    self._lose(processes, self._process_name(case), [], str(error))

    def _process_name(self, case):
        """Returns the name of the process that measures a case; it begins with its kind.

        torch.compile compiles one step after the other, so each type of numbers has a process.
        """
        kind = TORCH if case.contestant == TORCH_LAST else case.contestant
        if self.are_alone:
            return f"{kind} {case.number_type} {case.batch_size}"
        return f"{kind} {case.number_type}" if kind == COMPILED else kind

    def _lose(self, processes, name, cases, why, *, at_fault=None):
        """Notes that a process has ended.

        Args:
            processes: by name.
            name: of the process.
            cases: of it that are not measured yet.
            why: in words.
            at_fault: the case that was under way.
        """
        self.clock.leave_out(f"The process of {name} {why}")
        for case in cases:
            case.error = why
            case.went_along = case is not at_fault and not self.are_alone
        processes[name] = None

    def results(self, cases: list[Case]) -> dict:
        """Returns what was measured, for JSON; see `table`."""
        medians = {}
        for number_type, by_contestant in self.ceilings.items():
            rates = {name: statistics.median(values) for name, values in by_contestant.items()}
            medians[number_type] = rates
        device = next((facts["device"] for facts in self.facts.values()), "none")
        rows = [self._row(case, medians, device) for case in cases]
        return {
            "device": device,
            "versions": {name: facts["version"] for name, facts in self.facts.items()},
            "crop_size": self.settings.crop_size,
            "ngf": self.settings.ngf,
            "generator": self.settings.generator,
            "matrix_tflops": medians,
            "published_tflops": {
                number_type: published_tflops(device, number_type) for number_type in NUMBER_TYPES
            },
            "turns": self.settings.turns,
            "cases": rows,
        }

    def _row(self, case, medians, device):
        row = {**case.request, "compile_seconds": case.compile_seconds, "error": case.error}
        if not case.turns:
            return row
        seconds = statistics.median(case.turns)
        work = step_work(
            crop_size=self.settings.crop_size,
            batch_size=case.batch_size,
            ngf=self.settings.ngf,
            blocks=self.settings.blocks,
        )
        row.update(
            seconds=seconds,
            fastest=min(case.turns),
            slowest=max(case.turns),
            steps=case.steps,
            images_per_second=case.batch_size / seconds,
            tflops=work / seconds / 1e12,
            peak_mb=case.peak_mb,
        )
        rates = medians[case.number_type]
        if rates:
            used = utilization(
                work=work,
                seconds=seconds,
                measured_tflops=max(rates.values()),
                published=published_tflops(device, case.number_type),
            )
            row.update(mfu=used.of_measured, mfu_of_published=used.of_published)
        return row
