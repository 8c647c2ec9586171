"""A segmentation network in a .keras file, as a function of pictures to classes."""

import dataclasses
import pathlib
import re
import zipfile
from collections.abc import Callable, Iterator, Sequence

import keras
import numpy as np
from keras import ops

from cyclegan_keras.files.errors import EvaluationError, MetricError, PictureError
from cyclegan_keras.files.memory import is_out_of_memory
from cyclegan_keras.images.batching import batches_by_shape
from cyclegan_keras.images.channels import with_channels
from cyclegan_keras.images.resizing import resize

_BATCH = 8
_MOST_CHARACTERS = 300  # of what Keras says of a file
_MOST_SCORES = 2**26  # numbers that a network gives for one batch: 256 MiB

# Statistics of ImageNet, as networks expect them that were trained with Caffe and with PyTorch.
_CAFFE_MEAN = np.array([103.939, 116.779, 123.68], np.float32)  # blue, green, red; of 255
_TORCH_MEAN = np.array([0.485, 0.456, 0.406], np.float32)  # red, green, blue; of 1
_TORCH_DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)


def _of_torch(levels: np.ndarray) -> np.ndarray:
    return (levels / 255 - _TORCH_MEAN) / _TORCH_DEVIATION


def _of_caffe(levels: np.ndarray) -> np.ndarray:
    return levels[..., ::-1] - _CAFFE_MEAN


# --segmentation_input -> float32 levels from 0 to 255, RGB, to what the network expects.
INPUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "0..255": lambda levels: levels,
    "0..1": lambda levels: levels / 255,
    "-1..1": lambda levels: levels / 127.5 - 1,
    "torch": _of_torch,
    "caffe": _of_caffe,
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class SegmentationNetwork:
    """A network that says what each pixel of a picture shows.

    Attributes:
        model: pictures (batch, height, width, 1 or 3) to scores (batch, rows, columns, outputs),
            logits or probabilities, at any stride; or to class numbers, (batch, rows, columns) or
            (batch, rows, columns, 1).
        name: what messages and protocols call it.
        input: a key of `INPUTS`.
        outputs: how many classes it tells apart.
        size: (width, height) that pictures are resized to, or None for their own size.
    """

    model: keras.Model
    name: str
    input: str
    outputs: int
    size: tuple[int, int] | None = None

    @property
    def protocol(self) -> str:
        """How the network sees pictures, in words."""
        size = "at their own size"
        if self.size:
            size = f"resized to {self.size[0]}x{self.size[1]} (bilinear, antialiased)"
        return (
            f"segmented by {self.name} {size}, as numbers {self.input}; its scores are resized to "
            "the label map (bilinear), and the largest counts"
        )

    def classes(
        self, pictures: Sequence[np.ndarray], sizes: Sequence[tuple[int, int]]
    ) -> Iterator[tuple[int, np.ndarray]]:
        """Yields the index of each picture and what its pixels show; each picture comes once.

        Args:
            pictures: uint8 (height, width, 1 or 3), of any sizes.
            sizes: (height, width) of each result.

        Yields:
            The index and int64 (height, width), from 0 to `outputs` - 1.

        Raises:
            MetricError: the network cannot take these pictures, or gives something else.
        """

        def shape(item):
            return item[1].shape

        def limit(item):
            height, width = item[1].shape[:2]
            return max(1, min(_BATCH, _MOST_SCORES // (height * width * self.outputs)))

        prepared = ((index, self._prepared(picture)) for index, picture in enumerate(pictures))
        for batch in batches_by_shape(prepared, shape=shape, limit=limit):
            answers = self._answers(np.stack([picture for _, picture in batch]))
            for (index, _), answer in zip(batch, answers, strict=True):
                yield index, self._largest(answer, sizes[index])

    def _prepared(self, picture: np.ndarray) -> np.ndarray:
        """Returns a picture as the network expects it, float32."""
        channels = self.model.input_shape[-1] or 3
        try:
            rgb = with_channels(picture, 3)
            if self.size:
                rgb = resize(np.ascontiguousarray(rgb), self.size, "bilinear")
            prepared = INPUTS[self.input](rgb.astype(np.float32))
            return with_channels(prepared.astype(np.float32), channels)
        except PictureError as error:
            raise MetricError(f"{self.name} cannot segment a picture that {error}.") from error

    def _answers(self, batch: np.ndarray) -> np.ndarray:
        """Returns scores (batch, rows, columns, outputs), or class numbers of one axis less."""
        height, width = batch.shape[1:3]
        try:
            found = self.model.predict_on_batch(batch)
        except Exception as error:
            if is_out_of_memory(error):
                raise
            advice = ""
            if None in self.model.input_shape[1:3]:
                advice = " Give a size that it takes by --segmentation_size."
            raise MetricError(
                f"{self.name} cannot segment pictures of {width}x{height}: {_words(error)}.{advice}"
            ) from error
        if isinstance(found, dict):
            found = list(found.values())
        if isinstance(found, list | tuple):
            if len(found) != 1:
                raise MetricError(f"{self.name} has {len(found)} outputs, expected one.")
            found = found[0]
        answers = np.asarray(found)
        if answers.ndim == 4 and answers.shape[-1] == self.outputs:
            return answers.astype(np.float32)
        if answers.ndim == 4 and answers.shape[-1] == 1:
            answers = answers[..., 0]
        if answers.ndim != 3:
            raise MetricError(
                f"{self.name} gives an array of shape {answers.shape} for {len(batch)} pictures; "
                f"expected scores (batch, height, width, {self.outputs}) or class numbers (batch, "
                "height, width)."
            )
        numbers = np.rint(answers)
        if not np.array_equal(numbers, answers):
            raise MetricError(
                f"{self.name} gives one number a pixel that is no class number, such as "
                f"{answers[numbers != answers][0]:.3g}; expected one score for each of "
                f"{self.outputs} classes, or whole numbers."
            )
        if numbers.min() < 0 or numbers.max() >= self.outputs:
            raise MetricError(
                f"{self.name} gives class numbers from {numbers.min():.0f} to {numbers.max():.0f}, "
                f"but the class list has {self.outputs} classes: expected 0 to {self.outputs - 1}."
            )
        return numbers.astype(np.int64)

    def _largest(self, answer: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """Returns the class of each pixel at `size`, int64 (height, width)."""
        if answer.ndim == 2:
            rows = (np.arange(size[0]) + 0.5) * answer.shape[0] / size[0]
            columns = (np.arange(size[1]) + 0.5) * answer.shape[1] / size[1]
            return answer[rows.astype(int)][:, columns.astype(int)]
        if answer.shape[:2] != size:
            resized = ops.image.resize(
                answer[None], size, interpolation="bilinear", data_format="channels_last"
            )
            answer = ops.convert_to_numpy(resized)[0]
        return answer.argmax(axis=-1)


def open_segmentation_network(
    path: str,
    *,
    input_numbers: str | None,
    size: str | None,
    scored: int,
    listed: int,
) -> SegmentationNetwork:
    """Returns the network of a .keras file; nothing in the file is executed.

    Args:
        path: of the file.
        input_numbers: a key of `INPUTS`.
        size: "512" or "1024x512" (width x height), or None: the fixed size of the network's input,
            or else that of the pictures.
        scored: how many classes of the class list are scored.
        listed: how many there are in all.

    Raises:
        EvaluationError: the file cannot be used, or tells another number of classes apart.
    """
    if input_numbers is None:
        raise EvaluationError(
            "--segmentation_input is missing: say which numbers --segmentation_model expects, one "
            f"of {', '.join(INPUTS)}. A model that scales pictures itself expects 0..255."
        )
    model = _load(pathlib.Path(path).expanduser())
    name = pathlib.PurePath(path).name
    input_shape = getattr(model, "input_shape", None)
    if not isinstance(input_shape, tuple) or len(input_shape) != 4:
        raise EvaluationError(
            f"--segmentation_model={path}: expected one input of pictures (batch, height, width, "
            f"channels), not {input_shape}."
        )
    if model.input_shape[-1] not in (1, 3, None):
        raise EvaluationError(
            f"--segmentation_model={path} takes pictures of {model.input_shape[-1]} channels, "
            "expected 1 or 3, the last axis of its input."
        )
    outputs = _outputs(model, scored, listed)
    if outputs is None:
        ignored = f", or {listed} with the ignored ones" if listed != scored else ""
        raise EvaluationError(
            f"--segmentation_model={path} gives an output of shape {model.output_shape}, but the "
            f"class list has {scored} classes to score{ignored}: expected (batch, height, width, "
            f"{scored}), or (batch, height, width) of class numbers."
        )
    return SegmentationNetwork(
        model=model,
        name=name,
        input=input_numbers,
        outputs=outputs,
        size=_size(size, model, path),
    )


def _load(path: pathlib.Path) -> keras.Model:
    if not path.exists():
        raise EvaluationError(f"--segmentation_model={path} does not exist.")
    if not zipfile.is_zipfile(path):
        raise EvaluationError(
            f"--segmentation_model={path}: expected a .keras file, as model.save('name.keras') "
            "writes it."
        )
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # what a foreign file makes Keras raise is of any kind
        if is_out_of_memory(error):
            raise
        raise EvaluationError(f"--segmentation_model={path} {_reason(error)}") from error


def _reason(error: Exception) -> str:
    """Returns why a model cannot be loaded, as the end of a sentence."""
    words = str(error)
    if "unsafe" in words or "safe_mode" in words:
        return (
            "holds Python code, such as a Lambda layer, which is not executed: save a model of "
            "Keras' own layers."
        )
    if "Could not locate" in words or "registered" in words or "could not be deserialized" in words:
        return (
            "is built of classes that are not Keras' own. Those of KerasHub need `pip install "
            "keras-hub`; for others, import them in Python and call "
            f"cyclegan_keras.commands.evaluate.run(...). Keras says: {_words(error)}."
        )
    return f"cannot be read as a Keras model: {_words(error)}."


def _words(error: Exception) -> str:
    """Returns what an error says, in one line, without what Keras wraps around it."""
    lines = re.sub(r"\x1b\[\d+m", "", str(error)).strip().splitlines()
    said = [line for line in lines if line and not line.startswith("Exception encountered when")]
    words = said[0] if said else type(error).__name__
    return words.partition(" Full object config:")[0][:_MOST_CHARACTERS].rstrip(". ")


def _outputs(model: keras.Model, scored: int, listed: int) -> int | None:
    """Returns how many classes a model tells apart; None where that does not fit the list."""
    shape = model.output_shape
    if isinstance(shape, dict):
        shape = list(shape.values())
    if isinstance(shape, list) and len(shape) == 1:
        (shape,) = shape
    if not isinstance(shape, tuple) or len(shape) not in (3, 4):
        return None
    if len(shape) == 4 and shape[-1] in (scored, listed):
        return shape[-1]
    if len(shape) == 3 or shape[-1] == 1:
        return scored
    return None


def _size(size: str | None, model: keras.Model, path: str) -> tuple[int, int] | None:
    """Returns (width, height) that pictures are resized to, or None for their own size."""
    height, width = model.input_shape[1:3]
    if size is None:
        if height and width:
            return width, height
        if height or width:
            raise EvaluationError(
                f"--segmentation_model={path} fixes one side of its input, "
                f"{model.input_shape}: give --segmentation_size=WIDTHxHEIGHT."
            )
        return None
    sides = size.lower().split("x")
    if len(sides) == 1:
        sides = sides * 2
    if len(sides) != 2 or not all(
        side.isascii() and side.isdigit() and int(side) for side in sides
    ):
        raise EvaluationError(
            f"--segmentation_size={size}: expected WIDTHxHEIGHT such as 1024x512, or one side of a "
            "square."
        )
    chosen = int(sides[0]), int(sides[1])
    if (width or chosen[0], height or chosen[1]) != chosen:
        raise EvaluationError(
            f"--segmentation_size={size}: {path} takes pictures of {width}x{height} only."
        )
    return chosen
