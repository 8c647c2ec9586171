"""One exporter a format: it writes the files and compares each with Keras on real pictures."""

import io

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

from cyclegan_keras.export.base import Exported, Job, to_float, translate_any_size
from cyclegan_keras.export.errors import ExportError
from cyclegan_keras.export.onnx import export_onnx
from cyclegan_keras.export.parity import compare
from cyclegan_keras.export.saved_model import export_saved_model


def write_saved_model(job: Job) -> list[Exported]:
    """Writes one SavedModel of all directions; compares pictures by their decoded PNG files."""
    folder = export_saved_model(
        job.generators,
        job.folder / str(job.version),
        description=job.description,
        max_image_pixels=job.options.max_image_pixels,
    )
    loaded = tf.saved_model.load(str(folder))
    exported = []
    for direction, generator in job.generators.items():
        pictures = job.pictures[direction]
        files = tf.constant([_png(picture) for picture in pictures])
        answers = loaded.signatures[direction](bytes_inputs=files)["image_bytes"].numpy()
        found = [np.asarray(Image.open(io.BytesIO(answer))) for answer in answers]
        expected = [_to_uint8(translate_any_size(generator, p)) for p in pictures]
        facts = _worst(
            compare(to_float(a), to_float(b)) for a, b in zip(expected, found, strict=True)
        )
        # Of 255 levels one may fall on the other side of a rounding, no more.
        exported.append(
            Exported(folder, "saved_model", direction, facts, 55.0, [to_float(f)[0] for f in found])
        )
    return exported


def write_onnx(job: Job) -> list[Exported]:
    """Writes one ONNX file a direction; compared where onnxruntime is installed."""
    folder = job.folder / "onnx"
    folder.mkdir()
    exported = []
    for direction, generator in job.generators.items():
        path = export_onnx(generator, folder / f"{job.names[direction]}.onnx")
        try:
            import onnxruntime
        except ImportError as error:
            raise ExportError(
                'Comparing ONNX with Keras needs onnxruntime: pip install "cyclegan-keras[export]".'
            ) from error
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        inputs = [fitting(generator, picture) for picture in job.pictures[direction]]
        found = [session.run(None, {session.get_inputs()[0].name: x})[0] for x in inputs]
        facts = _worst(
            compare(np.asarray(generator(x, training=False)), y)
            for x, y in zip(inputs, found, strict=True)
        )
        exported.append(Exported(path, "onnx", direction, facts, 100.0, [y[0] for y in found]))
    return exported


def fitting(generator: keras.Model, picture: np.ndarray) -> np.ndarray:
    """Cuts a picture to a size that the generator takes; float32 (1, height, width, 3)."""
    multiple = generator.size_multiple
    height, width = (max(side // multiple, 1) * multiple for side in picture.shape[:2])
    return to_float(np.asarray(Image.fromarray(picture).resize((width, height))))


def _png(picture: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return file.getvalue()


def _to_uint8(image: np.ndarray) -> np.ndarray:
    return np.clip(np.round((image + 1) * 127.5), 0, 255).astype("uint8")


def _worst(comparisons) -> dict[str, float]:
    """The worst of every measure over the pictures."""
    rows = list(comparisons)
    return {
        name: (max if name.endswith("error") else min)(row[name] for row in rows if name in row)
        for name in rows[0]
    }
