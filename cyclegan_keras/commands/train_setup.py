"""What a training consists of before it computes anything, and whether it fits its run."""

import dataclasses
import os
import pathlib
from collections.abc import Iterable, Mapping
from typing import Any

import absl.logging

from cyclegan_keras.cli import flags, presets, reference_flags
from cyclegan_keras.data_doctor.options import DataCheckOptions
from cyclegan_keras.distribution.options import DistributionOptions
from cyclegan_keras.evaluation.options import SelectionOptions
from cyclegan_keras.files.errors import OptionError, RunError
from cyclegan_keras.files.paths import same_path
from cyclegan_keras.models.options import NetworkOptions
from cyclegan_keras.planning.options import PlanOptions
from cyclegan_keras.runs import moved
from cyclegan_keras.runs.options import RunOptions
from cyclegan_keras.runs.pictures import PAIRS, TRAINING, knows_pictures
from cyclegan_keras.runs.run import Run, is_compression
from cyclegan_keras.tracking.options import TrackingOptions
from cyclegan_keras.training.options import (
    METHOD_OPTIONS,
    AdversarialOptions,
    OptimizerOptions,
    augmentation_names,
)
from pipelines.options import DataOptions
from pipelines.sources import datasets

GROUPS = {
    "run": RunOptions,
    "trackers": TrackingOptions,
    "devices": DistributionOptions,
    "data": DataOptions,
    "data check": DataCheckOptions,
    "networks": NetworkOptions,
    "optimizer": OptimizerOptions,
    "selection": SelectionOptions,
    "every method": AdversarialOptions,
    **METHOD_OPTIONS,
    "plan": PlanOptions,
}

# Options that name a place of pictures -> the entries of a run's facts that say which they were.
PICTURE_OPTIONS = {"dataset": TRAINING, "pairs": PAIRS}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Setup:
    """What a training consists of before its data are read.

    Attributes:
        options: title of a group -> its options.
        chosen: what of them was chosen by the run that is continued, a preset or on the command
            line, by name.
        run_dir: where the run is kept.
        saved: the options of the run that is continued, by name; empty for a new one.
        moved: options that name another place of pictures than the run began with; what lies there
            must be compared.
        is_default_run_dir: whether `run_dir` was not typed, but follows from the data set.
        starting_networks: name -> network whose weights the training starts from; empty for random
            weights and where a run is continued.
    """

    options: dict[str, Any]
    chosen: dict[str, Any]
    run_dir: str
    saved: dict[str, Any]
    moved: tuple[str, ...]
    is_default_run_dir: bool
    starting_networks: dict[str, Any]


def resolve_options(typed: Mapping[str, Any]) -> Setup:
    """Merges the typed options with all that comes before them.

    An option comes from the last of these that has it: its own default, the method, the preset, the
    networks to start from, the run that is continued, the command line.
    """
    flags.refuse_unknown(typed, GROUPS, reference_flags.TRAIN)
    typed = dict(typed)
    if typed.get("dataset"):  # photos/ and photos are one folder
        typed["dataset"] = os.path.normpath(os.path.expanduser(typed["dataset"]))
    typed = with_ordered_augmentations(typed)
    preset = presets.PRESET_DEFAULTS.get(typed.get("preset"), {})
    run_dir = os.path.expanduser(typed.get("run_dir") or usual_directory({**preset, **typed}))
    run = Run(run_dir)
    saved = run.saved_options()
    if is_compression(saved):
        raise RunError(
            f"{run_dir} holds a compression, which compress.py --run_dir={run_dir} continues: "
            f"choose another --run_dir. To train its generators further, begin with them by "
            f"--init_from={run_dir}."
        )
    if saved:
        saved.setdefault("reader_version", 1)  # runs from before there was a second version
        if saved.get("norm") == "none":
            saved.setdefault("use_bias", True)  # runs from before there was a choice
    typed = drop_unused_init_from(typed, saved, run)
    typed = with_saved_spelling(typed, saved)
    moved_options = options_to_compare(typed, saved, run)
    may_differ = moved_options if run.last_step() else (*moved_options, "init_from")
    compared = {name: value for name, value in typed.items() if name not in may_differ}
    refuse_contradiction(compared, saved, flags.fields(GROUPS), run_dir)

    chosen = {**preset, **saved, **typed}
    method = chosen.get("method", "cyclegan")
    if preset.get("method", method) != method:
        raise OptionError(
            f"--preset={typed['preset']} is for --method={preset['method']}, not for {method}: "
            "leave one of them out."
        )
    flags.refuse_other_methods(typed, method, METHOD_OPTIONS)
    if typed.get("pairs"):
        refuse_pairs_unless_mixed(method)
    if "lambda_r1" in typed and chosen.get("d_regularization") != "r1":
        raise OptionError(
            f"--lambda_r1={typed['lambda_r1']} weighs a penalty that is off: add "
            "--d_regularization=r1, or leave --lambda_r1 out."
        )

    starting_networks, starting_options = {}, {}
    init_from = chosen.get("init_from")
    if init_from and not run.last_step():
        from cyclegan_keras.training.global_state import global_state
        from cyclegan_keras.weights import starting

        with global_state(seed=0):  # their weights are read: the seed is without effect
            starting_networks = starting.starting_networks(init_from)
        starting_options = starting.network_options(starting_networks)

    defaults = presets.defaults_of(method, {**preset, **typed})
    try:
        options = flags.resolve(
            flags.groups_of(method, GROUPS, METHOD_OPTIONS),
            {"method": method, **defaults},
            preset,
            starting_options,
            saved,
            typed,
        )
    except OptionError as error:
        # An option of the networks that nobody typed may not go with one that somebody typed.
        differing = [
            f"{name}={value!r} instead of {typed[name]!r}"
            for name, value in starting_options.items()
            if typed.get(name, value) != value
        ]
        if not differing:
            raise
        raise OptionError(
            f"--init_from does not fit the options typed: its networks have {', '.join(differing)}."
        ) from error
    return Setup(
        options=options,
        chosen=chosen,
        run_dir=run_dir,
        saved=saved,
        moved=moved_options,
        is_default_run_dir=not typed.get("run_dir"),
        starting_networks=starting_networks,
    )


def with_ordered_augmentations(typed: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the typed options with --diff_augment in the order in which it is done.

    The order typed changes nothing in a training, and so shall not make another run of it.

    Raises:
        OptionError: --diff_augment names something else.
    """
    if not isinstance(typed.get("diff_augment"), str):
        return dict(typed)
    try:
        names = augmentation_names(typed["diff_augment"])
    except ValueError as error:
        raise OptionError(str(error)) from error
    return {**typed, "diff_augment": ",".join(names) or "none"}


def drop_unused_init_from(
    typed: Mapping[str, Any], saved: Mapping[str, Any], run: Run
) -> dict[str, Any]:
    """Returns the typed options without an --init_from that a run has no more use for.

    Once a run has a checkpoint, what it began with is not read again, wherever it lies now. Before
    that nothing has been trained, and it may begin with other weights.
    """
    typed = dict(typed)
    before, now = saved.get("init_from"), typed.get("init_from")
    if not saved or now is None or now == before:
        return typed
    if not run.last_step():
        absl.logging.info(
            "%s has no checkpoint yet: it begins with --init_from=%s.", run.directory, now
        )
        return typed
    if before:
        absl.logging.info(
            "%s began with --init_from=%s and is continued; %s is not read.",
            run.directory,
            before,
            now,
        )
        del typed["init_from"]
    return typed


def with_saved_spelling(
    typed: Mapping[str, Any], saved: Mapping[str, Any], places: Iterable[str] = PICTURE_OPTIONS
) -> dict[str, Any]:
    """Returns the typed options, with a place that is that of the run spelled as in the run.

    Args:
        typed: options by name.
        saved: those of the run.
        places: which of them name a place of pictures.
    """
    spelled = dict(typed)
    for name in places:
        before, now = saved.get(name), typed.get(name)
        if before and now and same_path(before, now):
            spelled[name] = before
    return spelled


def options_to_compare(
    typed: Mapping[str, Any], saved: Mapping[str, Any], run: Run
) -> tuple[str, ...]:
    """Returns the options that name another place of pictures than a run began with.

    Those of which the run has no fingerprints are left out: they are contradictions.
    """
    facts = run.saved_facts() if saved else {}
    return tuple(
        name
        for name, folders in PICTURE_OPTIONS.items()
        if saved.get(name)
        and typed.get(name, saved[name]) != saved[name]
        and knows_pictures(facts, folders)
    )


def refuse_pairs_unless_mixed(method: str) -> None:
    """Raises OptionError unless the method can learn from some pairs among other pictures."""
    from cyclegan_keras.training.table import TRAINERS

    if not TRAINERS[method].mixes_pairs:
        mixing = ", ".join(name for name, trainer in TRAINERS.items() if trainer.mixes_pairs)
        raise OptionError(f"--pairs is for --method={mixing}, not for {method}.")


def usual_directory(chosen: Mapping[str, Any]) -> str:
    """Returns the run directory for a data set and a method, where --run_dir is not typed."""
    if "dataset" not in chosen:
        raise OptionError(
            "--dataset is missing: name a set (--dataset=cycle_gan/horse2zebra, "
            "--dataset=demo/ponies) or a folder with trainA and trainB or, for pairs, train. See "
            "--help."
        )
    dataset = chosen["dataset"]
    is_folder = dataset not in datasets.known()
    return default_directory(dataset, chosen.get("method", "cyclegan"), is_folder=is_folder)


def default_directory(dataset: str, method: str, *, is_folder: bool) -> str:
    """Returns runs/<dataset>-<method>.

    Args:
        dataset: a folder, whose own name is used, or the name of a data set, such as `set/config`.
        method: the training method.
        is_folder: whether `dataset` is a folder.
    """
    name = pathlib.Path(dataset).resolve().name if is_folder else dataset.replace("/", "-")
    return f"runs/{name}-{method}"


def refuse_contradiction(
    typed: Mapping[str, Any],
    saved: Mapping[str, Any],
    fields: Mapping[str, dataclasses.Field],
    directory: str,
) -> None:
    """Raises RunError when a typed option contradicts the run that `directory` already holds."""
    differing = [
        f"--{name}={value} (the run has {saved[name]})"
        for name, value in typed.items()
        if name in saved and saved[name] != value and not fields[name].metadata.get("may_change")
    ]
    if differing:
        raise RunError(
            f"{directory} holds a run with other options: {', '.join(differing)}. Leave them "
            "out to continue that run, or choose another --run_dir for a new one."
        )


def refuse_missing(setup: Setup) -> None:
    """Raises RunError where pictures of the run that is continued are not where they were."""
    data = setup.options["data"]
    is_named_set = data.dataset in datasets.known()
    paths = {"dataset": None if is_named_set else data.dataset, "pairs": data.pairs}
    if is_named_set and data.dataset.startswith("cycle_gan/"):
        paths["data_dir"] = data.data_dir
    for name, path in paths.items():
        is_of_run = path is not None and setup.saved.get(name) == path
        if is_of_run and not os.path.exists(os.path.expanduser(path)):
            raise RunError(
                f"{setup.run_dir} was trained with --{name}={path}, which is not there: add "
                f"--{name}=<where it lies now> to continue the run."
            )


def compare_pictures(setup: Setup, source) -> None:
    """Compares the pictures of --dataset with those of a run, where their place alone cannot tell.

    Args:
        setup: of this training.
        source: the data set, just opened.

    Raises:
        RunError: the run has been trained on other pictures.
    """
    if "dataset" in setup.moved:
        moved.check_moved(
            Run(setup.run_dir),
            "dataset",
            before=setup.saved["dataset"],
            now=setup.options["data"].dataset,
            found=source.training_facts,
        )


def run_of_same_pictures(setup: Setup, source) -> str:
    """Returns a sentence that names a run of the same pictures that is called otherwise.

    Runs are named after their data, so that a folder that was renamed would begin another. The
    sentence is "" where there is none, where a run is continued and where --run_dir is typed.
    """
    if setup.saved or not setup.is_default_run_dir or setup.options["plan"].plan:
        return ""
    run, dataset = Run(setup.run_dir), setup.options["data"].dataset
    if dataset in datasets.known() or not moved.has_neighbors(run):
        return ""
    method = setup.options["run"].method
    return moved.run_of_same_pictures(run, dataset, method, found=source.training_facts)


def compare_pairs(setup: Setup, data) -> None:
    """Raises RunError where another file of --pairs lists other pairs than those of the run."""
    if "pairs" not in setup.moved:
        return
    before = setup.saved["pairs"]
    moved.check_moved(
        Run(setup.run_dir),
        "pairs",
        before=before,
        now=data.options.pairs,
        found=data.facts(pairs_file=before)["data"],
        folders=PAIRS,
    )


def known_values(run_dir: str) -> dict | None:
    """Returns what the numbers of A and of B mean to a run; None where it is new."""
    from cyclegan_keras.images.values import Values

    values = Run(run_dir).saved_facts().get("values")
    if values is None:
        return None
    return {domain: Values.from_dict(fields) for domain, fields in values.items()}
