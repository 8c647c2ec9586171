"""The graph that a server runs: picture files in, picture files out, nothing left to the client."""

import re
from collections.abc import Mapping

import keras
import tensorflow as tf

from cyclegan_keras.export import graph_reading
from cyclegan_keras.images.channels import counted


def serving_module(
    generators: Mapping[str, keras.Model], max_image_pixels: int
) -> tuple[tf.Module, dict[str, tf.types.experimental.ConcreteFunction]]:
    """Returns what a SavedModel is made of: a module with the weights, and signatures by name.

    `<name>` and `serving_default`: `bytes_inputs`, strings (batch,), JPEG, PNG, GIF or BMP
    files of any sizes -> `image_bytes`, strings (batch,), PNG files, each of its input's upright
    size and of the depth of the generator's translations. They are left out where PNG files cannot
    hold the numbers of both sides, see `takes_files`.

    `translate_float_<name>` and `translate_float`: `images`, float32 (batch, height, width,
    channels) in [0, 1], from the low to the high end of the generator's `source_values` ->
    `translations`, of the same size, from the low to the high end of its `target_values`.

    A picture that is damaged, of another format or too large gives INVALID_ARGUMENT. The graphs of
    the float signatures hold operations that TensorFlow.js has, and assertions, which its converter
    takes out.

    Args:
        generators: the generator of each signature, named "a_to_b" or "b_to_a": of pictures in
            [-1, 1], with `size_multiple`, `smallest_size` and `description`. The first one is the
            default.
        max_image_pixels: larger pictures are refused before they are decoded.
    """
    module = tf.Module(name="serving")
    # The variables alone, not the models: whoever loads this needs no Keras.
    module.weights = [v.value for g in generators.values() for v in g.variables]
    signatures = {}
    for name, generator in generators.items():
        of_floats = _float_function(generator, max_image_pixels).get_concrete_function()
        signatures[f"translate_float_{name}"] = of_floats
        is_default = name == next(iter(generators))
        if is_default:
            signatures["translate_float"] = of_floats
        if takes_files(generator):
            of_bytes = _bytes_function(generator, max_image_pixels).get_concrete_function()
            signatures[name] = of_bytes
            if is_default:
                signatures["serving_default"] = of_bytes
    return module, signatures


def takes_files(generator: keras.Model) -> bool:
    """Returns whether PNG files can hold the numbers that a generator takes and gives."""
    description = generator.description
    return graph_reading.can_hold(description.source_form) and graph_reading.can_hold(
        description.target_form
    )


def why_no_files(generator: keras.Model) -> str:
    """Returns a sentence on why a generator takes and gives no picture files."""
    description = generator.description
    parts = []
    for form in (description.source_form, description.target_form):
        if not graph_reading.can_hold(form):
            parts.append(
                f"{counted(form.channels)} of {form.values.dtype} from {form.values.words}"
            )
    return (
        f"PNG files cannot hold {' or '.join(dict.fromkeys(parts))}: only the float signatures are "
        "there."
    )


def sentence_of(message: str) -> str:
    """Returns the sentence in TensorFlow's message about a refused picture.

    Example:
        >>> sentence_of("assertion failed: [Expected pictures of] [60] [61] [[{{node Assert}}]]")
        'Expected pictures of 60 61'
    """
    message = re.sub(r"\{\{function_node .*?\}\}", "", message.partition("[[{{")[0])
    _, is_assertion, said = message.partition("assertion failed:")
    if is_assertion:
        message = " ".join(re.findall(r"\[(.*?)\]", said, re.DOTALL))
    return " ".join(message.split())


def _bytes_function(generator: keras.Model, max_image_pixels: int):
    source_form = generator.description.source_form
    target_values = generator.description.target_values

    def translate_one(numbered):
        contents, number = numbered
        x = graph_reading.read_picture(contents, number, source_form, max_image_pixels)
        y = _any_size(generator, x[None])[0]
        return tf.io.encode_png(graph_reading.from_network(y, target_values))

    inputs = tf.TensorSpec((None,), tf.string, "bytes_inputs")

    # The loops are TensorFlow's already; looking for Python's would take seconds.
    @tf.function(input_signature=[inputs], autograph=False)
    def translate_bytes(bytes_inputs):
        numbered = (bytes_inputs, tf.range(tf.size(bytes_inputs)))
        # One after the other: one picture keeps all cores busy, and memory stays bounded.
        images = tf.map_fn(
            translate_one, numbered, fn_output_signature=tf.string, parallel_iterations=1
        )
        return {"image_bytes": images}

    return translate_bytes


def _float_function(generator: keras.Model, max_image_pixels: int):
    channels = generator.input_shape[-1]

    @tf.function(input_signature=[tf.TensorSpec((None, None, None, channels), name="images")])
    def translate_float(images):
        shape = tf.shape(images)
        with tf.control_dependencies([_check_size(shape[1], shape[2], max_image_pixels)]):
            translated = (_any_size(generator, images * 2 - 1) + 1) / 2
        return {"translations": tf.clip_by_value(translated, 0, 1)}

    return translate_float


def _check_size(height, width, most_pixels: int) -> tf.Operation:
    """Returns an operation that refuses pictures without pixels, or with more than `most_pixels`.

    The numbers stay beside the sentence: TensorFlow.js cannot put them into it.
    """
    pixels = tf.cast(height, tf.int64) * tf.cast(width, tf.int64)
    sentence = f"Expected pictures of 1 to {most_pixels} pixels, received height and width"
    return tf.debugging.Assert((pixels >= 1) & (pixels <= most_pixels), [sentence, height, width])


def _any_size(generator: keras.Model, images):
    """Translates pictures of any size: reflects them up to a size that fits, and cuts back."""
    shape = tf.shape(images)
    for axis in (1, 2):
        side = shape[axis]
        multiple = generator.size_multiple
        wanted = tf.maximum(-(-side // multiple) * multiple, generator.smallest_size)
        # Back and forth between both borders, so that even a single pixel can be enlarged.
        period = tf.maximum(2 * (side - 1), 1)
        position = tf.range(wanted) % period
        images = tf.gather(images, tf.minimum(position, period - position), axis=axis)
    translated = generator(images, training=False)
    return translated[:, : shape[1], : shape[2]]
