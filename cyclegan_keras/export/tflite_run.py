"""Translates a picture by a .tflite file, with nothing but ai-edge-litert, numpy and Pillow.

    python -m cyclegan_keras.export.tflite_run generator_g_fp32.tflite in.jpg out.png
    python tflite_run.py generator_g_fp32.tflite in.jpg out.png
    python tflite_run.py generator_g_fp32.tflite --repeats=20

This file stands alone: the second form works wherever it is copied to, without this package, Keras
or TensorFlow (the first imports them, because the package does). The third prints how long a
translation takes and how much memory the process needs, as a line of JSON.
"""

import argparse
import json
import pathlib
import statistics
import sys
import time

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from PIL import Image, ImageOps

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
    model = schema.Model.GetRootAs(pathlib.Path(path).read_bytes())
    for index in range(model.MetadataLength()):
        entry = model.Metadata(index)
        if entry.Name() == METADATA.encode():
            return json.loads(model.Buffers(entry.Buffer()).DataAsNumpy().tobytes())
    return {}


def run(interpreter: Interpreter, image: np.ndarray) -> np.ndarray:
    """Translates float32 (1, height, width, channels) in [-1, 1], of exactly the file's size.

    The picture is converted to the type of the file's tensors, and the translation back to float32.
    """
    source = interpreter.get_signature_runner(SIGNATURE).get_input_details()["image"]
    target = interpreter.get_signature_runner(SIGNATURE).get_output_details()["translation"]
    interpreter.set_tensor(source["index"], _to_tensor(image, source))
    interpreter.invoke()
    return _from_tensor(interpreter.get_tensor(target["index"]), target)


def translate(interpreter: Interpreter, picture: np.ndarray) -> np.ndarray:
    """Translates uint8 (height, width, 3) of any size, resized to the size of the file and back."""
    _, height, width, channels = interpreter.get_input_details()[0]["shape"]
    if channels != 3:
        raise TFLiteError(f"The file takes pictures of {channels} channels, not RGB.")
    small = Image.fromarray(picture).resize((width, height), Image.Resampling.BICUBIC)
    y = run(interpreter, np.asarray(small, "float32")[None] / 127.5 - 1)[0]
    translated = Image.fromarray(np.clip(np.round((y + 1) * 127.5), 0, 255).astype("uint8"))
    return np.asarray(translated.resize(picture.shape[1::-1], Image.Resampling.BICUBIC))


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
    parser.add_argument("picture", nargs="?", help="to translate")
    parser.add_argument("output", nargs="?", help="where to write the translation, of its size")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, help="measure instead of translating")
    arguments = parser.parse_args(argv)
    if not (arguments.repeats or arguments.output):
        parser.error("give a picture and where to write its translation, or --repeats")
    try:
        interpreter = open_model(arguments.model, arguments.threads)
        if arguments.repeats:
            sys.stdout.write(json.dumps(benchmark(interpreter, arguments.repeats)) + "\n")
            return 0
        with Image.open(arguments.picture) as file:
            picture = np.asarray(ImageOps.exif_transpose(file).convert("RGB"))
        Image.fromarray(translate(interpreter, picture)).save(arguments.output)
    except (TFLiteError, OSError, ValueError) as error:
        parser.exit(2, f"tflite_run: {error}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
