"""SavedModel for TensorFlow Serving."""

import collections
import contextlib
import json
import pathlib
from collections.abc import Mapping
from typing import Any

import absl.logging
import keras
import numpy as np
import tensorflow as tf

from cyclegan_keras.export.job import ExportedFile, ExportJob
from cyclegan_keras.export.receipt import compare, translate_any_size, worst
from cyclegan_keras.export.sample_files import numbers_of, png_file, sample_files
from cyclegan_keras.export.serving import (
    sentence_of,
    serving_module,
    takes_files,
    why_no_files,
)
from cyclegan_keras.files.direction import Direction
from cyclegan_keras.files.paths import without_folders
from cyclegan_keras.images.form import Form
from cyclegan_keras.images.pixels import to_float
from cyclegan_keras.images.reading import read_picture

MAX_IMAGE_PIXELS = 4 * 2**20  # a generator of 64 channels needs about 1 kB for each
LEAST_PSNR_DB = 55.0  # a level of 255 may fall on the other side of a rounding, no more
LEAST_FLOAT_PSNR_DB = 100.0  # where nothing is rounded to levels


def write_saved_model(job: ExportJob) -> list[ExportedFile]:
    """Writes one SavedModel of all directions, and compares what it answers with Keras.

    Where it takes picture files, these are compared: the job's pictures as PNG, the job's own
    files, and files of other kinds made from its pictures. What Python's reader and Keras make of a
    file is what the server should answer. Of other numbers the float signature is compared.
    """
    generators = {direction.signature: each for direction, each in job.generators.items()}
    described = {name: each.description.to_public_dict() for name, each in generators.items()}
    source = without_folders(job.description.get("source", {}))
    folder = export_saved_model(
        generators,
        job.folder / str(job.version),
        description={**job.description, "source": source, "generators": described},
        max_image_pixels=job.options.max_image_pixels,
    )
    loaded = tf.saved_model.load(str(folder))
    exported = []
    for direction, generator in job.generators.items():
        if takes_files(generator):
            signature = loaded.signatures[direction.signature]
            facts, samples = _compare_files(job, direction, signature)
            least_psnr_db = LEAST_PSNR_DB
        else:
            signature = loaded.signatures[f"translate_float_{direction.signature}"]
            facts, samples = _compare_floats(job, direction, signature)
            least_psnr_db = LEAST_FLOAT_PSNR_DB
        exported.append(
            ExportedFile(
                path=folder,
                kind="saved_model",
                direction=direction,
                facts=facts,
                least_psnr_db=least_psnr_db,
                samples=samples,
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
    tensorflow-serving-api is installed, requests that the server warms up with. `model.json` says
    of every direction whether it takes picture files, and which numbers 0 and 1 stand for in its
    float signature.

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
        "inputs": {name: _inputs(generator) for name, generator in generators.items()},
    }
    (extra / "model.json").write_text(json.dumps(content, indent=2) + "\n")
    of_files = {name: each for name, each in generators.items() if takes_files(each)}
    if of_files:
        names = [name for name in ("serving_default", *of_files) if name in signatures]
        default = next(iter(of_files.values()))
        pictures = {
            name: _warmup_picture(of_files.get(name, default).description.source_form, warmup_size)
            for name in names
        }
        write_warmup_requests(extra / "tf_serving_warmup_requests", pictures)
    return folder


def _inputs(generator: keras.Model) -> dict[str, Any]:
    """Returns what model.json says about the pictures of a direction."""
    description = generator.description
    facts = {
        "picture_files": takes_files(generator),
        "float_0_and_1_of_images": [description.source_values.low, description.source_values.high],
        "float_0_and_1_of_translations": [
            description.target_values.low,
            description.target_values.high,
        ],
    }
    if not facts["picture_files"]:
        facts["why_no_picture_files"] = why_no_files(generator)
    return facts


def write_warmup_requests(path: pathlib.Path, pictures: Mapping[str, bytes]) -> bool:
    """Writes a request for the default and every other signature, as PredictionLogs.

    The server replays them before it answers anybody, so that the first user does not wait for
    what TensorFlow does at a first call.

    Args:
        path: the file to write.
        pictures: the picture file to send to each signature, by its name.

    Returns:
        Whether it was written; not where the package tensorflow-serving-api is missing.
    """
    try:
        from tensorflow_serving.apis import predict_pb2, prediction_log_pb2
    except ImportError:
        return False
    with tf.io.TFRecordWriter(str(path)) as writer:
        for signature, picture in pictures.items():
            request = predict_pb2.PredictRequest()
            request.model_spec.signature_name = signature
            request.inputs["bytes_inputs"].CopyFrom(tf.make_tensor_proto([picture], tf.string))
            log = prediction_log_pb2.PredictionLog(
                predict_log=prediction_log_pb2.PredictLog(request=request)
            )
            writer.write(log.SerializeToString())
    return True


def _warmup_picture(form: Form, size: int) -> bytes:
    """Returns a PNG file of a ramp of colors that the form takes."""
    ramp = np.linspace(0, 255, size)
    colors = np.stack(np.broadcast_arrays(ramp, ramp[:, None], 128, 255), axis=-1).astype("uint8")
    return png_file(colors[..., -form.channels :])


# ---- comparing with Keras ----


def _compare_files(job: ExportJob, direction: Direction, signature) -> tuple[dict, list]:
    """Compares answers to picture files; returns the facts, and the job's pictures translated."""
    generator = job.generators[direction]
    source_form = generator.description.source_form
    pictures = job.pictures[direction]
    found, comparisons = [], []
    for picture in pictures:
        answer = _answer(signature, png_file(numbers_of(picture, source_form)), generator)
        comparisons.append(_compare(generator, picture, answer))
        found.append(answer)

    # ---- files as users send them ----
    of_kinds: dict[str, list[dict]] = {}
    refused: collections.Counter[str] = collections.Counter()
    files = [("original", data) for data in job.files.get(direction, ())]
    for kind, data in [*files, *sample_files(pictures[0], source_form).items()]:
        try:
            answer = _answer(signature, data, generator)
        except tf.errors.InvalidArgumentError as error:
            refused[sentence_of(error.message).removeprefix("Picture 0 ")] += 1
            continue
        picture = source_form.array(read_picture(data, most_pixels=None))
        of_kinds.setdefault(kind, []).append(_compare(generator, picture, answer))
    compared = {kind: worst(each) for kind, each in of_kinds.items()}
    facts: dict[str, Any] = worst([*comparisons, *compared.values()])
    if compared:
        facts["files_max_abs_error"] = worst(compared.values())["max_abs_error"]
    facts["files"] = {
        kind: {"count": len(of_kinds[kind]), **measures} for kind, measures in compared.items()
    }
    if refused:
        facts["files_refused"] = dict(refused)
    return facts, found


def _compare_floats(job: ExportJob, direction: Direction, signature) -> tuple[dict, list]:
    """Compares the float signature; returns the facts, and the job's pictures translated."""
    generator = job.generators[direction]
    found, comparisons = [], []
    for picture in job.pictures[direction]:
        images = tf.constant((to_float(picture[None]) + 1) / 2)
        answer = signature(images=images)["translations"].numpy()[0] * 2 - 1
        comparisons.append(compare(translate_any_size(generator, picture)[None], answer[None]))
        found.append(answer)
    return {**worst(comparisons), "picture_files": why_no_files(generator)}, found


def _answer(signature, data: bytes, generator: keras.Model) -> np.ndarray:
    """Sends a picture file; returns the answer as float32 in [-1, 1]."""
    form = generator.description.target_form
    (answer,) = signature(bytes_inputs=tf.constant([data]))["image_bytes"].numpy()
    return to_float(form.array(read_picture(answer, most_pixels=None)))


def _compare(generator: keras.Model, picture: np.ndarray, answer: np.ndarray) -> dict[str, float]:
    """Compares an answer with Keras' translation, rounded to the levels that a PNG file has."""
    values = generator.description.target_values
    expected = values.to_network(values.from_network(translate_any_size(generator, picture)))
    return compare(expected[None], answer[None])


@contextlib.contextmanager
def _quiet():
    """Keeps TensorFlow from logging the inner names of everything that it saves."""
    verbosity = absl.logging.get_verbosity()
    absl.logging.set_verbosity(absl.logging.ERROR)
    try:
        yield
    finally:
        absl.logging.set_verbosity(verbosity)
