"""Networks from PyTorch's state dicts and back; keys and shapes say which network a file holds."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

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
    "expected: a ResNet generator of pytorch-CycleGAN-and-pix2pix, CUT or PyTorch-GAN "
    "(model.1.weight n x c x 7 x 7, model.N.conv_block.M.weight or model.N.block.M.weight), a "
    "U-Net generator "
    "(model.model.0.weight n x c x 4 x 4, model.model.1.model.N.weight), a basic or n_layers "
    "discriminator (model.0.weight n x c x 4 x 4) or a pixel discriminator (net.0.weight "
    "n x c x 1 x 1)"
)
# Modules that only wrap another one: those of DataParallel, torch.compile, FSDP and so on.
_WRAPPERS = frozenset(
    [
        "_checkpoint_wrapped_module",
        "_forward_module",
        "_fsdp_wrapped_module",
        "_orig_mod",
        "module",
    ]
)
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
    state = without_wrappers(state)
    recognized = _recognize(state)
    if recognized is None:
        raise WeightsError(not_known(state))
    difference = _difference(state, recognized)
    if difference:
        raise WeightsError(difference)
    network = recognized.network
    config = recognized.config
    if network is UNetGenerator:
        config["dropout"] = dropout
    entries = list(LAYOUTS[network](config, **recognized.layout_options))
    model = network(**config, name=name)
    variables = {variable.path: variable for variable in model.variables}
    for entry in entries:
        if entry.variable:
            variable = variables[entry.variable]
            variable.assign(to_keras(state[entry.key]).astype(variable.dtype))
    return model


def to_state_dict(model: keras.Model) -> dict[str, np.ndarray]:
    """Returns a network's weights as the PyTorch reference names and orders them.

    A generator with `upsample="resize_zero"` is PyTorch-GAN's, which the reference cannot load: it
    gets the names that it has there.

    Raises:
        WeightsError: the reference has no such network.
    """
    if type(model) not in LAYOUTS:
        raise WeightsError(
            f"A {type(model).__name__} has no counterpart in the reference; one of "
            f"{[network.__name__ for network in LAYOUTS]} is expected."
        )
    config = model.get_config()
    for argument, value in (("padding", "zero"), ("upsample", "resize")):
        if config.get(argument) == value:
            raise WeightsError(f"The reference has no network with {argument}={value!r}.")
    if config["norm"] == "none" and config["use_bias"]:
        raise WeightsError(
            "The reference has no network with norm='none' and use_bias=True: its convolutions "
            "have no bias there. Train one with --norm=none --nouse_bias."
        )
    variables = {variable.path: variable for variable in model.variables}
    state = {}
    # PyTorch-GAN, whose generators resize, has another name for the parts of a block.
    options = {"block": "block"} if config.get("upsample") == "resize_zero" else {}
    for entry in LAYOUTS[type(model)](config, **options):
        if entry.variable is None:
            state[entry.key] = entry.constant
        else:
            state[entry.key] = to_torch(_array(variables[entry.variable]))
    return state


def not_known(state: Mapping[str, np.ndarray]) -> str:
    """Returns a sentence on a state dict that is no network's known here."""
    found = [f"{key} {_size(array.shape)}" for key, array in state.items()]
    return f"No known network: found {_some(found) or 'no arrays'}; {_EXPECTED}."


def is_known(state: Mapping[str, np.ndarray]) -> bool:
    """Whether a state dict looks like that of a network known here; its keys have no wrappers."""
    return _recognize(state) is not None


def difference(state: Mapping[str, np.ndarray]) -> str | None:
    """Returns how a state dict that `is_known` differs from its network's; None where it fits."""
    return _difference(state, _recognize(state))


def unused_statistics(state: Mapping[str, np.ndarray]) -> int:
    """Returns how many instance norms of a state dict that fits have running statistics."""
    if _recognize(state).config["norm"] == "batch":
        return 0
    return len({key.rpartition(".")[0] for key in state if _STATISTICS.search(key)})


def parameter_shapes(state: Mapping[str, np.ndarray]) -> list[tuple[int, ...]]:
    """Returns the shapes of a network's parameters in their order: of all but its statistics."""
    return [array.shape for key, array in state.items() if not _STATISTICS.search(key)]


def without_wrappers(state: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Returns a state dict whose keys name no modules that only wrap others.

    It stays as it is where two keys would become one.
    """
    unwrapped = {
        ".".join(part for part in key.split(".") if part not in _WRAPPERS): array
        for key, array in state.items()
    }
    return unwrapped if len(unwrapped) == len(state) else dict(state)


class _Recognized(NamedTuple):
    """The network that a state dict looks like.

    Attributes:
        network: its class.
        config: the arguments of it that keys and shapes give.
        layout_options: keyword arguments of its layout.
    """

    network: type
    config: dict[str, Any]
    layout_options: dict[str, str]


def _recognize(state) -> _Recognized | None:
    recognized = _recognize_kind(state)
    if recognized is not None and recognized.config["norm"] == "none":
        recognized.config["use_bias"] = False
    return recognized


def _recognize_kind(state) -> _Recognized | None:
    if _is_conv(state, "model.1.weight", 7):
        return _Recognized(ResNetGenerator, _resnet(state), _resnet_layout(state))
    if _is_conv(state, "model.model.0.weight", 4):
        return _Recognized(UNetGenerator, _unet(state), {})
    if _is_conv(state, "model.0.weight", 4):
        return _Recognized(PatchDiscriminator, _patch(state), {})
    if _is_conv(state, "net.0.weight", 1):
        return _Recognized(PixelDiscriminator, _pixel(state), {})
    return None


def _resnet(state) -> dict:
    ngf, channels = state["model.1.weight"].shape[:2]
    parts = _block_parts(state)
    numbers = [re.fullmatch(r"model\.(\d+)\.weight", key) for key in state]
    last = max(int(number[1]) for number in numbers if number)
    head = state.get(f"model.{last}.weight", state["model.1.weight"])  # a forged key may be "09"
    return {
        "input_channels": channels,
        "output_channels": head.shape[0],
        "ngf": ngf,
        "n_blocks": len({part["module"] for part in parts}),
        "norm": _norm(state, bias="model.1.bias"),
        # The second convolution moves on by one module where a dropout stands before it.
        "dropout": any(part["index"] == "6" and state[part[0]].ndim == 4 for part in parts),
        "antialias": _has_filter(state, 3),
        "antialias_up": _has_filter(state, 4),
        "upsample": "resize_zero" if _resizes(state, parts) else "transpose",
    }


def _resizes(state, parts) -> bool:
    """Whether a module without weights, which resizes, stands after the last block."""
    if not parts or _has_filter(state, 4):
        return False
    first = max(int(part["module"]) for part in parts) + 1
    return f"model.{first}.weight" not in state and f"model.{first + 1}.weight" in state


def _resnet_layout(state) -> dict[str, str]:
    """Returns how blocks name their parts, where there are blocks."""
    parts = _block_parts(state)
    return {"block": parts[0]["block"]} if parts else {}


def _block_parts(state) -> list[re.Match]:
    pattern = r"model\.(?P<module>\d+)\.(?P<block>conv_block|block)\.(?P<index>\d+)\.weight"
    matches = [re.fullmatch(pattern, key) for key in state]
    return [match for match in matches if match]


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


def _pixel(state) -> dict:
    ndf, channels = state["net.0.weight"].shape[:2]
    norm = _norm(state, bias="net.2.bias")
    return {"input_channels": channels, "ndf": ndf, "norm": norm}


def _norm(state, bias: str) -> str:
    """Recognizes the norm; `bias` is the key of a bias that only instance norms have."""
    if not any(key.endswith(".weight") and array.ndim == 1 for key, array in state.items()):
        # Without a norm only the first and the last convolution may have a bias.
        biases = [key for key in state if key.endswith(".bias")]
        return "none" if bias not in state and len(biases) <= 2 else "instance"
    return "instance_affine" if bias in state else "batch"


def _is_conv(state, key: str, size: int) -> bool:
    return key in state and state[key].ndim == 4 and state[key].shape[2:] == (size, size)


def _has_filter(state, size: int) -> bool:
    """Whether there is a blur of so many taps along a side."""
    return any(
        key.endswith(".filt") and array.shape[-1:] == (size,) for key, array in state.items()
    )


def _difference(state, recognized: _Recognized) -> str | None:
    """Returns how `state` differs from just what the layout needs; None where it does not."""
    config = recognized.config
    entries: list[Entry] = list(LAYOUTS[recognized.network](config, **recognized.layout_options))
    expected = {entry.key: entry for entry in entries}
    ignored = set()
    if config["norm"] != "batch":
        ignored = {key for key in state if _STATISTICS.search(key)}
    missing = [f"{key} {_size(entry.shape)}" for key, entry in expected.items() if key not in state]
    unknown = [
        f"{key} {_size(array.shape)}"
        for key, array in state.items()
        if key not in expected and key not in ignored
    ]
    resized = [
        f"{key} {_size(state[key].shape)} instead of {_size(entry.shape)}"
        for key, entry in expected.items()
        if key in state and state[key].shape != entry.shape
    ]
    problems = {"missing": missing, "unknown": unknown, "of another size": resized}
    if not any(problems.values()):
        problems["other blur filters"] = [
            key
            for key, entry in expected.items()
            if entry.constant is not None and not np.allclose(state[key], entry.constant, atol=1e-6)
        ]
    differences = "; ".join(f"{what}: {_some(keys)}" for what, keys in problems.items() if keys)
    if not differences:
        return None
    name = recognized.network.__name__
    arguments = ", ".join(f"{argument}={value!r}" for argument, value in config.items())
    return f"It looks like {name}({arguments}), but arrays differ: {differences}."


def _some(items: list[str]) -> str:
    listed = ", ".join(items[:_MOST_LISTED])
    if len(items) > _MOST_LISTED:
        listed += f" and {len(items) - _MOST_LISTED} more"
    return listed


def _size(shape: tuple) -> str:
    return "x".join(map(str, shape)) or "scalar"


def _array(variable) -> np.ndarray:
    array = ops.convert_to_numpy(variable)
    return array if array.dtype == "int64" else array.astype("float32")
