"""One exporter a format: it writes the files and compares each with Keras on real pictures."""

import io

import keras
import numpy as np
import tensorflow as tf
from absl import logging
from PIL import Image

from cyclegan_keras.export.base import Exported, Job, to_float, translate_any_size
from cyclegan_keras.export.onnx import export_onnx
from cyclegan_keras.export.parity import compare
from cyclegan_keras.export.saved_model import export_saved_model
from cyclegan_keras.export.tflite import LEAST_PSNR_DB, export_tflite
from cyclegan_keras.files.errors import ExportError


def write_saved_model(job: Job) -> list[Exported]:
    """Writes one SavedModel of all directions; compares pictures by their decoded PNG files."""
    folder = export_saved_model(
        job.generators,
        job.folder / str(job.version),
        description={
            **job.description,
            "generators": {way: g.description.to_dict() for way, g in job.generators.items()},
        },
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


def write_tflite(job: Job) -> list[Exported]:
    """Writes the variants and sizes asked for; measures speed and memory besides likeness."""
    try:
        from cyclegan_keras.export import tflite_run
        from cyclegan_keras.export.tflite_measure import count, measure
    except ImportError as error:
        raise ExportError(
            'TFLite files are measured by LiteRT: pip install "cyclegan-keras[export]".'
        ) from error
    folder = job.folder / "tflite"
    folder.mkdir()
    sizes = [_side(text) for text in job.options.tflite_size.split(",")]
    variants = [name.strip() for name in job.options.tflite_variants.split(",")]
    exported = []
    for direction, generator in job.generators.items():
        for size in sizes:
            paths = export_tflite(
                generator,
                folder,
                job.names[direction],
                size=size,
                variants=variants,
                calibration=job.calibration[direction],
                metadata=_told(job, direction),
                sized_names=len(sizes) > 1,
            )
            inputs = [to_float(_resized(p, size, size)) for p in job.pictures[direction]]
            references = [(x, np.asarray(generator(x, training=False))) for x in inputs]
            for variant, path in paths.items():
                logging.info("  measuring %s", path.name)
                baseline = tf.function(lambda x, net=generator: net(x, training=False))
                facts = measure(path, references, baseline=baseline)
                facts |= {"size": size, **count(generator, size, size)}
                least = LEAST_PSNR_DB[variant]
                made = Exported(path, f"tflite {variant}", direction, facts, least)
                interpreter = tflite_run.open_model(path)
                made.samples = [tflite_run.run(interpreter, x)[0] for x in inputs]
                exported.append(made)
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


def _side(text: str) -> int:
    if not text.strip().isdecimal() or not 1 <= int(text) <= 4096:
        raise ExportError(f"--tflite_size={text}: expected sides of 1 to 4096 pixels.")
    return int(text)


def _told(job: Job, direction: str) -> dict[str, object]:
    told = {key: job.description.get(key) for key in ("name", "licence", "description")}
    generator = job.generators[direction].description.to_dict()
    return {"direction": direction, **told, "generator": generator}


def _resized(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.BICUBIC))


def fitting(generator: keras.Model, picture: np.ndarray) -> np.ndarray:
    """Cuts a picture to a size that the generator takes; float32 (1, height, width, 3)."""
    multiple = generator.size_multiple
    height, width = (max(side // multiple, 1) * multiple for side in picture.shape[:2])
    return to_float(_resized(picture, height, width))


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
