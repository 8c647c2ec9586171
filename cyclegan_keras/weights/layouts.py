"""Which key of a PyTorch state dict is which variable of our networks.

A layout is a list of `Entry`, made from a network's configuration alone: so a file can be held
against it before anything of the size that it claims is built.
"""

import dataclasses
import itertools
from collections.abc import Callable, Iterator

import numpy as np

from cyclegan_keras.layers import has_bias
from cyclegan_keras.models.patch_discriminator import PatchDiscriminator
from cyclegan_keras.models.pixel_discriminator import PixelDiscriminator
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.models.unet_generator import UNetGenerator


@dataclasses.dataclass(frozen=True)
class Entry:
    """One array of a state dict.

    Attributes:
        key: its key.
        shape: its shape, in PyTorch's order.
        variable: path of the variable that it belongs to, or None for a constant.
        constant: the value of a constant, such as CUT's blur.
    """

    key: str
    shape: tuple[int, ...]
    variable: str | None = None
    constant: np.ndarray | None = None


def resnet(config: dict, block: str = "conv_block") -> Iterator[Entry]:
    """Yields the layout of a `ResNetGenerator`; `block` is how blocks name their parts."""
    norm = config["norm"]
    bias = has_bias(norm, config.get("use_bias"))
    width = config["ngf"]
    number = itertools.count(1)  # of the module in the reference's Sequential; 0 pads

    key = f"model.{next(number)}"
    channels = config["input_channels"]
    yield from _conv(key, "stem_conv", channels=channels, filters=width, size=7, bias=bias)
    yield from _norm(f"model.{next(number)}", "stem_norm", channels=width, kind=norm)
    next(number)  # the ReLU
    for name in ("down_1", "down_2"):
        key = f"model.{next(number)}"
        yield from _conv(key, f"{name}_conv", channels=width, filters=2 * width, size=3, bias=bias)
        width *= 2
        yield from _norm(f"model.{next(number)}", f"{name}_norm", channels=width, kind=norm)
        next(number)  # the ReLU
        if config["antialias"]:
            yield _blur(f"model.{next(number)}.filt", channels=width)
    for step in range(1, config["n_blocks"] + 1):
        start = f"model.{next(number)}.{block}"
        name = f"block_{step}"
        second = 6 if config["dropout"] else 5  # a dropout stands before it
        for part, index in ((1, 1), (2, second)):
            key = f"{start}.{index}"
            yield from _conv(
                key, f"{name}/conv_{part}", channels=width, filters=width, size=3, bias=bias
            )
            key = f"{start}.{index + 1}"
            yield from _norm(key, f"{name}/norm_{part}", channels=width, kind=norm)
    for name in ("up_1", "up_2"):
        if config["antialias_up"]:
            yield _bilinear(f"model.{next(number)}.filt", channels=width)
        resizes = config.get("upsample") == "resize_zero"
        if resizes:
            next(number)  # the resizing
        conv = _conv if config["antialias_up"] or resizes else _transposed_conv
        key = f"model.{next(number)}"
        yield from conv(key, f"{name}_conv", channels=width, filters=width // 2, size=3, bias=bias)
        width //= 2
        yield from _norm(f"model.{next(number)}", f"{name}_norm", channels=width, kind=norm)
        next(number)  # the ReLU
    next(number)  # the padding
    key = f"model.{next(number)}"
    filters = config["output_channels"]
    yield from _conv(key, "head_conv", channels=width, filters=filters, size=7, bias=True)


def unet(config: dict) -> Iterator[Entry]:
    """Yields the layout of a `UNetGenerator`: blocks inside blocks, from the outermost."""
    norm = config["norm"]
    bias = has_bias(norm, config.get("use_bias"))
    depth = config["n_downs"]
    ups = []  # each is listed after all that lies inside it
    prefix = "model.model"
    channels = config["input_channels"]
    for step in range(1, depth + 1):
        width = config["ngf"] * min(2 ** (step - 1), 8)
        is_deepest = step == depth
        # Inside, an activation comes first; a norm follows but at both ends.
        key = f"{prefix}.{0 if step == 1 else 1}"
        yield from _conv(
            key, f"down_{step}_conv", channels=channels, filters=width, size=4, bias=bias
        )
        if 1 < step < depth:
            yield from _norm(f"{prefix}.2", f"down_{step}_norm", channels=width, kind=norm)
        submodule = {1: 1, depth: 2}.get(step, 3)  # the deepest has none, but its ReLU at 2
        up = submodule + (1 if is_deepest else 2)
        joined = width if is_deepest else 2 * width
        key = f"{prefix}.{up}"
        if step == 1:
            filters = config["output_channels"]
            entries = _transposed_conv(
                key, "head_conv", channels=joined, filters=filters, size=4, bias=True
            )
            ups.append(list(entries))
        else:
            entries = _transposed_conv(
                key, f"up_{step}_conv", channels=joined, filters=channels, size=4, bias=bias
            )
            key = f"{prefix}.{up + 1}"
            norms = _norm(key, f"up_{step}_norm", channels=channels, kind=norm)
            ups.append([*entries, *norms])
        prefix = f"{prefix}.{submodule}.model"
        channels = width
    for entries in reversed(ups):
        yield from entries


def patch(config: dict) -> Iterator[Entry]:
    """Yields the layout of a `PatchDiscriminator`."""
    norm = config["norm"]
    n_layers = config["n_layers"]
    number = itertools.count()
    channels = config["input_channels"]
    for step in range(1, n_layers + 2):
        width = config["ndf"] * min(2 ** (step - 1), 8)
        name = f"stage_{step}"
        bias = step == 1 or has_bias(norm, config.get("use_bias"))
        key = f"model.{next(number)}"
        yield from _conv(key, f"{name}_conv", channels=channels, filters=width, size=4, bias=bias)
        if step > 1:
            yield from _norm(f"model.{next(number)}", f"{name}_norm", channels=width, kind=norm)
        next(number)  # the leaky ReLU
        if config["antialias"] and step <= n_layers:
            yield _blur(f"model.{next(number)}.filt", channels=width)
        channels = width
    key = f"model.{next(number)}"
    yield from _conv(key, "logits_conv", channels=channels, filters=1, size=4, bias=True)


def pixel(config: dict) -> Iterator[Entry]:
    """Yields the layout of a `PixelDiscriminator`."""
    norm = config["norm"]
    bias = has_bias(norm, config.get("use_bias"))
    ndf = config["ndf"]
    channels = config["input_channels"]
    yield from _conv("net.0", "stage_1_conv", channels=channels, filters=ndf, size=1, bias=True)
    yield from _conv("net.2", "stage_2_conv", channels=ndf, filters=2 * ndf, size=1, bias=bias)
    yield from _norm("net.3", "stage_2_norm", channels=2 * ndf, kind=norm)
    yield from _conv("net.5", "logits_conv", channels=2 * ndf, filters=1, size=1, bias=bias)


# class -> its layout, a function of its configuration
LAYOUTS: dict[type, Callable[[dict], Iterator[Entry]]] = {
    ResNetGenerator: resnet,
    UNetGenerator: unet,
    PatchDiscriminator: patch,
    PixelDiscriminator: pixel,
}


def to_keras(array: np.ndarray) -> np.ndarray:
    """Turns a parameter into Keras' order of axes, for convolutions and transposed ones alike."""
    return np.transpose(array, (2, 3, 1, 0)) if array.ndim == 4 else array


def to_torch(array: np.ndarray) -> np.ndarray:
    """Turns a parameter back into PyTorch's order of axes; the inverse of `to_keras`."""
    return np.transpose(array, (3, 2, 0, 1)) if array.ndim == 4 else array


def _conv(key, layer, *, channels, filters, size, bias):
    yield Entry(f"{key}.weight", (filters, channels, size, size), f"{layer}/kernel")
    if bias:
        yield Entry(f"{key}.bias", (filters,), f"{layer}/bias")


def _transposed_conv(key, layer, *, channels, filters, size, bias):
    yield Entry(f"{key}.weight", (channels, filters, size, size), f"{layer}/kernel")
    if bias:
        yield Entry(f"{key}.bias", (filters,), f"{layer}/bias")


def _norm(key, layer, *, channels, kind):
    if kind in ("instance_affine", "batch"):
        yield Entry(f"{key}.weight", (channels,), f"{layer}/gamma")
        yield Entry(f"{key}.bias", (channels,), f"{layer}/beta")
    if kind == "batch":
        yield Entry(f"{key}.running_mean", (channels,), f"{layer}/moving_mean")
        yield Entry(f"{key}.running_var", (channels,), f"{layer}/moving_variance")
        yield Entry(f"{key}.num_batches_tracked", (), f"{layer}/batches")


def _blur(key, *, channels):
    """CUT's blur in front of every second pixel."""
    return _constant_filter(key, np.outer([1, 2, 1], [1, 2, 1]) / 16, channels)


def _bilinear(key, *, channels):
    """CUT's interpolation between pixels that were spread out."""
    return _constant_filter(key, np.outer([1, 3, 3, 1], [1, 3, 3, 1]) / 16, channels)


def _constant_filter(key, square, channels):
    constant = np.broadcast_to(square.astype("float32"), (channels, 1, *square.shape))
    return Entry(key, constant.shape, constant=constant)
