"""Weights saved by the CycleGAN example of keras.io."""

import itertools
import math
import os
import pathlib
import re

import h5py

from cyclegan_keras.files.errors import WeightsError
from cyclegan_keras.models.base import check_choice
from cyclegan_keras.weights.keras_example_generator import KerasExampleGenerator
from cyclegan_keras.weights.tensorflow_bundle import read_bundle

# Where the generators lie in a file. Keras 2 puts a list of all networks into `.weights.h5`.
_PLACES = {
    "gen_G": "generator_g",
    "gen_F": "generator_f",
    "layers/functional": "generator_g",
    "layers/functional_1": "generator_f",
    "": "generator",
}
_NORMS = {"group_normalization": 1, "instance_normalization": -1}  # kind of layer -> groups
_FLOATS = ("float16", "float32", "float64")
_HDF5_NAME = re.compile(
    r"(?:(?P<place>.+)/)?layers/(?P<kind>\w+?)(?:_(?P<number>[1-9]\d{0,5}))?/vars/(?P<part>\d)"
)
_TENSORFLOW_NAME = re.compile(
    r"(?:(?P<place>.+)/)?layer_with_weights-(?P<number>\d{1,6})/(?P<part>\w+)"
    r"/\.ATTRIBUTES/VARIABLE_VALUE"
)
# What h5py raises for damaged files.
_DAMAGE = (OSError, RuntimeError, ValueError, TypeError, LookupError)


def read_keras_example(
    path: str | os.PathLike, groups: int | None = None
) -> dict[str, KerasExampleGenerator]:
    """Reads the generators of a checkpoint that the keras.io CycleGAN example saved.

    Held against files that networks of the example's layers wrote under Keras 3.8 and 3.15
    (`.weights.h5`) and under Keras 2.15 with TensorFlow Addons 0.23 (both formats). Files published
    by others were not at hand.

    Args:
        path: a `.weights.h5` file, or a TensorFlow checkpoint (its `.index` file, or the path
            without that ending), of the whole `CycleGan` or of one generator.
        groups: the norm, see `KerasExampleGenerator`. None tells it by the names of the layers in
            `.weights.h5` (GroupNormalization is taken for groups=1, as in the example), and takes
            instance norm, -1, for TensorFlow checkpoints.

    Returns:
        `{"generator_g": .., "generator_f": ..}`, the example's gen_G (x to y) and gen_F, or
        `{"generator": ..}` from the file of one generator; each a `KerasExampleGenerator`.

    Raises:
        WeightsError: the file cannot be read, or is not the example's; the message tells
            what was found and what was expected.
        ValueError: groups is none of None, 1 and -1.
    """
    check_choice("groups", groups, (None, 1, -1))
    path = pathlib.Path(path)
    prefix = path.with_suffix("") if path.suffix == ".index" else path
    is_tensorflow = prefix.with_name(f"{prefix.name}.index").is_file()
    if not is_tensorflow and not path.is_file():
        raise WeightsError(f"There is neither a file {path} nor one {prefix}.index.")
    try:
        places, tops = _read_tensorflow(prefix) if is_tensorflow else _read_hdf5(path)
        names = {place: _PLACES[place] for place in places}
        if sorted(names.values()) not in (["generator"], ["generator_f", "generator_g"]):
            raise WeightsError(
                "expected the layers of gen_G and gen_F, or of one generator alone. Found: layers "
                f"in {sorted(names)}; at the top {sorted(tops)[:9]}."
            )
        ordered = _in_order_tensorflow if is_tensorflow else _in_order_hdf5
        return {
            name: _generator(name, *ordered(places[place]), groups)
            for place, name in sorted(names.items(), key=lambda item: item[1], reverse=True)
        }
    except WeightsError as error:
        raise WeightsError(f"{path} is no checkpoint of the keras.io example: {error}") from None
    except _DAMAGE as error:
        raise WeightsError(f"{path} cannot be read as a checkpoint: {error}") from error


def _read_hdf5(path):
    """Returns {place: {(kind, number, part): array}}, and the names at the top of the file."""
    with h5py.File(path, "r") as file:
        found = {}

        def visit(name, item):  # finds what lies in the file itself; links are not followed
            match = _HDF5_NAME.fullmatch(name.replace("\\", "/"))  # as Keras on Windows wrote
            if match and isinstance(item, h5py.Dataset) and (match["place"] or "") in _PLACES:
                key = match["kind"], int(match["number"] or 0), int(match["part"])
                found.setdefault(match["place"] or "", {})[key] = item

        file.visititems(visit)
        items = [item for place in found.values() for item in place.values()]
        _check_claims(items, path.stat().st_size)
        arrays = {p: {key: item[()] for key, item in own.items()} for p, own in found.items()}
        return arrays, list(file)


def _read_tensorflow(prefix):
    """Returns {place: {(number, part): array}}, and the names at the top of the file."""
    tops, matches = set(), {}

    def wanted(name):
        if len(tops) < 9:
            tops.add(name.partition("/")[0])
        match = _TENSORFLOW_NAME.fullmatch(name)
        if match and (match["place"] or "") in _PLACES:
            matches[name] = match
        return name in matches

    found = {}
    for name, array in read_bundle(prefix, wanted).items():
        key = int(matches[name]["number"]), matches[name]["part"]
        found.setdefault(matches[name]["place"] or "", {})[key] = array
    return found, tops


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
    kinds = {kind: {} for kind, *_ in sorted(arrays)}
    norms = [kind for kind in kinds if kind in _NORMS]
    if len(norms) != 1 or kinds.keys() != {"conv2d", "conv2d_transpose", *norms}:
        raise WeightsError(
            f"expected layers of the kinds conv2d, conv2d_transpose and one of {list(_NORMS)}. "
            f"Found: {list(kinds)}."
        )
    for (kind, number, part), array in sorted(arrays.items(), key=lambda item: item[0]):
        names = ("gamma", "beta") if kind in _NORMS else ("kernel", "bias")
        named = dict(enumerate(names)).get(part, part), array
        kinds[kind].setdefault(number, []).append(named)
    convs = list(kinds["conv2d"].values())
    convs[-1:-1] = kinds["conv2d_transpose"].values()
    layers = itertools.zip_longest(convs, kinds[norms[0]].values(), fillvalue=())
    return [item for pair in layers for layer in pair for item in layer], _NORMS[norms[0]]


def _in_order_tensorflow(arrays):
    """As `_in_order_hdf5`. Layers are numbered from input to output."""
    rank = "kernel bias gamma beta".find
    keys = sorted(arrays, key=lambda key: (key[0], rank(key[1])))
    return [(part, arrays[number, part]) for number, part in keys], -1


def _generator(name, arrays, own_groups, groups):
    """Makes the network that the arrays [(part, array)] are the weights of."""
    found = [(part, array.shape) for part, array in arrays]
    n_blocks, rest = divmod(len(found) - 17, 6)
    if n_blocks < 0 or rest or len(found[0][1]) != 4 or len(found[-1][1]) != 1:
        raise WeightsError(
            f"expected {name} to have 17 arrays and 6 more for every block, from a kernel of 4 "
            f"dimensions to a bias. Found: {len(found)} arrays, from {found[0]} to {found[-1]}."
        )
    *_, input_channels, ngf = found[0][1]
    (output_channels,) = found[-1][1]
    expected = _expected(input_channels, output_channels, ngf, n_blocks)
    for number, (one, other) in enumerate(zip(found, expected, strict=True)):
        if one != other:
            raise WeightsError(
                f"expected array {number} of {name}, which has {ngf} filters and {n_blocks} "
                f"blocks, to be {other}. Found: {one}."
            )
    groups = groups or own_groups
    model = KerasExampleGenerator(input_channels, output_channels, ngf, n_blocks, groups, name)
    model.set_weights([array for _, array in arrays])
    return model


def _expected(input_channels, output_channels, ngf, n_blocks):
    """Returns [(part, shape)] of a network's weights, without making it."""
    kernels = [((7, 7, input_channels, ngf), ngf)]
    kernels += [((3, 3, ngf * n, ngf * n * 2), ngf * n * 2) for n in (1, 2)]
    kernels += [((3, 3, ngf * 4, ngf * 4), ngf * 4)] * (2 * n_blocks)
    kernels += [((3, 3, ngf * n, ngf * n * 2), ngf * n) for n in (2, 1)]  # out before in
    weights = [
        weight
        for shape, channels in kernels
        for weight in (("kernel", shape), ("gamma", (channels,)), ("beta", (channels,)))
    ]
    head = [("kernel", (7, 7, ngf, output_channels)), ("bias", (output_channels,))]
    return weights + head
