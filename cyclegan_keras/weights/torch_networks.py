"""Networks from PyTorch's state dicts and back: what a file holds is told from keys and shapes."""

import re
from collections.abc import Iterable, Mapping

import keras
import numpy as np
from keras import ops

from cyclegan_keras.files.errors import WeightsError
from cyclegan_keras.models.patch_discriminator import PatchDiscriminator
from cyclegan_keras.models.pixel_discriminator import PixelDiscriminator
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.models.unet_generator import UNetGenerator
from cyclegan_keras.weights.layouts import LAYOUTS, Entry, to_keras, to_torch

_EXPECTED = (
    "expected: a ResNet generator of pytorch-CycleGAN-and-pix2pix or CUT (model.1.weight "
    "n x c x 7 x 7, model.N.conv_block.M.weight or model.N.block.M.weight), a U-Net generator "
    "(model.model.0.weight n x c x 4 x 4, model.model.1.model.N.weight), a basic or n_layers "
    "discriminator (model.0.weight n x c x 4 x 4) or a pixel discriminator (net.0.weight "
    "n x c x 1 x 1)"
)
_WRAPPER = re.compile(r"^(module\.|_orig_mod\.)+")  # DataParallel's and torch.compile's
_STATISTICS = re.compile(r"\.(running_mean|running_var|num_batches_tracked)$")
_MOST_LISTED = 12


def from_state_dict(
    state: Mapping[str, np.ndarray], *, dropout: bool = False, name: str | None = None
) -> keras.Model:
    """Returns the network that a state dict belongs to, with its weights.

    Running statistics beside an instance norm, which old files have, are left out: the network
    never used them.

    Args:
        state: arrays by key, as `read_state_dicts` returns them.
        dropout: whether a U-Net has dropout in training, which leaves no trace in its weights.
        name: of the network.

    Raises:
        WeightsError: the keys and shapes are those of no network known here.
    """
    state = _unwrap(state)
    recognised = _recognise(state)
    if recognised is None:
        found = [f"{key} {_size(array.shape)}" for key, array in state.items()]
        raise WeightsError(f"No known network: found {_some(found)}; {_EXPECTED}.")
    network, config, options = recognised
    if network is UNetGenerator:
        config["dropout"] = dropout
    entries = list(LAYOUTS[network](config, **options))
    _compare(state, entries, network.__name__, config)
    model = network(**config, name=name)
    variables = {variable.path: variable for variable in model.variables}
    for entry in entries:
        if entry.variable:
            variable = variables[entry.variable]
            variable.assign(to_keras(state[entry.key]).astype(variable.dtype))
    return model


def to_state_dict(model: keras.Model) -> dict[str, np.ndarray]:
    """Returns a network's weights as the PyTorch reference names and orders them.

    Raises:
        WeightsError: the reference has no such network.
    """
    if type(model) not in LAYOUTS:
        raise WeightsError(
            f"A {type(model).__name__} has no counterpart in the reference; one of "
            f"{[network.__name__ for network in LAYOUTS]} is expected."
        )
    config = model.get_config()
    for argument, value in (("norm", "none"), ("padding", "zero"), ("upsample", "resize")):
        if config.get(argument) == value:
            raise WeightsError(f"The reference has no network with {argument}={value!r}.")
    variables = {variable.path: variable for variable in model.variables}
    return {
        entry.key: entry.constant
        if entry.variable is None
        else to_torch(_array(variables[entry.variable]))
        for entry in LAYOUTS[type(model)](config)
    }


def is_known(state: Mapping[str, np.ndarray]) -> bool:
    """Whether a state dict looks like that of a network known here."""
    return _recognise(_unwrap(state)) is not None


def _unwrap(state):
    return {_WRAPPER.sub("", key): array for key, array in state.items()}


def _recognise(state) -> tuple[type, dict, dict] | None:
    """Returns (class, the arguments that the file tells, options of its layout)."""
    if _is_conv(state, "model.1.weight", 7):
        return ResNetGenerator, *_resnet(state)
    if _is_conv(state, "model.model.0.weight", 4):
        return UNetGenerator, _unet(state), {}
    if _is_conv(state, "model.0.weight", 4):
        return PatchDiscriminator, _patch(state), {}
    if _is_conv(state, "net.0.weight", 1):
        ndf, channels = state["net.0.weight"].shape[:2]
        norm = _norm(state, bias="net.2.bias")
        return PixelDiscriminator, {"input_channels": channels, "ndf": ndf, "norm": norm}, {}
    return None


def _resnet(state) -> tuple[dict, dict]:
    ngf, channels = state["model.1.weight"].shape[:2]
    parts = [re.fullmatch(r"model\.(\d+)\.(conv_block|block)\.(\d+)\.weight", key) for key in state]
    parts = [part for part in parts if part]
    last = max((int(n) for n in _numbers(r"model\.(\d+)\.weight", state)), default=1)
    config = {
        "input_channels": channels,
        "output_channels": state.get(f"model.{last}.weight", state["model.1.weight"]).shape[0],
        "ngf": ngf,
        "n_blocks": len({part[1] for part in parts}),
        "norm": _norm(state, bias="model.1.bias"),
        # The second convolution moves on by one place where a dropout stands before it.
        "dropout": any(part[3] == "6" and state[part[0]].ndim == 4 for part in parts),
        **{name: _has_filter(state, size) for name, size in _FILTERS.items()},
    }
    return config, {"block": parts[0][2]} if parts else {}


def _unet(state) -> dict:
    ngf, channels = state["model.model.0.weight"].shape[:2]
    head = state.get("model.model.3.weight", state["model.model.0.weight"])
    return {
        "input_channels": channels,
        "output_channels": head.shape[1] if head.ndim == 4 else channels,
        "ngf": ngf,
        "n_downs": max(2, max(key.count("model.") for key in state) - 1),
        "norm": _norm(state, bias="model.model.0.bias"),
    }


def _patch(state) -> dict:
    ndf, channels = state["model.0.weight"].shape[:2]
    convs = [key for key in state if re.fullmatch(r"model\.\d+\.weight", key)]
    return {
        "input_channels": channels,
        "ndf": ndf,
        "n_layers": max(1, sum(state[key].ndim == 4 for key in convs) - 2),
        "norm": _norm(state, bias=f"model.{3 if _has_filter(state, 3) else 2}.bias"),
        "antialias": _has_filter(state, 3),
    }


_FILTERS = {"antialias": 3, "antialias_up": 4}  # option -> taps of the filter along a side


def _norm(state, bias: str) -> str:
    """Tells the norm; `bias` is the key of a convolution's bias that a batch norm does without."""
    if not any(key.endswith(".weight") and array.ndim == 1 for key, array in state.items()):
        return "instance"
    return "instance_affine" if bias in state else "batch"


def _is_conv(state, key: str, size: int) -> bool:
    return key in state and state[key].ndim == 4 and state[key].shape[2:] == (size, size)


def _has_filter(state, size: int) -> bool:
    return any(k.endswith(".filt") and a.shape[-1:] == (size,) for k, a in state.items())


def _numbers(pattern: str, keys: Iterable[str]) -> list[str]:
    return [match[1] for key in keys if (match := re.fullmatch(pattern, key))]


def _compare(state, entries: list[Entry], name: str, config: dict) -> None:
    """Raises WeightsError unless `state` holds just what the layout needs."""
    expected = {entry.key: entry for entry in entries}
    ignored = {} if config["norm"] == "batch" else {k for k in state if _STATISTICS.search(k)}
    problems = {
        "missing": [f"{k} {_size(expected[k].shape)}" for k in expected if k not in state],
        "unknown": [
            f"{k} {_size(state[k].shape)}" for k in state if k not in expected and k not in ignored
        ],
        "of another size": [
            f"{k} {_size(state[k].shape)} instead of {_size(entry.shape)}"
            for k, entry in expected.items()
            if k in state and state[k].shape != entry.shape
        ],
    }
    if not any(problems.values()):
        problems["other blur filters"] = [
            k
            for k, entry in expected.items()
            if entry.constant is not None and not np.allclose(state[k], entry.constant, atol=1e-6)
        ]
    told = "; ".join(f"{what}: {_some(keys)}" for what, keys in problems.items() if keys)
    if told:
        chosen = ", ".join(f"{key}={value!r}" for key, value in config.items())
        raise WeightsError(f"It looks like {name}({chosen}), but arrays differ: {told}.")


def _some(words: list[str]) -> str:
    rest = len(words) - _MOST_LISTED
    return ", ".join(words[:_MOST_LISTED]) + (f" and {rest} more" if rest > 0 else "")


def _size(shape: tuple) -> str:
    return "x".join(map(str, shape)) or "scalar"


def _array(variable) -> np.ndarray:
    array = ops.convert_to_numpy(variable)
    return array if array.dtype == "int64" else array.astype("float32")
