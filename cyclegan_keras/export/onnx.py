"""ONNX, for runtimes other than TensorFlow's."""

import json
import pathlib

import keras
import tensorflow as tf

from cyclegan_keras.files.errors import ExportError

OPSET = 18


def export_onnx(generator: keras.Model, path: str | pathlib.Path) -> pathlib.Path:
    """Writes a generator as ONNX.

    `images` float32 (batch, height, width, channels) in [-1, 1] -> `translations`, the same; height
    and width as the generator takes them. Its metadata `cyclegan_keras` is the generator's
    description as JSON.

    Args:
        generator: the network.
        path: the .onnx file to write.

    Returns:
        `path`.

    Raises:
        ExportError: the package tf2onnx is missing.
    """
    try:
        import tf2onnx
    except ImportError as error:
        raise ExportError(
            'ONNX needs the package tf2onnx: pip install "cyclegan-keras[export]".'
        ) from error
    channels = generator.input_shape[-1]
    signature = [tf.TensorSpec((None, None, None, channels), name="images")]

    @tf.function(input_signature=signature)
    def translate(images):
        return tf.identity(generator(images, training=False), name="translations")

    model, _ = tf2onnx.convert.from_function(translate, input_signature=signature, opset=OPSET)
    told = json.dumps(generator.description.to_dict())
    model.metadata_props.add(key="cyclegan_keras", value=told)
    path = pathlib.Path(path)
    path.write_bytes(model.SerializeToString())
    return path
