"""From the options of a training to what it will cost here."""

import dataclasses
import datetime
import math
from collections.abc import Callable, Mapping

from absl import logging

from cyclegan_keras.cli import presets
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.planning import advice, costs, devices, processes, wording
from cyclegan_keras.planning.advice import Row, Wanted
from cyclegan_keras.planning.costs import Cost
from cyclegan_keras.training.options import CUTOptions
from cyclegan_keras.training.table import TRAINERS

SECONDS = 12.0  # of steps for each way to train, beside what prepares them
TYPED, REMAT, ONE_WAY = "this training", "--remat", "--method=fastcut"


def plan(options: Mapping, data, trainer) -> tuple[str, bool]:
    """Measures, and tells the plan.

    Args:
        options: of the training, by group, all of them definite.
        data: the pictures (`pipelines.data.Data`).
        trainer: ready to train with them.

    Returns:
        The text, and whether the training fits as it was typed.

    Raises:
        PlanError: nothing could be measured.
    """
    own = devices.process_bytes()
    device, there, on_gpu = devices.capacity()
    asked = options["plan"].max_memory_gb
    limit = min(there, asked * wording.GB) if asked else there
    wanted = wanted_of(options, data, trainer)
    ways = ways_of(options, data, trainer)
    logging.info("Preparing to measure small steps on this device (%s), a minute or two.", device)
    shapes = costs.ladder(wanted.shape, wanted.multiple, wanted.smallest)
    found, built = processes.measure({way: _spec(each, shapes) for way, each in ways.items()})
    if not on_gpu:  # main memory that this process takes and a measuring one does not
        beside = {"process_bytes": max(0.0, own - built), "cached_bytes": data.cached_bytes()}
        wanted = dataclasses.replace(wanted, **beside)

    typed = advice.row(found[TYPED], wanted)
    others = advice.same_training(wanted, found[TYPED], found.get(REMAT), limit)
    others += advice.smaller_training(wanted, found[TYPED], limit, _crop_flag(data.options))
    if ONE_WAY in found:
        others.append(_one_way_row(found[ONE_WAY], wanted, ways[ONE_WAY]))
    chosen = advice.best(typed, others, limit)
    text = [
        _heading(options, data, wanted),
        f"{device}: {there / wording.GB:.1f} GB of {'GPU' if on_gpu else 'main'} memory free"
        + (f", --max_memory_gb={asked:g}." if asked else "."),
        "",
        wording.table(typed, others, limit),
        "",
        wording.verdict(typed, chosen, limit, datetime.datetime.now()),
    ]
    return "\n".join(text), chosen is typed


def wanted_of(options: Mapping, data, trainer) -> Wanted:
    """Returns the numbers that the plan of a training is made of."""
    run, networks = options["run"], trainer.networks.values()
    width, height = max(data.sizes, key=math.prod)
    return Wanted(
        shape=(data.options.batch_size, height, width),
        parts=run.accumulate_steps,
        remat=run.remat,
        steps_per_epoch=run.steps_per_epoch,
        steps_fixed=run.steps_per_epoch != data.steps_per_epoch,
        epochs=_epochs(options),
        multiple=max(network.size_multiple for network in networks),
        smallest=max(network.smallest_size for network in networks),
        pool_pictures=2 * vars(options[run.method]).get("pool_size", 0),
        gradient_bytes=4.0 * sum(math.prod(v.shape) for v in trainer.generator_variables),
    )


def ways_of(options: Mapping, data, trainer) -> dict[str, Mapping]:
    """Returns the options of each way to train that must be measured by itself."""
    ways = {TYPED: options}
    generators = [trainer.networks[name] for name in trainer.translators.values()]
    if all(
        isinstance(each, ResNetGenerator) and not each.dropout and each.norm != "batch"
        for each in generators
    ):
        run = dataclasses.replace(options["run"], remat=not options["run"].remat)
        ways[REMAT] = {**options, "run": run}
    unpaired = not trainer.needs_pairs and isinstance(generators[0], ResNetGenerator)
    if unpaired and options["run"].method != "fastcut":
        ways[ONE_WAY] = as_fastcut(options, data)
    return ways


def as_fastcut(options: Mapping, data) -> dict:
    """Returns the options of FastCUT where others are as its method's own; the rest as typed."""
    method = options["run"].method
    networks, schedule = options["networks"], options["optimizer"]
    chosen = {} if networks.upsample == "transpose" else {"upsample": networks.upsample}
    own = presets.defaults_of("fastcut", chosen)
    usual = {
        "generator": TRAINERS[method].usual_generator(data.sizes),
        **presets.METHOD_DEFAULTS[method],
    }

    def changed(group):
        defaults = {f.name: usual.get(f.name, f.default) for f in dataclasses.fields(group)}
        kept = vars(group)
        names = [n for n in own if n in defaults and kept[n] == defaults[n]]
        return dataclasses.replace(group, **{name: own[name] for name in names})

    names = {field.name for field in dataclasses.fields(CUTOptions)}
    inherited = {k: v for k, v in vars(options[method]).items() if k in names}
    return {
        **options,
        "run": dataclasses.replace(options["run"], method="fastcut"),
        "networks": changed(networks),
        "optimizer": changed(schedule),
        "fastcut": CUTOptions(**{**inherited, **{k: v for k, v in own.items() if k in names}}),
    }


def _one_way_row(cost: Cost, wanted: Wanted, options: Mapping) -> Row:
    changed = dataclasses.replace(wanted, pool_pictures=0, epochs=_epochs(options))
    return advice.row(cost, changed, ONE_WAY, same=False)


def _epochs(options: Mapping) -> int:
    return options["optimizer"].n_epochs + options["optimizer"].n_epochs_decay


def _crop_flag(options) -> Callable[[int], str]:
    """Returns what to type for a crop of so many pixels; `options` are the data's."""
    words = {
        "none": "--preprocess=crop ",
        "scale_width": "--preprocess=scale_width_and_crop ",
        "scale_shortside": "--preprocess=scale_shortside_and_crop ",
    }
    return lambda side: f"{words.get(options.preprocess, '')}--crop_size={side}"


def _heading(options: Mapping, data, wanted: Wanted) -> str:
    run, networks = options["run"], options["networks"]
    batch, height, width = wanted.shape
    several = "up to " if data.picture_shape is None else ""
    precision = f"mixed_{run.mixed_precision}" if run.mixed_precision else "float32"
    return (
        f"{run.method} on {data.name}: {networks.generator}, ngf {networks.ngf}, "
        f"{several}{width}x{height} px, batches of {batch}, {precision}, "
        f"{wanted.steps_per_epoch} steps an epoch, {wanted.epochs} epochs."
    )


def _spec(options: Mapping, shapes) -> dict:
    run = options["run"]
    return {
        "run": dataclasses.asdict(run),
        "objective": dataclasses.asdict(options[run.method]),
        "networks": dataclasses.asdict(options["networks"]),
        "optimizer": dataclasses.asdict(options["optimizer"]),
        "shapes": shapes,
        "seconds": SECONDS,
    }
