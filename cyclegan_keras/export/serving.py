"""The graph that a server runs: picture files in, picture files out, nothing left to the client."""

from collections.abc import Callable, Mapping

import keras
import tensorflow as tf

# How each format begins.
_MAGIC = {"jpeg": b"\xff\xd8\xff", "png": b"\x89PNG\r\n\x1a\n", "gif": b"GIF8", "bmp": b"BM"}
# Where the header of each format holds two sides of its picture: (start, bytes, little endian).
_HEADERS = {
    "png": ((16, 4, False), (20, 4, False)),
    "gif": ((6, 2, True), (8, 2, True)),
    "bmp": ((18, 4, True), (22, 4, True)),
}


def serving_module(
    generators: Mapping[str, keras.Model], max_image_pixels: int
) -> tuple[tf.Module, dict[str, tf.types.experimental.ConcreteFunction]]:
    """Returns what a SavedModel is made of: a module with the weights, and signatures by name.

    `<name>` and `serving_default`: `bytes_inputs`, strings (batch,), JPEG, PNG, GIF or BMP
    files of any sizes -> `image_bytes`, strings (batch,), PNG files, each of its input's size.

    `translate_float_<name>` and `translate_float`: `images`, float32 (batch, height, width, 3) in
    [0, 1] -> `translations`, of the same shape and range.

    A picture that is damaged, of another format or too large gives INVALID_ARGUMENT.

    Args:
        generators: the generator of each signature, named "a_to_b" or "b_to_a": of RGB pictures in
            [-1, 1], with `size_multiple` and `smallest_size`. The first one is the default.
        max_image_pixels: larger pictures are refused before they are decoded.
    """
    module = tf.Module(name="serving")
    # The variables alone, not the models: whoever loads this needs no Keras.
    module.weights = [v.value for g in generators.values() for v in g.variables]
    signatures = {}
    for name, generator in generators.items():
        of_bytes = _bytes_function(generator, max_image_pixels).get_concrete_function()
        of_floats = _float_function(generator, max_image_pixels).get_concrete_function()
        signatures[name] = of_bytes
        signatures[f"translate_float_{name}"] = of_floats
        signatures.setdefault("serving_default", of_bytes)
        signatures.setdefault("translate_float", of_floats)
    return module, signatures


def _bytes_function(generator: keras.Model, max_image_pixels: int):
    def translate_one(numbered):
        contents, number = numbered
        image = _decode(contents, number, max_image_pixels)
        x = tf.cast(image, tf.float32)[None] / 127.5 - 1
        y = tf.round((_any_size(generator, x)[0] + 1) * 127.5)
        return tf.io.encode_png(tf.saturate_cast(y, tf.uint8))

    @tf.function(input_signature=[tf.TensorSpec((None,), tf.string, "bytes_inputs")])
    def translate_bytes(bytes_inputs):
        numbered = (bytes_inputs, tf.range(tf.size(bytes_inputs)))
        # One after the other: one picture keeps all cores busy, and memory stays bounded.
        images = tf.map_fn(
            translate_one, numbered, fn_output_signature=tf.string, parallel_iterations=1
        )
        return {"image_bytes": images}

    return translate_bytes


def _float_function(generator: keras.Model, max_image_pixels: int):
    @tf.function(input_signature=[tf.TensorSpec((None, None, None, 3), name="images")])
    def translate_float(images):
        shape = tf.shape(images)
        checked = _check_pixels(shape[1] * shape[2], 0, max_image_pixels)
        with tf.control_dependencies([checked]):
            translated = (_any_size(generator, images * 2 - 1) + 1) / 2
        return {"translations": tf.clip_by_value(translated, 0, 1)}

    return translate_float


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


def _decode(contents, number, max_image_pixels: int):
    """Decodes one file to uint8 (height, width, 3) after a look at its header."""
    is_format = {
        name: tf.strings.substr(contents, 0, len(magic)) == magic for name, magic in _MAGIC.items()
    }
    known = tf.reduce_any(list(is_format.values())) & (tf.strings.length(contents) >= 26)
    message = tf.strings.format("Picture {} is no JPEG, PNG, GIF or BMP file.", number)
    with tf.control_dependencies([tf.debugging.Assert(known, [message])]):
        contents = tf.identity(contents)
    branches: list[tuple[tf.Tensor, Callable]] = []
    branches.append((is_format["jpeg"], lambda: tf.image.extract_jpeg_shape(contents)[:2]))
    for name, fields in _HEADERS.items():
        branches.append((is_format[name], lambda fields=fields: _header(contents, fields)))
    sides = tf.case(branches, default=lambda: tf.constant([0, 0]))
    sides = tf.cast(tf.abs(sides), tf.int64)  # a BMP from top to bottom has a negative height
    with tf.control_dependencies([_check_pixels(sides[0] * sides[1], number, max_image_pixels)]):
        contents = tf.identity(contents)
    image = tf.io.decode_image(contents, channels=3, expand_animations=False)
    return tf.ensure_shape(image, (None, None, 3))


def _header(contents, fields):
    sides = []
    for start, size, little in fields:
        raw = tf.io.decode_raw(
            tf.strings.substr(contents, start, size),
            tf.int32 if size == 4 else tf.uint16,
            little_endian=little,
        )
        sides.append(tf.cast(raw[0], tf.int32))
    return tf.stack(sides)


def _check_pixels(pixels, number, most: int):
    pixels = tf.cast(pixels, tf.int64)
    message = tf.strings.format(
        "Picture {} has {} pixels, expected 1 to " + str(most) + ".", (number, pixels)
    )
    return tf.debugging.Assert((pixels >= 1) & (pixels <= most), [message])
