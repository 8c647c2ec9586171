"""Networks out of any file of weights that this package can read."""

import os
import pathlib

import keras

from cyclegan_keras.files.errors import WeightsError
from cyclegan_keras.models.keras_file import load_keras
from cyclegan_keras.runs.networks import networks_of_run
from cyclegan_keras.runs.sources import find_source
from cyclegan_keras.weights.keras_example import read_keras_example
from cyclegan_keras.weights.torch_file import read_state_dicts
from cyclegan_keras.weights.torch_networks import from_state_dict, is_known, to_state_dict
from cyclegan_keras.weights.torch_writer import write_state_dict


def load_networks(path: str | os.PathLike, *, dropout: bool = False) -> dict[str, keras.Model]:
    """Returns the networks of a file by name; the name is "" where the file gives none.

    Args:
        path: a `.keras` file; a PyTorch file (.pth, .pt) of pytorch-CycleGAN-and-pix2pix, CUT or
            vintagify; or weights of the keras.io example (.weights.h5, or the prefix of a
            TensorFlow checkpoint). A run and what else `find_source` knows give their networks too,
            generators by their moving averages where the run keeps them.
        dropout: whether a PyTorch U-Net has dropout in training, which its file does not record.

    Raises:
        WeightsError: the file is missing, damaged or none of these.
        RunError: a run that has no such checkpoint, or one that cannot be read.
    """
    source = find_source(pathlib.Path(path))
    if source is not None:
        return networks_of_run(source, averages=True).networks
    path = pathlib.Path(path).expanduser()
    if path.suffix in (".h5", ".hdf5", ".index") or path.with_name(f"{path.name}.index").exists():
        return read_keras_example(path)
    if not path.is_file():
        raise WeightsError(f"{path} is not a file.")
    if path.suffix == ".keras":
        return {"": load_keras(path)}
    states = read_state_dicts(path)
    known = {name: state for name, state in states.items() if is_known(state)}
    if not known:  # the first one says what is wrong
        known = states
    try:
        return {name: from_state_dict(state, dropout=dropout) for name, state in known.items()}
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from error


def load_network(
    path: str | os.PathLike, name: str | None = None, *, dropout: bool = False
) -> keras.Model:
    """Returns the network of a file, or the one called `name` when it holds several.

    Example:
        generator = load_network("latest_net_G_A.pth")
        generator.save("generator_g.keras")

    Raises:
        WeightsError: as `load_networks`, or it is not clear which network is meant.
    """
    networks = load_networks(path, dropout=dropout)
    if name is None and len(networks) == 1:
        (network,) = networks.values()
        return network
    if name not in networks:
        hint = f"not {name!r}" if name else "so name one"
        raise WeightsError(f"{path} holds the networks {list(networks)}, {hint}.")
    return networks[name]


def as_in_training(network: keras.Model) -> keras.Model:
    """Returns the generator with dropout on at test and batch norm by each picture's statistics.

    The PyTorch reference tests pix2pix so unless `--eval` is given; its files do not record it.

    Raises:
        WeightsError: the network is no generator of this package.
    """
    config = network.get_config()
    if "test_dropout" not in config:
        raise WeightsError(f"A {type(network).__name__} is the same in training and at test.")
    config |= {"test_dropout": config["dropout"], "test_statistics": "picture"}
    copy = type(network).from_config(config)
    copy.set_weights(network.get_weights())
    return copy


def save_pth(network: keras.Model, path: str | os.PathLike) -> None:
    """Writes a network's weights so that the PyTorch reference can load them.

    Raises:
        WeightsError: the reference has no such network.
        OSError: the file cannot be written.
    """
    write_state_dict(path, to_state_dict(network))
