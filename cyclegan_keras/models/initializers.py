"""Starting weights by name."""

import keras

INITIALIZERS = ("normal", "xavier", "kaiming", "orthogonal")


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
