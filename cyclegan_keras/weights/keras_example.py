"""Weights saved by the CycleGAN example of keras.io."""

import itertools
import math
import os
import pathlib
import re
from collections.abc import Collection
from typing import NamedTuple

import h5py
import numpy as np

from cyclegan_keras.files.errors import WeightsError
from cyclegan_keras.models.base import check_choice
from cyclegan_keras.weights.keras_example_generator import KerasExampleGenerator
from cyclegan_keras.weights.tensorflow_bundle import index_file, read_bundle

# How the names of a generator's arrays begin -> the generator. Keras 2 puts a list of all networks
# into `.weights.h5`.
_GENERATORS = {
    "gen_G": "generator_g",
    "gen_F": "generator_f",
    "layers/functional": "generator_g",
    "layers/functional_1": "generator_f",
    "": "generator",
}
_NORMS = {"group_normalization": 1, "instance_normalization": -1}  # kind of layer -> groups
_FLOATS = ("float16", "float32", "float64")
_HDF5_NAME = re.compile(
    r"(?:(?P<prefix>.+)/)?layers/(?P<kind>\w+?)(?:_(?P<number>[1-9]\d{0,5}))?/vars/(?P<part>\d)"
)
_TENSORFLOW_NAME = re.compile(
    r"(?:(?P<prefix>.+)/)?layer_with_weights-(?P<number>\d{1,6})/(?P<part>\w+)"
    r"/\.ATTRIBUTES/VARIABLE_VALUE"
)
# What h5py raises for damaged files.
_DAMAGE = (OSError, RuntimeError, ValueError, TypeError, LookupError)


def read_keras_example(
    path: str | os.PathLike, groups: int | None = None
) -> dict[str, KerasExampleGenerator]:
    """Reads the generators of a checkpoint that the keras.io CycleGAN example saved.

    Tested with files that networks of the example's layers wrote under Keras 3.8 and 3.15
    (`.weights.h5`) and under Keras 2.15 with TensorFlow Addons 0.23 (both formats), but with no
    files that others have published.

    Args:
        path: a `.weights.h5` file, or a TensorFlow checkpoint (its `.index` file, or the path
            without that ending), of the whole `CycleGan` or of one generator.
        groups: the norm, see `KerasExampleGenerator`. None recognizes it by the names of the layers
            in `.weights.h5` (GroupNormalization means groups=1, as in the example), and assumes
            instance norm, -1, for TensorFlow checkpoints.

    Returns:
        `{"generator_g": .., "generator_f": ..}`, the example's gen_G (x to y) and gen_F, or
        `{"generator": ..}` from the file of one generator; each a `KerasExampleGenerator`.

    Raises:
        WeightsError: the file cannot be read, or is not the example's; the message says what was
            found and what was expected.
        ValueError: groups is none of None, 1 and -1.
    """
    check_choice("groups", groups, (None, 1, -1))
    path = pathlib.Path(path)
    bundle = path.with_suffix("") if path.suffix == ".index" else path
    is_tensorflow = index_file(bundle).is_file()
    if not is_tensorflow and not path.is_file():
        raise WeightsError(f"There is neither a file {path} nor one {index_file(bundle)}.")
    try:
        found = _read_tensorflow(bundle) if is_tensorflow else _read_hdf5(path)
        names = sorted(_GENERATORS[prefix] for prefix in found.arrays)
        if names not in (["generator"], ["generator_f", "generator_g"]):
            raise WeightsError(
                "expected the layers of gen_G and gen_F, or of one generator alone. Found: layers "
                f"in {sorted(found.arrays)}; at the top {sorted(found.top_names)[:9]}."
            )
        generators = {}
        for prefix, name in _GENERATORS.items():  # generator_g first
            if prefix in found.arrays:
                in_order = _in_order_tensorflow if is_tensorflow else _in_order_hdf5
                weights, own_groups = in_order(found.arrays[prefix])
                generators[name] = _generator(name, weights, groups or own_groups)
        return generators
    except WeightsError as error:
        raise WeightsError(f"{path} is no checkpoint of the keras.io example: {error}") from None
    except _DAMAGE as error:
        raise WeightsError(f"{path} cannot be read as a checkpoint: {error}") from error


class _Found(NamedTuple):
    """The arrays of a file that may belong to a generator.

    Attributes:
        arrays: by what their names begin with, one of `_GENERATORS`, and a key: (kind, number,
            part) in HDF5, (number, part) in TensorFlow's format.
        top_names: names at the top of the file, for messages.
    """

    arrays: dict[str, dict[tuple, np.ndarray]]
    top_names: Collection[str]


def _read_hdf5(path) -> _Found:
    with h5py.File(path, "r") as file:
        found: dict[str, dict[tuple, h5py.Dataset]] = {}

        def visit(name, item):  # finds what lies in the file itself; links are not followed
            match = _HDF5_NAME.fullmatch(name.replace("\\", "/"))  # as Keras on Windows wrote
            if not match or not isinstance(item, h5py.Dataset):
                return
            prefix = match["prefix"] or ""
            if prefix in _GENERATORS:
                key = match["kind"], int(match["number"] or 0), int(match["part"])
                found.setdefault(prefix, {})[key] = item

        file.visititems(visit)
        items = [item for own in found.values() for item in own.values()]
        _check_claims(items, path.stat().st_size)
        arrays = {
            prefix: {key: item[()] for key, item in own.items()} for prefix, own in found.items()
        }
        return _Found(arrays, list(file))


def _read_tensorflow(bundle) -> _Found:
    top_names: set[str] = set()
    matches = {}

    def wanted(name):
        if len(top_names) < 9:
            top_names.add(name.partition("/")[0])
        match = _TENSORFLOW_NAME.fullmatch(name)
        if match and (match["prefix"] or "") in _GENERATORS:
            matches[name] = match
        return name in matches

    arrays: dict[str, dict[tuple, np.ndarray]] = {}
    for name, array in read_bundle(bundle, wanted).items():
        match = matches[name]
        key = int(match["number"]), match["part"]
        arrays.setdefault(match["prefix"] or "", {})[key] = array
    return _Found(arrays, top_names)


def _check_claims(items, file_size):
    """Refuses arrays before they are read: sizes are only claims, and nothing is compressed."""
    if any(item.external or item.is_virtual for item in items):
        raise WeightsError("its arrays lie in other files.")
    if any(item.shape is None or item.dtype.name not in _FLOATS for item in items):
        found = sorted({item.dtype.name for item in items})
        raise WeightsError(f"expected arrays of {' or '.join(_FLOATS)}. Found: {found}.")
    claimed = sum(math.prod(item.shape) * item.dtype.itemsize for item in items)
    if claimed > file_size:
        raise WeightsError(f"{file_size} bytes cannot hold arrays of {claimed} bytes.")


def _in_order_hdf5(arrays):
    """Returns [(part, array)] from input to output, and the norm's groups.

    Layers are numbered by kind. A norm follows every convolution but the last one, which comes
    after the transposed convolutions.
    """
    kinds = {kind for kind, _, _ in arrays}
    norms = sorted(kind for kind in kinds if kind in _NORMS)
    if len(norms) != 1 or kinds != {"conv2d", "conv2d_transpose", norms[0]}:
        raise WeightsError(
            f"expected layers of the kinds conv2d, conv2d_transpose and one of {list(_NORMS)}. "
            f"Found: {sorted(kinds)}."
        )
    layers = {kind: {} for kind in kinds}  # kind -> number -> [(part, array)]
    for kind, number, part in sorted(arrays):
        names = ("gamma", "beta") if kind in _NORMS else ("kernel", "bias")
        name = names[part] if part < len(names) else part
        layers[kind].setdefault(number, []).append((name, arrays[kind, number, part]))
    convs = list(layers["conv2d"].values())
    ups = list(layers["conv2d_transpose"].values())
    convs = convs[:-1] + ups + convs[-1:]
    weights = []
    for conv, norm in itertools.zip_longest(convs, layers[norms[0]].values(), fillvalue=()):
        weights += conv
        weights += norm
    return weights, _NORMS[norms[0]]


def _in_order_tensorflow(arrays):
    """As `_in_order_hdf5`. Layers are numbered from input to output."""
    parts = ("kernel", "bias", "gamma", "beta")

    def rank(key):
        number, part = key
        return number, parts.index(part) if part in parts else -1

    return [(part, arrays[number, part]) for number, part in sorted(arrays, key=rank)], -1


def _generator(name, arrays, groups):
    """Makes the network that the arrays [(part, array)] are the weights of."""
    found = [(part, array.shape) for part, array in arrays]
    n_blocks, rest = divmod(len(found) - 17, 6)
    if n_blocks < 0 or rest or len(found[0][1]) != 4 or len(found[-1][1]) != 1:
        raise WeightsError(
            f"expected {name} to have 17 arrays and 6 more for every block, from a kernel of 4 "
            f"dimensions to a bias. Found: {len(found)} arrays, from {found[0]} to {found[-1]}."
        )
    _, _, input_channels, ngf = found[0][1]
    (output_channels,) = found[-1][1]
    expected = _expected(
        input_channels=input_channels, output_channels=output_channels, ngf=ngf, n_blocks=n_blocks
    )
    for number, (one, other) in enumerate(zip(found, expected, strict=True)):
        if one != other:
            raise WeightsError(
                f"expected array {number} of {name}, which has {ngf} filters and {n_blocks} "
                f"blocks, to be {other}. Found: {one}."
            )
    model = KerasExampleGenerator(
        input_channels=input_channels,
        output_channels=output_channels,
        ngf=ngf,
        n_blocks=n_blocks,
        groups=groups,
        name=name,
    )
    model.set_weights([array for _, array in arrays])
    return model


def _expected(input_channels, output_channels, ngf, n_blocks):
    """Returns [(part, shape)] of a network's weights, without making it."""
    kernels = [((7, 7, input_channels, ngf), ngf)]  # shape, and channels of its result
    for width in (ngf, 2 * ngf):
        kernels.append(((3, 3, width, 2 * width), 2 * width))
    for _ in range(2 * n_blocks):
        kernels.append(((3, 3, 4 * ngf, 4 * ngf), 4 * ngf))
    for width in (2 * ngf, ngf):
        kernels.append(((3, 3, width, 2 * width), width))  # transposed: out before in
    weights = []
    for shape, channels in kernels:
        weights.append(("kernel", shape))
        weights.append(("gamma", (channels,)))
        weights.append(("beta", (channels,)))
    weights.append(("kernel", (7, 7, ngf, output_channels)))
    weights.append(("bias", (output_channels,)))
    return weights
