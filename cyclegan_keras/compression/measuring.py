"""What a student costs beside its teacher: work, and size and time of every TFLite file."""

import dataclasses
import pathlib
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
from absl import logging

from cyclegan_keras.export.receipt import resized_input
from cyclegan_keras.export.tflite import (
    CALIBRATED,
    LEAST_PSNR_DB,
    VARIANTS,
    Measured,
    count,
    export_tflite,
    measure,
    variants_for,
)
from cyclegan_keras.files.direction import Direction
from cyclegan_keras.files.errors import ExportError

TEACHER, STUDENT = "teacher", "student"
ROUNDS = 15
LEAST_ROUNDS = 3  # also of what takes longer than it should
MOST_REFERENCES = 4  # pictures on which a student's file is compared with its float self
INSTALL = 'pip install "cyclegan-keras[export]"'


@dataclasses.dataclass(frozen=True, kw_only=True)
class NetworkCost:
    """What a network costs, whatever it is exported as.

    Attributes:
        network: "teacher" or "student".
        macs: multiplications of its convolutions for a picture of the size measured.
        parameters: numbers that it holds.
    """

    network: str
    macs: int
    parameters: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class FileCost:
    """What a TFLite file costs.

    Attributes:
        network: "teacher" or "student".
        variant: one of `export.tflite.VARIANTS`.
        kb: its size in kB, of 1,000 bytes.
        ms: the least time of all rounds for a picture.
        rounds: how often it was timed.
        peak_memory_mb: of a process that runs nothing else; None where it is not known.
        psnr_db: to the network in floating point, the worst of a few pictures; None for the file of
            another network that costs the same.
        least_psnr_db: the PSNR that files of this variant should have.
    """

    network: str
    variant: str
    kb: float
    ms: float
    rounds: int
    peak_memory_mb: float | None
    psnr_db: float | None
    least_psnr_db: float

    @property
    def is_good(self) -> bool:
        """Whether the file is as near to its network as it should be, as far as that is known."""
        return self.psnr_db is None or self.psnr_db >= self.least_psnr_db


@dataclasses.dataclass(frozen=True, kw_only=True)
class Costs:
    """What teacher and student of one direction cost.

    Attributes:
        height: of the pictures, in pixels.
        width: of the pictures, in pixels.
        threads: of the CPU that the files used.
        networks: teacher, then student.
        files: of the student and the teacher, by variant.
        left_out: a sentence for everything that could not be measured.
    """

    height: int
    width: int
    threads: int
    networks: tuple[NetworkCost, ...]
    files: tuple[FileCost, ...]
    left_out: tuple[str, ...]

    @property
    def protocol(self) -> str:
        """How the numbers came about, in words."""
        sentences = [
            f"For a picture of {self.height} x {self.width} px. MACs are the multiplications of "
            "all convolutions, counted in the graph."
        ]
        if self.files:
            rounds = [each.rounds for each in self.files]
            counts = f"{max(rounds)} rounds"
            if max(rounds) > min(rounds):
                counts = f"up to {max(rounds)} rounds, slow files for at least {min(rounds)}"
            threads = "1 CPU thread" if self.threads == 1 else f"{self.threads} CPU threads"
            sentences.append(
                f"A time is what LiteRT takes for a picture on {threads}. All files take turns for "
                f"{counts}, and the least time of each counts. A kB is 1,000 bytes of the file. "
                "The peak memory is that of a process that runs nothing else. The PSNR of a file "
                "is that to its network in floating point, the worst of up to "
                f"{MOST_REFERENCES} pictures."
            )
        return " ".join(sentences)

    def network(self, name: str) -> NetworkCost:
        """Returns the cost of "teacher" or "student"."""
        return next(each for each in self.networks if each.network == name)

    def file(self, network: str, variant: str) -> FileCost | None:
        """Returns the cost of a file; None where it was not measured."""
        for each in self.files:
            if (each.network, each.variant) == (network, variant):
                return each
        return None

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> "Costs":
        """Reads what `dataclasses.asdict` made of it."""
        return cls(
            height=fields["height"],
            width=fields["width"],
            threads=fields["threads"],
            networks=tuple(NetworkCost(**each) for each in fields["networks"]),
            files=tuple(FileCost(**each) for each in fields["files"]),
            left_out=tuple(fields["left_out"]),
        )


def measure_costs(
    teachers: Mapping[Direction, keras.Model],
    students: Mapping[Direction, keras.Model],
    *,
    size: tuple[int, int],
    pictures: Mapping[Direction, Sequence[np.ndarray]],
    calibration: Mapping[Direction, Sequence[np.ndarray]],
    variants: Sequence[str] = tuple(VARIANTS),
    threads: int = 2,
    seconds: float = 60.0,
) -> dict[Direction, Costs]:
    """Exports teachers and students, and measures their files in one run, in turns.

    The teacher's files of a second direction are not measured again where its network is of the
    same shape, since they cost the same.

    Args:
        teachers: by direction.
        students: one for each teacher.
        size: (height, width) of the files in pixels; fits all networks.
        pictures: held-out ones to compare files with their networks on, at least one of each
            direction: (height, width, channels) of any size, uint8 or float32 in [-1, 1].
        calibration: pictures of the training set, likewise; a dozen is enough. Where there are
            none, the variants `CALIBRATED` are left out.
        variants: some of `export.tflite.VARIANTS`.
        threads: of the CPU that files may use.
        seconds: of timing, about; see `time_in_turns`.

    Returns:
        The costs by direction. Where the packages that TFLite files need are missing, or a file
        cannot be made, its costs are left out, and `left_out` says so.
    """
    height, width = size
    missing = _missing_packages()
    files: dict[tuple[Direction, str, str], pathlib.Path] = {}
    measured: dict[tuple[Direction, str, str], Measured] = {}
    left_out: dict[Direction, list[str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        # ---- the files ----
        for direction, student in students.items():
            left_out[direction] = [missing] if missing else []
            if missing:
                continue
            wanted = list(variants)
            if not calibration.get(direction):
                wanted = [variant for variant in wanted if variant not in CALIBRATED]
                left_out[direction].append(
                    f"The variants {' and '.join(CALIBRATED)} are left out: they are calibrated "
                    "on pictures of the training set, and there are none."
                )
            networks = {STUDENT: student}
            if _with_measured_teacher(direction, teachers) == direction:
                networks[TEACHER] = teachers[direction]
            for name, network in networks.items():
                n_references = MOST_REFERENCES if name == STUDENT else 1
                references = _references(network, pictures[direction][:n_references], size)
                logging.info("Exporting the %s, %s", name, direction)
                try:
                    paths = export_tflite(
                        network,
                        folder,
                        f"{name}_{direction}",
                        size=size,
                        variants=variants_for(network.description, wanted),
                        calibration=calibration.get(direction),
                    )
                except ExportError as error:
                    left_out[direction].append(f"The {name}'s files are left out: {error}")
                    continue
                for variant, path in paths.items():
                    logging.info("  measuring %s", path.name)
                    key = (direction, name, variant)
                    try:
                        measured[key] = measure(path, references, repeats=1, threads=threads)
                    except ExportError as error:
                        left_out[direction].append(
                            f"The {name}'s file of the variant {variant} is left out: {error}"
                        )
                        continue
                    files[key] = path

        # ---- their times ----
        times = _times_of(files, threads=threads, seconds=seconds)

    # ---- by direction ----
    costs = {}
    for direction, student in students.items():
        rows = []
        for variant in VARIANTS:
            for name in (TEACHER, STUDENT):
                measured_for = direction
                if name == TEACHER:
                    measured_for = _with_measured_teacher(direction, teachers)
                key = (measured_for, name, variant)
                if key not in files:
                    continue
                facts = measured[key].facts
                rows.append(
                    FileCost(
                        network=name,
                        variant=variant,
                        kb=facts["bytes"] / 1000,
                        ms=1000 * min(times[key]),
                        rounds=len(times[key]),
                        peak_memory_mb=facts.get("peak_memory_mb"),
                        # Its costs are those of a teacher of the same shape; this one is not.
                        psnr_db=facts["psnr_db"] if measured_for == direction else None,
                        least_psnr_db=LEAST_PSNR_DB[variant],
                    )
                )
        networks = {TEACHER: teachers[direction], STUDENT: student}
        costs[direction] = Costs(
            height=height,
            width=width,
            threads=threads,
            networks=tuple(
                NetworkCost(network=name, **count(network, height, width))
                for name, network in networks.items()
            ),
            files=tuple(rows),
            left_out=tuple(left_out[direction]),
        )
    return costs


def time_in_turns(
    runs: Mapping[Any, Callable[[], object]], *, rounds: int = ROUNDS, seconds: float = 60.0
) -> dict[Any, list[float]]:
    """Times several things in turns, so that all see the same machine.

    Args:
        runs: what to call, by any name; each is called once more before the first round.
        rounds: how often each is timed at most.
        seconds: for all together. What has used up its share is timed `LEAST_ROUNDS` times and
            then no more, so that one that is slow leaves time for the others.

    Returns:
        Seconds of each round, by the same names.
    """
    for run in runs.values():
        run()
    times: dict[Any, list[float]] = {name: [] for name in runs}
    share = seconds / max(len(runs), 1)
    for index in range(rounds):
        for name, run in runs.items():
            if index >= LEAST_ROUNDS and sum(times[name]) > share:
                continue
            started = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - started)
    return times


def _times_of(files: Mapping[Any, pathlib.Path], *, threads: int, seconds: float):
    """Returns the seconds of every round of every file."""
    if not files:
        return {}
    from cyclegan_keras.export import tflite_run  # needs LiteRT

    runs = {}
    for name, path in files.items():
        interpreter = tflite_run.open_model(path, threads)
        details = interpreter.get_input_details()[0]
        # An input of zeros would do, but values that overflow nothing and vary are what it gets.
        noise = np.random.default_rng(0).uniform(-1, 1, details["shape"])
        is_integer = np.issubdtype(details["dtype"], np.integer)
        interpreter.set_tensor(
            details["index"], (noise * 100 if is_integer else noise).astype(details["dtype"])
        )
        runs[name] = interpreter.invoke
    return time_in_turns(runs, seconds=seconds)


def _references(network, pictures, size):
    """Returns pictures of the file's size, and what the network makes of them."""
    inputs = [resized_input(picture, size[0], size[1]) for picture in pictures]
    return [(image, np.asarray(network(image, training=False))) for image in inputs]


def _with_measured_teacher(direction: Direction, teachers: Mapping) -> Direction:
    """Returns the first direction whose teacher costs what that of `direction` costs."""
    for other, teacher in teachers.items():
        if _architecture(teacher) == _architecture(teachers[direction]):
            return other
    return direction


def _architecture(network) -> tuple:
    config = network.get_config()
    of_weights = ("name", "init_type", "init_gain")
    shape = {name: value for name, value in config.items() if name not in of_weights}
    return type(network), repr(sorted(shape.items()))


def _missing_packages() -> str:
    """Returns a sentence where the packages that TFLite files need are missing; "" otherwise."""
    try:
        import ai_edge_quantizer  # noqa: F401

        from cyclegan_keras.export import tflite_run  # noqa: F401
    except ImportError:
        return f"Sizes and times of TFLite files are left out: {INSTALL}."
    return ""
