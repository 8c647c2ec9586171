"""Trains an image-to-image translator: options -> data -> trainer -> fit -> save.

python train.py --dataset=cycle_gan/horse2zebra
"""

import dataclasses
import json
import os
import signal
import sys
from functools import partial

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before TensorFlow is loaded
__loads_when_needed__ = True  # by cyclegan_keras: --help does not wait for TensorFlow

import absl.logging

import pipelines.sources
from cyclegan_keras import (
    backends,
    checkpoints,
    console,
    distribution,
    evaluation,
    facts,
    flags,
    generators,
    planning,
    presets,
    runs,
    trainers,
)
from cyclegan_keras.models import NetworkOptions

GROUPS = {
    "run": runs.RunOptions,
    "devices": distribution.DistributionOptions,
    "data": pipelines.DataOptions,
    "networks": NetworkOptions,
    "optimizer": trainers.OptimizerOptions,
    "selection": evaluation.SelectionOptions,
    "every method": trainers.AdversarialOptions,
    **trainers.METHOD_OPTIONS,
    "plan": planning.PlanOptions,
}

MENDABLE = (
    *(flags.OptionError, pipelines.DataError, runs.RunError, checkpoints.CheckpointError),
    *(evaluation.EvaluationError, trainers.TrainerError, planning.PlanError),
)


def resolve_options(typed: dict) -> tuple[dict, str, dict]:
    """Returns the options by group, the run directory, and the networks to start from."""
    if typed.get("dataset"):  # photos/ and photos are one folder
        typed["dataset"] = os.path.normpath(os.path.expanduser(typed["dataset"]))
    preset = presets.PRESETS.get(typed.get("preset"), {})
    run_dir = os.path.expanduser(typed.get("run_dir") or usual_directory({**preset, **typed}))
    run = runs.Run(run_dir)
    saved = run.saved_options()
    runs.refuse_contradiction(typed, saved, flags.fields(GROUPS), run_dir)
    method = {"method": "cyclegan", **preset, **saved, **typed}["method"]
    if preset.get("method", method) != method:
        raise flags.OptionError(
            f"--preset={typed['preset']} is for --method={preset['method']}, not for {method}: "
            "leave one of them out."
        )
    flags.refuse_foreign(typed, method, trainers.METHOD_OPTIONS)
    if typed.get("pairs") and not trainers.TRAINERS[method].mixes_pairs:
        mixing = ", ".join(name for name, each in trainers.TRAINERS.items() if each.mixes_pairs)
        raise flags.OptionError(f"--pairs is for --method={mixing}, not for {method}.")
    start = {}
    if (places := {**saved, **typed}.get("init_from")) and not run.last_step():
        start = checkpoints.starting_networks(places)
    built = checkpoints.network_options(start) if start else {}
    groups = flags.groups_of(method, GROUPS, trainers.METHOD_OPTIONS)
    own = {"method": method, **presets.defaults_of(method, {**preset, **typed})}
    layers = (own, preset, built, saved, typed)
    return flags.resolve(groups, *layers), run_dir, start


def usual_directory(chosen: dict) -> str:
    """Returns where a run is kept whose directory nobody named."""
    if "dataset" not in chosen:
        raise flags.OptionError(
            "--dataset is missing: name a set (--dataset=cycle_gan/horse2zebra, "
            "--dataset=demo/ponies) or a folder with trainA and trainB or, for pairs, train. See "
            "--help."
        )
    dataset = chosen["dataset"]
    is_folder = dataset not in pipelines.sources.known()
    return runs.default_directory(dataset, chosen.get("method", "cyclegan"), is_folder=is_folder)


def set_global_state(options: runs.RunOptions) -> None:
    """Seeds, determinism and precision: what Keras and its backend keep globally."""
    import keras

    backends.prepare(deterministic=options.deterministic)
    keras.utils.set_random_seed(options.seed)
    if options.mixed_precision:
        keras.config.set_dtype_policy(f"mixed_{options.mixed_precision}")


def fill_in(options: dict, data) -> dict:
    """Returns the options with what was automatic made definite, now that the data are known."""
    run, networks = options["run"], options["networks"]
    if run.steps_per_epoch is None:
        run = dataclasses.replace(run, steps_per_epoch=data.steps_per_epoch)
    if networks.generator is None:
        generator = trainers.TRAINERS[run.method].usual_generator(data.sizes)
        networks = dataclasses.replace(networks, generator=generator)
    return {**options, "run": run, "data": data.options, "networks": networks}


def build_trainer(options: dict, data):
    """Returns the trainer, after a check that the pictures fit it."""
    method, run = options["run"].method, options["run"]
    shape, batch_size = data.picture_shape, data.options.batch_size
    if batch_size % run.accumulate_steps:
        raise flags.OptionError(
            f"--batch_size={batch_size} cannot be taken in --accumulate_steps="
            f"{run.accumulate_steps} equal parts: it counts all pictures of a step. Use a multiple."
        )
    if shape is None and (changes := options[method].changes_for_several_sizes()):
        raise flags.OptionError(
            f"--preprocess={data.options.preprocess} gives pictures of several sizes, but this "
            f"objective needs one: use {' and '.join(changes)}, or a --preprocess that crops."
        )
    trainer = trainers.TRAINERS[method].from_options(
        options[method],
        options["networks"],
        lambda: trainers.adam(options["optimizer"], run.steps_per_epoch),
        picture_shape=shape or (None, None, 3),
        seed=run.seed,
        jit_compile=run.jit_compile,
        accumulate_steps=run.accumulate_steps,
        remat=run.remat,
    )
    trainer.check_sizes(data.sizes)
    return trainer


def fit(trainer, data, run: runs.Run, options: dict, stop: int, team) -> int:
    """Trains to step `stop`; returns the number of the signal that ended it early, or 0."""
    often, batch_size = options["run"], data.options.batch_size
    pictures = data.samples(often.sample_count)
    selected = evaluation.best.callbacks_for(
        options["selection"],
        *(trainer, data, run, partial(generators.save_generator, trainer, run)),
        seed=options["run"].seed,
    )
    watching = trainers.doctor_callback.callbacks_for(
        often.doctor, run, often.sample_every, pictures, often.method, options[often.method]
    )
    with trainers.callbacks.StopOnSignal() as signals:
        team.fit(
            trainer,
            data.train,
            stop,
            signals=signals,
            callbacks=[
                trainers.callbacks.StopOnNonFinite(run),
                trainers.callbacks.Metrics(run, often.log_every, batch_size, often.steps_per_epoch),
                trainers.callbacks.Samples(run, often.sample_every, pictures),
                trainers.progress.FirstStep(),
                trainers.progress.Progress(batch_size, stop),
                signals,
                *selected,
                *watching,
                # Last: what the others write of a step must lie there when its state does.
                trainers.callbacks.Checkpoints(run, often.checkpoint_minutes),
            ],
        )
    for doctor in watching:
        doctor.raise_if_sick()
    return signals.number or 0


def train_in(run: runs.Run, trainer, data, options: dict, team) -> int:
    """Continues `run` from its last checkpoint to its end; returns the exit code."""
    if team.is_chief:
        if restored := run.restore({name: v.shape for name, v in trainer.state().items()}):
            step, state = restored
            trainer.load_state(state)
            print(f"Continuing {run.directory} after step {step}.")
        run.forget_metrics_after(trainer.step)
    team.follow_chief(trainer)
    schedule = options["optimizer"]
    stop = (schedule.n_epochs + schedule.n_epochs_decay) * options["run"].steps_per_epoch
    if trainer.step < stop and (number := fit(trainer, data, run, options, stop, team)):
        told = f"Stopped by {signal.Signals(number).name} after step {trainer.step} of {stop}"
        print(f"{told}; saved in {run.checkpoints}.\nThe same command continues from there.")
        return 128 + number
    print(f"Finished: step {trainer.step} of {stop}.")
    if not team.is_chief:
        return 0
    print(generators.save_generators(trainer, run))
    if data.paired_test:
        print(evaluation.ground_truth(trainer, data))
    print(f"Sample grids: {max(run.samples.glob('*.png'), default=run.samples)}")
    return 0


def train(argv: list[str]) -> int:
    """The whole story; returns the exit code."""
    typed = flags.parse(argv, GROUPS)
    backends.check_choice()
    joined = typed.get("dry_run") or distribution.devices.join(typed)  # before TensorFlow begins
    options, run_dir, start = resolve_options(typed)
    if options["run"].dry_run:
        print(json.dumps({**flags.flatten(options), "run_dir": run_dir}, indent=2))
        return 0
    if options["plan"].plan:
        planning.share_devices()
    set_global_state(options["run"])
    paired = trainers.TRAINERS[options["run"].method].needs_pairs
    data = pipelines.build(options["data"], seed=options["run"].seed, paired=paired)
    absl.logging.info(data.describe())
    options = fill_in(options, data)
    team = distribution.devices.form(
        *(options["devices"], joined, data.options.batch_size),
        jit_compile=options["run"].jit_compile,
    )
    team.check_same(flags.flatten(options, saved_only=True), data.facts())
    with team.scope():
        trainer = build_trainer(options, data)
    if options["plan"].plan:
        text, fits = planning.plan(options, data, trainer)
        print(text)
        return 0 if fits else 1
    if start:
        print(generators.start_from(trainer, start))
    run = runs.Run(run_dir, options["run"].keep_checkpoints)
    if not team.is_chief:
        return train_in(run, trainer, data, options, team)
    run.create()
    with run.locked():
        run.save_options(flags.flatten(options, saved_only=True))
        facts.note_facts(run, data.facts())
        return train_in(run, trainer, data, options, team)


def main(argv: list[str]) -> int:
    """Runs `train`; what a user can mend gets a sentence instead of a traceback."""
    return console.run(argv, train, GROUPS, __doc__, MENDABLE)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
