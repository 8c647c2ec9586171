"""Opens whatever holds a generator, and gives back what translates pictures."""

import dataclasses
import json
import math
import pathlib
from collections.abc import Callable

import keras
import numpy as np
import psutil
import tensorflow as tf
from absl import logging

from cyclegan_keras.cli import backends
from cyclegan_keras.files.errors import PictureError, TranslationError
from cyclegan_keras.models.any_size import mirrored
from cyclegan_keras.models.description import Description
from cyclegan_keras.runs.networks import networks_of_run
from cyclegan_keras.translation.tiling.tiled_network import TiledNetwork, bytes_per_pixel
from cyclegan_keras.translation.translator import Translator
from cyclegan_keras.weights.starting import starting_networks

DIRECTIONS = ("AtoB", "BtoA")
EXPORTED = {"a_to_b": "AtoB", "b_to_a": "BtoA"}  # names in exports
SHARE_OF_MEMORY = 0.5  # of what is free, unless --max_memory_mb says otherwise
TILE_SIZES = (64, 1024)  # px; smaller ones are slow, larger ones gain nothing


def open_translators(
    place: str, *, max_memory_mb: int | None = None, tile_size: int | None = None
) -> dict[str, Translator]:
    """Returns the translators that `place` holds, by direction ("AtoB", "BtoA").

    Args:
        place: the directory of a run (its last checkpoint, moving averages where it keeps them); a
            .keras file; another program's weights; several of these with commas; a .tflite file; a
            SavedModel; or a folder that export.py wrote, whose newest SavedModel is taken.
        max_memory_mb: pictures that would need more megabytes are translated in tiles, where that
            is exact; half of the free memory unless given.
        tile_size: pictures larger than a square of this side, in pixels, are translated in tiles of
            this side. Chosen by `max_memory_mb` unless given.

    Raises:
        TranslationError: there is no such place, it holds no generator, or tiles are asked for
            where they would not equal the whole.
        WeightsError, RunError: a file or a run that cannot be read.
    """
    backends.need_tensorflow("Reading a model to translate with")
    path = pathlib.Path(place).expanduser()
    if path.suffix == ".tflite":
        return _of_tflite(path)
    if saved_model := _saved_model(path):
        return _of_saved_model(saved_model)
    if "," not in place and not path.exists() and not path.with_name(path.name + ".index").exists():
        raise TranslationError(
            f"--model={place} does not exist: give a run's directory, a .keras, .pth or .tflite "
            "file, or a folder that export.py wrote."
        )
    return {
        direction: translator_of(network, max_memory_mb=max_memory_mb, tile_size=tile_size)
        for direction, network in _networks(path, place).items()
    }


def translator_of(
    network: keras.Model, *, max_memory_mb: int | None = None, tile_size: int | None = None
) -> Translator:
    """Returns a translator of a generator; the arguments are those of `open_translators`.

    Raises:
        TranslationError: tiles are asked for where they would not equal the whole.
    """
    description = network.description
    shape = (None, None, None, description.input_channels)

    @tf.function(input_signature=[tf.TensorSpec(shape, name="images")])
    def at_once(images):  # one graph for every size
        return network(images, training=False)

    try:
        cost = bytes_per_pixel(network)
    except TranslationError:
        if tile_size:
            raise
        return Translator(at_once, description)
    if not max_memory_mb:
        max_memory_mb = psutil.virtual_memory().available / 1e6 * SHARE_OF_MEMORY
    most_pixels = int(max_memory_mb * 1e6 / cost)
    if tile_size:
        most_pixels = min(most_pixels, tile_size**2)
    else:
        tile_size = int(np.clip(math.isqrt(most_pixels // 4), *TILE_SIZES))
    return Translator(at_once, description, TiledNetwork(network, tile_size), most_pixels)


def _networks(path: pathlib.Path, place: str) -> dict[str, keras.Model]:
    """The generators of a run, a folder or files, by direction."""
    if (path / "options.json").is_file():
        _, found = networks_of_run(path, averages=True)
    else:
        found = starting_networks(place)
    networks = {}
    for role, network in found.items():
        if not role.startswith("generator"):
            continue
        if network.description == Description.of(network):  # it says nothing; its name does
            direction = DIRECTIONS[role == "generator_f"]
            domains = "AB" if direction == "AtoB" else "BA"
            network.description = dataclasses.replace(
                network.description, direction=direction, source=domains[0], target=domains[1]
            )
        networks[network.description.direction] = network
    if not networks:
        raise TranslationError(f"{place} holds {', '.join(found)}, but no generator.")
    return networks


def _saved_model(path: pathlib.Path) -> pathlib.Path | None:
    """The folder of a SavedModel that `path` is or holds, of the highest version."""
    if (path / "saved_model.pb").is_file():
        return path
    versions = [p.parent for p in path.glob("*/saved_model.pb") if p.parent.name.isdecimal()]
    return max(versions, key=lambda folder: int(folder.name), default=None)


def _of_saved_model(folder: pathlib.Path) -> dict[str, Translator]:
    try:
        loaded = tf.saved_model.load(str(folder))
        told = json.loads((folder / "assets.extra" / "model.json").read_text())
    except (OSError, ValueError, tf.errors.OpError) as error:
        raise TranslationError(f"{folder} cannot be read as an export: {error}") from error
    translators = {}
    for exported, direction in EXPORTED.items():
        if signature := loaded.signatures.get(f"translate_float_{exported}"):
            translators[direction] = Translator(
                _served(loaded, signature),
                _exported(direction, told.get("generators", {}).get(exported, {})),
            )
    if not translators:
        raise TranslationError(f"{folder} is a SavedModel, but not one that export.py wrote.")
    return translators


def _served(loaded, signature) -> Callable:
    def network(images):
        _ = loaded  # the signature alone would let go of the weights
        try:
            answer = signature(images=tf.convert_to_tensor((images + 1) / 2))
        except tf.errors.InvalidArgumentError as error:
            sentence = str(error.message).partition("[[")[0].strip()
            raise PictureError(
                f"The SavedModel refuses a picture: {sentence} Export with a larger "
                "--max_image_pixels, or translate by the run itself."
            ) from error
        return answer["translations"] * 2 - 1

    return network


def _of_tflite(path: pathlib.Path) -> dict[str, Translator]:
    try:
        from cyclegan_keras.export import tflite_run
    except ImportError as error:
        raise TranslationError(
            'TFLite files are run by LiteRT: pip install "cyclegan-keras[export]".'
        ) from error
    try:
        interpreter = tflite_run.open_model(path)
        told = tflite_run.read_metadata(path)
    except tflite_run.TFLiteError as error:
        raise TranslationError(str(error)) from error
    direction = EXPORTED.get(told.get("direction"), "AtoB")
    network = _fixed_size(lambda image: tflite_run.run(interpreter, image), interpreter)
    return {direction: Translator(network, _exported(direction, told.get("generator", {})))}


def _fixed_size(run: Callable, interpreter) -> Callable:
    """Fits any picture to the one size of a TFLite graph.

    Smaller ones are mirrored up and cut back; others are resized both ways, with a warning.
    """
    _, height, width, _ = (int(side) for side in interpreter.get_input_details()[0]["shape"])

    def one(image):
        size = image.shape[1:3]
        if size[0] <= height and size[1] <= width:
            for axis, side in ((1, height), (2, width)):
                image = np.take(image, mirrored(image.shape[axis], side), axis=axis)
            return run(image)[:, : size[0], : size[1]]
        logging.log_first_n(
            logging.WARNING,
            f"The file translates {width}x{height} pixels: larger pictures are resized to that and "
            "back, which costs detail. A run or a .keras file translates any size.",
            1,
        )
        small = tf.image.resize(image, (height, width), "bicubic", antialias=True).numpy()
        large = tf.image.resize(run(small), size, "bicubic", antialias=True).numpy()
        return np.clip(large, -1, 1)

    return lambda images: np.concatenate([one(images[i : i + 1]) for i in range(len(images))])


def _exported(direction: str, told: dict) -> Description:
    """What an export tells; it takes every size by itself."""
    description = Description.from_dict({**told, "direction": direction})
    return dataclasses.replace(description, size_multiple=1, smallest_size=1)
