"""The networks of a run: read from a checkpoint or a snapshot, or written as .keras files."""

import pathlib
import shutil
from collections.abc import Mapping
from typing import Any, NamedTuple

import keras
import numpy as np

from cyclegan_keras.files.atomic import atomic_write
from cyclegan_keras.files.errors import WeightsError
from cyclegan_keras.files.writing import writing
from cyclegan_keras.models.description import Description
from cyclegan_keras.models.keras_file import load_keras
from cyclegan_keras.models.options import NetworkOptions
from cyclegan_keras.models.table import build_discriminator, build_generator
from cyclegan_keras.runs.run import Run
from cyclegan_keras.runs.sources import RunSource, find_source

ROLES = ("generator_g", "generator_f", "discriminator_x", "discriminator_y")


class TrainedNetworks(NamedTuple):
    """The networks of a checkpoint.

    Attributes:
        step: of training.
        networks: by role, some of `ROLES`.
    """

    step: int
    networks: dict[str, keras.Model]


def network_options(saved: Mapping[str, Any]) -> NetworkOptions:
    """Returns the networks' options among all those of a run; what it did not save has its default.

    Args:
        saved: option -> value, as in options.json.
    """
    found = {name: saved[name] for name in vars(NetworkOptions()) if name in saved}
    return NetworkOptions(**found)


def networks_of_run(
    source: str | pathlib.Path | RunSource, *, averages: bool = False
) -> TrainedNetworks:
    """Builds the networks that a run keeps of its newest checkpoint or of another step.

    Args:
        source: the run's directory, or what else `find_source` knows. A snapshot holds generators
            only, as their moving averages where the run keeps them.
        averages: give generators their moving average where the run keeps one.

    Raises:
        WeightsError: the checkpoint is not one of networks known here.
        RunError: there is no checkpoint, or it cannot be read.
    """
    if not isinstance(source, RunSource):
        source = find_source(source) or RunSource(directory=pathlib.Path(source))
    if source.file is not None and source.file.is_dir():
        return _networks_of_snapshot(source.file)
    directory = source.directory
    run = Run(directory)
    saved = run.saved_options()
    try:
        options = network_options(saved)
        step, state = run.newest_state() if source.file is None else run.state_in(source.file)
        parts = {key.split("/")[0] for key in state}
        networks = {}
        for role in ROLES:
            if role not in parts:
                continue
            average = f"average_{role}"
            part = average if averages and average in parts else role
            networks[role] = _build(
                role,
                part,
                options=options,
                channels={"x": saved.get("input_nc"), "y": saved.get("output_nc")},
                state=state,
            )
            if role.startswith("generator"):
                networks[role].description = Description.of_run(
                    networks[role], role, options=saved, facts=run.saved_facts(), step=step
                )
        return TrainedNetworks(step, networks)
    except (KeyError, ValueError, TypeError) as error:
        raise WeightsError(f"{directory} has no networks that can be used: {error}.") from error


def _networks_of_snapshot(folder: pathlib.Path) -> TrainedNetworks:
    networks = {
        role: load_keras(folder / f"{role}.keras")
        for role in ROLES
        if (folder / f"{role}.keras").exists()
    }
    if not networks:
        raise WeightsError(f"{folder} holds no generator_g.keras.")
    return TrainedNetworks(int(folder.name.removeprefix("step_")), networks)


def _build(
    role: str,
    part: str,
    *,
    options: NetworkOptions,
    channels: Mapping[str, int | None],
    state: Mapping[str, np.ndarray],
) -> keras.Model:
    """Returns the network of a role, with the weights that the checkpoint keeps.

    Args:
        role: one of `ROLES`.
        part: under which name the checkpoint keeps it.
        options: of the networks.
        channels: {"x", "y"}, of the pictures; None in runs that do not say, whose pictures have all
            as many as the first kernel takes.
        state: what the checkpoint holds.
    """
    seen_channels = state[f"{part}/000/kernel"].shape[-2]
    if role.startswith("generator"):
        source, target = ("x", "y") if role == "generator_g" else ("y", "x")
        network = build_generator(
            options,
            role,
            input_channels=channels[source] or seen_channels,
            output_channels=channels[target] or seen_channels,
        )
    else:
        network = build_discriminator(options, role, input_channels=seen_channels)
    for index, variable in enumerate(network.variables):
        name = f"{part}/{index:03d}/{variable.name}"
        value = state[name]
        if value.shape != variable.shape:  # Keras would print the whole value
            raise ValueError(
                f"options.json asks for {name} of {tuple(variable.shape)}, the checkpoint holds "
                f"{value.shape}"
            )
        variable.assign(value)
    return network


def save_generator(trainer, run: Run, direction: str, path: pathlib.Path) -> None:
    """Writes a trainer's generator with its description.

    Args:
        trainer: what has trained it.
        run: its run.
        direction: the trainer's name of the direction, "x_to_y" or "y_to_x".
        path: the .keras file.
    """
    generator = trainer.generator(direction)
    generator.description = Description.of_run(
        generator,
        trainer.translators[direction],
        options=run.saved_options(),
        facts=run.saved_facts(),
        step=trainer.step,
    )
    generator.save(path)


def save_snapshot(trainer, run: Run) -> pathlib.Path:
    """Writes the generators as they are now to a folder of their own; returns the folder.

    The folder appears when all of them are written. One of the same step, as a training that
    continues from before it finds, is replaced.

    Args:
        trainer: what trains them.
        run: its run.

    Raises:
        WriteError: the disk is full or not writable; no half of a folder is left.
    """
    folder = run.snapshot(trainer.step)
    partial = folder.with_name(f".{folder.name}.partial")
    with writing(folder):
        try:
            partial.mkdir(parents=True, exist_ok=True)
            for direction, name in trainer.translators.items():
                with atomic_write(partial / f"{name}.keras") as temporary:
                    save_generator(trainer, run, direction, path=temporary)
            if folder.exists():
                for file in partial.iterdir():
                    file.replace(folder / file.name)
            else:
                partial.rename(folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return folder


def save_generators(trainer, run: Run) -> str:
    """Writes generator_g.keras and, for two-way methods, generator_f.keras; returns where."""
    lines = []
    for direction, name in trainer.translators.items():
        with atomic_write(run.directory / f"{name}.keras") as temporary:
            save_generator(trainer, run, direction, path=temporary)
        lines.append(f"Generator {direction.replace('_', ' ')}: {run.directory / name}.keras")
    if (run.directory / "best" / "best.json").exists():
        lines.append(f"The best ones, and by which rule: {run.directory / 'best'}")
    return "\n".join(lines)
