"""Which key of a PyTorch state dict is which variable of our networks.

A layout is a list of `Entry`, made from a network's configuration alone: so a file can be held
against it before anything of the size that it claims is built.
"""

import dataclasses
import itertools
from collections.abc import Callable, Iterator

import numpy as np

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
    width = config["ngf"]
    bias = norm != "batch"
    number = itertools.count(1)  # of the module in the reference's Sequential; 0 pads
    yield from _conv(f"model.{next(number)}", "stem_conv", config["input_channels"], width, 7, bias)
    yield from _norm(f"model.{next(number)}", "stem_norm", width, norm)
    next(number)  # the ReLU
    for step in (1, 2):
        name = f"down_{step}"
        yield from _conv(f"model.{next(number)}", f"{name}_conv", width, 2 * width, 3, bias)
        width *= 2
        yield from _norm(f"model.{next(number)}", f"{name}_norm", width, norm)
        next(number)
        if config["antialias"]:
            yield _filter(f"model.{next(number)}.filt", width, [1, 2, 1], 1)
    for step in range(1, config["n_blocks"] + 1):
        start = f"model.{next(number)}.{block}"
        name = f"block_{step}"
        second = 6 if config["dropout"] else 5  # a dropout stands before it
        for part, index in ((1, 1), (2, second)):
            yield from _conv(f"{start}.{index}", f"{name}/conv_{part}", width, width, 3, bias)
            yield from _norm(f"{start}.{index + 1}", f"{name}/norm_{part}", width, norm)
    for step in (1, 2):
        name = f"up_{step}"
        if config["antialias_up"]:
            yield _filter(f"model.{next(number)}.filt", width, [1, 3, 3, 1], 4)
        conv = _conv if config["antialias_up"] else _transposed
        yield from conv(f"model.{next(number)}", f"{name}_conv", width, width // 2, 3, bias)
        width //= 2
        yield from _norm(f"model.{next(number)}", f"{name}_norm", width, norm)
        next(number)
    next(number)  # the padding
    yield from _conv(
        f"model.{next(number)}", "head_conv", width, config["output_channels"], 7, True
    )


def unet(config: dict) -> Iterator[Entry]:
    """Yields the layout of a `UNetGenerator`: blocks inside blocks, from the outermost."""
    norm = config["norm"]
    depth = config["n_downs"]
    bias = norm != "batch"
    widths = [config["ngf"] * min(2**step, 8) for step in range(depth)]
    ups = []
    prefix = "model.model"
    channels = config["input_channels"]
    for step, width in enumerate(widths, 1):
        name = f"down_{step}"
        # Inside, an activation comes first; a norm follows but at both ends.
        conv = 0 if step == 1 else 1
        yield from _conv(f"{prefix}.{conv}", f"{name}_conv", channels, width, 4, bias)
        if 1 < step < depth:
            yield from _norm(f"{prefix}.2", f"{name}_norm", width, norm)
        submodule = {1: 1, depth: 2}.get(step, 3)  # the deepest has none, but its ReLU at 2
        up = submodule + (1 if step == depth else 2)
        joined = width if step == depth else 2 * width
        if step == 1:
            out = config["output_channels"]
            ups.append(list(_transposed(f"{prefix}.{up}", "head_conv", joined, out, 4, True)))
        else:
            name = f"up_{step}"
            entries = _transposed(f"{prefix}.{up}", f"{name}_conv", joined, channels, 4, bias)
            ups.append([*entries, *_norm(f"{prefix}.{up + 1}", f"{name}_norm", channels, norm)])
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
        bias = step == 1 or norm != "batch"
        yield from _conv(f"model.{next(number)}", f"{name}_conv", channels, width, 4, bias)
        if step > 1:
            yield from _norm(f"model.{next(number)}", f"{name}_norm", width, norm)
        next(number)  # the leaky ReLU
        if config["antialias"] and step <= n_layers:
            yield _filter(f"model.{next(number)}.filt", width, [1, 2, 1], 1)
        channels = width
    yield from _conv(f"model.{next(number)}", "logits_conv", channels, 1, 4, True)


def pixel(config: dict) -> Iterator[Entry]:
    """Yields the layout of a `PixelDiscriminator`."""
    norm = config["norm"]
    ndf = config["ndf"]
    bias = norm != "batch"
    yield from _conv("net.0", "stage_1_conv", config["input_channels"], ndf, 1, True)
    yield from _conv("net.2", "stage_2_conv", ndf, 2 * ndf, 1, bias)
    yield from _norm("net.3", "stage_2_norm", 2 * ndf, norm)
    yield from _conv("net.5", "logits_conv", 2 * ndf, 1, 1, bias)


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


def _conv(key, layer, channels, filters, size, bias):
    yield Entry(f"{key}.weight", (filters, channels, size, size), f"{layer}/kernel")
    if bias:
        yield Entry(f"{key}.bias", (filters,), f"{layer}/bias")


def _transposed(key, layer, channels, filters, size, bias):
    yield Entry(f"{key}.weight", (channels, filters, size, size), f"{layer}/kernel")
    if bias:
        yield Entry(f"{key}.bias", (filters,), f"{layer}/bias")


def _norm(key, layer, channels, norm):
    if norm in ("instance_affine", "batch"):
        yield Entry(f"{key}.weight", (channels,), f"{layer}/gamma")
        yield Entry(f"{key}.bias", (channels,), f"{layer}/beta")
    if norm == "batch":
        yield Entry(f"{key}.running_mean", (channels,), f"{layer}/moving_mean")
        yield Entry(f"{key}.running_var", (channels,), f"{layer}/moving_variance")
        yield Entry(f"{key}.num_batches_tracked", (), f"{layer}/batches")


def _filter(key, channels, taps, gain):
    square = np.outer(taps, taps) * gain / np.sum(taps) ** 2
    constant = np.broadcast_to(square.astype("float32"), (channels, 1, *square.shape))
    return Entry(key, constant.shape, constant=constant)
