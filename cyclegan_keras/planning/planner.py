"""From the options of a training to what it will cost here, as text to read."""

import dataclasses
import datetime
import math
from collections.abc import Callable, Mapping, Sequence

from absl import logging

from cyclegan_keras.cli import presets
from cyclegan_keras.models.resnet_generator import ResNetGenerator
from cyclegan_keras.planning import advice, costs, devices, measuring
from cyclegan_keras.planning.advice import Estimate, PlannedTraining
from cyclegan_keras.training.options import CUTOptions
from cyclegan_keras.training.table import TRAINERS

SECONDS = 12.0  # of steps for each way to train, beside what prepares them
GB = 1e9
DAYS_FROM = 48 * 3600  # seconds from which a time is written in days

# The ways to train that are measured by themselves.
AS_TYPED = "this training"
OTHER_REMAT = "--remat"
FASTCUT = "--method=fastcut"


@dataclasses.dataclass(frozen=True)
class Plan:
    """What a training will cost.

    Attributes:
        text: to read.
        fits: whether the training fits as it was typed.
    """

    text: str
    fits: bool


def plan(options: Mapping, data, trainer) -> Plan:
    """Measures small steps and estimates what the training, and what others, will cost.

    Args:
        options: of the training, by group, all of them definite.
        data: the pictures (`pipelines.data.Data`).
        trainer: ready to train with them.

    Raises:
        PlanError: nothing could be measured.
    """
    # ---- what is asked for ----
    own_bytes = devices.process_bytes()
    device, free_bytes, on_gpu = devices.capacity()
    max_gb = options["plan"].max_memory_gb
    limit = min(free_bytes, max_gb * GB) if max_gb else free_bytes
    training = planned_training(options, data, trainer)
    ways = ways_to_measure(options, data, trainer)

    # ---- measurements ----
    logging.info("Preparing to measure small steps on this device (%s), a minute or two.", device)
    shapes = costs.shapes_to_measure(training.shape, training.multiple, training.smallest)
    found = measuring.measure({name: _spec(way, shapes, data.shapes) for name, way in ways.items()})

    # ---- estimates ----
    if not on_gpu:  # main memory that this process takes and a measuring one does not
        training = dataclasses.replace(
            training,
            process_bytes=max(0.0, own_bytes - found.built_bytes),
            cached_bytes=data.cached_bytes(),
        )
    of_typed, of_other_remat = found.costs[AS_TYPED], found.costs.get(OTHER_REMAT)
    typed = advice.estimate(of_typed, training)
    others = advice.same_training(training, of_typed, of_other_remat, limit)
    others += advice.smaller_training(training, of_typed, limit, crop_flags(data.options))
    if FASTCUT in found.costs:
        fastcut = dataclasses.replace(training, pool_pictures=0, epochs=_epochs(ways[FASTCUT]))
        others.append(advice.estimate(found.costs[FASTCUT], fastcut, FASTCUT, same=False))
    chosen = advice.best(typed, others, limit)

    # ---- text ----
    kind = "GPU" if on_gpu else "main"
    memory = f"{device}: {free_bytes / GB:.1f} GB of {kind} memory free"
    if max_gb:
        memory += f", --max_memory_gb={max_gb:g}"
    text = [
        _heading(options, data, training),
        f"{memory}.",
        "",
        table(typed, others, limit),
        "",
        verdict(typed, chosen, limit, datetime.datetime.now()),
    ]
    return Plan("\n".join(text), fits=chosen is typed)


def planned_training(options: Mapping, data, trainer) -> PlannedTraining:
    """Returns the numbers of a training on which its cost depends."""
    run, networks = options["run"], trainer.networks.values()
    width, height = max(data.sizes, key=math.prod)
    parameters = sum(math.prod(variable.shape) for variable in trainer.generator_variables)
    return PlannedTraining(
        shape=(data.options.batch_size, height, width),
        parts=run.accumulate_steps,
        remat=run.remat,
        steps_per_epoch=run.steps_per_epoch,
        steps_fixed=run.steps_per_epoch != data.steps_per_epoch,
        epochs=_epochs(options),
        multiple=max(network.size_multiple for network in networks),
        smallest=max(network.smallest_size for network in networks),
        pool_pictures=2 * vars(options[run.method]).get("pool_size", 0),
        pool_channels=(data.shapes["x"][-1] + data.shapes["y"][-1]) / 2,
        gradient_bytes=float(advice.FLOAT_BYTES * parameters),
    )


def ways_to_measure(options: Mapping, data, trainer) -> dict[str, Mapping]:
    """Returns the options of each way to train that must be measured by itself."""
    ways = {AS_TYPED: options}
    generators = [trainer.networks[name] for name in trainer.translators.values()]
    if can_remat(trainer):
        run = dataclasses.replace(options["run"], remat=not options["run"].remat)
        ways[OTHER_REMAT] = dict(options, run=run)
    is_unpaired_resnet = not trainer.needs_pairs and isinstance(generators[0], ResNetGenerator)
    if is_unpaired_resnet and options["run"].method != "fastcut":
        ways[FASTCUT] = as_fastcut(options, data)
    return ways


def can_remat(trainer) -> bool:
    """Returns whether the generators of a trainer can compute inner values again."""
    return all(
        isinstance(generator, ResNetGenerator)
        and not generator.dropout
        and generator.norm != "batch"
        for generator in (trainer.networks[name] for name in trainer.translators.values())
    )


def as_fastcut(options: Mapping, data) -> dict:
    """Returns the options of FastCUT for the same training.

    Options that have the default of their method take FastCUT's default; the others stay as typed.
    """
    method = options["run"].method
    networks = options["networks"]
    typed_upsample = {} if networks.upsample == "transpose" else {"upsample": networks.upsample}
    fastcut_defaults = presets.defaults_of("fastcut", typed_upsample)
    method_defaults = {"generator": TRAINERS[method].usual_generator(data.sizes)}
    method_defaults.update(presets.METHOD_DEFAULTS[method])

    def with_fastcut_defaults(group):
        changes = {}
        for field in dataclasses.fields(group):
            default = method_defaults.get(field.name, field.default)
            if field.name in fastcut_defaults and getattr(group, field.name) == default:
                changes[field.name] = fastcut_defaults[field.name]
        return dataclasses.replace(group, **changes)

    objective = {}
    for field in dataclasses.fields(CUTOptions):
        if field.name in fastcut_defaults:
            objective[field.name] = fastcut_defaults[field.name]
        elif hasattr(options[method], field.name):
            objective[field.name] = getattr(options[method], field.name)
    changed = dict(options)
    changed["run"] = dataclasses.replace(options["run"], method="fastcut")
    changed["networks"] = with_fastcut_defaults(networks)
    changed["optimizer"] = with_fastcut_defaults(options["optimizer"])
    changed["fastcut"] = CUTOptions(**objective)
    return changed


def _epochs(options: Mapping) -> int:
    return options["optimizer"].n_epochs + options["optimizer"].n_epochs_decay


def crop_flags(data_options) -> Callable[[int], str]:
    """Returns a function from a side in pixels to what is typed for crops of that side."""
    preprocess_flags = {
        "none": "--preprocess=crop ",
        "scale_width": "--preprocess=scale_width_and_crop ",
        "scale_shortside": "--preprocess=scale_shortside_and_crop ",
    }
    preprocess = preprocess_flags.get(data_options.preprocess, "")
    return lambda side: f"{preprocess}--crop_size={side}"


def _spec(options: Mapping, shapes, picture_shapes: Mapping) -> dict:
    """Returns what a measuring process is given, ready for JSON.

    Args:
        options: of the training, by group.
        shapes: to choose from, (batch, height, width).
        picture_shapes: {"x", "y"}, (height, width, channels).
    """
    run = options["run"]
    return {
        "run": dataclasses.asdict(run),
        "objective": dataclasses.asdict(options[run.method]),
        "networks": dataclasses.asdict(options["networks"]),
        "optimizer": dataclasses.asdict(options["optimizer"]),
        "channels": {side: shape[-1] for side, shape in picture_shapes.items()},
        "shapes": shapes,
        "seconds": SECONDS,
    }


# ---- text ----

HEADINGS = ("", "s/step", "images/s", "an epoch", "in all", "memory", "fits", "")


def _heading(options: Mapping, data, training: PlannedTraining) -> str:
    run, networks = options["run"], options["networks"]
    batch, height, width = training.shape
    x_shape, y_shape = data.shapes["x"], data.shapes["y"]
    several = "up to " if x_shape[0] is None else ""
    channels = ""
    if (x_shape[-1], y_shape[-1]) != (3, 3):
        channels = f"{x_shape[-1]} to {y_shape[-1]} channels, "
    precision = f"mixed_{run.mixed_precision}" if run.mixed_precision else "float32"
    return (
        f"{run.method} on {data.name}: {networks.generator}, ngf {networks.ngf}, "
        f"{several}{width}x{height} px, {channels}batches of {batch}, {precision}, "
        f"{training.steps_per_epoch} steps an epoch, {training.epochs} epochs."
    )


def duration(seconds: float) -> str:
    """Returns a time as one reads it.

    Example:
        >>> [duration(seconds) for seconds in (40, 720, 12600, 708480)]
        ['40 s', '12 min', '3.5 h', '8.2 days']
    """
    if seconds < 100:
        unit, size = "s", 1
    elif seconds < 6000:
        unit, size = "min", 60
    elif seconds < DAYS_FROM:
        unit, size = "h", 3600
    else:
        unit, size = "days", 86400
    digits = 0 if seconds >= 10 * size else 1
    return f"{seconds / size:.{digits}f} {unit}"


def table(typed: Estimate, others: Sequence[Estimate], limit: float) -> str:
    """Returns the estimates as a table with aligned columns; `limit` in bytes."""
    rows = [HEADINGS, _cells(typed, limit)]
    rows += [_cells(other, limit) for other in others]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        for column in range(1, len(HEADINGS) - 1):
            cells.append(row[column].rjust(widths[column]))
        cells.append(row[-1])
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _cells(estimate: Estimate, limit: float) -> tuple[str, ...]:
    note = "measured" if estimate.measured else "estimated"
    if not estimate.same:
        note += ", another training"
    return (
        estimate.change or "as typed",
        f"{estimate.seconds:.3g}",
        f"{estimate.images / estimate.seconds:.3g}",
        duration(estimate.epoch_seconds),
        duration(estimate.total_seconds),
        f"{estimate.peak / GB:.2f} GB",
        "yes" if estimate.peak <= limit else "no",
        note,
    )


def verdict(typed: Estimate, chosen: Estimate | None, limit: float, now: datetime.datetime) -> str:
    """Returns the last sentence: what to type, or that nothing fits."""
    limit_gb = f"{limit / GB:.2f} GB"
    if chosen is None:
        return (
            f"Nothing here fits {limit_gb}: change several things at once, or take fewer "
            "channels (--ngf, --ndf)."
        )
    end = now + datetime.timedelta(seconds=min(chosen.total_seconds, 1e10))
    style = "%Y-%m-%d at %H:%M" if chosen.total_seconds < DAYS_FROM else "%Y-%m-%d"
    when = f"Started now, it would end on {end:{style}}."
    memory = f"{chosen.peak / GB:.2f} of {limit_gb}"
    if chosen is typed:
        return f"Fits as typed: {memory}. {when}"
    times = chosen.total_seconds / typed.total_seconds
    cost = "in the same time" if abs(times - 1) < 0.05 else f"{times:.2g} times the time"
    what = "Fits with" if chosen.same else "Fits only as another training, with"
    return f"{what} {chosen.change}: {memory}, {cost}. {when}"
