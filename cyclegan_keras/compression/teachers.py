"""The generators that are to become smaller, and what is known of their training."""

import dataclasses
import functools
import hashlib
import pathlib
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np

from cyclegan_keras.compression.shapes import Shape
from cyclegan_keras.files.direction import Direction
from cyclegan_keras.files.errors import CompressionError
from cyclegan_keras.hub import fetching
from cyclegan_keras.models.description import describe
from cyclegan_keras.runs.networks import networks_of_run
from cyclegan_keras.runs.sources import find_source
from cyclegan_keras.training.gradient_steps import engine
from cyclegan_keras.translation.opening import open_generators
from cyclegan_keras.weights.networks import split_network
from cyclegan_keras.weights.starting import split_role
from cyclegan_keras.weights.tensorflow_bundle import index_file

# What generators of one kind need not share.
_OWN = ("name", "input_channels", "output_channels", "init_type", "init_gain")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Teachers:
    """The generators of a model, one or both directions of one kind.

    Attributes:
        model: as it was named on the command line.
        name: of the run or the file, without its ending.
        networks: by direction.
        discriminators: of the model's run, by role; empty where it has none.
        step: of their training; None where that is not known.
        trained_with: the options of their training, by name; empty where they are not known.
    """

    model: str
    name: str
    networks: dict[Direction, keras.Model]
    discriminators: dict[str, keras.Model]
    step: int | None
    trained_with: Mapping[str, Any]

    @functools.cached_property
    def digests(self) -> dict[str, str]:
        """The digest of each network's weights, by direction as JSON spells it, computed once."""
        return {
            str(direction): digest_of_weights(network)
            for direction, network in self.networks.items()
        }

    @functools.cached_property
    def translate(self) -> dict[Direction, Callable[[np.ndarray], np.ndarray]]:
        """What translates batches of any size by each network, compiled once."""
        return {direction: translating(network) for direction, network in self.networks.items()}

    @property
    def any_network(self) -> keras.Model:
        """One of the networks, for what they have in common."""
        return next(iter(self.networks.values()))


def open_teachers(model: str, *, with_discriminators: bool = False) -> Teachers:
    """Opens a model that is to be compressed; of a run, the moving averages where it keeps them.

    Args:
        model: a run, a step of one, a file or several, as `open_generators` takes them.
        with_discriminators: whether to read those of a run, too.

    Raises:
        CompressionError: there is no such model, or it is of a kind that cannot be compressed.
        TranslationError, WeightsError, RunError: a file or a run that cannot be read, or that holds
            no generator.
    """
    refuse_exports(fetching.local(model))
    networks = open_generators(model)
    for network in networks.values():
        Shape.of(network)
    description = next(iter(networks.values())).description
    discriminators = {}
    source = find_source(model)
    if with_discriminators and source is not None:
        discriminators = {
            role: network
            for role, network in networks_of_run(source).networks.items()
            if role.startswith("discriminator")
        }
    return Teachers(
        model=model,
        name=name_of(model),
        networks=networks,
        discriminators=discriminators,
        step=description.step,
        trained_with=dict(description.training.get("options", {})),
    )


def refuse_different_kinds(teachers: Teachers) -> None:
    """Raises CompressionError where the generators of both directions are built differently.

    Channels of the pictures may differ.
    """
    kinds = set()
    for network in teachers.networks.values():
        config = network.get_config()
        kinds.add(repr([(name, config[name]) for name in sorted(config) if name not in _OWN]))
    if len(kinds) > 1:
        networks = " and ".join(describe(each) for each in teachers.networks.values())
        raise CompressionError(
            f"--model={teachers.model} holds {networks}: students of one run are built alike, so "
            "compress one at a time by --direction=AtoB and --direction=BtoA."
        )


def name_of(model: str) -> str:
    """Returns what files that are made of a model are called by default.

    Example:
        >>> name_of("weights/horse.pth@netG")
        'horse'
    """
    of_hub = fetching.name_of(model)
    if of_hub is not None:
        return of_hub
    source = find_source(model)
    if source is not None:
        return source.name
    path, _ = split_network(split_role(model.split(",")[0])[1])
    return path.resolve().name if path.is_dir() else path.stem


def refuse_exports(model: str) -> None:
    """Raises CompressionError where there is no such model, or one that was exported."""
    path = pathlib.Path(model).expanduser()
    if path.suffix == ".tflite" and path.exists():
        raise CompressionError(
            f"--model={model} is a .tflite file, whose weights no network here can take: give the "
            "run or the file that it was exported from."
        )
    if (path / "saved_model.pb").is_file() or any(path.glob("*/saved_model.pb")):
        raise CompressionError(
            f"--model={model} is a SavedModel, a graph without a network's weights by name: give "
            "the run or the file that it was exported from."
        )
    if find_source(model) is None and "," not in model:
        file, _ = split_network(split_role(model)[1])
        if not (file.exists() or index_file(file).exists()):
            raise CompressionError(
                f"--model={model} does not exist: give a run's directory or <run>@<step>, or a "
                ".keras, .pth, .ckpt or .safetensors file."
            )


def digest_of_weights(network: keras.Model) -> str:
    """Returns a SHA-256 over the weights of a network, in whichever file they lie."""
    digest = hashlib.sha256(describe(network).encode())
    for weight in network.get_weights():
        digest.update(weight.tobytes())
    return digest.hexdigest()


def translating(network: keras.Model) -> Callable[[np.ndarray], np.ndarray]:
    """Returns what translates batches of any size by a network, compiled."""
    translate = engine.compiled(network)
    return lambda images: np.asarray(translate(images))
