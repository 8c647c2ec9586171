"""Arrays recorded from the reference implementation, and the way from its layout to Keras'."""

import re
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "golden"


def load_golden(name):
    """Returns the recorded arrays `name` as a mapping, or skips the test when there are none."""
    path = FOLDER / name
    if not path.exists():
        pytest.skip(f"the recorded arrays {name} are not beside this checkout")
    return np.load(path, allow_pickle=False)


def nhwc(images):
    """NCHW -> NHWC."""
    return np.moveaxis(images, -3, -1)


def to_keras(array):
    """A parameter or its gradient in Keras' layout, for convolutions and transposed ones alike."""
    return np.transpose(array, (2, 3, 1, 0)) if array.ndim == 4 else array


def torch_variables(model, npz, prefix):
    """Pairs every variable of `model` with its PyTorch key: {key: variable}, in the keys' order.

    Args:
        model: a network whose layers are in the order of the recorded state dict.
        npz: what `load_golden` returned.
        prefix: start of the state dict's array names, e.g. "weights/" or "init/G_A/".
    """
    keys = [
        name.removeprefix(prefix)
        for name in npz.files
        if name.startswith(prefix) and not name.endswith("num_batches_tracked")
    ]
    keys.sort(key=lambda key: _STATE_ORDER.index(key.rsplit(".", 1)[1]))
    keys.sort(key=lambda key: _depth_first(key.rsplit(".", 1)[0]))
    variables = [variable for layer in _leaves(model) for variable in layer.weights]
    assert len(keys) == len(variables), (len(keys), len(variables))
    for key, variable in zip(keys, variables, strict=True):
        assert to_keras(npz[prefix + key]).shape == tuple(variable.shape), (key, variable.path)
    return dict(zip(keys, variables, strict=True))


def load_torch_weights(model, npz, prefix):
    """Assigns the recorded state dict under `prefix` to `model`; see `torch_variables`."""
    for key, variable in torch_variables(model, npz, prefix).items():
        variable.assign(to_keras(npz[prefix + key]))


_STATE_ORDER = ("weight", "bias", "running_mean", "running_var")


def _depth_first(module):
    return [int(part) for part in re.findall(r"\d+", module)]


def _leaves(layer):
    """The layers that hold weights themselves, in the order in which they are applied."""
    children = [child for child in layer._layers if child.weights]
    return [leaf for child in children for leaf in _leaves(child)] if children else [layer]
