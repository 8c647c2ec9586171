"""A generator as a graph of fixed sizes, in the operations that phones accelerate."""

from collections.abc import Mapping, Sequence

import keras
import numpy as np
import tensorflow as tf

from cyclegan_keras.export import static_ops
from cyclegan_keras.files.errors import ExportError
from cyclegan_keras.layers import BatchNormalization, InstanceNormalization, NoiseDropout
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.models.unet_generator import UNetGenerator

# What lies between them fills a channel's range; wider or narrower costs decibels.
_PERCENTILES = (0.03, 99.97)


def static_translate(
    generator: keras.Model,
    height: int | None,
    width: int | None,
    *,
    batch: int = 1,
    uint8: bool = False,
    ranges: Mapping[str, tuple[np.ndarray, np.ndarray]] | None = None,
) -> tf.types.experimental.ConcreteFunction:
    """Returns a graph that translates pictures of a fixed size, or any, its weights constants.

    `image` float32 (batch, height, width, channels) in [-1, 1] -> {`translation`: the same}. To
    float32 precision equal to the generator at inference. `ResNetGenerator` and `UNetGenerator` are
    rewritten without the operations that delegates refuse and without work that has no effect; any
    other network is traced as it is.

    Args:
        generator: the network.
        height: of the pictures; None for a graph whose runtime may resize it to any size that the
            generator takes, where `is_resizable`.
        width: of the pictures; None where `height` is.
        batch: how many pictures it takes at once.
        uint8: pictures are uint8 in 0..255 on both sides, and the graph scales them.
        ranges: of `measure_ranges`, where integers will follow; values beyond are clipped.

    Raises:
        ExportError: the generator takes no pictures of that size.
    """
    if height is not None:
        check_size(generator, height, width)
    channels = generator.input_shape[-1]
    dtype = tf.uint8 if uint8 else tf.float32
    image = tf.TensorSpec((batch, height, width, channels), dtype, name="image")
    translate = _translator(generator, _Parts(ranges or {}))

    def translate_pixels(image):
        y = translate(tf.cast(image, tf.float32) / 127.5 - 1)
        # Half a level more, because the cast cuts off.
        return tf.cast(tf.clip_by_value(y * 127.5 + 128, 0, 255), tf.uint8)

    translate_image = translate_pixels if uint8 else translate

    def named_translate(image):
        return {"translation": translate_image(image)}

    function = tf.function(named_translate, autograph=False, input_signature=[image])
    return function.get_concrete_function()


def is_resizable(generator: keras.Model) -> bool:
    """Whether one graph of a generator serves all sizes, see `static_translate`.

    Dropout that is active at test is drawn for one size, and so are networks traced as they are.
    """
    if not isinstance(generator, (ResNetGenerator, UNetGenerator)):
        return False
    return not (generator.dropout and generator.test_dropout)


def measure_ranges(
    generator: keras.Model, pictures: Sequence[np.ndarray]
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Returns the centers and half widths of the channels before every instance norm, by layer.

    An instance norm undoes any scale and offset of its channels. So a convolution before it may
    have every channel fill [-1, 1], which changes nothing in real arithmetic but lets all channels
    share one integer scale without loss. The few values beyond are clipped: they would coarsen the
    scale of all others.

    Args:
        generator: the network.
        pictures: float32 (1, height, width, channels) in [-1, 1], all of one size.
    """
    parts = _Parts({})
    translate = _translator(generator, parts)
    for picture in pictures:
        translate(tf.constant(picture))
    return {
        name: (
            ((low + high) / 2).astype(np.float32),
            ((high - low) / 2 + 1e-3).astype(np.float32),
        )
        for name, (low, high) in parts.seen.items()
    }


def _translator(generator, parts):
    if isinstance(generator, ResNetGenerator):
        return lambda image: _resnet(generator, parts, image)
    if isinstance(generator, UNetGenerator):
        return lambda image: _unet(generator, parts, image)
    return _traced(generator)


def _traced(generator):
    """Returns any network as it is, run on the values of its variables.

    The variables themselves would stay in the graph.
    """
    trainable = [_numpy(variable) for variable in generator.trainable_variables]
    others = [_numpy(variable) for variable in generator.non_trainable_variables]

    def translate(image):
        return generator.stateless_call(trainable, others, image, training=False)[0]

    return translate


def _resnet(net, parts, x):
    layer = net.get_layer
    pad = static_ops.reflect if net.padding == "reflect" else _zeros
    x = tf.nn.relu(parts.conv(pad(x, 3), layer("stem_conv"), layer("stem_norm")))
    for name in ("down_1", "down_2"):
        stride = 1 if net.antialias else 2
        x = parts.conv(_zeros(x, 1), layer(f"{name}_conv"), layer(f"{name}_norm"), stride=stride)
        x = tf.nn.relu(x)
        x = static_ops.blur_down(x) if net.antialias else x
    for number in range(1, net.n_blocks + 1):
        block = layer(f"block_{number}")
        y = tf.nn.relu(parts.conv(pad(x, 1), block.conv_1, block.norm_1))
        y = _drop(y, block.drop)
        x = x + parts.conv(pad(y, 1), block.conv_2, block.norm_2)
    for name in ("up_1", "up_2"):
        conv, norm = layer(f"{name}_conv"), layer(f"{name}_norm")
        if net.antialias_up:
            x = parts.conv(_zeros(static_ops.double(x), 1), conv, norm)
        elif net.upsample == "transpose":
            x = parts.conv_up(x, conv, norm, phases=static_ops.TRANSPOSED_3)
        else:  # what reflection sees beyond the border of doubled pixels is the border itself
            is_reflected = net.padding == "reflect" and net.upsample == "resize"
            edge = static_ops.repeat_edge if is_reflected else static_ops.zeros
            x = parts.conv_up(x, conv, norm, phases=static_ops.NEAREST_3, around=edge)
        x = tf.nn.relu(x)
    kernel, bias = _weights(layer("head_conv"))
    return tf.tanh(static_ops.conv_few(pad(x, 3), kernel, bias))


def _unet(net, parts, x):
    layer = net.get_layer
    skips = []
    for step in range(1, net.n_downs + 1):
        name = f"down_{step}"
        norm = layer(f"{name}_norm") if 1 < step < net.n_downs else None
        x = parts.conv(_zeros(x, 1), layer(f"{name}_conv"), norm, stride=2)
        x = tf.nn.leaky_relu(x, 0.2) if step < net.n_downs else tf.nn.relu(x)
        skips.append(x)
    for step in range(net.n_downs, 1, -1):
        conv, norm = layer(f"up_{step}_conv"), layer(f"up_{step}_norm")
        x = parts.conv_up(x, conv, norm, phases=static_ops.TRANSPOSED_4)
        x = _drop(x, layer(f"up_{step}_drop")) if net.dropout and 5 <= step < net.n_downs else x
        x = tf.nn.relu(tf.concat([skips[step - 2], x], -1))
    return tf.tanh(parts.conv_up(x, layer("head_conv"), None, phases=static_ops.TRANSPOSED_4))


class _Parts:
    """Applies a convolution and its norm as one, and records how far channels spread between."""

    def __init__(self, ranges):
        self._ranges = ranges
        self.seen = {}  # layer -> lowest and highest value of each channel

    def conv(self, x, conv, norm, stride=1):
        return self._normed(static_ops.conv, x, conv, norm, stride=stride)

    def conv_up(self, x, conv, norm, phases, around=static_ops.zeros):
        return self._normed(static_ops.conv_up, x, conv, norm, phases=phases, around=around)

    def _see(self, name, y):
        low, high = np.percentile(y, _PERCENTILES, (0, 1, 2))
        if name in self.seen:
            lowest, highest = self.seen[name]
            low, high = np.minimum(lowest, low), np.maximum(highest, high)
        self.seen[name] = (low, high)

    def _normed(self, convolve, x, conv, norm, **kwargs):
        kernel, bias = _weights(conv)
        if isinstance(norm, BatchNormalization) and not norm.per_picture:
            return convolve(x, *_fold(norm, kernel, bias), **kwargs)
        if not isinstance(norm, (InstanceNormalization, BatchNormalization)):
            return convolve(x, kernel, bias, **kwargs)
        # By a picture's own statistics. The layer's bias has no effect: it goes with the mean.
        if conv.path in self._ranges:
            center, spread = self._ranges[conv.path]
            y = convolve(x, kernel / spread, -center / spread, clip=True, **kwargs)
            epsilon = norm.epsilon / spread**2
        else:
            y = convolve(x, kernel, None, **kwargs)
            epsilon = norm.epsilon
        if tf.executing_eagerly():
            self._see(conv.path, y)
        return static_ops.instance_norm(y, _numpy(norm.gamma), _numpy(norm.beta), epsilon)


def _drop(x, drop: NoiseDropout | None):
    """Multiplies by the draw of a dropout that is active at test."""
    if drop is None or not drop.at_test:
        return x
    _, height, width, channels = x.shape
    return x * drop.factors((0, height), (0, width), channels)


def _weights(conv):
    kernel = _numpy(conv.kernel)
    if isinstance(conv, keras.layers.Conv2DTranspose):
        kernel = kernel.swapaxes(2, 3)  # Keras has (rows, columns, out, in) there
    return kernel, _numpy(conv.bias)


def _fold(norm, kernel, bias):
    """Returns the kernel and bias of a convolution that does the batch norm's work as well."""
    mean, variance = _numpy(norm.moving_mean), _numpy(norm.moving_variance)
    factor = _numpy(norm.gamma) / np.sqrt(variance + norm.epsilon)
    return kernel * factor, _numpy(norm.beta) + ((0 if bias is None else bias) - mean) * factor


def _numpy(variable):
    if variable is None:
        return None
    with tf.init_scope():  # out of the graph under construction
        return np.asarray(variable)


def _zeros(x, amount):
    return static_ops.zeros(x, (amount, amount), (amount, amount))


def check_size(generator: keras.Model, height: int, width: int) -> None:
    """Raises ExportError unless a generator takes pictures of this size in px."""
    multiple = getattr(generator, "size_multiple", 1)
    smallest = getattr(generator, "smallest_size", 1)
    if height % multiple or width % multiple or min(height, width) < smallest:
        raise ExportError(
            f"The generator takes no pictures of {height}x{width} pixels (height x width): give "
            f"sides that are multiples of {multiple} and at least {smallest}."
        )
