"""What every exporter is given, and what it tells of each file."""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence

import keras
import numpy as np

from cyclegan_keras.cli import backends
from cyclegan_keras.export.options import ExportOptions
from cyclegan_keras.files.errors import ExportError
from cyclegan_keras.models import any_size


@dataclasses.dataclass(frozen=True, kw_only=True)
class Job:
    """An export to be made.

    Attributes:
        generators: direction (`"a_to_b"`, `"b_to_a"`) -> generator.
        names: direction -> name of its files, such as `generator_g`.
        folder: where to write, new and empty.
        version: number of the SavedModel.
        options: the options.
        description: what is told about the model.
        pictures: direction -> uint8 pictures (height, width, 3) to compare on.
        calibration: direction -> uint8 pictures to calibrate integer variants on.
    """

    generators: Mapping[str, keras.Model]
    names: Mapping[str, str]
    folder: pathlib.Path
    version: int
    options: ExportOptions
    description: Mapping[str, object]
    pictures: Mapping[str, Sequence[np.ndarray]]
    calibration: Mapping[str, Sequence[np.ndarray]]


@dataclasses.dataclass
class Exported:
    """A file, or the folder of a SavedModel, and what was measured of it.

    Attributes:
        path: where it lies.
        kind: format and variant, such as `"tflite fp16"`.
        direction: which way it translates.
        facts: numbers and words for the receipt, `psnr_db` among them.
        least_psnr_db: it is rejected below.
        samples: float32 (height, width, 3) in [-1, 1], its translations of the first pictures.
    """

    path: pathlib.Path
    kind: str
    direction: str
    facts: dict[str, object]
    least_psnr_db: float
    samples: list[np.ndarray] = dataclasses.field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """Whether it translates as well as it should; a NaN is not good."""
        return self.facts["psnr_db"] >= self.least_psnr_db


def check_generator(direction: str, generator: keras.Model) -> None:
    """Raises ExportError unless `generator` turns RGB pictures into RGB pictures, all finite."""
    backends.need_tensorflow("An export")
    shapes = generator.input_shape[-1], generator.output_shape[-1]
    tells_sizes = hasattr(generator, "size_multiple") and hasattr(generator, "smallest_size")
    if shapes != (3, 3) or not tells_sizes:
        raise ExportError(
            f"The network {direction} is a {type(generator).__name__} from {shapes[0]} to "
            f"{shapes[1]} channels, which cannot be exported; expected a generator of this package "
            "from 3 to 3 channels."
        )
    if not all(np.isfinite(weight).all() for weight in generator.get_weights()):
        raise ExportError(
            f"The generator {direction} has weights that are not finite, so its training has "
            "failed: export an earlier checkpoint."
        )


def to_float(picture: np.ndarray) -> np.ndarray:
    """Turns uint8 (height, width, 3) into float32 (1, height, width, 3) in [-1, 1]."""
    return picture[None].astype("float32") / 127.5 - 1


def translate_any_size(generator: keras.Model, picture: np.ndarray) -> np.ndarray:
    """Translates uint8 (height, width, 3) to float32 in [-1, 1].

    As the server does it: reflected up to a size that fits, and cut back.
    """
    return any_size.translate_any_size(
        lambda images: generator(images, training=False),
        to_float(picture),
        multiple=generator.size_multiple,
        smallest=generator.smallest_size,
    )[0]


def size_of(path: pathlib.Path) -> int:
    """Returns the bytes of a file, or of all files of a folder."""
    files = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]
    return sum(file.stat().st_size for file in files)
