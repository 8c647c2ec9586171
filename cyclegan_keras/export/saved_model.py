"""SavedModel for TensorFlow Serving."""

import contextlib
import json
import pathlib
from collections.abc import Mapping

import absl.logging
import keras
import numpy as np
import tensorflow as tf

from cyclegan_keras.export.serving import serving_module

MAX_IMAGE_PIXELS = 4 * 2**20  # a generator of 64 channels needs about 1 kB for each


def export_saved_model(
    generators: Mapping[str, keras.Model],
    folder: str | pathlib.Path,
    *,
    description: Mapping[str, object],
    max_image_pixels: int = MAX_IMAGE_PIXELS,
    warmup_size: int = 256,
) -> pathlib.Path:
    """Writes a SavedModel that needs nothing but TensorFlow, with signatures of `serving_module`.

    Beside the graph, `assets.extra` holds `model.json`, the description, and, where the package
    tensorflow-serving-api is installed, requests that the server warms up with.

    Args:
        generators: direction (`"a_to_b"`, `"b_to_a"`) -> generator.
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
    told = {**description, "max_image_pixels": max_image_pixels, "signatures": sorted(signatures)}
    (extra / "model.json").write_text(json.dumps(told, indent=2) + "\n")
    write_warmup_requests(extra / "tf_serving_warmup_requests", list(generators), warmup_size)
    return folder


@contextlib.contextmanager
def _quiet():
    """Keeps TensorFlow from telling the inner names of everything that it saves."""
    verbosity = absl.logging.get_verbosity()
    absl.logging.set_verbosity(absl.logging.ERROR)
    try:
        yield
    finally:
        absl.logging.set_verbosity(verbosity)


def write_warmup_requests(path: pathlib.Path, directions: list[str], size: int) -> bool:
    """Writes a request for every direction as a PredictionLog; returns whether it could.

    The server replays them before it answers anybody, so that the first user does not wait for
    what TensorFlow does at a first call.
    """
    try:
        from tensorflow_serving.apis import predict_pb2, prediction_log_pb2
    except ImportError:
        return False
    ramp = np.linspace(0, 255, size)
    colours = np.stack(np.broadcast_arrays(ramp, ramp[:, None], 128), axis=-1)
    picture = tf.io.encode_png(colours.astype("uint8")).numpy()
    with tf.io.TFRecordWriter(str(path)) as writer:
        for direction in ["serving_default", *directions]:
            request = predict_pb2.PredictRequest()
            request.model_spec.signature_name = direction
            request.inputs["bytes_inputs"].CopyFrom(tf.make_tensor_proto([picture], tf.string))
            log = prediction_log_pb2.PredictLog(request=request)
            writer.write(prediction_log_pb2.PredictionLog(predict_log=log).SerializeToString())
    return True
