"""Networks to start a training from: files of any kind, folders of them, or an earlier run."""

import pathlib
import re
from collections.abc import Mapping

import keras
import numpy as np

from cyclegan_keras.files.errors import WeightsError
from cyclegan_keras.models.description import Description
from cyclegan_keras.models.multiscale_discriminator import MultiscaleDiscriminator
from cyclegan_keras.models.options import NetworkOptions
from cyclegan_keras.models.patch_discriminator import PatchDiscriminator
from cyclegan_keras.models.pixel_discriminator import PixelDiscriminator
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.models.table import (
    DISCRIMINATORS,
    GENERATORS,
    build_discriminator,
    build_generator,
)
from cyclegan_keras.models.unet_generator import UNetGenerator
from cyclegan_keras.runs.run import Run
from cyclegan_keras.weights.networks import load_networks

# The reference's name of a network -> ours; its D_A judges domain B.
_REFERENCE = {
    "G_A": "generator_g",
    "G_B": "generator_f",
    "D_A": "discriminator_y",
    "D_B": "discriminator_x",
    "G": "generator_g",
    "D": "discriminator_y",
}
_REFERENCE_FILE = re.compile(r"(?P<epoch>\w+)_net_(?P<network>G_A|G_B|D_A|D_B|G|D)")
_OWN = ("generator_g", "generator_f", "discriminator_x", "discriminator_y")


def starting_networks(places: str) -> dict[str, keras.Model]:
    """Returns the networks that `places` names, by the trainer's name of each.

    Args:
        places: one or several, separated by commas: a file (`load_networks` says which); a folder
            with files called `generator_g.keras` or, as in the reference, `latest_net_G_A.pth`; or
            the directory of an earlier run. A file whose name does not tell which network it holds
            is generator_g if it is a generator, or is given as `discriminator_x=some.pth`.

    Raises:
        WeightsError: a place that holds no network, or two places with the same one.
    """
    found: dict[str, keras.Model] = {}
    for place in places.split(","):
        name, _, path = place.strip().rpartition("=")
        for role, network in _networks_at(pathlib.Path(path).expanduser(), name).items():
            if role in found:
                raise WeightsError(f"Two files are given for {role}; the second is {path}.")
            found[role] = network
    return found


def network_options(networks: Mapping[str, keras.Model]) -> dict[str, object]:
    """Returns the fields of `NetworkOptions` that build networks of this kind.

    Raises:
        WeightsError: a network that no option builds, or two that no one option builds.
    """
    options: dict[str, object] = {}
    for role, network in networks.items():
        for field, value in _options_of(role, network).items():
            if options.setdefault(field, value) != value:
                raise WeightsError(
                    f"{role} has {field}={value!r}, another network {options[field]!r}; the "
                    "networks of a run share their options."
                )
    return options


def _networks_at(path: pathlib.Path, name: str) -> dict[str, keras.Model]:
    if not path.is_dir():
        return _named(path, load_networks(path), name)
    if (path / "options.json").exists():
        return networks_of_run(path)[1]
    files = _files_of_folder(path)
    if not files:
        raise WeightsError(
            f"{path} holds neither a run (options.json) nor files called generator_g.keras, "
            "latest_net_G_A.pth and so on."
        )
    return {role: next(iter(load_networks(file).values())) for role, file in files.items()}


def _named(path: pathlib.Path, networks: dict[str, keras.Model], name: str):
    if len(networks) == 1:
        (network,) = networks.values()
        role = name or _role_of_file(path)
        if not role and isinstance(network, (ResNetGenerator, UNetGenerator)):
            role = "generator_g"
        if role:
            return {role: network}
        raise WeightsError(
            f"{path} does not tell by its name which network it holds: write "
            f"discriminator_x={path}, for example."
        )
    roles = {_REFERENCE.get(key.removeprefix("net"), key): key for key in networks}
    if set(roles) <= set(_OWN) and not name:
        return {role: networks[key] for role, key in roles.items()}
    raise WeightsError(
        f"{path} holds the networks {list(networks)}. Import those you want by "
        "`python -m cyclegan_keras.weights import` into files of their own."
    )


def _role_of_file(path: pathlib.Path) -> str | None:
    if path.stem in _OWN:
        return path.stem
    match = _REFERENCE_FILE.fullmatch(path.stem)
    return _REFERENCE[match["network"]] if match else None


def _files_of_folder(folder: pathlib.Path) -> dict[str, pathlib.Path]:
    """Finds the file of each network, of the reference's the last epoch."""

    def age(path):
        match = _REFERENCE_FILE.fullmatch(path.stem)
        epoch = match["epoch"] if match else "latest"
        return (epoch == "latest", int(epoch) if epoch.isdecimal() else -1)

    paths = [p for p in folder.iterdir() if p.suffix in (".keras", ".pth") and _role_of_file(p)]
    return {_role_of_file(path): path for path in sorted(paths, key=age)}


def networks_of_run(
    directory: str | pathlib.Path, *, averages: bool = False
) -> tuple[int, dict[str, keras.Model]]:
    """Returns (step, networks by name) of a run's last checkpoint.

    Args:
        directory: the run's.
        averages: give generators their moving average where the run keeps one.

    Raises:
        WeightsError: the checkpoint is not one of networks known here.
        RunError: there is no checkpoint, or it cannot be read.
    """
    run = Run(directory)
    saved = run.saved_options()
    known = {field: saved[field] for field in vars(NetworkOptions()) if field in saved}
    try:
        options = NetworkOptions(**known)
        step, state = run.newest_state()
        parts = dict.fromkeys(key.split("/")[0] for key in state)
        networks = {}
        for role in (part for part in parts if part in _OWN):
            average = f"average_{role}"
            part = average if averages and average in parts else role
            networks[role] = _restored(role, part, options, state)
            if role.startswith("generator"):
                networks[role].description = Description.of_run(
                    networks[role], role, options=saved, facts=run.saved_facts(), step=step
                )
        return step, networks
    except (KeyError, ValueError, TypeError) as error:
        raise WeightsError(f"{directory} has no networks that can be used: {error}.") from error


def _restored(
    role: str, part: str, options: NetworkOptions, state: Mapping[str, np.ndarray]
) -> keras.Model:
    build = build_generator if role.startswith("generator") else build_discriminator
    channels = {"input_channels": state[f"{part}/000/kernel"].shape[-2]}
    if build is build_generator:
        channels["output_channels"] = channels["input_channels"]
    network = build(options, role, **channels)
    for index, variable in enumerate(network.variables):
        variable.assign(state[f"{part}/{index:03d}/{variable.name}"])
    return network


def _options_of(role: str, network: keras.Model) -> dict[str, object]:
    config = network.get_config()
    if isinstance(network, ResNetGenerator):
        name = f"resnet_{config['n_blocks']}blocks"
    elif isinstance(network, UNetGenerator):
        name = f"unet_{2 ** config['n_downs']}"
    elif isinstance(network, PatchDiscriminator):
        name = "basic" if config["n_layers"] == 3 else "n_layers"
    elif isinstance(network, PixelDiscriminator):
        name = "pixel"
    elif isinstance(network, MultiscaleDiscriminator):
        name = "multiscale"
    else:
        raise WeightsError(
            f"{role} is a {type(network).__name__}, which can be used but not trained here."
        )
    is_generator = name not in DISCRIMINATORS
    if is_generator and name not in GENERATORS:
        raise WeightsError(f"{role} is a {name}; --generator knows only {list(GENERATORS)}.")
    # What leaves no trace in the weights is the new training's own choice.
    own = {"init_type", "init_gain", "dropout", "test_dropout", "test_statistics"}
    shared = set(vars(NetworkOptions())) - own
    kind = "generator" if is_generator else "discriminator"
    return {kind: name, **{field: value for field, value in config.items() if field in shared}}
