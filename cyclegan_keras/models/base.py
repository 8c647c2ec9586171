"""The layers that the networks are made of, their initial weights, and checks of arguments."""

import keras

from cyclegan_keras.layers import (
    NoiseDropout,
    ResidualBlock,
    has_bias,
    norm_layer,
    padding_layer,
)
from cyclegan_keras.layers.convolution import Conv2D, Conv2DTranspose
from cyclegan_keras.layers.cropping import Cropping2D

INITIALIZERS = ("normal", "xavier", "kaiming", "orthogonal")


class Parts:
    """Makes the layers of one network, every one with fresh initializers.

    Convolutions are never padded by themselves: frameworks disagree on which side "same" pads.

    Args:
        norm: "instance", "instance_affine", "batch" or "none".
        init_type: see `initializer`.
        init_gain: see `initializer`.
        padding: "reflect" or "zero", what `pad` makes.
        dropout: whether blocks drop half of their values in training.
        test_dropout: whether dropout is active at test too.
        test_statistics: what a batch norm uses at test, "running" or each "picture"'s own.
        use_bias: whether convolutions have a bias where a norm may follow; see
            `layers.base.has_bias`.

    Attributes:
        use_bias: the same, True or False.
    """

    def __init__(
        self,
        norm,
        init_type,
        init_gain,
        padding="zero",
        dropout=False,
        test_dropout=False,
        test_statistics="running",
        use_bias=None,
    ):
        check_choice("test_statistics", test_statistics, ("running", "picture"))
        self._norm = norm
        self._init_type = init_type
        self._init_gain = init_gain
        self._padding = padding
        self._dropout = dropout
        self._test_dropout = test_dropout
        self._per_picture = test_statistics == "picture"
        self.use_bias = has_bias(norm, use_bias)

    def kernel(self):
        """Returns a fresh kernel initializer."""
        return initializer(self._init_type, self._init_gain)

    def pad(self, amount, name, padding=None):
        """Returns padding of `amount` pixels on every side."""
        return padding_layer(padding or self._padding, amount, name=name)

    def conv(self, filters, size, name, strides=1, use_bias=None):
        """Returns a convolution without padding."""
        return Conv2D(
            filters,
            size,
            strides,
            use_bias=self.use_bias if use_bias is None else use_bias,
            kernel_initializer=self.kernel(),
            name=name,
        )

    def transposed_conv(self, filters, size, name, strides=2, use_bias=None):
        """Returns a transposed convolution without cropping."""
        return Conv2DTranspose(
            filters,
            size,
            strides,
            use_bias=self.use_bias if use_bias is None else use_bias,
            kernel_initializer=self.kernel(),
            name=name,
        )

    def crop(self, top_left, bottom_right, name):
        """Returns a layer that crops rows and columns, as a transposed convolution needs it."""
        sides = (top_left, bottom_right)
        return Cropping2D((sides, sides), name=name)

    def blur_down(self, x, name):
        """Halves the sides of `x` without aliasing: a [1, 2, 1] / 4 blur, every second pixel of it.

        Two averages of two pixels are that blur. Zhang, "Making Convolutional Networks
        Shift-Invariant Again", 2019; CUT's networks use it.
        """
        x = self.pad(1, f"{name}_blur_pad", padding="reflect")(x)
        x = keras.layers.AveragePooling2D(2, strides=1, name=f"{name}_blur")(x)
        return keras.layers.AveragePooling2D(2, strides=2, name=name)(x)

    def norm(self, name):
        """Returns the normalization layer."""
        gamma = gamma_initializer(self._init_gain)
        return norm_layer(self._norm, gamma, self._per_picture, name=name)

    def drop(self, name):
        """Returns a dropout of one half."""
        return NoiseDropout(0.5, at_test=self._test_dropout, name=name)

    def block(self, filters, name):
        """Returns a residual block."""
        return ResidualBlock(
            filters,
            norm=self._norm,
            padding=self._padding,
            dropout=self._dropout,
            test_dropout=self._test_dropout,
            per_picture=self._per_picture,
            use_bias=self.use_bias,
            kernel_initializer=self.kernel(),
            gamma_initializer=gamma_initializer(self._init_gain),
            name=name,
        )

    def output(self, activation, name):
        """Returns an activation in float32 or better: pictures and losses want full precision."""
        return keras.layers.Activation(activation, name=name, dtype=full_precision())


def full_precision():
    """Returns the global dtype policy, or "float32" where that one computes in half precision."""
    policy = keras.config.dtype_policy()
    return "float32" if policy.compute_dtype in ("float16", "bfloat16") else policy


def check_int(name, value, low):
    """Raises ValueError unless `value` is an int of at least `low`."""
    if not isinstance(value, int) or isinstance(value, bool) or value < low:
        raise ValueError(f"`{name}` must be an int >= {low}. Received: {name}={value!r}.")


def check_choice(name, value, choices):
    """Raises ValueError unless `value` is among `choices`."""
    if value not in choices:
        raise ValueError(f"`{name}` must be one of {list(choices)}. Received: {name}={value!r}.")


def check_multiple(shape, multiple):
    """Raises ValueError unless the known sides of pictures of `shape` are multiples of it."""
    if any(side is not None and side % multiple for side in shape[1:3]):
        raise ValueError(
            f"Height and width must be multiples of {multiple}. Received: shape={tuple(shape)}."
        )


def initializer(init_type="normal", init_gain=0.02):
    """Returns a new initializer of convolution kernels.

    Every layer needs one of its own: an instance gives equal kernels to all layers of one shape.

    Args:
        init_type: "normal", N(0, init_gain^2); "xavier", normal with the variance
            2 init_gain^2 / (fan_in + fan_out); "kaiming", normal with 2 / fan_in (init_gain is not
            used); "orthogonal", a random orthogonal matrix times init_gain.
        init_gain: see init_type.

    Raises:
        ValueError: unknown `init_type`, or a negative `init_gain`.
    """
    if init_type not in INITIALIZERS:
        raise ValueError(
            f"`init_type` must be one of {list(INITIALIZERS)}. Received: init_type={init_type!r}."
        )
    if not init_gain > 0:
        raise ValueError(f"`init_gain` must be positive. Received: init_gain={init_gain!r}.")
    if init_type == "normal":
        return keras.initializers.RandomNormal(0.0, init_gain)
    if init_type == "orthogonal":
        return keras.initializers.Orthogonal(init_gain)
    scale, mode = (init_gain**2, "fan_avg") if init_type == "xavier" else (2.0, "fan_in")
    return keras.initializers.VarianceScaling(scale, mode, "untruncated_normal")


def gamma_initializer(init_gain=0.02):
    """Returns a new initializer of batch normalization's scale: N(1, init_gain^2)."""
    return keras.initializers.RandomNormal(1.0, init_gain)
