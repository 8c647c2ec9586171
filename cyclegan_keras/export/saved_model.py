"""SavedModel for TensorFlow Serving."""

import contextlib
import io
import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import absl.logging
import keras
import numpy as np
import tensorflow as tf
from PIL import Image

from cyclegan_keras.export.job import ExportedFile, ExportJob
from cyclegan_keras.export.receipt import compare, translate_any_size, worst
from cyclegan_keras.export.serving import serving_module
from cyclegan_keras.images.pixels import to_float, to_uint8

MAX_IMAGE_PIXELS = 4 * 2**20  # a generator of 64 channels needs about 1 kB for each
LEAST_PSNR_DB = 55.0  # a level of 255 may fall on the other side of a rounding, no more


def write_saved_model(job: ExportJob) -> list[ExportedFile]:
    """Writes one SavedModel of all directions, and compares the PNG files that it answers."""
    generators = {direction.signature: each for direction, each in job.generators.items()}
    described = {name: each.description.to_dict() for name, each in generators.items()}
    folder = export_saved_model(
        generators,
        job.folder / str(job.version),
        description={**job.description, "generators": described},
        max_image_pixels=job.options.max_image_pixels,
    )
    loaded = tf.saved_model.load(str(folder))
    exported = []
    for direction, generator in job.generators.items():
        pictures = job.pictures[direction]
        requests = tf.constant([_png(picture) for picture in pictures])
        answers = loaded.signatures[direction.signature](bytes_inputs=requests)["image_bytes"]
        found = [to_float(_pixels(answer)) for answer in answers.numpy()]
        # Rounded to the levels that a PNG file has.
        expected = [to_float(to_uint8(translate_any_size(generator, each))) for each in pictures]
        comparisons = [compare(e[None], f[None]) for e, f in zip(expected, found, strict=True)]
        exported.append(
            ExportedFile(
                path=folder,
                kind="saved_model",
                direction=direction,
                facts=worst(comparisons),
                least_psnr_db=LEAST_PSNR_DB,
                samples=found,
            )
        )
    return exported


def export_saved_model(
    generators: Mapping[str, keras.Model],
    folder: str | pathlib.Path,
    *,
    description: Mapping[str, Any],
    max_image_pixels: int = MAX_IMAGE_PIXELS,
    warmup_size: int = 256,
) -> pathlib.Path:
    """Writes a SavedModel that needs nothing but TensorFlow, with signatures of `serving_module`.

    Beside the graph, `assets.extra` holds `model.json`, the description, and, where the package
    tensorflow-serving-api is installed, requests that the server warms up with.

    Args:
        generators: the generator of each signature, named "a_to_b" or "b_to_a".
        folder: a new folder, named by the version number.
        description: what a user of the model should know; anything that JSON can hold.
        max_image_pixels: larger pictures are refused.
        warmup_size: side of the picture of the warm-up requests.

    Returns:
        `folder`.
    """
    folder = pathlib.Path(folder)
    module, signatures = serving_module(generators, max_image_pixels)
    with _quiet():
        tf.saved_model.save(module, str(folder), signatures)
    extra = folder / "assets.extra"
    extra.mkdir()
    content = {
        **description,
        "max_image_pixels": max_image_pixels,
        "signatures": sorted(signatures),
    }
    (extra / "model.json").write_text(json.dumps(content, indent=2) + "\n")
    write_warmup_requests(extra / "tf_serving_warmup_requests", list(generators), warmup_size)
    return folder


def write_warmup_requests(path: pathlib.Path, signatures: Sequence[str], size: int) -> bool:
    """Writes a request for the default and every other signature, as PredictionLogs.

    The server replays them before it answers anybody, so that the first user does not wait for
    what TensorFlow does at a first call.

    Args:
        path: the file to write.
        signatures: names of signatures that take picture files.
        size: side of the requests' picture in pixels.

    Returns:
        Whether it was written; not where the package tensorflow-serving-api is missing.
    """
    try:
        from tensorflow_serving.apis import predict_pb2, prediction_log_pb2
    except ImportError:
        return False
    ramp = np.linspace(0, 255, size)
    colors = np.stack(np.broadcast_arrays(ramp, ramp[:, None], 128), axis=-1)
    picture = _png(colors.astype("uint8"))
    with tf.io.TFRecordWriter(str(path)) as writer:
        for signature in ["serving_default", *signatures]:
            request = predict_pb2.PredictRequest()
            request.model_spec.signature_name = signature
            request.inputs["bytes_inputs"].CopyFrom(tf.make_tensor_proto([picture], tf.string))
            log = prediction_log_pb2.PredictLog(request=request)
            writer.write(prediction_log_pb2.PredictionLog(predict_log=log).SerializeToString())
    return True


@contextlib.contextmanager
def _quiet():
    """Keeps TensorFlow from logging the inner names of everything that it saves."""
    verbosity = absl.logging.get_verbosity()
    absl.logging.set_verbosity(absl.logging.ERROR)
    try:
        yield
    finally:
        absl.logging.set_verbosity(verbosity)


def _png(picture: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return file.getvalue()


def _pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)))
