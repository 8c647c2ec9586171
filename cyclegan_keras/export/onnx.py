"""ONNX, for runtimes other than TensorFlow's."""

import json
import pathlib

import keras
import numpy as np
import tensorflow as tf

from cyclegan_keras.export.job import ExportedFile, ExportJob
from cyclegan_keras.export.receipt import compare, resized_input, worst
from cyclegan_keras.files.errors import ExportError

OPSET = 18
INPUT = "images"
OUTPUT = "translations"
DIMENSIONS = ("batch", "height", "width")  # that are free; the channels are fixed
LEAST_PSNR_DB = 100.0


def check_onnx() -> None:
    """Raises ExportError where a package is missing that `write_onnx` needs."""
    _converter()
    _runtime()


def write_onnx(job: ExportJob) -> list[ExportedFile]:
    """Writes one ONNX file a direction, and compares its translations by onnxruntime."""
    onnxruntime = _runtime()
    folder = job.folder / "onnx"
    folder.mkdir()
    exported = []
    for direction, generator in job.generators.items():
        path = export_onnx(generator, folder / f"{direction.file_name}.onnx")
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        comparisons = []
        samples = []
        for picture in job.pictures[direction]:
            x = fitting_input(generator, picture)
            (found,) = session.run([OUTPUT], {INPUT: x})
            comparisons.append(compare(np.asarray(generator(x, training=False)), found))
            samples.append(found[0])
        exported.append(
            ExportedFile(
                path=path,
                kind="onnx",
                direction=direction,
                facts=worst(comparisons),
                least_psnr_db=LEAST_PSNR_DB,
                samples=samples,
            )
        )
    return exported


def fitting_input(generator: keras.Model, picture: np.ndarray) -> np.ndarray:
    """Resizes (any, any, channels) of uint8 or float32 in [-1, 1] to a size that the network takes.

    Returns:
        float32 (1, height, width, channels) in [-1, 1]; height and width are the next lower
        multiples.
    """
    multiple = generator.size_multiple
    height, width = (max(side // multiple, 1) * multiple for side in picture.shape[:2])
    return resized_input(picture, height, width)


def export_onnx(generator: keras.Model, path: str | pathlib.Path) -> pathlib.Path:
    """Writes a generator as ONNX.

    `images` float32 (batch, height, width, channels) in [-1, 1] -> `translations`, the same; height
    and width as the generator takes them. These are the names in the file, also of the free
    dimensions: `session.run(["translations"], {"images": x})`. Its metadata `cyclegan_keras` is the
    generator's description as JSON; its `source_values` and `target_values` say which numbers -1
    and 1 are.

    Args:
        generator: the network.
        path: the .onnx file to write.

    Returns:
        `path`.

    Raises:
        ExportError: the package tf2onnx is missing.
    """
    tf2onnx = _converter()
    channels = generator.input_shape[-1]
    signature = [tf.TensorSpec((None, None, None, channels), name=INPUT)]

    @tf.function(input_signature=signature)
    def translate(images):
        return generator(images, training=False)

    model, _ = tf2onnx.convert.from_function(translate, input_signature=signature, opset=OPSET)
    _name_tensors(model.graph)
    description = json.dumps(generator.description.to_public_dict())
    model.metadata_props.add(key="cyclegan_keras", value=description)
    path = pathlib.Path(path)
    path.write_bytes(model.SerializeToString())
    return path


def _converter():
    try:
        import tf2onnx
    except ImportError as error:
        raise ExportError(
            'ONNX needs the package tf2onnx: pip install "cyclegan-keras[export]".'
        ) from error
    return tf2onnx


def _runtime():
    try:
        import onnxruntime
    except ImportError as error:
        raise ExportError(
            'Comparing ONNX with Keras needs onnxruntime: pip install "cyclegan-keras[export]".'
        ) from error
    return onnxruntime


def _name_tensors(graph) -> None:
    """Gives the input, the output and their free dimensions their names.

    tf2onnx calls outputs by what freezing makes of them ("Identity:0"), and numbers the dimensions.
    """
    (image,) = graph.input
    (translation,) = graph.output
    names = {image.name: INPUT, translation.name: OUTPUT}
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    for tensor in (image, translation):
        tensor.name = names[tensor.name]
        for dimension, name in zip(tensor.type.tensor_type.shape.dim, DIMENSIONS, strict=False):
            dimension.dim_param = name
