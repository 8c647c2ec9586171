"""The largest generator that keeps to a budget of kilobytes, milliseconds or multiplications."""

import dataclasses
import pathlib
import tempfile
from collections.abc import Callable, Mapping, Sequence

import keras
import numpy as np
from absl import logging

from cyclegan_keras.cli import backends
from cyclegan_keras.compression.shapes import Shape, build_student, macs, parameters
from cyclegan_keras.compression.words import in_thousands, multiplications
from cyclegan_keras.export import tflite
from cyclegan_keras.export.options import ExportOptions
from cyclegan_keras.export.static_graph import check_size
from cyclegan_keras.files.errors import CompressionError
from cyclegan_keras.models.description import Description

BLOCKS = 4  # residual blocks with which the width is chosen
# A trained generator's file describes its training. As much is counted for that in a candidate's.
DESCRIPTION_BYTES = 6000


@dataclasses.dataclass(frozen=True)
class Targets:
    """What a generator may cost; None where it may cost anything.

    Attributes:
        kb: size of its exported file, in 1,000 bytes.
        ms: time of a translation by that file, in milliseconds.
        macs: multiplications of its convolutions for a picture.
    """

    kb: float | None = None
    ms: float | None = None
    macs: float | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Candidate:
    """A shape that was tried, and what its generator costs: where there are two, the dearer one.

    Attributes:
        shape: of the generator.
        macs: multiplications of its convolutions for a picture.
        parameters: how many it has.
        kb: size of its file in 1,000 bytes; None where it was not exported.
        ms: the lowest time of a translation in milliseconds; None where it was not measured.
        exceeds: the targets that it was found to exceed, some of "kb", "ms" and "macs". What costs
            more to find out is not found out any more after the first one.
    """

    shape: Shape
    macs: int
    parameters: int
    kb: float | None = None
    ms: float | None = None
    exceeds: tuple[str, ...] = ()

    @property
    def fits(self) -> bool:
        """Whether it keeps to all targets."""
        return not self.exceeds

    @property
    def words(self) -> str:
        """Its costs, such as "2.42 GMAC, 496 k parameters, 578 kB, 14.6 ms"."""
        words = f"{multiplications(self.macs)}, {in_thousands(self.parameters)} parameters"
        if self.kb is not None:
            words += f", {self.kb:,.0f} kB"
        if self.ms is not None:
            words += f", {self.ms:,.1f} ms"
        return words


@dataclasses.dataclass(frozen=True, kw_only=True)
class Choice:
    """The outcome of a search.

    Attributes:
        shape: that was chosen.
        teacher: what the generator to compress costs itself.
        candidates: all shapes that were tried, the most multiplications first; the chosen one is
            among them.
    """

    shape: Shape
    teacher: Candidate
    candidates: tuple[Candidate, ...]


@dataclasses.dataclass(frozen=True)
class UntrainedFile:
    """What the file of an untrained student costs.

    Attributes:
        kb: its size in 1,000 bytes.
        ms: the lowest time of a translation in milliseconds; None where it was not timed.
    """

    kb: float
    ms: float | None = None


def choose_shape(
    teachers: Mapping[str, keras.Model],
    targets: Targets,
    *,
    variant: str = "dynamic",
    height: int = 256,
    width: int = 256,
    threads: int = 2,
    report: Callable[[str], None] = logging.info,
    measure: Callable[..., UntrainedFile] | None = None,
) -> Choice:
    """Chooses the largest shape whose generators keep to all targets.

    Width is worth more than depth, so that the widest one is taken first. Residual blocks: four, or
    the teacher's if it has fewer, until a width fits; then as many more as fit, at most the
    teacher's. If no width of `wide_widths` fits with four, there are fewer, down to one; and then
    half the width with four to one, a quarter, and so on to a single channel. A U-Net has its width
    alone. `ladder` lists the shapes in this order.

    Multiplications are counted; kilobytes and milliseconds are those of a real file with random
    weights, which is as large and as fast as one with any others. Each shape is exported at most
    once, and only where a target asks for it. The size of a file is the same each time. Times are
    not: the lowest of 15 counts, which other programs disturb least, and yet a search that is
    repeated may end one shape further up or down.

    Args:
        teachers: the generators to compress, by role. All get the same shape, at most as large as
            the smallest of them, and the one that costs most counts.
        targets: what the file may cost.
        variant: one of `export.tflite.VARIANTS`, in which the file is exported.
        height: of the file's pictures in pixels.
        width: of the file's pictures in pixels.
        threads: of the CPU, with which it is timed.
        report: is told of each shape that was tried.
        measure: exports and measures in place of `measure_file`.

    Raises:
        CompressionError: no target, one that no shape keeps to, only such that the teachers keep to
            themselves, or teachers that no one shape can serve.
        ExportError: a size that a teacher does not take, an unknown variant, or a package for
            exporting is missing.
        OptionError: a file is to be measured, and Keras does not use TensorFlow.
    """
    largest = _largest(teachers)
    _check_targets(targets)
    for teacher in teachers.values():
        check_size(teacher, height, width)
    needs_files = targets.kb is not None or targets.ms is not None
    if needs_files and measure is None:
        backends.need_tensorflow("A search for kilobytes or milliseconds")
        size = f"{height}x{width}"
        options = ExportOptions(tflite_size=size, tflite_variants=variant)
        tflite.check_tflite(options, teachers.values())

    trials = _Trials(
        teachers,
        targets,
        variant=variant,
        height=height,
        width=width,
        threads=threads,
        report=report,
        measure=measure or measure_file,
    )
    teacher = trials.of_teachers()
    if teacher.fits:
        raise CompressionError(
            f"{_flags(targets)}: the generator to compress keeps to that itself, with "
            f"{teacher.words}, so that there is nothing to compress: give a target below that."
        )
    shapes = ladder(largest)
    index = _first_that_fits(shapes, trials)
    if index is None:
        least = trials.of(shapes[-1])
        raise CompressionError(
            f"{_flags(targets)}: no generator is so small; the least one, {least.shape}, has "
            f"{least.words}: give a target above that."
        )
    chosen = shapes[index]
    if chosen.blocks is not None and chosen.blocks == shapes[0].blocks:
        chosen = _with_most_blocks(chosen, largest.blocks, trials)
    return Choice(shape=chosen, teacher=teacher, candidates=trials.tried)


def ladder(largest: Shape) -> list[Shape]:
    """Returns the shapes that a student can have, but those with more than four blocks.

    Args:
        largest: the teacher's.

    Returns:
        The largest one first; each has fewer multiplications and parameters than the one before.

    Example:
        >>> [str(shape) for shape in ladder(Shape(16, 2))]
        ['16x2', '14x2', '12x2', '10x2', '8x2', '6x2', '4x2', '4x1', '2x2', '2x1', '1x2', '1x1']
        >>> [str(shape) for shape in ladder(Shape(32))]
        ['32', '24', '16', '8', '4', '2', '1']
    """
    wide = wide_widths(largest.ngf)
    narrow = [ngf for ngf in (4, 2, 1) if 2 * ngf <= wide[-1]]
    if largest.blocks is None:
        return [Shape(ngf) for ngf in (*wide, *narrow)]
    blocks = min(BLOCKS, largest.blocks)
    shapes = [Shape(ngf, blocks) for ngf in wide]
    fewer = range(blocks - 1, 0, -1)
    shapes += [Shape(wide[-1], each) for each in fewer]
    for ngf in narrow:
        shapes += [Shape(ngf, each) for each in (blocks, *fewer)]
    return shapes


def wide_widths(ngf: int) -> list[int]:
    """Returns the widths that are tried with all their blocks, the widest first.

    These are the teacher's and the multiples of 8 below it, in which kernels of integers compute;
    of a teacher with fewer than 32 channels those of 2, from 4 on, because multiples of 8 would
    leave gaps of half the size between them.

    Args:
        ngf: the teacher's.

    Example:
        >>> wide_widths(64)
        [64, 56, 48, 40, 32, 24, 16, 8]
        >>> wide_widths(9)
        [9, 8, 6, 4]
    """
    step, least = (8, 8) if ngf >= 32 else (2, 4)
    multiples = [each for each in range(ngf - 1, least - 1, -1) if each % step == 0]
    return [ngf, *multiples]


def measure_file(
    teacher: keras.Model,
    shape: Shape,
    *,
    variant: str,
    height: int,
    width: int,
    threads: int,
    is_timed: bool,
) -> UntrainedFile:
    """Exports a student with random weights, and measures the file.

    Args:
        teacher: whose student it is.
        shape: of the student.
        variant: one of `export.tflite.VARIANTS`.
        height: of the file's pictures in pixels.
        width: of the file's pictures in pixels.
        threads: of the CPU, with which it is timed.
        is_timed: whether it is timed at all.

    Raises:
        ExportError: a size, a variant or a package, as in `export.tflite.export_tflite`.
    """
    with tempfile.TemporaryDirectory() as folder:
        paths = export_untrained(
            teacher, shape, folder, variants=[variant], height=height, width=width
        )
        ms = min(tflite.milliseconds(paths[variant], threads=threads)) if is_timed else None
        return UntrainedFile(paths[variant].stat().st_size / 1000, ms)


def export_untrained(
    teacher: keras.Model,
    shape: Shape,
    folder: str | pathlib.Path,
    *,
    variants: Sequence[str],
    height: int,
    width: int,
) -> dict[str, pathlib.Path]:
    """Writes files of a student with random weights, as large and fast as those of a trained one.

    Args:
        teacher: whose student it is.
        shape: of the student.
        folder: an existing folder; the files' names begin with the shape.
        variants: some of `export.tflite.VARIANTS`.
        height: of the files' pictures in pixels.
        width: of the files' pictures in pixels.

    Returns:
        The path of each variant.

    Raises:
        ExportError: a size, a variant or a package, as in `export.tflite.export_tflite`.
    """
    generator = build_student(teacher, shape)
    rng = np.random.default_rng(0)
    _randomize(generator, rng)
    generator.description = Description.of(generator, training={"of": "." * DESCRIPTION_BYTES})
    noise = rng.uniform(-1, 1, (4, height, width, generator.input_shape[-1])).astype(np.float32)
    return tflite.export_tflite(
        generator,
        folder,
        str(shape),
        size=(height, width),
        variants=variants,
        calibration=list(noise),
    )


class _Trials:
    """Finds out what shapes cost, each once."""

    def __init__(self, teachers, targets, *, variant, height, width, threads, report, measure):
        self._teachers = list(teachers.values())
        self._targets = targets
        self._height = height
        self._width = width
        self._report = report
        self._measure = measure
        self._how = {"variant": variant, "height": height, "width": width, "threads": threads}
        self._candidates: dict[Shape, Candidate] = {}
        self._files: dict[str, UntrainedFile] = {}  # by configuration and shape

    def of(self, shape: Shape) -> Candidate:
        """Returns what a student of a shape costs."""
        if shape not in self._candidates:
            self._candidates[shape] = self._candidate(shape, [shape] * len(self._teachers))
            self._tell(self._candidates[shape])
        return self._candidates[shape]

    def of_teachers(self) -> Candidate:
        """Returns what the teachers cost."""
        shapes = [Shape.of(teacher) for teacher in self._teachers]
        candidate = self._candidate(max(shapes, key=lambda each: each.ngf), shapes)
        self._tell(candidate, ", the generator to compress")
        return candidate

    @property
    def tried(self) -> tuple[Candidate, ...]:
        """All shapes that were asked for, the most multiplications first."""
        found = sorted(self._candidates.values(), key=lambda each: each.macs, reverse=True)
        return tuple(found)

    def _candidate(self, shape, shapes):
        pairs = list(zip(self._teachers, shapes, strict=True))
        size = (self._height, self._width)
        most_macs = max(macs(teacher, each, *size) for teacher, each in pairs)
        most_parameters = max(parameters(teacher, each) for teacher, each in pairs)
        targets = self._targets
        kb = ms = None
        exceeds = []
        if targets.macs is not None and most_macs > targets.macs:
            exceeds.append("macs")
        elif targets.kb is not None or targets.ms is not None:
            files = [self._file(teacher, each) for teacher, each in pairs]
            kb = max(file.kb for file in files)
            if targets.kb is not None and kb > targets.kb:
                exceeds.append("kb")
            if targets.ms is not None:
                ms = max(file.ms for file in files)
                if ms > targets.ms:
                    exceeds.append("ms")
        return Candidate(
            shape=shape,
            macs=most_macs,
            parameters=most_parameters,
            kb=kb,
            ms=ms,
            exceeds=tuple(exceeds),
        )

    def _file(self, teacher, shape):
        config = {**teacher.get_config(), "name": None}
        key = repr((type(teacher), config, shape))
        if key not in self._files:
            is_timed = self._targets.ms is not None
            self._files[key] = self._measure(teacher, shape, is_timed=is_timed, **self._how)
        return self._files[key]

    def _tell(self, candidate, what=""):
        verdict = "fits" if candidate.fits else f"exceeds {' and '.join(candidate.exceeds)}"
        self._report(f"{candidate.shape}{what}: {candidate.words}: {verdict}")


def _largest(teachers) -> Shape:
    """Returns the largest shape that all teachers can pass on."""
    shapes = {role: Shape.of(teacher) for role, teacher in teachers.items()}
    are_unets = {shape.blocks is None for shape in shapes.values()}
    if len(are_unets) > 1:
        raise CompressionError(
            f"The generators are of two kinds ({', '.join(map(str, shapes.values()))}), and one "
            "shape is chosen for both: compress one direction at a time."
        )
    ngf = min(shape.ngf for shape in shapes.values())
    if are_unets == {True}:
        return Shape(ngf)
    return Shape(ngf, min(shape.blocks for shape in shapes.values()))


def _check_targets(targets):
    if targets == Targets():
        raise CompressionError(
            "There is no target: give --target_kb, --target_ms or --target_macs, or the --shape "
            "itself."
        )


def _flags(targets):
    """Returns the targets as they are typed."""
    given = {
        name: value for name, value in dataclasses.asdict(targets).items() if value is not None
    }
    return " ".join(f"--target_{name}={value:g}" for name, value in given.items())


def _first_that_fits(shapes, trials) -> int | None:
    """Returns the index of a shape that fits while the one before does not, by bisection."""
    before, after = -1, len(shapes)
    while after - before > 1:
        middle = (before + after) // 2
        if trials.of(shapes[middle]).fits:
            after = middle
        else:
            before = middle
    return after if after < len(shapes) else None


def _with_most_blocks(shape, most, trials) -> Shape:
    """Returns a shape with as many blocks as fit, from its own on, by bisection."""
    fitting, too_many = shape.blocks, most + 1
    while too_many - fitting > 1:
        middle = (fitting + too_many) // 2
        if trials.of(Shape(shape.ngf, middle)).fits:
            fitting = middle
        else:
            too_many = middle
    return Shape(shape.ngf, fitting)


def _randomize(generator, rng):
    """Gives every weight a value that no converter can leave out, as it does zeros and ones."""
    for variable in generator.variables:
        if variable.name == "batches":
            continue
        around = 1.0 if variable.name in ("gamma", "moving_variance") else 0.0
        noise = rng.normal(0, 0.02, tuple(variable.shape))
        variable.assign((around + noise).astype(np.float32))
