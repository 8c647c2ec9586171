"""Networks out of any file of weights that this package can read."""

import functools
import os
import pathlib
import zipfile
from collections.abc import Callable, Collection, Mapping

import keras
from absl import logging

from cyclegan_keras.files.errors import WeightsError, first_few
from cyclegan_keras.hub import fetching
from cyclegan_keras.hub.words import names_hub
from cyclegan_keras.models.keras_file import load_keras
from cyclegan_keras.runs.networks import networks_of_run
from cyclegan_keras.runs.sources import find_source
from cyclegan_keras.weights.keras_example import read_keras_example
from cyclegan_keras.weights.other_kinds import HEAD_BYTES, other_kind
from cyclegan_keras.weights.safetensors_file import (
    is_safetensors,
    read_safetensors,
    write_safetensors,
)
from cyclegan_keras.weights.state_groups import NetworkStates, find_networks
from cyclegan_keras.weights.tensorflow_bundle import index_file
from cyclegan_keras.weights.torch_file import TorchFile, read_torch_file
from cyclegan_keras.weights.torch_networks import (
    from_state_dict,
    not_known,
    parameter_shapes,
    to_state_dict,
    unused_statistics,
)
from cyclegan_keras.weights.torch_writer import write_state_dict

_HDF5 = b"\x89HDF\r\n\x1a\n"
_MOST_NAMED = 12


def load_networks(
    path: str | os.PathLike,
    *,
    dropout: bool = False,
    note: Callable[[str], None] = logging.warning,
) -> dict[str, keras.Model]:
    """Returns the networks of a file by name; the name is "" where the file gives none.

    Args:
        path: a `.keras` file; a PyTorch file (.pth, .pt, .ckpt) or one of safetensors, with
            networks of pytorch-CycleGAN-and-pix2pix, CUT, PyTorch-GAN or vintagify, alone or
            anywhere in a training state; weights of the keras.io example (.weights.h5, or the
            prefix of a TensorFlow checkpoint); `file@network` for one network of several; or a file
            on the Hub, `hf://user/name/file`, see `hub.fetching.local`. A run and what else
            `find_source` knows give their networks too, generators by their moving averages where
            the run keeps them.
        dropout: whether a PyTorch U-Net has dropout in training, which its file does not record.
        note: called with a sentence on each network, and each kind of arrays, that is left out.

    Raises:
        WeightsError: the file is missing, damaged or none of these.
        RunError: a run that has no such checkpoint, or one that cannot be read.
    """
    file, name = split_network(path)
    builders = _builders(file, dropout=dropout, note=note)
    if name is not None:
        builders = {name: builders[_chosen(builders, name, file)]}
    return {each: build() for each, build in builders.items()}


def load_network(
    path: str | os.PathLike,
    name: str | None = None,
    *,
    dropout: bool = False,
    note: Callable[[str], None] = logging.warning,
) -> keras.Model:
    """Returns the network of a file, or the one called `name` when it holds several.

    Args:
        path: as in `load_networks`.
        name: of the network, or the last part of it, such as "netG" for "models.netG".
        dropout: as in `load_networks`.
        note: as in `load_networks`.

    Example:
        generator = load_network("latest_net_G_A.pth")
        generator.save("generator_g.keras")

    Raises:
        WeightsError: as `load_networks`, or it is not clear which network is meant.
    """
    file, own_name = split_network(path)
    if own_name is not None and name not in (None, own_name):
        raise WeightsError(f"{path} names the network {own_name!r}, and not {name!r}: give one.")
    builders = _builders(file, dropout=dropout, note=note)
    return builders[_chosen(builders, own_name if name is None else name, file)]()


def split_network(path: str | os.PathLike) -> tuple[pathlib.Path, str | None]:
    """Splits `file@network` into the file and the name; the name is None where there is none.

    A path that exists is a file of that name.
    """
    path = pathlib.Path(_local_file(path)).expanduser()
    file, at, name = str(path).rpartition("@")
    is_file = pathlib.Path(file).is_file() or index_file(file).is_file()
    if at and name and not path.exists() and is_file:
        return pathlib.Path(file), name
    return path, None


def _local_file(path: str | os.PathLike) -> str:
    """Returns the path of one file, which may be on the Hub.

    Raises:
        WeightsError: a repository there that holds several.
    """
    word = os.fspath(path)
    if not names_hub(word):
        return word
    files = fetching.local(word).split(",")
    if len(files) > 1:
        names = [pathlib.Path(file).name for file in files]
        raise WeightsError(f"{word} holds {', '.join(names)}: name one, as {word}/{names[0]}.")
    return files[0]


def listed(names: Collection[str]) -> str:
    """Returns the names of networks for a sentence, the first of them where there are many."""
    more = len(names) - _MOST_NAMED
    return f"{list(names)[:_MOST_NAMED]}{f' and {more} more' if more > 0 else ''}"


def _builders(
    path: pathlib.Path, *, dropout: bool, note: Callable[[str], None]
) -> dict[str, Callable[[], keras.Model]]:
    """Returns what makes each network of a file, by its name."""
    source = find_source(path)
    if source is not None:
        return _as_builders(networks_of_run(source, averages=True).networks)
    if index_file(path).exists():  # of the TensorFlow checkpoint that `path` is the prefix of
        return _as_builders(read_keras_example(path))
    if path.is_dir():
        raise WeightsError(_on_a_folder(path))
    if not path.is_file():
        raise WeightsError(f"{path} is not a file.")
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    sentence = other_kind(head, path.suffix.lower())
    if sentence:
        raise WeightsError(f"{path} cannot be read: {sentence}")
    ending = _ending_by_content(path, head) or path.suffix.lower()
    if ending in (".h5", ".hdf5", ".index"):
        return _as_builders(read_keras_example(path))
    if ending == ".keras":
        return {"": functools.partial(load_keras, path)}
    if ending == ".safetensors":
        read = TorchFile(states={"": read_safetensors(path)}, whole_networks=[], unnamed={})
    else:
        read = read_torch_file(path)
    found = find_networks(read.states)
    if not found.states:
        raise _nothing_known(path, read, found.differing)
    _note_left_out(path, read, found, note)
    return {
        name: functools.partial(from_state_dict, state, dropout=dropout)
        for name, state in found.states.items()
    }


def _note_left_out(
    path: pathlib.Path, read: TorchFile, found: NetworkStates, note: Callable[[str], None]
) -> None:
    for name, how in found.differing.items():
        note(f"{path}: {name or 'a network'} is left out. {how}")
    for name, keys in found.beside.items():
        note(
            f"{path}: beside the arrays of {name or 'the network'}, these are left out: "
            f"{first_few(keys)}. A program that uses them translates otherwise."
        )
    for name, shapes in read.unnamed.items():
        if any(parameter_shapes(state) == shapes for state in found.states.values()):
            note(
                f"{path}: {name} is left out. It has the shapes of a network, perhaps its moving "
                "average, in a list without names."
            )
    for name, state in found.states.items():
        count = unused_statistics(state)
        if count:
            note(
                f"{path}: the running statistics of {count} instance norms "
                f"{f'of {name} ' if name else ''}are left out: the network normalizes by the "
                "statistics of each picture, as the reference does in training and at test."
            )


def _as_builders(networks: Mapping[str, keras.Model]) -> dict[str, Callable[[], keras.Model]]:
    return {name: functools.partial(_built, network) for name, network in networks.items()}


def _built(network: keras.Model) -> keras.Model:
    """Returns a network that its file's reader has built already."""
    return network


def _ending_by_content(path: pathlib.Path, head: bytes) -> str | None:
    """Returns the usual ending of such a file, whatever its name; None where nothing says it."""
    if head.startswith(_HDF5):
        return ".h5"
    if head.startswith(b"\x80"):  # pickles in a row
        return ".pth"
    if is_safetensors(head):
        return ".safetensors"
    if head.startswith(b"PK\x03\x04"):
        # PyTorch's reader says what an archive is that is not PyTorch's.
        return ".keras" if path.suffix == ".keras" and not _is_other_archive(path) else ".pth"
    return None


def _is_other_archive(path: pathlib.Path) -> bool:
    """Whether a zip archive can be read and is no Keras model."""
    try:
        with zipfile.ZipFile(path) as archive:
            return "config.json" not in archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError):  # damaged
        return False


def _on_a_folder(path: pathlib.Path) -> str:
    if (path / "saved_model.pb").is_file():
        return (
            f"{path} is a SavedModel, a graph without a network's weights by name: translate.py "
            "--model reads it."
        )
    return (
        f"{path} is a folder that holds no run (options.json): give a file in it, such as "
        f"{path / 'latest_net_G_A.pth'}."
    )


def _nothing_known(
    path: pathlib.Path, read: TorchFile, differing: Mapping[str, str]
) -> WeightsError:
    """Returns the error on a file without a network known here: it says what comes nearest."""
    if differing:
        name, how = next(iter(differing.items()))
        return WeightsError(f"{path}: {f'{name}: ' if name else ''}{how}")
    if read.whole_networks:
        return WeightsError(f"{path} cannot be read: {read.whole_networks[0]}")
    largest = max(read.states.values(), key=len, default={})
    return WeightsError(f"{path}: {not_known(largest)}")


def _chosen(names: Collection[str], name: str | None, path: pathlib.Path) -> str:
    """Returns which of the networks of a file `name` means."""
    if name is None and len(names) == 1:
        return next(iter(names))
    if name in names:
        return name
    matching = [each for each in names if name and each.endswith(f".{name}")]
    if len(matching) == 1:
        return matching[0]
    if list(names) == [""]:
        raise WeightsError(f"{path} holds one network, which has no name: leave {name!r} out.")
    hint = f"not {name!r}" if name else "so name one"
    raise WeightsError(f"{path} holds the networks {listed(names)}, {hint}.")


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
        WriteError: the file cannot be written.
    """
    write_state_dict(path, to_state_dict(network))


def save_safetensors(network: keras.Model, path: str | os.PathLike) -> None:
    """Writes a network's weights under the names of the PyTorch reference as safetensors.

    Raises:
        WeightsError: the reference has no such network.
        WriteError: the file cannot be written.
    """
    write_safetensors(path, to_state_dict(network))
