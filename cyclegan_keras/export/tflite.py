"""TFLite files of a generator, from full precision down to integers, and what they cost to run."""

import collections
import contextlib
import dataclasses
import io
import json
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from absl import logging
from tensorflow.lite.tools import flatbuffer_utils

from cyclegan_keras.export.job import ExportedFile, ExportJob
from cyclegan_keras.export.options import ExportOptions
from cyclegan_keras.export.receipt import compare, resized_input, worst
from cyclegan_keras.export.static_graph import (
    check_size,
    is_resizable,
    measure_ranges,
    static_translate,
)
from cyclegan_keras.files.direction import Direction
from cyclegan_keras.files.errors import ExportError
from cyclegan_keras.models.description import Description

SIGNATURE = "translate"
METADATA = "cyclegan_keras"  # name of the JSON that exported files carry
LARGEST_SIDE = 4096

# What each variant is, for its metadata and the receipt.
VARIANTS = {
    "fp32": "float32",
    "fp16": "float16 weights, float32 arithmetic",
    "dynamic": "int8 weights, activations quantized to int8 while it runs, float32 between",
    "uint8": "dynamic, with pictures as uint8 in 0..255 on both sides; of 8-bit levels alone",
    "int8": "int8 convolutions of calibrated ranges, norms in float32",
    "integer": "integers alone: int8 convolutions, all else int16",
}
UNQUANTIZED = ("fp32", "fp16")
CALIBRATED = ("int8", "integer")
# The least PSNR to Keras on real pictures at which a file is good, in dB.
LEAST_PSNR_DB = {"fp32": 100, "fp16": 70, "dynamic": 40, "uint8": 40, "int8": 30, "integer": 30}


def check_tflite(options: ExportOptions, generators: Iterable[keras.Model]) -> None:
    """Refuses what `write_tflite` could not write, before anything is computed.

    Args:
        options: with a `tflite_size`.
        generators: to be exported.

    Raises:
        ExportError: an unknown size or variant, one that a generator does not take, or a package is
            missing.
    """
    generators = list(generators)
    variants = chosen_variants(options)
    check_files(variants, sizes=chosen_sizes(options), generators=generators)
    if variants == ["uint8"]:
        for generator in generators:
            variants_for(generator.description, variants)


def check_files(
    variants: Sequence[str],
    *,
    sizes: Sequence[tuple[int, int]],
    generators: Iterable[keras.Model],
) -> None:
    """Refuses variants and sizes that cannot be written here, or of these generators.

    Args:
        variants: names that may be no variants.
        sizes: (height, width) in px.
        generators: to be exported.

    Raises:
        ExportError: an unknown variant, a size that a generator does not take, or a package is
            missing.
    """
    try:
        from cyclegan_keras.export import tflite_run  # noqa: F401
    except ImportError as error:
        raise ExportError(
            'TFLite files are measured by LiteRT: pip install "cyclegan-keras[export]".'
        ) from error
    for variant in variants:
        _check_variant(variant)
        if variant not in UNQUANTIZED:
            _quantizer(variant)
    for generator in generators:
        for height, width in sizes:
            check_size(generator, height, width)


def chosen_sizes(options: ExportOptions) -> list[tuple[int, int]]:
    """Returns the sizes of --tflite_size, (height, width) in px, each once."""
    sizes = [parse_size(text) for text in options.tflite_size.split(",")]
    return list(dict.fromkeys(sizes))


def chosen_variants(options: ExportOptions) -> list[str]:
    """Returns the names of --tflite_variants, each once."""
    names = [name.strip() for name in options.tflite_variants.split(",")]
    return list(dict.fromkeys(names))


def write_tflite(job: ExportJob) -> list[ExportedFile]:
    """Writes the variants and sizes asked for, compares them with Keras and measures their cost."""
    folder = job.folder / "tflite"
    folder.mkdir()
    asked_for = chosen_variants(job.options)
    exported = []
    for direction, generator in job.generators.items():
        exported += write_measured(
            job,
            direction,
            folder,
            variants=variants_for(generator.description, asked_for),
            batch=job.options.tflite_batch,
        )
    return exported


def write_measured(
    job: ExportJob,
    direction: Direction,
    folder: pathlib.Path,
    *,
    variants: Sequence[str],
    batch: int,
) -> list[ExportedFile]:
    """Writes the files of one generator, compares them with Keras and measures their cost.

    A file that another format of the same export has written already is copied, with its facts.

    Args:
        job: what is exported; its options name the sizes.
        direction: of the generator.
        folder: where to write, an existing folder.
        variants: some of `VARIANTS`, which the generator can be written as.
        batch: pictures that a file translates at once.

    Returns:
        The files, in the order of sizes and variants.
    """
    sizes = chosen_sizes(job.options)
    exported = []
    for height, width in sizes:
        keys = {variant: (direction, variant, height, width, batch) for variant in variants}
        missing = [variant for variant, key in keys.items() if key not in job.tflite_files]
        made = _write_size(
            job,
            direction,
            folder,
            size=(height, width),
            variants=missing,
            batch=batch,
            sized_names=len(sizes) > 1,
        )
        for variant, key in keys.items():
            if variant in made:
                job.tflite_files[key] = made[variant]
                exported.append(made[variant])
            else:
                earlier = job.tflite_files[key]
                path = folder / earlier.path.name
                shutil.copyfile(earlier.path, path)
                exported.append(dataclasses.replace(earlier, path=path, samples=[]))
    return exported


def _write_size(
    job: ExportJob,
    direction: Direction,
    folder: pathlib.Path,
    *,
    size: tuple[int, int],
    variants: Sequence[str],
    batch: int,
    sized_names: bool,
) -> dict[str, ExportedFile]:
    """Writes and measures the files of one generator and size; returns them by variant."""
    if not variants:
        return {}
    height, width = size
    generator = job.generators[direction]
    keras_translate = tf.function(lambda x: generator(x, training=False))
    paths = export_tflite(
        generator,
        folder,
        direction.file_name,
        size=size,
        batch=batch,
        variants=variants,
        calibration=job.calibration[direction],
        metadata={
            "direction": direction.signature,
            "name": job.description.get("name"),
            "licence": job.description.get("licence"),
            "description": job.description.get("description"),
        },
        sized_names=sized_names,
    )
    inputs = [resized_input(picture, height, width) for picture in job.pictures[direction]]
    references = [(x, np.asarray(generator(x, training=False))) for x in inputs]
    about = {
        # In receipts of all versions: a side of a square, or a word such as "480x640".
        "size": height if height == width else f"{height}x{width}",
        "height": height,
        "width": width,
        "batch": batch,
        **count(generator, height, width),
    }
    exported = {}
    for variant, path in paths.items():
        logging.info("  measuring %s", path.name)
        measured = measure(path, references, baseline=keras_translate)
        exported[variant] = ExportedFile(
            path=path,
            kind=f"tflite {variant}",
            direction=direction,
            facts={**measured.facts, **about},
            least_psnr_db=LEAST_PSNR_DB[variant],
            samples=[translation[0] for translation in measured.translations],
        )
    return exported


def variants_for(description: Description, variants: Sequence[str]) -> list[str]:
    """Returns the variants that a generator can be exported as; says which ones are left out.

    The variant uint8 takes and gives the levels 0 to 255, and holds no other numbers.

    Raises:
        ExportError: none is left.
    """
    eight_bit = description.source_values.is_eight_bit and description.target_values.is_eight_bit
    if eight_bit or "uint8" not in variants:
        return list(variants)
    reason = (
        f"it holds the levels 0 to 255 alone, and {description.words} goes from numbers of "
        f"{description.source_values.dtype} ({description.source_values.words}) to "
        f"{description.target_values.dtype} ({description.target_values.words})"
    )
    others = [variant for variant in variants if variant != "uint8"]
    if not others:
        raise ExportError(
            f"The TFLite variant uint8 cannot be written: {reason}. Expected others of "
            f"--tflite_variants, such as fp32."
        )
    logging.warning("The TFLite variant uint8 is left out: %s.", reason)
    return others


def export_tflite(
    generator: keras.Model,
    folder: str | pathlib.Path,
    name: str,
    *,
    size: int | tuple[int, int] = 256,
    batch: int = 1,
    variants: Sequence[str] = tuple(VARIANTS),
    calibration: Sequence[np.ndarray] | None = None,
    metadata: Mapping[str, Any] | None = None,
    sized_names: bool = False,
) -> dict[str, pathlib.Path]:
    """Writes `<name>_<variant>.tflite` for every variant.

    Every file has one signature, `translate`, from `image` to `translation`, pictures (batch,
    height, width, channels): float32 in [-1, 1]; in the variant uint8, uint8 in 0..255; in the
    variant integer, int16 whose scale the tensor holds. It carries its metadata as JSON; there
    `generator` is the generator's description, whose `source_values` and `target_values` say which
    numbers -1 and 1 are.

    Args:
        generator: the network.
        folder: an existing folder.
        name: how the files' names begin.
        size: of the pictures in pixels, the side of a square or (height, width).
        batch: pictures that a file translates at once.
        variants: some of `VARIANTS`.
        calibration: pictures of the training set, (height, width, channels) of any size, uint8 or
            float32 in [-1, 1], for the variants `CALIBRATED`; a dozen is enough.
        metadata: what the files' metadata holds besides, such as the domains.
        sized_names: `<name>_<variant>_<size>.tflite` instead.

    Returns:
        The path of each variant.

    Raises:
        ExportError: an unknown variant, a size that the generator does not take, no pictures to
            calibrate on, or the package ai-edge-quantizer is missing.
    """
    _check_variants(variants, calibration)
    metadata = metadata or {}
    height, width = (size, size) if isinstance(size, int) else size
    ending = ""
    if sized_names:
        ending = f"_{height}" if height == width else f"_{height}x{width}"
    pictures = []
    ranges = None
    if set(variants) & set(CALIBRATED):
        pictures = [_calibration_input(picture, height, width) for picture in calibration]
        ranges = measure_ranges(generator, pictures)
        from cyclegan_keras.export import tflite_run  # needs LiteRT, as the quantizer does

        pictures = tflite_run.batches(np.concatenate(pictures), batch)

    description = generator.description.to_public_dict()
    paths = {}
    converted = {}  # variants that differ in their quantization alone share a conversion
    for variant in variants:
        is_calibrated = variant in CALIBRATED
        is_uint8 = variant == "uint8"
        is_float16 = variant == "fp16"
        conversion = (is_calibrated, is_uint8, is_float16)
        if conversion not in converted:
            graph = static_translate(
                generator,
                height,
                width,
                batch=batch,
                uint8=is_uint8,
                ranges=ranges if is_calibrated else None,
            )
            converted[conversion] = _convert(graph, float16=is_float16)
        about = {
            "variant": variant,
            "precision": VARIANTS[variant],
            "range": [0, 255] if is_uint8 else [-1, 1],
            "signature": SIGNATURE,
            "generator": description,
            **metadata,
            "height": height,
            "width": width,
            "batch": batch,
        }
        # Before quantization: the files that it makes cannot be repacked.
        model = _with_metadata(converted[conversion], about)
        if variant not in UNQUANTIZED:
            model = _quantize(model, variant, pictures if is_calibrated else [])
        paths[variant] = pathlib.Path(folder) / f"{name}_{variant}{ending}.tflite"
        paths[variant].write_bytes(model)
    return paths


def int8_graph(generator: keras.Model, size: tuple[int, int] | None) -> bytes:
    """Returns the variant `dynamic` of a generator, as the content of a .tflite file.

    It takes one picture at a time, and has neither metadata nor a measurement: it is for this
    machine, and not to be given away.

    Args:
        generator: the network.
        size: (height, width) of the pictures; None for a graph that is resized to those of each
            picture before it runs, where the generator `is_resizable`.

    Raises:
        ExportError: the generator takes no pictures of that size, or the package ai-edge-quantizer
            is missing.
    """
    if size is None and not is_resizable(generator):
        raise ValueError(f"The graph of a {type(generator).__name__} needs a size.")
    height, width = size or (None, None)
    _quantizer("dynamic")  # an error before anything is computed
    graph = static_translate(generator, height, width)
    return _quantize(_convert(graph, float16=False), "dynamic", [])


@dataclasses.dataclass(frozen=True)
class Measured:
    """What `measure` found.

    Attributes:
        facts: `bytes`; `operations`, how many of each; `macs`, the multiplications of its
            convolutions; `partitions`, the pieces into which the XNNPACK delegate cuts it;
            `latency_ms` of a batch, the median, and `latency_ratio` to the baseline;
            `peak_memory_mb` of a process that runs nothing else (on Linux alone); and of `compare`
            the worst over all references.
        translations: float32 (1, height, width, channels) in [-1, 1], one for each reference.
    """

    facts: dict[str, Any]
    translations: list[np.ndarray]


def measure(
    path: str | pathlib.Path,
    references: Sequence[tuple[np.ndarray, np.ndarray]],
    *,
    repeats: int = 10,
    threads: int = 2,
    baseline: Callable[[np.ndarray], object] | None = None,
) -> Measured:
    """Measures the size, speed, memory and likeness of a file.

    Args:
        path: the .tflite file.
        references: pictures of the file's size and Keras' translations of them, float32 (1, height,
            width, channels) in [-1, 1]. A file of a larger batch gets several of them at once.
        repeats: number of times that it is timed.
        threads: of the CPU that it may use.
        baseline: a translator to be timed in turn with the file, so that both see the same machine.

    Raises:
        ExportError: the file cannot run.
    """
    from cyclegan_keras.export import tflite_run

    interpreter = _opened(path, threads)
    together = np.concatenate([picture for picture, _ in references])
    translations = [picture[None] for picture in tflite_run.run(interpreter, together)]
    batch = int(interpreter.get_input_details()[0]["shape"][0])
    (first_batch, *_) = tflite_run.batches(together, batch)
    comparisons = [
        compare(expected, found)
        for (_, expected), found in zip(references, translations, strict=True)
    ]
    facts = {
        "bytes": pathlib.Path(path).stat().st_size,
        **_operations(interpreter),
        **_latency(interpreter, images=first_batch, repeats=repeats, baseline=baseline),
        **_memory(path, threads),
        **worst(comparisons),
    }
    return Measured(facts, translations)


def count(generator: keras.Model, height: int, width: int) -> dict[str, int]:
    """Returns a generator's `parameters` and `macs`, the multiplications of its convolutions."""
    image = tf.TensorSpec((1, height, width, generator.input_shape[-1]))
    function = tf.function(lambda image: generator(image, training=False), autograph=False)
    macs = 0
    for operation in function.get_concrete_function(image).graph.get_operations():
        if operation.type == "Conv2D":
            kernel, result = operation.inputs[1].shape, operation.outputs[0].shape
            macs += result.num_elements() * kernel[:3].num_elements()
        elif operation.type == "Conv2DBackpropInput":  # a transposed convolution, seen from behind
            kernel, result = operation.inputs[1].shape, operation.inputs[2].shape
            macs += result.num_elements() * kernel[:3].num_elements()
    return {"parameters": generator.count_params(), "macs": macs}


# ---- writing ----


def parse_size(text: str, *, option: str = "tflite_size") -> tuple[int, int]:
    """Returns the height and width that a size of --tflite_size means.

    Args:
        text: what was typed.
        option: as which.

    Raises:
        ExportError: it is none.

    Example:
        >>> parse_size("256"), parse_size("480x640")
        ((256, 256), (480, 640))
    """
    sides = [side.strip() for side in text.lower().split("x")]
    is_size = len(sides) <= 2 and all(side.isdecimal() for side in sides)
    if not is_size or not all(1 <= int(side) <= LARGEST_SIDE for side in sides):
        raise ExportError(
            f"--{option}={text}: expected sides of 1 to {LARGEST_SIDE} pixels, one for a square "
            "or height x width, such as 256 or 480x640."
        )
    return int(sides[0]), int(sides[-1])


def _check_variant(variant):
    if variant not in VARIANTS:
        raise ExportError(
            f"There is no TFLite variant {variant!r}: expected some of {', '.join(VARIANTS)}."
        )


def _check_variants(variants, calibration):
    for variant in variants:
        _check_variant(variant)
        if variant in CALIBRATED and not calibration:
            raise ExportError(
                f"The TFLite variant {variant} needs pictures of the training set: name a folder "
                f"of them, or leave {' and '.join(CALIBRATED)} out."
            )


def _calibration_input(picture, height, width):
    resized = tf.image.resize(picture[None], (height, width), antialias=True).numpy()
    return resized / np.float32(127.5) - 1 if picture.dtype == np.uint8 else resized


def _convert(function, float16) -> bytes:
    module = tf.Module()
    module.translate = function
    # By way of a SavedModel, because the signature's name gets into the file no other way.
    with tempfile.TemporaryDirectory() as folder, _silence():
        tf.saved_model.save(module, folder, {SIGNATURE: function})
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=[SIGNATURE])
        if float16:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.target_spec.supported_types = [tf.float16]
        return converter.convert()


def _with_metadata(model: bytes, metadata: Mapping[str, Any]) -> bytes:
    unpacked = flatbuffer_utils.convert_bytearray_to_object(bytearray(model))
    buffer = flatbuffer_utils.schema_fb.BufferT()
    buffer.data = np.frombuffer(json.dumps(metadata).encode(), "uint8")
    entry = flatbuffer_utils.schema_fb.MetadataT()
    entry.name = METADATA
    entry.buffer = len(unpacked.buffers)
    unpacked.buffers.append(buffer)
    if unpacked.metadata is None:
        unpacked.metadata = []
    unpacked.metadata.append(entry)
    return bytes(flatbuffer_utils.convert_object_to_bytearray(unpacked))


def _quantizer(variant: str):
    """Returns the package that quantizes a variant."""
    try:
        import ai_edge_quantizer
        from ai_edge_quantizer import qtyping, quantizer  # noqa: F401
    except ImportError as error:
        raise ExportError(
            f"The TFLite variant {variant} needs the package ai-edge-quantizer: "
            'pip install "cyclegan-keras[export]".'
        ) from error
    return ai_edge_quantizer


def _quantize(model: bytes, variant: str, pictures) -> bytes:
    package = _quantizer(variant)
    operations = package.qtyping.TFLOperationName
    with _silence():
        work = package.quantizer.Quantizer(bytearray(model))
        if variant in CALIBRATED:
            if variant == "integer":
                work.add_static_config(".*", operations.ALL_SUPPORTED, 16, 8)
            work.add_static_config(".*", operations.CONV_2D, 8, 8)
        else:
            work.add_dynamic_config(".*", operations.ALL_SUPPORTED, 8)
        found = work.calibrate({SIGNATURE: [{"image": picture} for picture in pictures]})
        return bytes(work.quantize(found or None).quantized_model)


@contextlib.contextmanager
def _silence():
    """Keeps converter and quantizer from printing their progress."""
    with (
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        yield


# ---- measuring ----


def milliseconds(
    path: str | pathlib.Path, *, threads: int = 2, rounds: int = 15, seconds: float = 4.0
) -> list[float]:
    """Returns how long a file takes for each of several translations, one after the other.

    Args:
        path: the .tflite file.
        threads: of the CPU that it may use.
        rounds: how often it is timed.
        seconds: after so many, a slow file is timed no more; but 5 times at least.

    Raises:
        ExportError: the file cannot run.
    """
    from cyclegan_keras.export import tflite_run

    interpreter = _opened(path, threads)
    shape = interpreter.get_input_details()[0]["shape"]
    tflite_run.run(interpreter, np.zeros(shape, np.float32))
    found: list[float] = []
    while len(found) < rounds and (len(found) < 5 or sum(found) < 1e3 * seconds):
        began = time.perf_counter()
        interpreter.invoke()
        found.append(1e3 * (time.perf_counter() - began))
    return found


def _opened(path, threads):
    """Returns an interpreter of a file, and ExportError where it cannot run."""
    from cyclegan_keras.export import tflite_run

    try:
        return tflite_run.open_model(path, threads)
    except tflite_run.TFLiteError as error:
        raise ExportError(str(error)) from error


def _operations(interpreter):
    # There is no public way to see what a delegate took over.
    operations = interpreter._get_ops_details()
    names = collections.Counter(operation["op_name"] for operation in operations)
    shapes = {each["index"]: each["shape"] for each in interpreter.get_tensor_details()}
    macs = 0
    for operation in operations:
        name = operation["op_name"]
        inputs = operation["inputs"]
        outputs = operation["outputs"]
        if name in ("CONV_2D", "DEPTHWISE_CONV_2D"):  # kernels (out, rows, columns, in)
            macs += int(np.prod(shapes[outputs[0]])) * int(np.prod(shapes[inputs[1]][1:]))
        elif name == "TRANSPOSE_CONV":
            kernel, image = shapes[inputs[1]], shapes[inputs[2]]
            macs += int(np.prod(image)) * int(np.prod(kernel[:3]))
    partitions = names.pop("DELEGATE", 0)
    return {"operations": dict(names.most_common()), "macs": macs, "partitions": partitions}


def _latency(interpreter, images, repeats, baseline):
    """Times the file and the baseline in turn; the interpreter has run before."""
    file_seconds = []
    baseline_seconds = []
    if baseline is not None:
        baseline(images)
    for _ in range(repeats):
        began = time.perf_counter()
        interpreter.invoke()
        file_seconds.append(time.perf_counter() - began)
        if baseline is not None:
            began = time.perf_counter()
            np.asarray(baseline(images))
            baseline_seconds.append(time.perf_counter() - began)
    median = statistics.median(file_seconds)
    result = {"latency_ms": 1e3 * median}
    if baseline is not None:
        result["latency_ratio"] = median / statistics.median(baseline_seconds)
    return result


def _memory(path, threads):
    """Runs the file once in a process of its own, to see how much memory that takes."""
    from cyclegan_keras.export import tflite_run

    command = [
        sys.executable,
        tflite_run.__file__,
        str(path),
        "--repeats=1",
        f"--threads={threads}",
    ]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    if process.returncode:
        raise ExportError(f"{path} does not run in a process of its own: {process.stderr.strip()}")
    facts = json.loads(process.stdout.splitlines()[-1])
    return {name: facts[name] for name in ("peak_memory_mb",) if name in facts}
