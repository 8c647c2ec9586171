"""The generator of the keras.io CycleGAN example."""

import keras

from cyclegan_keras.layers import InstanceNormalization
from cyclegan_keras.models.base import Parts, check_choice, check_int, check_multiple
from cyclegan_keras.models.description import Described


@keras.saving.register_keras_serializable(package="cyclegan_keras")
class KerasExampleGenerator(Described, keras.Model):
    """The generator of the keras.io CycleGAN example, for weights that were trained in it.

    It has the stages of the paper's network but other arithmetic, so neither can use the other's
    weights. Unlike `ResNetGenerator`:

    - `groups=1` (the example since Keras 3) normalizes over height, width *and all channels*
      together; `groups=-1` (the example of 2020, with TensorFlow Addons) is instance norm;
    - the norm's epsilon is 1e-3, not 1e-5, and it has a learned scale and offset;
    - strided convolutions pad "same", which shifts their result by a pixel against the paper's;
    - only the last convolution has a bias.

    For a new training `ResNetGenerator` is the better choice.

    Args:
        input_channels: channels of the pictures to translate.
        output_channels: channels of the translations.
        ngf: channels of the first convolution.
        n_blocks: number of residual blocks.
        groups: 1 or -1, see above.
        name: of the model.

    Input shape:
        `(batch, height, width, input_channels)` in [-1, 1]; height and width any multiples of 4, at
        least 8.

    Output shape:
        `(batch, height, width, output_channels)` in [-1, 1], float32 also under mixed precision.

    Raises:
        ValueError: an argument out of range, or pictures whose sides are not multiples of 4.

    Example:
        >>> import numpy as np
        >>> generator = KerasExampleGenerator(ngf=4, n_blocks=1)
        >>> generator(np.zeros((1, 16, 24, 3))).shape
        TensorShape([1, 16, 24, 3])

    Reference:
        Nain, "CycleGAN", 2020, https://keras.io/examples/generative/cyclegan/.
    """

    size_multiple = 4  # height and width must be multiples of it
    smallest_size = 8  # reflection by one pixel needs two, at a quarter of the size

    def __init__(
        self, input_channels=3, output_channels=3, ngf=64, n_blocks=9, groups=1, name=None
    ):
        check_int("input_channels", input_channels, 1)
        check_int("output_channels", output_channels, 1)
        check_int("ngf", ngf, 1)
        check_int("n_blocks", n_blocks, 0)
        check_choice("groups", groups, (1, -1))
        parts = Parts("instance", "normal", 0.02, padding="reflect")
        inputs = keras.Input((None, None, input_channels), name="pictures")
        x = parts.pad(3, "stem_pad")(inputs)
        x = parts.conv(ngf, 7, "stem_conv", use_bias=False)(x)
        x = _finish(x, groups, "stem")  # (batch, height, width, ngf)
        for step in (1, 2):
            filters = ngf * 2**step
            x = _rescale(keras.layers.Conv2D, parts, x, filters, groups, name=f"down_{step}")
        # (batch, height/4, width/4, 4*ngf)
        for number in range(1, n_blocks + 1):
            x = _block(parts, x, ngf * 4, groups=groups, name=f"block_{number}")
        for step in (1, 2):
            filters = ngf * 4 // 2**step
            x = _rescale(keras.layers.Conv2DTranspose, parts, x, filters, groups, name=f"up_{step}")
        x = parts.pad(3, "head_pad")(x)
        x = parts.conv(output_channels, 7, "head_conv", use_bias=True)(x)
        super().__init__(inputs=inputs, outputs=parts.output("tanh", "head")(x), name=name)
        self.input_channels = input_channels
        self.output_channels = output_channels
        self.ngf = ngf
        self.n_blocks = n_blocks
        self.groups = groups

    def call(self, inputs, training=None, mask=None):
        """Translates `inputs`; see the class."""
        check_multiple(inputs.shape, self.size_multiple)
        return super().call(inputs, training=training, mask=mask)

    def get_config(self):
        """Returns the constructor's arguments."""
        return {
            "input_channels": self.input_channels,
            "output_channels": self.output_channels,
            "ngf": self.ngf,
            "n_blocks": self.n_blocks,
            "groups": self.groups,
            "name": self.name,
        }


def _norm(groups, name):
    if groups == 1:
        return keras.layers.GroupNormalization(groups=1, epsilon=1e-3, name=name)
    return InstanceNormalization(epsilon=1e-3, center=True, scale=True, name=name)


def _finish(x, groups, name):
    return keras.layers.ReLU(name=name)(_norm(groups, f"{name}_norm")(x))


def _rescale(convolution, parts, x, filters, groups, name):
    """Halves sizes by a Conv2D, or doubles them by a Conv2DTranspose, both of stride 2."""
    x = convolution(
        filters,
        3,
        strides=2,
        padding="same",
        use_bias=False,
        kernel_initializer=parts.kernel(),
        name=f"{name}_conv",
    )(x)
    return _finish(x, groups, name)


def _block(parts, x, filters, groups, name):
    y = parts.pad(1, f"{name}_pad_1")(x)
    y = parts.conv(filters, 3, f"{name}_conv_1", use_bias=False)(y)
    y = _finish(y, groups, f"{name}_relu")
    y = parts.pad(1, f"{name}_pad_2")(y)
    y = parts.conv(filters, 3, f"{name}_conv_2", use_bias=False)(y)
    y = _norm(groups, f"{name}_norm")(y)
    return keras.layers.Add(name=name)([x, y])
