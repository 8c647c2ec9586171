"""The padding and normalization layers that networks choose by name."""

import keras

from cyclegan_keras.layers.batch_normalization import BatchNormalization
from cyclegan_keras.layers.instance_normalization import InstanceNormalization
from cyclegan_keras.layers.reflection_padding import ReflectionPadding2D

PADDINGS = {"reflect": ReflectionPadding2D, "zero": keras.layers.ZeroPadding2D}
NORMS = ("instance", "instance_affine", "batch", "none")


def padding_layer(padding, amount, **kwargs):
    """Returns a layer that pads `amount` pixels on every side.

    Args:
        padding: "reflect" or "zero".
        amount: pixels, an int.
        **kwargs: passed to the layer (`name`, `dtype`).

    Raises:
        ValueError: unknown `padding`.
    """
    if padding not in PADDINGS:
        raise ValueError(
            f"`padding` must be one of {list(PADDINGS)}. Received: padding={padding!r}."
        )
    return PADDINGS[padding](amount, **kwargs)


def norm_layer(norm, gamma_initializer="ones", per_picture=False, **kwargs):
    """Returns a normalization layer with the constants of the paper's reference implementation.

    Args:
        norm: "instance" (no scale and offset), "instance_affine" (with them), "batch" (with them,
            momentum 0.9) or "none" (identity).
        gamma_initializer: start of batch normalization's scale.
        per_picture: whether batch normalization uses each picture's own statistics at test.
        **kwargs: passed to the layer (`name`, `dtype`).

    Raises:
        ValueError: unknown `norm`.
    """
    if norm == "instance":
        return InstanceNormalization(**kwargs)
    if norm == "instance_affine":
        return InstanceNormalization(center=True, scale=True, **kwargs)
    if norm == "batch":
        return BatchNormalization(
            gamma_initializer=gamma_initializer, per_picture=per_picture, **kwargs
        )
    if norm == "none":
        return keras.layers.Identity(**kwargs)
    raise ValueError(f"`norm` must be one of {list(NORMS)}. Received: norm={norm!r}.")


def has_bias(norm, use_bias=None):
    """Returns whether a convolution has a bias where a norm may follow.

    A batch norm has an offset of its own. Before an instance norm a bias has no effect, but
    published weights have it. Without a norm there is a choice: a bias, or none, as in the paper's
    reference implementation.

    Args:
        norm: one of `NORMS`.
        use_bias: True, False, or None for a bias unless `norm` is "batch".

    Raises:
        ValueError: `use_bias` is not what `norm` needs.
    """
    usual = norm != "batch"
    if use_bias is None:
        return usual
    if norm != "none" and use_bias != usual:
        raise ValueError(
            "`use_bias` can be chosen with norm='none' alone. "
            f"Received: norm={norm!r}, use_bias={use_bias!r}."
        )
    return use_bias


def bias_config(norm, use_bias):
    """Returns what a configuration says of biases: "use_bias" where `norm` leaves a choice.

    So the configurations of all other networks are those of versions without that choice.

    Example:
        >>> bias_config("none", True), bias_config("batch", False)
        ({'use_bias': True}, {})
    """
    return {"use_bias": use_bias} if norm == "none" else {}
