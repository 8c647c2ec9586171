"""Opens whatever holds a generator, and returns what translates pictures."""

import dataclasses
import json
import math
import pathlib
from collections.abc import Callable, Iterable, Sequence

import keras
import numpy as np
import psutil
import tensorflow as tf
from absl import logging

from cyclegan_keras.cli import backends
from cyclegan_keras.export import serving
from cyclegan_keras.files.direction import Direction
from cyclegan_keras.files.errors import PictureError, TranslationError
from cyclegan_keras.files.names import under_utf8_name
from cyclegan_keras.hub import fetching
from cyclegan_keras.models.description import Described, Description
from cyclegan_keras.runs.networks import networks_of_run
from cyclegan_keras.runs.sources import find_source
from cyclegan_keras.training.gradient_steps import engine
from cyclegan_keras.translation.blended_tiles import BlendedTiles
from cyclegan_keras.translation.half_precision import in_bfloat16
from cyclegan_keras.translation.int8_cache import Int8Cache, folders_for
from cyclegan_keras.translation.int8_network import Int8Network
from cyclegan_keras.translation.options import USUAL_PRECISION, TranslateOptions
from cyclegan_keras.translation.recipe import Recipe
from cyclegan_keras.translation.tiling.tiled_network import COPIES, TiledNetwork, bytes_per_pixel
from cyclegan_keras.translation.translator import Translator
from cyclegan_keras.weights.networks import split_network
from cyclegan_keras.weights.starting import split_role, starting_networks
from cyclegan_keras.weights.tensorflow_bundle import index_file

SHARE_OF_MEMORY = 0.5  # of what is free, unless --max_memory_mb says otherwise
TILE_SIZES = (64, 1024)  # px; smaller ones are slow, larger ones gain nothing
INT8_COPIES = 6  # of the largest feature map in float32 that LiteRT holds, as measured
INT8_BYTES_PER_PIXEL = 1500  # of a network whose feature maps are not known: as for 64 filters


def open_recipe(options: TranslateOptions) -> Recipe:
    """Opens the model that the options name; returns what is made of each picture.

    Raises:
        TranslationError: there is no such model, or it does not translate in that direction.
        WeightsError, RunError: a file or a run that cannot be read.
    """
    found = open_translators(
        options.model,
        max_memory_mb=options.max_memory_mb,
        tile_size=options.tile_size,
        precision=options.precision,
    )
    direction = Direction(options.direction or usual_direction(found))
    if direction not in found:
        raise TranslationError(f"{options.model} translates {', '.join(found)} only.")
    back = None
    if options.cycle:
        back = found.get(direction.opposite)
        if back is None:
            raise TranslationError(
                f"--cycle needs a model of both directions, such as a run: {options.model} "
                f"translates {direction} only."
            )
    if options.precision not in (None, USUAL_PRECISION):
        _note_of_depth(found[direction].description, options)
    return Recipe(
        translator=found[direction],
        back=back,
        strength=options.strength,
        side_by_side=options.side_by_side,
        bit_depth=options.bit_depth,
    )


def usual_direction(offered: Iterable[Direction]) -> Direction:
    """Returns the one direction that is meant where none is named: A to B where it is offered."""
    return Direction(min(offered))


def _note_of_depth(description: Description, options: TranslateOptions) -> None:
    """Says what a lower precision leaves of pictures of many bits."""
    is_deep = not description.target_values.is_eight_bit or options.bit_depth in (16, 32)
    if is_deep:
        share = {"int8": "44 dB, or 7 bits", "bfloat16": "60 dB, or 10 bits"}
        logging.warning(
            "--precision=%s translates to about %s of the range, and the translations have more: "
            "--precision=float32 computes all of them.",
            options.precision,
            share[options.precision],
        )


def open_translators(
    model: str,
    *,
    max_memory_mb: int | None = None,
    tile_size: int | None = None,
    precision: str | None = None,
) -> dict[Direction, Translator]:
    """Returns the translators that `model` holds, by direction.

    Args:
        model: the directory of a run (its last checkpoint, moving averages where it keeps them) or
            an earlier step of one, see `find_source`; a .keras file; the weights of another
            program, as `file@network` where the file holds several networks; several of these with
            commas; a model on the Hub, `hf://user/name`, see `hub.fetching.local`; a .tflite file;
            a SavedModel; or a folder that export.py wrote, whose newest SavedModel is read.
        max_memory_mb: pictures that would need more megabytes are translated in tiles, where that
            is exact; half of the free memory unless given.
        tile_size: pictures larger than a square of this side, in pixels, are translated in tiles of
            this side. Chosen by `max_memory_mb` unless given.
        precision: one of `PRECISIONS`, "float32" unless given. "int8" runs on the CPU, and prepares
            its graph when the first picture is translated, see `Int8Cache`; its tiles do not equal
            the whole.

    Raises:
        TranslationError: there is no such path, it holds no generator, tiles are asked for where
            they would not equal the whole, or a precision where there is no choice.
        WeightsError, RunError: a file or a run that cannot be read.
    """
    backends.need_tensorflow("Reading a model to translate with")
    model = fetching.local(model)
    path = pathlib.Path(model).expanduser()
    saved_model = _saved_model(path)
    is_export = path.suffix == ".tflite" or saved_model is not None
    if is_export and precision is not None:
        raise TranslationError(
            f"--precision={precision}: {model} computes in the precision that it was exported in. "
            "Leave the option out, or give a run or a .keras file."
        )
    if path.suffix == ".tflite":
        return _of_tflite(path)
    if saved_model is not None:
        return _of_saved_model(saved_model)
    names_several = "," in model
    is_of_run = find_source(model) is not None
    file = split_network(split_role(model)[1])[0]
    is_prefix = index_file(file).exists()  # of a TensorFlow checkpoint
    if not (is_of_run or names_several or is_prefix or file.exists()):
        raise TranslationError(
            f"--model={model} does not exist: give a run's directory or <run>@<step>, a .keras, "
            ".pth, .ckpt, .safetensors or .tflite file, or a folder that export.py wrote."
        )
    folders = folders_for(model) if precision == "int8" else []
    return {
        direction: translator_of(
            network,
            max_memory_mb=max_memory_mb,
            tile_size=tile_size,
            precision=precision,
            int8_folders=folders,
        )
        for direction, network in open_generators(model).items()
    }


def translator_of(
    network: keras.Model,
    *,
    max_memory_mb: int | None = None,
    tile_size: int | None = None,
    precision: str | None = None,
    int8_folders: Sequence[pathlib.Path] = (),
) -> Translator:
    """Returns a translator of a generator.

    Args:
        network: the generator.
        max_memory_mb: as in `open_translators`.
        tile_size: the same.
        precision: the same.
        int8_folders: where the int8 graphs of `network` are kept, the best place first; none keeps
            them in memory.

    Raises:
        TranslationError: tiles are asked for where they would not equal the whole.
    """
    if precision == "int8":
        return _int8_translator(network, Int8Cache(network, int8_folders), max_memory_mb, tile_size)
    if precision == "bfloat16":
        network = in_bfloat16(network)
    description = network.description
    at_once = engine.compiled(network)
    try:
        cost = bytes_per_pixel(network)
    except TranslationError:
        if tile_size:
            raise
        return Translator(at_once, description, precision=precision or USUAL_PRECISION)
    most_pixels = _pixels_within(max_memory_mb, cost)
    if tile_size:
        most_pixels = min(most_pixels, tile_size**2)
    else:
        tile_size = int(np.clip(math.isqrt(most_pixels // 4), *TILE_SIZES))
    return Translator(
        at_once,
        description,
        TiledNetwork(network, tile_size),
        most_pixels,
        precision=precision or USUAL_PRECISION,
    )


def _int8_translator(
    network: keras.Model, cache: Int8Cache, max_memory_mb: int | None, tile_size: int | None
) -> Translator:
    description = network.description
    try:
        cost = bytes_per_pixel(network) * INT8_COPIES / COPIES
    except TranslationError:  # it has no exact tiles, which are not needed here
        cost = INT8_BYTES_PER_PIXEL
    most_pixels = _pixels_within(max_memory_mb, cost)
    if tile_size:
        most_pixels = min(most_pixels, tile_size**2)
    else:
        tile_size = int(np.clip(math.isqrt(most_pixels), *TILE_SIZES))
    at_once = Int8Network(network, cache)
    tiled = BlendedTiles(
        at_once,
        side=tile_size,
        multiple=description.size_multiple,
        smallest=description.smallest_size,
    )
    return Translator(at_once, description, tiled, most_pixels, one_by_one=True, precision="int8")


def _pixels_within(max_memory_mb: int | None, cost: float) -> int:
    """Returns how many pixels of `cost` bytes fit into the memory, half of what is free if None."""
    if not max_memory_mb:
        max_memory_mb = psutil.virtual_memory().available / 1e6 * SHARE_OF_MEMORY
    return int(max_memory_mb * 1e6 / cost)


def open_generators(model: str) -> dict[Direction, keras.Model]:
    """Returns the generators of a run, a folder or files, by direction.

    A file may say which way its generator translates, as those of a run do; its role says it
    otherwise, see `starting_networks`. Of two files that say the same, the second is taken for the
    way back.

    Raises:
        TranslationError: there is no generator.
        WeightsError, RunError: a file or a run that cannot be read.
    """
    source = find_source(model)
    if source is not None:
        found = networks_of_run(source, averages=True).networks
    else:
        found = starting_networks(model)
    networks = {}
    for role, network in found.items():
        if not role.startswith("generator"):
            continue
        if not isinstance(network, Described):
            raise TranslationError(
                f"{model} holds a {type(network).__name__} from {network.input_shape[-1]} to "
                f"{network.output_shape[-1]} channels; expected a generator of this package."
            )
        direction = Direction(network.description.direction)
        if network.description == Description.of(network):
            # Its file says nothing about its direction, so the name of the file decides.
            direction = Direction.A_TO_B.of_generator(role)
            network.description = dataclasses.replace(
                network.description,
                direction=direction,
                source=direction.source,
                target=direction.target,
            )
        elif direction in networks:
            logging.warning(
                "%s: both generators were trained %s. The second is taken for %s.",
                model,
                direction,
                direction.opposite,
            )
            direction = direction.opposite
            network.description = dataclasses.replace(network.description, direction=direction)
        networks[direction] = network
    if not networks:
        raise TranslationError(f"{model} holds {', '.join(found)}, but no generator.")
    return networks


def _saved_model(path: pathlib.Path) -> pathlib.Path | None:
    """The folder of a SavedModel that `path` is or holds, of the highest version."""
    if (path / "saved_model.pb").is_file():
        return path
    folders = [file.parent for file in path.glob("*/saved_model.pb")]
    versions = [folder for folder in folders if folder.name.isdecimal()]
    return max(versions, key=lambda folder: int(folder.name), default=None)


def _of_saved_model(folder: pathlib.Path) -> dict[Direction, Translator]:
    try:
        with under_utf8_name(folder) as readable:
            loaded = tf.saved_model.load(str(readable))
        receipt = json.loads((folder / "assets.extra" / "model.json").read_text())
    except (OSError, ValueError, tf.errors.OpError) as error:
        raise TranslationError(f"{folder} cannot be read as an export: {error}") from error
    generators = receipt.get("generators", {})
    translators = {}
    for direction in Direction:
        signature = loaded.signatures.get(f"translate_float_{direction.signature}")
        if signature is not None:
            description = _of_export(
                direction,
                generators.get(direction.signature, {}),
                input_channels=_channels(signature.structured_input_signature[1]["images"]),
                output_channels=_channels(signature.structured_outputs["translations"]),
            )
            network = _served(loaded, signature)
            translators[direction] = Translator(network, description, precision=USUAL_PRECISION)
    if not translators:
        raise TranslationError(f"{folder} is a SavedModel, but not one that export.py wrote.")
    return translators


def _served(loaded, signature: Callable) -> Callable:
    def network(images):
        _ = loaded  # kept alive: the signature alone does not hold the weights
        try:
            # 0 and 1 are the ends of the range of its numbers, -1 and 1 here.
            answer = signature(images=tf.convert_to_tensor((images + 1) / 2))
        except tf.errors.InvalidArgumentError as error:
            raise PictureError(
                f"The SavedModel refuses a picture ({serving.sentence_of(error.message)}): export "
                "with a larger --max_image_pixels, or translate by the run itself."
            ) from error
        return answer["translations"] * 2 - 1

    return network


def _of_tflite(path: pathlib.Path) -> dict[Direction, Translator]:
    try:
        from cyclegan_keras.export import tflite_run
    except ImportError as error:
        raise TranslationError(
            'TFLite files are run by LiteRT: pip install "cyclegan-keras[export]".'
        ) from error
    try:
        with under_utf8_name(path) as readable:
            interpreter = tflite_run.open_model(readable)
        metadata = tflite_run.read_metadata(path)
    except tflite_run.TFLiteError as error:
        raise TranslationError(str(error)) from error
    try:
        direction = Direction.of_signature(metadata["direction"])
    except (KeyError, ValueError):  # a file that export.py did not write
        direction = Direction.A_TO_B
    network = _fixed_size(tflite_run, interpreter)
    description = _of_export(
        direction,
        metadata.get("generator", {}),
        input_channels=int(interpreter.get_input_details()[0]["shape"][-1]),
        output_channels=int(interpreter.get_output_details()[0]["shape"][-1]),
    )
    return {direction: Translator(network, description, precision=metadata.get("precision"))}


def _fixed_size(tflite_run, interpreter) -> Callable:
    """Fits any picture to the one size of a TFLite graph; says so where that costs detail."""
    _, height, width, _ = (int(side) for side in interpreter.get_input_details()[0]["shape"])

    def translate(images):
        if images.shape[1] > height or images.shape[2] > width:
            logging.log_first_n(
                logging.WARNING,
                f"The file translates pictures {width} px wide and {height} px high: larger ones "
                "are resized to fit into that and back, which costs detail. A run or a .keras file "
                "translates any size.",
                1,
            )
        return tflite_run.translate_batch(interpreter, images)

    return translate


def _of_export(
    direction: Direction, saved: dict, *, input_channels: int | None, output_channels: int | None
) -> Description:
    """Reads the description in an export, which takes every size by itself.

    Args:
        direction: of the graph.
        saved: what the file says about the generator; empty where it says nothing.
        input_channels: what the graph takes; None where it does not say.
        output_channels: what it returns.
    """
    fields = {**saved, "direction": direction}
    if input_channels is not None:
        fields["input_channels"] = input_channels
    if output_channels is not None:
        fields["output_channels"] = output_channels
    description = Description.from_dict(fields)
    return dataclasses.replace(description, size_multiple=1, smallest_size=1)


def _channels(spec: tf.TensorSpec) -> int | None:
    return spec.shape[-1]
