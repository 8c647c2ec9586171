"""Trains an image-to-image translator: options -> data -> trainer -> fit -> save.

python train.py --dataset=cycle_gan/horse2zebra
"""

import dataclasses
import json
import os
from collections.abc import Mapping

import absl.logging

from cyclegan_keras.cli import backends, flags, presets
from cyclegan_keras.cli.console import Interruption, run_command
from cyclegan_keras.distribution.options import DistributionOptions
from cyclegan_keras.evaluation.options import SelectionOptions
from cyclegan_keras.files.errors import OptionError
from cyclegan_keras.models.options import NetworkOptions
from cyclegan_keras.planning.options import PlanOptions
from cyclegan_keras.runs import run as runs
from cyclegan_keras.runs.options import RunOptions
from cyclegan_keras.training.options import METHOD_OPTIONS, AdversarialOptions, OptimizerOptions
from pipelines.options import DataOptions
from pipelines.sources import datasets

GROUPS = {
    "run": RunOptions,
    "devices": DistributionOptions,
    "data": DataOptions,
    "networks": NetworkOptions,
    "optimizer": OptimizerOptions,
    "selection": SelectionOptions,
    "every method": AdversarialOptions,
    **METHOD_OPTIONS,
    "plan": PlanOptions,
}


def run(**options) -> int:
    """Trains, as `train.py` does with the same options.

    Args:
        **options: by name, as in docs/options.md; what is left out has its default.

    Returns:
        The exit code of the command: 0 where the training has come to its end, 128 + the signal
        where one ended it early; the same call then continues it.

    Raises:
        UserError: what was given cannot be used, or the training failed; the message says why.

    Example:
        from cyclegan_keras.commands import train
        train.run(dataset="photos", crop_size=128, n_epochs=50)
    """
    return train(options)


def main(argv: list[str]) -> int:
    """Runs the command; expected errors print one line and exit with code 2."""
    return run_command(argv, train, GROUPS, __doc__)


def train(typed: Mapping[str, object]) -> int:
    """Trains from the options typed, by name; returns the exit code."""
    backends.check_environment()
    if typed.get("dry_run"):
        options, run_dir, _ = resolve_options(typed)
        print(json.dumps({**flags.flatten(options), "run_dir": run_dir}, indent=2))
        return 0

    # Other workers are joined before TensorFlow computes anything, and it may do so from here on.
    from cyclegan_keras.distribution import devices

    joined = devices.join(typed)
    options, run_dir, starting_networks = resolve_options(typed)
    if options["plan"].plan:
        from cyclegan_keras.planning.devices import share_devices

        share_devices()
    set_global_state(options["run"])

    from cyclegan_keras.training.table import TRAINERS
    from pipelines.data import Data

    # ---- data ----
    data = Data(
        options["data"],
        seed=options["run"].seed,
        paired=TRAINERS[options["run"].method].needs_pairs,
    )
    absl.logging.info(data.describe())
    options = fill_in(options, data)

    # ---- devices and trainer ----
    team = devices.form_team(
        options["devices"],
        joined,
        data.options.batch_size,
        jit_compile=options["run"].jit_compile,
    )
    team.check_same(flags.flatten(options, saved_only=True), data.facts())
    with team.scope():
        trainer = build_trainer(options, data)
    if options["plan"].plan:
        from cyclegan_keras.planning.planner import plan

        found = plan(options, data, trainer)
        print(found.text)
        return 0 if found.fits else 1
    if starting_networks:
        print(start_from(trainer, starting_networks))

    # ---- training ----
    run = runs.Run(run_dir, options["run"].keep_checkpoints)
    if not team.is_chief:  # the chief alone writes files
        return train_to_the_end(run, trainer, data, options, team)
    run.create()
    with run.locked():
        run.save_options(flags.flatten(options, saved_only=True))
        run.note_facts(data.facts())
        return train_to_the_end(run, trainer, data, options, team)


def resolve_options(typed: Mapping[str, object]) -> tuple[dict, str, dict]:
    """Returns the options by group, the run directory, and the networks to start from.

    Later ones win: defaults of the options, of the method, of the preset, of the networks to start
    from, of the run being continued, and what was typed.
    """
    typed = dict(typed)
    if typed.get("dataset"):  # photos/ and photos are one folder
        typed["dataset"] = os.path.normpath(os.path.expanduser(typed["dataset"]))
    preset = presets.PRESET_DEFAULTS.get(typed.get("preset"), {})
    run_dir = os.path.expanduser(typed.get("run_dir") or usual_directory({**preset, **typed}))
    run = runs.Run(run_dir)
    saved = run.saved_options()
    runs.refuse_contradiction(typed, saved, flags.fields(GROUPS), run_dir)

    method = {"method": "cyclegan", **preset, **saved, **typed}["method"]
    if preset.get("method", method) != method:
        raise OptionError(
            f"--preset={typed['preset']} is for --method={preset['method']}, not for {method}: "
            "leave one of them out."
        )
    flags.refuse_other_methods(typed, method, METHOD_OPTIONS)
    if typed.get("pairs"):
        refuse_pairs_unless_mixed(method)

    starting_networks, built = {}, {}
    init_from = {**saved, **typed}.get("init_from")
    if init_from and not run.last_step():
        from cyclegan_keras.weights import starting

        starting_networks = starting.starting_networks(init_from)
        built = starting.network_options(starting_networks)

    defaults = presets.defaults_of(method, {**preset, **typed})
    options = flags.resolve(
        flags.groups_of(method, GROUPS, METHOD_OPTIONS),
        {"method": method, **defaults},
        preset,
        built,
        saved,
        typed,
    )
    return options, run_dir, starting_networks


def refuse_pairs_unless_mixed(method: str) -> None:
    """Raises OptionError unless the method can learn from some pairs among other pictures."""
    from cyclegan_keras.training.table import TRAINERS

    if not TRAINERS[method].mixes_pairs:
        mixing = ", ".join(name for name, trainer in TRAINERS.items() if trainer.mixes_pairs)
        raise OptionError(f"--pairs is for --method={mixing}, not for {method}.")


def usual_directory(chosen: Mapping[str, object]) -> str:
    """Returns where a run is kept when --run_dir does not say so."""
    if "dataset" not in chosen:
        raise OptionError(
            "--dataset is missing: name a set (--dataset=cycle_gan/horse2zebra, "
            "--dataset=demo/ponies) or a folder with trainA and trainB or, for pairs, train. See "
            "--help."
        )
    dataset = chosen["dataset"]
    is_folder = dataset not in datasets.known()
    return runs.default_directory(dataset, chosen.get("method", "cyclegan"), is_folder=is_folder)


def set_global_state(options: RunOptions) -> None:
    """Seeds, determinism and precision: what Keras and its backend keep globally."""
    import keras

    backends.prepare(deterministic=options.deterministic)
    keras.utils.set_random_seed(options.seed)
    if options.mixed_precision:
        keras.config.set_dtype_policy(f"mixed_{options.mixed_precision}")


def fill_in(options: dict, data) -> dict:
    """Returns the options with what was automatic made definite, now that the data are known."""
    from cyclegan_keras.training.table import TRAINERS

    run_options, network_options = options["run"], options["networks"]
    if run_options.steps_per_epoch is None:
        run_options = dataclasses.replace(run_options, steps_per_epoch=data.steps_per_epoch)
    if network_options.generator is None:
        generator = TRAINERS[run_options.method].usual_generator(data.sizes)
        network_options = dataclasses.replace(network_options, generator=generator)
    return {**options, "run": run_options, "data": data.options, "networks": network_options}


def build_trainer(options: dict, data):
    """Returns the trainer, after a check that the pictures fit it."""
    from cyclegan_keras.training.optimizers import adam
    from cyclegan_keras.training.table import TRAINERS

    run_options = options["run"]
    method_options = options[run_options.method]
    if data.options.batch_size % run_options.accumulate_steps:
        raise OptionError(
            f"--batch_size={data.options.batch_size} cannot be taken in --accumulate_steps="
            f"{run_options.accumulate_steps} equal parts: it counts all pictures of a step. Use a "
            "multiple."
        )
    changes = method_options.changes_for_several_sizes()
    if data.picture_shape is None and changes:
        raise OptionError(
            f"--preprocess={data.options.preprocess} gives pictures of several sizes, but this "
            f"objective needs one: use {' and '.join(changes)}, or a --preprocess that crops."
        )
    trainer = TRAINERS[run_options.method].from_options(
        method_options,
        options["networks"],
        lambda: adam(options["optimizer"], run_options.steps_per_epoch),
        picture_shape=data.picture_shape or (None, None, 3),
        seed=run_options.seed,
        jit_compile=run_options.jit_compile,
        accumulate_steps=run_options.accumulate_steps,
        remat=run_options.remat,
    )
    trainer.check_sizes(data.sizes)
    return trainer


def start_from(trainer, networks: Mapping) -> str:
    """Gives the trainer weights to start from; returns in words which.

    Raises:
        OptionError: they do not fit.
    """
    from cyclegan_keras.models.description import describe

    try:
        trainer.start_from(networks)
    except ValueError as error:
        raise OptionError(f"--init_from does not fit the options typed: {error}") from error
    lines = [f"Starting {name} from {describe(network)}." for name, network in networks.items()]
    fresh = sorted(trainer.networks.keys() - networks.keys())
    if fresh:
        lines.append(f"New: {', '.join(fresh)}.")
    return "\n".join(lines)


def train_to_the_end(run: runs.Run, trainer, data, options: dict, team) -> int:
    """Continues `run` from its last checkpoint to its end; returns the exit code."""
    from cyclegan_keras.evaluation.ground_truth import ground_truth
    from cyclegan_keras.runs.networks import save_generators

    # ---- where an earlier command left off ----
    if team.is_chief:
        shapes = {name: variable.shape for name, variable in trainer.state().items()}
        restored = run.restore(shapes)
        if restored:
            step, state = restored
            trainer.load_state(state)
            print(f"Continuing {run.directory} after step {step}.")
        run.forget_metrics_after(trainer.step)
    team.follow_chief(trainer)

    # ---- training ----
    n_epochs = options["optimizer"].n_epochs + options["optimizer"].n_epochs_decay
    last_step = n_epochs * options["run"].steps_per_epoch
    if trainer.step < last_step:
        interruption = fit(trainer, data, run, options, last_step, team)
        if interruption.requested():
            print(
                f"Stopped by {interruption.signal_name} after step {trainer.step} of {last_step}; "
                f"saved in {run.checkpoints}.\nThe same command continues from there."
            )
            return interruption.exit_code
    print(f"Finished: step {trainer.step} of {last_step}.")

    # ---- what is left behind ----
    if team.is_chief:
        print(save_generators(trainer, run))
        if data.paired_test:
            print(ground_truth(trainer, data))
        print(f"Sample grids: {max(run.samples.glob('*.png'), default=run.samples)}")
    return 0


def fit(trainer, data, run: runs.Run, options: dict, last_step: int, team) -> Interruption:
    """Trains to `last_step`, or to the step at which a signal asks to stop."""
    from cyclegan_keras.evaluation import best
    from cyclegan_keras.training import callbacks, progress
    from cyclegan_keras.training.doctor import callback as doctor

    run_options, batch_size = options["run"], data.options.batch_size
    pictures = data.samples(run_options.sample_count)
    keep_best = best.callbacks_for(
        options["selection"],
        trainer,
        data,
        run,
        seed=run_options.seed,
    )
    doctors = doctor.callbacks_for(
        run_options.doctor,
        run,
        run_options.sample_every,
        pictures,
        run_options.method,
        options[run_options.method],
    )
    message = "Stopping after this step; press Ctrl-C again to stop without saving."
    with Interruption(message) as interruption:
        team.fit(
            trainer,
            data.train,
            last_step,
            interruption=interruption,
            callbacks=[
                callbacks.StopOnNonFinite(run),
                callbacks.Metrics(
                    run, run_options.log_every, batch_size, run_options.steps_per_epoch
                ),
                callbacks.Samples(run, run_options.sample_every, pictures),
                progress.FirstStep(),
                progress.Progress(batch_size, last_step),
                callbacks.StopOnInterruption(interruption),
                *keep_best,
                *doctors,
                # Last: what the others write of a step must lie there when its state does.
                callbacks.Checkpoints(run, run_options.checkpoint_minutes),
            ],
        )
    for each in doctors:
        each.raise_if_sick()
    return interruption
