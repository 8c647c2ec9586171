"""What is to be exported, and what each format's writer returns."""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from cyclegan_keras.cli import backends
from cyclegan_keras.export.options import ExportOptions
from cyclegan_keras.export.web.prepared import PreparedPage
from cyclegan_keras.files.direction import Direction
from cyclegan_keras.files.errors import ExportError


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExportJob:
    """What every format's writer is given.

    Attributes:
        generators: the generator of each direction.
        folder: where to write, new and empty.
        version: number of the SavedModel.
        options: the options, with a `tflite_size`.
        description: what model.json and the metadata of TFLite files say about the model.
        pictures: pictures of each direction to compare on, (height, width, channels) in its
            generator's source form: uint8, or float32 in [-1, 1].
        calibration: pictures of each direction, to calibrate integer variants on.
        files: the bytes of picture files of each direction, as users send them to a server.
        tflite_files: the .tflite files that were written so far, by direction, variant, height,
            width and batch: a second format that needs one copies it.
        page: what a web page needs besides; None where none is written.
    """

    generators: Mapping[Direction, keras.Model]
    folder: pathlib.Path
    version: int
    options: ExportOptions
    description: Mapping[str, Any]
    pictures: Mapping[Direction, Sequence[np.ndarray]]
    calibration: Mapping[Direction, Sequence[np.ndarray]]
    files: Mapping[Direction, Sequence[bytes]] = dataclasses.field(default_factory=dict)
    tflite_files: dict[tuple[Direction, str, int, int, int], "ExportedFile"] = dataclasses.field(
        default_factory=dict
    )
    page: PreparedPage | None = None


@dataclasses.dataclass(kw_only=True)
class ExportedFile:
    """A file, or the folder of a SavedModel, and what was measured of it.

    Attributes:
        path: the file or folder.
        kind: format and variant, such as "tflite fp16".
        direction: which way it translates.
        facts: numbers and strings for the receipt, `psnr_db` among them.
        least_psnr_db: below it the file is rejected.
        samples: float32 (height, width, channels) in [-1, 1], its translations of the job's
            pictures; none where it is a copy of another file of the same export.
    """

    path: pathlib.Path
    kind: str
    direction: Direction
    facts: dict[str, Any]
    least_psnr_db: float
    samples: list[np.ndarray] = dataclasses.field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """Whether it translates as well as it should; a NaN is not good."""
        return self.facts["psnr_db"] >= self.least_psnr_db


def check_generator(direction: Direction, generator: keras.Model) -> None:
    """Raises ExportError unless `generator` is one of this package, with finite weights."""
    backends.need_tensorflow("An export")
    has_sizes = hasattr(generator, "size_multiple") and hasattr(generator, "smallest_size")
    if not has_sizes or not hasattr(generator, "description"):
        raise ExportError(
            f"The network {direction.signature} is a {type(generator).__name__} from "
            f"{generator.input_shape[-1]} to {generator.output_shape[-1]} channels, which cannot "
            "be exported; expected a generator of this package."
        )
    if not all(np.isfinite(weight).all() for weight in generator.get_weights()):
        raise ExportError(
            f"The generator {direction.signature} has weights that are not finite, so its training "
            "has failed: export an earlier checkpoint."
        )
