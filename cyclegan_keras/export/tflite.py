"""TFLite files of one generator, from full precision down to integers."""

import contextlib
import io
import json
import pathlib
import tempfile
import warnings
from collections.abc import Mapping, Sequence

import keras
import numpy as np
import tensorflow as tf
from tensorflow.lite.tools import flatbuffer_utils

from cyclegan_keras.export.static_graph import measure_ranges, static_translate
from cyclegan_keras.files.errors import ExportError

SIGNATURE = "translate"
METADATA = "cyclegan_keras"  # name of the JSON that exported files carry

# What each variant is, for its metadata and the receipt.
VARIANTS = {
    "fp32": "float32",
    "fp16": "float16 weights, float32 arithmetic",
    "dynamic": "int8 weights, activations quantized to int8 while it runs, float32 between",
    "uint8": "dynamic, with pictures as uint8 in 0..255 on both sides",
    "int8": "int8 convolutions of calibrated ranges, norms in float32",
    "integer": "integers alone: int8 convolutions, all else int16",
}
CALIBRATED = ("int8", "integer")
# The least PSNR to Keras on real pictures at which a file is good, in dB.
LEAST_PSNR_DB = {"fp32": 100, "fp16": 70, "dynamic": 40, "uint8": 40, "int8": 30, "integer": 30}


def export_tflite(
    generator: keras.Model,
    folder: str | pathlib.Path,
    name: str,
    *,
    size: int | tuple[int, int] = 256,
    variants: Sequence[str] = tuple(VARIANTS),
    calibration: Sequence[np.ndarray] | None = None,
    metadata: Mapping[str, object] | None = None,
    sized_names: bool = False,
) -> dict[str, pathlib.Path]:
    """Writes `<name>_<variant>.tflite` for every variant.

    Every file has one signature, `translate`, from `image` to `translation`, one picture (1,
    height, width, channels): float32 in [-1, 1]; in the variant uint8, uint8 in 0..255; in the
    variant integer, int16 whose scale the tensor tells. It carries its metadata as JSON.

    Args:
        generator: the network.
        folder: an existing folder.
        name: how the files' names begin.
        size: of the pictures in pixels, one side or (height, width).
        variants: some of `VARIANTS`.
        calibration: pictures of the training set, uint8 (height, width, channels) of any size, for
            the variants `CALIBRATED`; a dozen will do.
        metadata: what else the files shall tell of themselves, such as the domains.
        sized_names: `<name>_<variant>_<size>.tflite` instead.

    Returns:
        variant -> path.

    Raises:
        ExportError: an unknown variant, a size that the generator does not take, no pictures to
            calibrate on, or the package ai-edge-quantizer is missing.
    """
    height, width = (size, size) if isinstance(size, int) else size
    _check(variants, calibration)
    ending = f"_{height}" if height == width else f"_{height}x{width}"
    told = {**(metadata or {}), "height": height, "width": width}
    makers = _Makers(generator, height, width, calibration or (), told)
    paths = {}
    for variant in variants:
        file = f"{name}_{variant}{ending if sized_names else ''}.tflite"
        paths[variant] = pathlib.Path(folder) / file
        paths[variant].write_bytes(makers.make(variant))
    return paths


def _about(variant):
    ranges = {"uint8": [0, 255]}
    return {
        "variant": variant,
        "precision": VARIANTS[variant],
        "range": ranges.get(variant, [-1, 1]),
        "signature": SIGNATURE,
    }


def _check(variants, calibration):
    for variant in variants:
        if variant not in VARIANTS:
            raise ExportError(
                f"There is no TFLite variant {variant!r}: expected some of {', '.join(VARIANTS)}."
            )
        if variant in CALIBRATED and not calibration:
            raise ExportError(
                f"The TFLite variant {variant} needs pictures of the training set: name a folder "
                f"of them, or leave {' and '.join(CALIBRATED)} out."
            )


class _Makers:
    """Makes variants of one generator."""

    def __init__(self, generator, height, width, calibration, told):
        self._generator = generator
        self._size = (height, width)
        self._pictures = [_resized(picture, height, width) for picture in calibration]
        self._told = told
        self._ranges = None

    def make(self, variant):
        ranges = None
        if variant in CALIBRATED:
            self._ranges = self._ranges or measure_ranges(self._generator, self._pictures)
            ranges = self._ranges
        graph = static_translate(
            self._generator, *self._size, uint8=variant == "uint8", ranges=ranges
        )
        model = _convert(graph, float16=variant == "fp16")
        # Before quantization, whose files cannot be unpacked and packed again.
        model = _with_metadata(model, {**_about(variant), **self._told})
        if variant in ("fp32", "fp16"):
            return model
        return _quantize(model, variant, self._pictures if variant in CALIBRATED else ())


def _resized(picture, height, width):
    resized = tf.image.resize(picture[None], (height, width), antialias=True)
    return np.asarray(resized, "float32") / 127.5 - 1


def _convert(function, float16=False) -> bytes:
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


def _quantize(model: bytes, variant: str, pictures) -> bytes:
    try:
        from ai_edge_quantizer import qtyping, quantizer
    except ImportError as error:
        raise ExportError(
            f"The TFLite variant {variant} needs the package ai-edge-quantizer: "
            'pip install "cyclegan-keras[export]".'
        ) from error
    operations = qtyping.TFLOperationName
    with _silence():
        work = quantizer.Quantizer(bytearray(model))
        if variant in CALIBRATED:
            if variant == "integer":
                work.add_static_config(".*", operations.ALL_SUPPORTED, 16, 8)
            work.add_static_config(".*", operations.CONV_2D, 8, 8)
        else:
            work.add_dynamic_config(".*", operations.ALL_SUPPORTED, 8)
        found = work.calibrate({SIGNATURE: [{"image": picture} for picture in pictures]})
        return bytes(work.quantize(found or None).quantized_model)


def _with_metadata(model: bytes, told: Mapping[str, object]) -> bytes:
    unpacked = flatbuffer_utils.convert_bytearray_to_object(bytearray(model))
    buffer = flatbuffer_utils.schema_fb.BufferT()
    buffer.data = np.frombuffer(json.dumps(told).encode(), "uint8")
    entry = flatbuffer_utils.schema_fb.MetadataT()
    entry.name, entry.buffer = METADATA, len(unpacked.buffers)
    unpacked.buffers.append(buffer)
    unpacked.metadata = [*(unpacked.metadata or []), entry]
    return bytes(flatbuffer_utils.convert_object_to_bytearray(unpacked))


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
