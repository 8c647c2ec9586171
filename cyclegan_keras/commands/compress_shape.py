"""The shape of the students of a compression, and how it was found."""

import dataclasses
import time
from typing import Any

from cyclegan_keras.commands.compress_results import tried_shapes
from cyclegan_keras.commands.compress_setup import Setup
from cyclegan_keras.runs.run import Run


@dataclasses.dataclass(frozen=True, kw_only=True)
class ChosenShape:
    """The shape of the students, and how it was found.

    Attributes:
        shape: a `compression.shapes.Shape`.
        tried: all shapes that were tried, as `compression.receipt.TriedShape`; empty for one that
            was typed.
        seconds: spent on the search.
    """

    shape: Any
    tried: tuple
    seconds: float


def shape_of(setup: Setup, directory: Run) -> ChosenShape:
    """Returns the shape of the students: that of the run, the one typed, or the largest that fits.

    Raises:
        CompressionError: no shape fits, or the one typed does not.
    """
    from cyclegan_keras.compression.receipt import TriedShape
    from cyclegan_keras.compression.search import Targets, choose_shape
    from cyclegan_keras.compression.shapes import Shape, check_shape
    from cyclegan_keras.export.tflite import parse_size

    options, teachers = setup.options["compression"], setup.teachers.networks
    begun = directory.saved_facts().get("compression")
    if begun:
        return ChosenShape(
            shape=Shape.parse(begun["shape"]),
            tried=tried_shapes(begun),
            seconds=begun["seconds"]["choosing a shape"],
        )
    height, width = parse_size(options.size)
    if options.shape:
        shape = Shape.parse(options.shape)
        for teacher in teachers.values():
            check_shape(teacher, shape)
        return ChosenShape(shape=shape, tried=(), seconds=0.0)
    began = time.perf_counter()
    choice = choose_shape(
        teachers,
        Targets(kb=options.target_kb, ms=options.target_ms, macs=options.target_macs),
        variant=options.variant,
        height=height,
        width=width,
        threads=options.threads,
    )
    return ChosenShape(
        shape=choice.shape,
        tried=tuple(TriedShape.of(candidate) for candidate in choice.candidates),
        seconds=time.perf_counter() - began,
    )
