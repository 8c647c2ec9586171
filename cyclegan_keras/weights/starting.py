"""Networks to start a training from: files of any kind, folders of them, or an earlier run."""

import glob
import pathlib
import re
from collections.abc import Mapping
from typing import Any

import keras
from absl import logging

from cyclegan_keras.files.errors import WeightsError
from cyclegan_keras.hub import fetching
from cyclegan_keras.models.description import Described
from cyclegan_keras.models.options import NetworkOptions
from cyclegan_keras.runs.networks import ROLES, networks_of_run
from cyclegan_keras.runs.sources import find_source
from cyclegan_keras.weights.networks import listed, load_networks, split_network

# The reference's name of a network -> its role here; the reference's D_A judges domain B.
_REFERENCE_ROLES = {
    "G_A": "generator_g",
    "G_B": "generator_f",
    "D_A": "discriminator_y",
    "D_B": "discriminator_x",
    "G": "generator_g",
    "D": "discriminator_y",
}
# How other programs call a generator, in small letters and without "net" and "_". They disagree on
# which picture a discriminator called A judges.
_OTHER_GENERATORS = {
    f"{generator}{direction}": role
    for generator in ("", "g", "gen", "generator")
    for role, directions in (
        ("generator_g", ("ab", "a2b", "atob", "xy", "x2y", "xtoy")),
        ("generator_f", ("ba", "b2a", "btoa", "yx", "y2x", "ytox")),
    )
    for direction in directions
}
_REFERENCE_FILE = re.compile(r"(?P<epoch>\w+)_net_(?P<network>G_A|G_B|D_A|D_B|G|D)")
# What leaves no trace in the weights is the new training's own choice.
_TRACELESS = ("init_type", "init_gain", "dropout", "test_dropout", "test_statistics")


def starting_networks(sources: str) -> dict[str, keras.Model]:
    """Returns the networks that `sources` names, by role in the order of `ROLES`.

    Args:
        sources: one or several, separated by commas: a file (`load_networks` says which); a model
            on the Hub, `hf://user/name`, see `hub.fetching.local`; a folder
            with files called `generator_g.keras` or, as in the reference, `latest_net_G_A.pth`; or
            what `find_source` finds in an earlier run, such as its directory. One network of
            several is given as `file@network`. A network whose name, and whose file's, does not
            say which it is, is generator_g if it is a generator, or generator_f after another
            file's generator_g; or it is given as `discriminator_x=some.pth`. Of a folder or a run,
            a role in front takes that network alone.

    Raises:
        WeightsError: a source that holds no network, or two sources with the same one.
        RunError: a run that has no such checkpoint, or one that cannot be read.
    """
    found: dict[str, keras.Model] = {}
    paths = []
    for source in fetching.local(sources).split(","):
        role, path = split_role(source)
        is_second = "generator_g" in found and path not in paths
        usual_role = "generator_f" if is_second else "generator_g"
        paths.append(path)
        for each, network in _networks_at(path, role, usual_role).items():
            if each in found:
                raise WeightsError(f"Two files are given for {each}; the second is {path}.")
            found[each] = network
    return {role: found[role] for role in ROLES if role in found}


def split_role(source: str) -> tuple[str, pathlib.Path]:
    """Splits `discriminator_x=some.pth` into the role and the path; the role is "" without one.

    Other names before a "=" belong to the path: files may be called `epoch=9-step=1000.ckpt`.
    """
    role, _, path = source.strip().partition("=")
    if role not in ROLES:
        role, path = "", source.strip()
    return role, pathlib.Path(path).expanduser()


def files_of_source(path: pathlib.Path) -> list[pathlib.Path]:
    """Returns the files in which a source of `starting_networks` holds its networks.

    Args:
        path: of `split_role`: a file, also as `file@network`, the prefix of a TensorFlow
            checkpoint, or a folder.
    """
    path, _ = split_network(path)
    if path.is_dir():
        return sorted(_files_of_folder(path).values())
    if path.is_file():
        return [path]
    return sorted(path.parent.glob(f"{glob.escape(path.name)}.*"))


def network_options(networks: Mapping[str, keras.Model]) -> dict[str, Any]:
    """Returns the options that build networks of this kind, by name.

    They are fields of `NetworkOptions` and, where there is a generator, `input_nc` and `output_nc`:
    the channels of x and of y. Discriminators say nothing about those, since some see x and y at
    once.

    Args:
        networks: by role.

    Raises:
        WeightsError: a network that no option builds, or two that no one option builds.
    """
    options: dict[str, Any] = {}
    for role, network in networks.items():
        for field, value in _options_of(role, network).items():
            if options.setdefault(field, value) != value:
                raise WeightsError(
                    f"{role} has {field}={value!r}, another network {options[field]!r}; the "
                    "networks of a run share their options."
                )
    return options


def _networks_at(path: pathlib.Path, role: str, usual_role: str) -> dict[str, keras.Model]:
    """Returns the networks of a file, folder or run by role.

    Args:
        path: the file, folder or run.
        role: that typed, or "".
        usual_role: of a generator alone in a file, where nothing says its role.
    """
    source = find_source(path)
    if source is not None:
        return _only(role, networks_of_run(source).networks, path)
    word, equals, _ = str(path).partition("=")
    if not role and equals and word.isidentifier() and not path.exists():
        raise WeightsError(
            f"{path} is not a file, and {word!r} is no role: expected one of {', '.join(ROLES)} "
            "before the =."
        )
    if not path.is_dir():
        return _networks_of_file(path, role, usual_role)
    files = _files_of_folder(path)
    if not files:
        raise WeightsError(
            f"{path} holds neither a run (options.json) nor files called generator_g.keras, "
            "latest_net_G_A.pth and so on."
        )
    networks = {}
    for each, file in files.items():
        networks[each], *_ = load_networks(file).values()
    return _only(role, networks, path)


def _only(
    role: str, networks: Mapping[str, keras.Model], path: pathlib.Path
) -> dict[str, keras.Model]:
    """Returns the network of a role alone, or all networks where `role` is ""."""
    if not role:
        return dict(networks)
    if role not in networks:
        raise WeightsError(f"{path} holds {', '.join(networks)}, but no {role}.")
    return {role: networks[role]}


def _networks_of_file(path: pathlib.Path, role: str, usual_role: str) -> dict[str, keras.Model]:
    networks = load_networks(path)
    if len(networks) == 1:
        ((name, network),) = networks.items()
        role = role or _role_of_file(path) or role_of_name(name, network)
        if not role and _is_generator(network):
            role = usual_role
        if role:
            return {role: network}
        raise WeightsError(
            f"The name of {path} does not say which network it holds: write "
            f"discriminator_x={path}, for example."
        )
    generators = [name for name, network in networks.items() if _is_generator(network)]
    if role:
        others = [name for name in networks if name not in generators]
        fitting = (generators if role.startswith("generator") else others) or list(networks)
        raise WeightsError(
            f"{path} holds the networks {listed(networks)}: name one, as in "
            f"{role}={path}@{fitting[0]}."
        )
    roles = {name: role_of_name(name, network) for name, network in networks.items()}
    if len(generators) == 1:
        roles[generators[0]] = roles[generators[0]] or "generator_g"
    unclear = [name for name in networks if not roles[name]]
    given = [each for each in roles.values() if each]
    if not given or len(set(given)) < len(given) or any(name in generators for name in unclear):
        example = f"generator_g={path}@{generators[0]}" if generators else ""
        example = example or f"discriminator_x={path}@{next(iter(networks))}"
        raise WeightsError(
            f"{path} holds the networks {listed(networks)}, and their names do not say what each "
            f"is: name those you want, as in {example}."
        )
    for name in unclear:
        logging.warning(
            f"{path}: {name} is left out, since its name does not say whether it judges x or y: "
            f"add discriminator_x={path}@{name} or discriminator_y={path}@{name}."
        )
    return {roles[name]: network for name, network in networks.items() if roles[name]}


def role_of_name(name: str, network: keras.Model) -> str | None:
    """Returns the role of a network by its name in a file; None where that does not say it."""
    last = name.rpartition(".")[2]
    reference = last.removeprefix("net")
    short = last.lower().replace("_", "").removeprefix("net")
    role = _REFERENCE_ROLES.get(reference) or _OTHER_GENERATORS.get(short)
    if last in ROLES:
        role = last
    if role and role.startswith("generator") == _is_generator(network):
        return role
    return None


def _role_of_file(path: pathlib.Path) -> str | None:
    path, _ = split_network(path)
    if path.stem in ROLES:
        return path.stem
    match = _REFERENCE_FILE.fullmatch(path.stem)
    return _REFERENCE_ROLES[match["network"]] if match else None


def _files_of_folder(folder: pathlib.Path) -> dict[str, pathlib.Path]:
    """Finds the file of each role; of the reference's files that of the last epoch."""

    def age(path):
        match = _REFERENCE_FILE.fullmatch(path.stem)
        epoch = match["epoch"] if match else "latest"
        return (epoch == "latest", int(epoch) if epoch.isdecimal() else -1)

    endings = (".keras", ".pth", ".safetensors")
    paths = sorted(path for path in folder.iterdir() if path.suffix in endings)
    files = {_role_of_file(path): path for path in sorted(paths, key=age)}
    return {role: files[role] for role in ROLES if role in files}


def _is_generator(network: keras.Model) -> bool:
    """Whether it is a generator of this package, which all describe themselves."""
    return isinstance(network, Described)


def _options_of(role: str, network: keras.Model) -> dict[str, Any]:
    """Returns the options that build one network, but those that leave no trace in its weights."""
    name = getattr(network, "option_name", None)
    if name is None:
        raise WeightsError(
            f"{role} is a {type(network).__name__}, which can be used but not trained here."
        )
    options = {"generator" if _is_generator(network) else "discriminator": name}
    for field, value in network.get_config().items():
        if field in vars(NetworkOptions()) and field not in _TRACELESS:
            options[field] = value
    if role == "generator_g":
        options["input_nc"] = network.input_shape[-1]
        options["output_nc"] = network.output_shape[-1]
    elif role == "generator_f":  # from y to x
        options["input_nc"] = network.output_shape[-1]
        options["output_nc"] = network.input_shape[-1]
    return options
