"""Translates a picture by a .tflite file, with nothing but ai-edge-litert, numpy and Pillow.

    python -m cyclegan_keras.export.tflite_run generator_g_fp32.tflite in.jpg out.png
    python tflite_run.py generator_g_fp32.tflite in.jpg out.png
    python tflite_run.py generator_g_fp32.tflite scan.npy scan_translated.npy
    python tflite_run.py generator_g_fp32.tflite --repeats=20

It reads what Pillow does, as the whole package reads it: upright, transparency over white, colors
in sRGB; 8 bits of any colors, 16 bits of gray as PNG or TIFF, and .npy arrays of any numbers and
channels. What the numbers mean is in the .tflite file. It writes a picture of 8 bits, or of 16 bits
of gray where the file translates to deeper levels; an output named .npy gets all numbers as they
are.

A .tflite file takes pictures of one size. A larger picture is made smaller with its proportions, so
that it fits; what is missing to the size is mirrored at the right and lower border, and cut off
again from the translation, which is then as large as the picture was.

This file stands alone: the second form works wherever it is copied to, without this package, Keras
or TensorFlow (the first imports them, because the package does). The last prints how long a
translation takes and how much memory the process needs, as a line of JSON.
"""

import argparse
import io
import json
import pathlib
import statistics
import sys
import time

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from PIL import Image, ImageCms, ImageOps

SIGNATURE = "translate"
METADATA = "cyclegan_keras"  # name of the JSON that exported files carry


class TFLiteError(ValueError):
    """A file that is no exported generator; the message says what is wrong."""


def open_model(path: str | pathlib.Path, threads: int = 2) -> Interpreter:
    """Returns an interpreter that is ready to run.

    Raises:
        TFLiteError: the file is missing, or is no generator.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise TFLiteError(f"{path} is not a file.")
    try:
        interpreter = Interpreter(model_path=str(path), num_threads=threads)
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise TFLiteError(f"{path} is no TFLite file that can run here: {error}") from error
    tensors = interpreter.get_signature_list().get(SIGNATURE)
    if tensors != {"inputs": ["image"], "outputs": ["translation"]}:
        raise TFLiteError(f"{path} has no signature {SIGNATURE!r} from image to translation.")
    return interpreter


def read_metadata(path: str | pathlib.Path) -> dict:
    """Returns the metadata of an exported file; empty where it has none."""
    content = pathlib.Path(path).read_bytes()
    model = schema.Model.GetRootAs(content)
    for index in range(model.MetadataLength()):
        entry = model.Metadata(index)
        if entry.Name() == METADATA.encode():
            buffer = model.Buffers(entry.Buffer())
            if buffer.DataIsNone():  # the quantizer keeps long buffers behind the model itself
                return json.loads(content[buffer.Offset() : buffer.Offset() + buffer.Size()])
            return json.loads(buffer.DataAsNumpy().tobytes())
    return {}


def run(interpreter: Interpreter, images: np.ndarray) -> np.ndarray:
    """Translates float32 (count, height, width, channels) in [-1, 1], of exactly the file's size.

    The pictures are converted to the type of the file's tensors, and the translations back to
    float32. A file of a larger batch gets so many at a time.
    """
    source = interpreter.get_signature_runner(SIGNATURE).get_input_details()["image"]
    target = interpreter.get_signature_runner(SIGNATURE).get_output_details()["translation"]
    translations = []
    for batch in batches(images, int(source["shape"][0])):
        interpreter.set_tensor(source["index"], _to_tensor(batch, source))
        interpreter.invoke()
        translations.append(_from_tensor(interpreter.get_tensor(target["index"]), target))
    return np.concatenate(translations)[: len(images)]


def batches(images: np.ndarray, size: int) -> list[np.ndarray]:
    """Returns batches of `size` pictures; the first ones again fill up the last batch.

    Example:
        >>> [batch.tolist() for batch in batches(np.array([1, 2, 3]), 2)]
        [[1, 2], [3, 1]]
    """
    count = -(-len(images) // size)
    return list(images[np.arange(count * size).reshape(count, size) % len(images)])


def translate(interpreter: Interpreter, picture: np.ndarray) -> np.ndarray:
    """Translates uint8 (height, width, channels) of any size, as `translate_batch` does.

    Returns:
        uint8 (height, width, channels of the translation).
    """
    y = translate_floats(interpreter, picture.astype("float32") / 127.5 - 1)
    return np.clip(np.round((y + 1) * 127.5), 0, 255).astype("uint8")


def translate_floats(interpreter: Interpreter, x: np.ndarray) -> np.ndarray:
    """Translates float32 (height, width, channels) in [-1, 1], as `translate_batch` does."""
    return translate_batch(interpreter, x[None])[0]


def translate_batch(interpreter: Interpreter, images: np.ndarray) -> np.ndarray:
    """Translates floats of any one size.

    Pictures that are too large for the file are resized, with their proportions, so that they fit,
    and their translations back. What is missing to the file's size is mirrored at the right and
    lower border, as for the networks themselves, and cut off again.

    Args:
        interpreter: of `open_model`.
        images: float32 (count, height, width, channels) in [-1, 1].

    Returns:
        float32 (count, height, width, channels of the translation) in [-1, 1].

    Raises:
        TFLiteError: the file takes another number of channels.
    """
    _, height, width, channels = (int(n) for n in interpreter.get_input_details()[0]["shape"])
    if images.shape[-1] != channels:
        raise TFLiteError(f"The picture has {images.shape[-1]} channels, expected {channels}.")
    own_height, own_width = images.shape[1:3]
    inner_height, inner_width = fitting_size(own_height, own_width, height, width)
    small = np.stack([_resized(image, inner_height, inner_width) for image in images])
    small = np.take(small, mirrored(inner_height, height), axis=1)
    small = np.take(small, mirrored(inner_width, width), axis=2)
    translations = run(interpreter, np.clip(small, -1, 1))[:, :inner_height, :inner_width]
    resized = [_resized(translation, own_height, own_width) for translation in translations]
    return np.clip(np.stack(resized), -1, 1)


def fitting_size(height: int, width: int, most_height: int, most_width: int) -> tuple[int, int]:
    """Returns the largest size of the same proportions that fits, never more than the own one.

    Example:
        >>> fitting_size(1200, 1600, 480, 480), fitting_size(30, 40, 480, 480)
        ((360, 480), (30, 40))
    """
    scale = min(most_height / height, most_width / width, 1)
    return max(round(height * scale), 1), max(round(width * scale), 1)


def mirrored(side: int, wanted: int) -> np.ndarray:
    """Returns `wanted` indices into a row of `side` pixels, back and forth between its ends.

    Example:
        >>> mirrored(3, 8).tolist()
        [0, 1, 2, 1, 0, 1, 2, 1]
    """
    period = max(2 * (side - 1), 1)
    positions = np.arange(wanted) % period
    return np.minimum(positions, period - positions)


def _resized(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resizes float32, one channel after the other."""
    if picture.shape[:2] == (height, width):
        return picture
    channels = []
    for channel in np.moveaxis(picture, -1, 0):
        image = Image.fromarray(np.ascontiguousarray(channel))
        # The width first, as in training: Pillow 13 would choose the order by itself.
        image = image.resize((width, image.height), Image.Resampling.BICUBIC)
        channels.append(np.asarray(image.resize((width, height), Image.Resampling.BICUBIC)))
    return np.stack(channels, axis=-1)


# ---- pictures and their numbers; held equal by a test to the package's own reader ----

LUMA_UNITS = (19595, 38470, 7471)  # red, green and blue in gray, in units of 2**-16
EIGHT_BIT = {"dtype": "uint8", "low": 0.0, "high": 255.0}


def read_numbers(path: str | pathlib.Path, values: dict, channels: int) -> np.ndarray:
    """Reads a picture or an .npy file on the scale of a file's numbers.

    Args:
        path: of the file.
        values: "dtype", "low" and "high" of the numbers that are expected.
        channels: that are expected.

    Returns:
        (height, width, channels); transparency lies over white, unless it is asked for as the last
        channel.

    Raises:
        TFLiteError: a kind of file, or channels, that cannot be read here.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise TFLiteError(f"{path} is not a file.")
    if path.read_bytes()[:6] == b"\x93NUMPY":
        pixels, alpha = np.load(path, allow_pickle=False), None
        pixels = pixels[..., None] if pixels.ndim == 2 else pixels
        if pixels.ndim != 3 or pixels.dtype.kind not in "uif":
            raise TFLiteError(
                f"{path} holds {pixels.dtype} {pixels.shape}, expected numbers of (height, width) "
                "or (height, width, channels)."
            )
        if pixels.size == 0:
            raise TFLiteError(f"{path} holds {pixels.shape}, which are no numbers at all.")
        if not np.isfinite(pixels).all():
            raise TFLiteError(f"{path} holds numbers that are not finite.")
    else:
        pixels, alpha = _read_picture(path)
    if alpha is not None:
        if channels == pixels.shape[-1] + 1 and channels in (2, 4):
            pixels = np.concatenate([pixels, alpha[..., None]], axis=-1)
        else:
            pixels = _over_white(pixels, alpha[..., None])
    pixels = _of_type(pixels, values["dtype"])
    if pixels.shape[-1] == 1 and channels == 3:
        pixels = np.repeat(pixels, 3, axis=-1)
    elif pixels.shape[-1] == 3 and channels == 1:
        pixels = _luma(pixels)
    if pixels.shape[-1] != channels:
        raise TFLiteError(f"{path} has {pixels.shape[-1]} channels, expected {channels}.")
    return pixels


def to_network(numbers: np.ndarray, values: dict) -> np.ndarray:
    """Maps numbers of a file to float32 in [-1, 1]."""
    exact = "float64" if numbers.dtype.itemsize > 2 else "float32"
    low, half = np.array([values["low"], (values["high"] - values["low"]) / 2], exact)
    scaled = (numbers.astype(exact) - low) / half - 1
    return np.clip(scaled, -1, 1).astype(np.float32)


def from_network(y: np.ndarray, values: dict) -> np.ndarray:
    """Maps float32 in [-1, 1] to numbers of `values`, rounded where they are integers."""
    low, high = values["low"], values["high"]
    dtype = np.dtype(values["dtype"])
    exact = np.float32 if dtype.name in ("uint8", "uint16") and low == 0 else np.float64
    numbers = (np.clip(y, -1, 1).astype(exact) + 1) * exact((high - low) / 2) + exact(low)
    if dtype.kind == "f":
        return numbers.astype(dtype)
    limits = np.iinfo(dtype)
    return np.clip(np.rint(numbers), limits.min, limits.max).astype(dtype)


def write_numbers(numbers: np.ndarray, path: str | pathlib.Path) -> None:
    """Writes (height, width, channels) as .npy, or as a picture where Pillow can hold it.

    Raises:
        TFLiteError: no picture holds these numbers.
    """
    path = pathlib.Path(path)
    if path.suffix.lower() == ".npy":
        np.save(path, numbers)
        return
    channels = numbers.shape[-1]
    is_gray_or_colors = numbers.dtype == np.uint8 and channels in (1, 2, 3, 4)
    is_deep_gray = numbers.dtype == np.uint16 and channels == 1
    if not (is_gray_or_colors or is_deep_gray):
        raise TFLiteError(
            f"{channels} channels of {numbers.dtype} fit into no picture that is written here: "
            "name the output .npy."
        )
    Image.fromarray(numbers[..., 0] if channels == 1 else numbers).save(path)


def _read_picture(path: pathlib.Path) -> tuple[np.ndarray, np.ndarray | None]:
    """Returns upright pixels in sRGB, (height, width, 1 or 3), and their opacity or None."""
    with Image.open(path) as file:
        image: Image.Image = file
        is_deep_png = file.format == "PNG" and path.read_bytes()[24] == 16
        if is_deep_png and not image.mode.startswith("I"):
            raise TFLiteError(
                f"{path} is a PNG of 16-bit colors, which Pillow cannot read: save it as .npy."
            )
        if image.mode == "F" or image.mode in ("I", "I;16S", "I;32", "I;32S"):
            raise TFLiteError(
                f"{path} holds {image.mode} numbers, which are not read here: save it as .npy."
            )
        profile = image.info.get("icc_profile")
        image.load()
        image = ImageOps.exif_transpose(image)
        if image.mode.startswith("I"):
            return np.asarray(image).astype(np.uint16)[..., None], None
        if image.mode == "CMYK":
            return np.asarray(_in_srgb(image, profile) or image.convert("RGB")), None
        if image.mode == "LAB":
            raise TFLiteError(f"{path} holds Lab colors, which are not read here: save it as PNG.")
        alpha = None
        if image.has_transparency_data:
            alpha = np.asarray(image.convert("RGBA"))[..., 3]
        gray = image.mode in ("1", "L", "LA", "La")
        image = image.convert("RGBA" if alpha is not None else "RGB").convert("RGB")
        if gray:
            image = image.getchannel(0)
        image = _in_srgb(image, profile) or image
        pixels = np.asarray(image)
    return (pixels[..., None] if pixels.ndim == 2 else pixels), alpha


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image | None:
    """Converts colors to sRGB; None where their profile is sRGB, or cannot be used."""
    modes = {b"GRAY": "L", b"RGB ": "RGB", b"CMYK": "CMYK"}
    if profile is None or modes.get(profile[16:20]) != image.mode:
        return None
    intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
    flags = ImageCms.Flags.BLACKPOINTCOMPENSATION
    srgb = ImageCms.createProfile("sRGB")
    try:
        own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        forward = ImageCms.buildTransform(own, srgb, image.mode, "RGB", intent, flags)
    except (ImageCms.PyCMSError, OSError):
        return None
    if image.mode != "CMYK":
        # A profile that moves no color by more than a level is sRGB.
        steps = np.linspace(0, 255, 17).astype(np.uint8)
        lattice = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(17, -1, 3)
        if image.mode == "L":
            lattice = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=-1)
        probe = Image.fromarray(lattice)
        if image.mode == "L":
            probe = probe.getchannel(0)
        moved = np.asarray(ImageCms.applyTransform(probe, forward)).astype(int) - lattice
        if np.abs(moved).max() <= 1:
            return None
    converted = ImageCms.applyTransform(image, forward)
    return converted.getchannel(1) if image.mode == "L" else converted


def _over_white(pixels: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    white = np.iinfo(pixels.dtype).max
    opacity = alpha.astype(np.int64)
    over = pixels * opacity + white * (white - opacity)
    return ((over + white // 2) // white).astype(pixels.dtype)


def _of_type(numbers: np.ndarray, dtype: str) -> np.ndarray:
    """Scales levels between 8 and 16 bits; all other numbers mean themselves."""
    if numbers.dtype == np.uint8 and dtype == "uint16":
        return numbers.astype(np.uint16) * 257
    if numbers.dtype == np.uint16 and dtype == "uint8":
        return ((numbers.astype(np.uint32) + 128) // 257).astype(np.uint8)
    return numbers


def _luma(numbers: np.ndarray) -> np.ndarray:
    if numbers.dtype.kind == "f":
        weights = np.array([0.299, 0.587, 0.114], np.float32).astype(numbers.dtype)
        return (numbers @ weights)[..., None]
    units = (numbers.astype(np.int64) * LUMA_UNITS).sum(axis=-1, keepdims=True)
    return ((units + 2**15) >> 16).astype(numbers.dtype)


def translate_file(
    interpreter: Interpreter,
    metadata: dict,
    source: str | pathlib.Path,
    target: str | pathlib.Path,
) -> None:
    """Translates a picture or .npy file, by the meaning of numbers in the model's metadata.

    Raises:
        TFLiteError: a file that cannot be read or written here.
    """
    about = metadata.get("generator", {})
    source_values = about.get("source_values", EIGHT_BIT)
    target_values = about.get("target_values", EIGHT_BIT)
    channels = int(interpreter.get_input_details()[0]["shape"][-1])
    numbers = read_numbers(source, source_values, channels)
    x = to_network(numbers, source_values)
    y = translate_floats(interpreter, x)
    if not np.isfinite(y).all():
        raise TFLiteError(f"The model makes numbers of {source} that are not finite.")
    write_numbers(from_network(y, target_values), target)


def benchmark(interpreter: Interpreter, repeats: int) -> dict[str, float]:
    """Returns `latency_ms`, the median, and `peak_memory_mb` of this process where it is known."""
    image = np.zeros(interpreter.get_input_details()[0]["shape"], "float32")
    run(interpreter, image)
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        interpreter.invoke()
        seconds.append(time.perf_counter() - began)
    result = {"latency_ms": 1e3 * statistics.median(seconds)}
    status = pathlib.Path("/proc/self/status")
    if status.exists():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        result["peak_memory_mb"] = int(lines["VmHWM"].split()[0]) * 1024 / 1e6
    return result


def _to_tensor(image, details):
    dtype = details["dtype"]
    if dtype == np.float32:
        return image
    scale, zero = details["quantization"]
    values = image / scale + zero if scale else (image + 1) * 127.5
    limits = np.iinfo(dtype)
    return np.clip(np.round(values), limits.min, limits.max).astype(dtype)


def _from_tensor(values, details):
    if details["dtype"] == np.float32:
        return values
    scale, zero = details["quantization"]
    values = values.astype("float32")
    return (values - zero) * np.float32(scale) if scale else values / 127.5 - 1


def main(argv: list[str]) -> int:
    """Translates one picture, or measures; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", help="the .tflite file")
    parser.add_argument("picture", nargs="?", help="to translate, or an .npy file")
    parser.add_argument(
        "output", nargs="?", help="where to write the translation, a picture or .npy"
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, help="measure instead of translating")
    arguments = parser.parse_args(argv)
    if arguments.threads < 1:
        parser.error(f"--threads={arguments.threads}: expected at least 1")
    if arguments.repeats is not None and arguments.repeats < 1:
        parser.error(f"--repeats={arguments.repeats}: expected at least 1")
    if arguments.repeats is None and arguments.output is None:
        parser.error("give a picture and where to write its translation, or --repeats")
    try:
        interpreter = open_model(arguments.model, arguments.threads)
        if arguments.repeats:
            sys.stdout.write(json.dumps(benchmark(interpreter, arguments.repeats)) + "\n")
            return 0
        metadata = read_metadata(arguments.model)
        translate_file(interpreter, metadata, arguments.picture, arguments.output)
    except (TFLiteError, OSError, ValueError) as error:
        parser.exit(2, f"tflite_run: {error}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
