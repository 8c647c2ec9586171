"""The block that most of a ResNet generator consists of."""

import keras

from cyclegan_keras.layers.base import bias_config, has_bias, norm_layer, padding_layer
from cyclegan_keras.layers.convolution import Conv2D
from cyclegan_keras.layers.noise_dropout import NoiseDropout


@keras.saving.register_keras_serializable(package="cyclegan_keras")
class ResidualBlock(keras.layers.Layer):
    """Adds to its input what two padded 3x3 convolutions make of it: `y = x + f(x)`.

    `f` is pad, conv, norm, ReLU, [dropout,] pad, conv, norm. There is no ReLU after the sum, so
    that a chain of blocks can pass a picture through unchanged.

    Args:
        filters: channels of both convolutions, equal to the input's channels.
        norm: "instance", "instance_affine", "batch" or "none".
        padding: "reflect" or "zero".
        dropout: put a dropout of one half after the ReLU.
        test_dropout: the dropout is active at test too.
        per_picture: a batch norm takes each picture's own statistics at test.
        use_bias: whether the convolutions have a bias: always before an instance norm, never before
            a batch norm, and as chosen with "none", where they have one by default.
        kernel_initializer: initializer of the kernels; each convolution gets a fresh copy.
        gamma_initializer: initializer of batch normalization's scale.

    Input shape:
        `(batch, height, width, filters)`; height and width at least 2 when padding is "reflect".

    Output shape:
        The same shape, in the layer's compute dtype.

    Raises:
        ValueError: an argument is not among the named, or the input has other channels than
            `filters`.

    Example:
        >>> import numpy as np
        >>> block = ResidualBlock(8)
        >>> block(np.zeros((1, 16, 16, 8))).shape
        TensorShape([1, 16, 16, 8])

    Reference:
        Zhu et al., "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial
        Networks", 2017, appendix; He et al., "Deep Residual Learning for Image Recognition", 2015.
    """

    def __init__(
        self,
        filters,
        norm="instance",
        padding="reflect",
        dropout=False,
        test_dropout=False,
        per_picture=False,
        use_bias=None,
        kernel_initializer="glorot_uniform",
        gamma_initializer="ones",
        **kwargs,
    ):
        super().__init__(**kwargs)
        if not isinstance(filters, int) or filters < 1:
            raise ValueError(f"`filters` must be an int >= 1. Received: filters={filters!r}.")
        self.filters = filters
        self.norm = norm
        self.padding = padding
        self.dropout = dropout
        self.test_dropout = test_dropout
        self.per_picture = per_picture
        self.use_bias = has_bias(norm, use_bias)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.gamma_initializer = keras.initializers.get(gamma_initializer)
        dtype = self.dtype_policy
        self.pad_1 = padding_layer(padding, 1, name="pad_1", dtype=dtype)
        self.conv_1 = self._conv("conv_1")
        self.norm_1 = self._norm("norm_1")
        self.relu = keras.layers.ReLU(name="relu", dtype=dtype)
        self.drop = None
        if dropout:
            name = f"{self.name}_drop"
            self.drop = NoiseDropout(0.5, at_test=test_dropout, name=name, dtype=dtype)
        self.pad_2 = padding_layer(padding, 1, name="pad_2", dtype=dtype)
        self.conv_2 = self._conv("conv_2")
        self.norm_2 = self._norm("norm_2")

    def build(self, input_shape):
        if input_shape[-1] != self.filters:
            raise ValueError(
                f"The block's input must have filters={self.filters} channels, because "
                f"the result is added to it. Received: input_shape={tuple(input_shape)}."
            )
        padded = self.pad_1.compute_output_shape(input_shape)
        for conv, norm in ((self.conv_1, self.norm_1), (self.conv_2, self.norm_2)):
            conv.build(padded)
            norm.build(input_shape)

    def call(self, images, training=None):
        x = self.pad_1(images, training=training)
        x = self.relu(self.norm_1(self.conv_1(x), training=training))
        if self.drop is not None:
            x = self.drop(x, training=training)
        x = self.pad_2(x, training=training)
        return images + self.norm_2(self.conv_2(x), training=training)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        config = {
            "filters": self.filters,
            "norm": self.norm,
            "padding": self.padding,
            "dropout": self.dropout,
            "test_dropout": self.test_dropout,
            "per_picture": self.per_picture,
            **bias_config(self.norm, self.use_bias),
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "gamma_initializer": keras.initializers.serialize(self.gamma_initializer),
        }
        return {**super().get_config(), **config}

    def _norm(self, name):
        return norm_layer(
            self.norm,
            self.gamma_initializer.clone(),
            self.per_picture,
            name=name,
            dtype=self.dtype_policy,
        )

    def _conv(self, name):
        return Conv2D(
            self.filters,
            3,
            use_bias=self.use_bias,
            kernel_initializer=self.kernel_initializer.clone(),
            name=name,
            dtype=self.dtype_policy,
        )
